import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type * as CheckResult from "effect-poll/CheckResult"
import * as HintReader from "../../HintReader.ts"
import type { AnswerHead, BodyForm, HttpAnswer } from "../../HttpAnswer.ts"
import { type BodyKind, HttpCheckError, type Reason, safeUrl } from "../../HttpCheckError.ts"
import * as boundedBody from "./boundedBody.ts"
import { isTooDeep, isValueTooDeep, maxDepth } from "./jsonText.ts"
import * as redirects from "./redirects.ts"
import * as requestPolicy from "./requestPolicy.ts"
import { traced } from "./tracing.ts"
import { transportReason } from "./transportError.ts"
import { parseUrl } from "./urls.ts"

// One HTTP request and its answer: the only road of this package to the network. It follows redirects by the origin
// rule, bounds bodies, asks past caches and names what went wrong.

/** An answer, with what every check needs to know of it. */
export interface ReceivedAnswer extends HttpAnswer {
  /** Whether another URL than the one that was asked answered. */
  readonly redirected: boolean
  /** Whether a 303 led here. A client that follows redirects by itself (a browser) does not show it. */
  readonly seeOther: boolean
  readonly content: BodyKind
  /** The form in which the body was read. */
  readonly form: BodyForm
  /** The body as it came, where `form` is `"bytes"`. */
  readonly bytes: Uint8Array | undefined
  /** The body of a 2xx that is still to be read, where `form` is `"stream"`. */
  readonly stream: Stream.Stream<Uint8Array, HttpCheckError> | undefined
  /** The requested delay before the next check, by the headers. */
  readonly hint: CheckResult.Hint | undefined
  /** The server's own words, where the option `reason` of a check asks for them. */
  readonly detail?: string | undefined
}

/** How one request is sent and its answer read. */
export interface ExecuteOptions {
  /** The options of the user, checked by `requestPolicy.make`. Default: the standard ones. */
  readonly policy?: requestPolicy.RequestPolicy | undefined
  /**
   * How the body of a 2xx is read. With `"stream"` there is no `body`; with `"text"` and `"bytes"` there is one if the
   * media type is JSON. A 202, a 204 and whatever is not 2xx are read as `"json"`. Default: `"json"`.
   */
  readonly as?: BodyForm | ((head: AnswerHead) => BodyForm) | undefined
  /** Whether caches on the way are asked to let the request pass. Default: false. */
  readonly fresh?: boolean | undefined
  /**
   * The URL whose origin owns the credentials. With it the URL of the request is one that a server named, and passes
   * the origin rule. Default: the URL of the request itself.
   */
  readonly home?: string | undefined
  /** Whether a 303 is followed. Default: true. */
  readonly followSeeOther?: boolean | undefined
  /** Picks the event that is the answer, by its data, where the server answers with an event stream. */
  readonly pickEvent?: boundedBody.PickEvent | undefined
}

/** Makes the error of a request. */
export type Fail = (reason: Reason) => HttpCheckError

export const isOk = (answer: Pick<ReceivedAnswer, "status">): boolean => answer.status >= 200 && answer.status <= 299

export const statusReason = (
  { content, detail, hint, status }: Pick<ReceivedAnswer, "content" | "detail" | "hint" | "status">,
  kind?: "throttled" | "transient" | "permanent"
): Extract<Reason, { readonly _tag: "Status" }> => ({
  _tag: "Status",
  status,
  body: content,
  retryAfter: hint,
  kind,
  detail
})

export const notJsonReason = ({
  content,
  hint,
  status
}: Pick<ReceivedAnswer, "content" | "hint" | "status">): Reason => ({
  _tag: "NotJson",
  status,
  body: content,
  retryAfter: hint
})

export const failFor =
  (request: Pick<HttpClientRequest.HttpClientRequest, "method" | "url">, shownUrl: string | undefined): Fail =>
  (reason) =>
    new HttpCheckError({ method: request.method, url: shownUrl ?? safeUrl(request.url), reason })

export const decodeWith = <A, RD>(
  decode: (body: unknown) => Effect.Effect<A, Schema.SchemaError, RD>,
  answer: Pick<ReceivedAnswer, "body" | "status">,
  fail: Fail,
  content: unknown = answer.body
): Effect.Effect<A, HttpCheckError, RD> =>
  Effect.catchDefect(
    Effect.mapError(decode(content), (error) => fail({ _tag: "Decode", status: answer.status, issue: error.message })),
    // A transformation of the user's that throws: its message may hold a part of the body.
    () => Effect.fail(fail({ _tag: "Decode", status: answer.status, issue: "the Schema threw" }))
  )

export const withBody = (
  request: HttpClientRequest.HttpClientRequest,
  body: unknown,
  fail: Fail
): Effect.Effect<HttpClientRequest.HttpClientRequest, HttpCheckError> =>
  body === undefined
    ? Effect.succeed(request)
    : Effect.mapError(HttpClientRequest.bodyJson(request, body), () => fail({ _tag: "InvalidRequest", part: "body" }))

/**
 * Sends a request, follows its redirects and reads the answer, as far as the options allow.
 *
 * It fails with the reasons `Transport`, `Authorization`, `InvalidRequest`, `Refused`, `TooLarge`, `TooDeep` and
 * `Reader` (of `parse`) only: any status is an answer. Of an answer that is not 2xx a body that is too large is cut,
 * and one that is nested too deep or broke off is none.
 */
export const execute = (
  request: HttpClientRequest.HttpClientRequest,
  fail: Fail,
  options: ExecuteOptions = {}
): Effect.Effect<ReceivedAnswer, HttpCheckError, HttpClient.HttpClient> => {
  const {
    as = "json",
    followSeeOther = true,
    fresh = false,
    home,
    pickEvent,
    policy = requestPolicy.standard
  } = options
  const accepting = request.headers["accept"] === undefined ? accept(request, as) : request
  const route: redirects.Route = {
    rule: policy.origins,
    home: home === undefined ? undefined : parseUrl(home),
    fresh,
    followSeeOther
  }
  const shownUrl = () => policy.shownUrl ?? safeUrl(request.url)
  return traced(accepting, shownUrl, (sent, span) =>
    Effect.flatMap(HttpClient.HttpClient, (client) =>
      Effect.flatMap(redirects.send(client, sent, route, fail), (arrival) => {
        span?.attribute("http.response.status_code", arrival.response.status)
        return receive(arrival, policy, as, pickEvent, fail)
      })
    )
  )
}

// ---- internal ----

const accept = (
  request: HttpClientRequest.HttpClientRequest,
  as: NonNullable<ExecuteOptions["as"]>
): HttpClientRequest.HttpClientRequest =>
  as === "json" ? HttpClientRequest.acceptJson(request) : HttpClientRequest.accept(request, "*/*")

/** Reads the body of an answer. */
const receive = (
  arrival: redirects.Arrival,
  policy: requestPolicy.RequestPolicy,
  as: NonNullable<ExecuteOptions["as"]>,
  pickEvent: boundedBody.PickEvent | undefined,
  fail: Fail
): Effect.Effect<ReceivedAnswer, HttpCheckError> => {
  const { headers, response } = arrival
  const { status } = response
  const ok = status >= 200 && status <= 299
  const { maxBytes } = policy
  const type = mediaType(headers["content-type"])
  let form: BodyForm = "json"
  try {
    // A 202 and a 204 tell that there is no result.
    if (ok && status !== 202 && status !== 204) form = typeof as === "function" ? as({ status, headers }) : as
  } catch (cause) {
    return Effect.andThen(
      boundedBody.abort(response),
      Effect.fail(fail({ _tag: "Reader", reader: "as", cause: Redacted.make(cause) }))
    )
  }
  if (form === "stream") {
    const stream = boundedBody.stream(
      response,
      maxBytes,
      (cause) => fail(transportReason(cause, response.request)),
      () => fail({ _tag: "TooLarge", status, maxBytes })
    )
    return answer(arrival, { form, content: { kind: "other", type }, stream })
  }
  const read =
    pickEvent !== undefined && type === "text/event-stream"
      ? boundedBody.readEvent(response, maxBytes, pickEvent)
      : boundedBody.read(response, headers, maxBytes, form === "bytes" ? "bytes" : "text")
  return Effect.matchEffect(read, {
    // The status of a refusal says more than that its body broke off.
    onFailure: (error) =>
      ok
        ? Effect.fail(fail(transportReason(error, response.request)))
        : answer(arrival, { form, content: { kind: "empty", type } }),
    onSuccess: ({ bytes, cut, text }) => {
      if (cut && ok) return Effect.fail(fail({ _tag: "TooLarge", status, maxBytes }))
      const empty = bytes === undefined ? text.trim() === "" : bytes.byteLength === 0
      const parsable = !empty && !cut && (form === "json" || isJson(type))
      if (!parsable) return answer(arrival, { form, text, bytes, content: { kind: empty ? "empty" : "other", type } })
      const parsed = parse(bytes === undefined ? text : boundedBody.decodeText(bytes), policy.parse)
      switch (parsed._tag) {
        case "Json":
          return answer(arrival, { form, text, bytes, body: parsed.value, content: { kind: "json", type } })
        case "TooDeep":
          if (ok) return Effect.fail(fail({ _tag: "TooDeep", status, maxDepth }))
          break
        case "Threw":
          return Effect.fail(fail({ _tag: "Reader", reader: "parse", cause: Redacted.make(parsed.cause) }))
      }
      return answer(arrival, { form, text, bytes, content: { kind: "other", type } })
    }
  })
}

const answer = (
  { headers, redirected, response, seeOther, url }: redirects.Arrival,
  read: Pick<ReceivedAnswer, "form" | "content"> & Partial<Pick<ReceivedAnswer, "text" | "body" | "bytes" | "stream">>
): Effect.Effect<ReceivedAnswer> =>
  Effect.map(Clock.currentTimeMillis, (now) => ({
    url,
    redirected,
    seeOther,
    status: response.status,
    context: undefined,
    headers,
    body: read.body,
    text: read.text ?? "",
    content: read.content,
    form: read.form,
    bytes: read.bytes,
    stream: read.stream,
    hint: HintReader.fromAnswer(response.status, headers, now)
  }))

const isJson = (type: string | undefined): boolean =>
  type !== undefined && (type === "application/json" || type === "text/json" || type.endsWith("+json"))

/** A media type without its parameters. */
const mediaType = (header: string | undefined): string | undefined => header?.split(";", 1)[0]!.trim().toLowerCase()

type Parsed =
  | { readonly _tag: "Json"; readonly value: unknown }
  | { readonly _tag: "NotJson" | "TooDeep" }
  | { readonly _tag: "Threw"; readonly cause: unknown }

const parse = (text: string, own: ((text: string) => unknown) | undefined): Parsed => {
  if (own === undefined && isTooDeep(text)) return { _tag: "TooDeep" }
  try {
    const value: unknown = (own ?? JSON.parse)(text)
    return own !== undefined && isValueTooDeep(value) ? { _tag: "TooDeep" } : { _tag: "Json", value }
  } catch (cause) {
    return own === undefined || cause instanceof SyntaxError ? { _tag: "NotJson" } : { _tag: "Threw", cause }
  }
}
