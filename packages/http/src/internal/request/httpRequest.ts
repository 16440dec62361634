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
import * as charset from "./charset.ts"
import { isTooDeep, isValueTooDeep, maxDepth } from "./jsonText.ts"
import * as redirects from "./redirects.ts"
import * as requestPolicy from "./requestPolicy.ts"
import { traced } from "./tracing.ts"
import { transportReason } from "./transportError.ts"
import { parseUrl } from "./urls.ts"
import { isPromise, promised, typeOf, Yielded } from "./yielded.ts"

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

/** A media type without its parameters. */
export const mediaType = (header: string | undefined): string | undefined =>
  header?.split(";", 1)[0]!.trim().toLowerCase()

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

/** The error of a body that the Schema rejects. */
export const decodeFailure = (
  { message }: Schema.SchemaError,
  { status }: Pick<ReceivedAnswer, "status">,
  fail: Fail
): HttpCheckError => fail({ _tag: "Decode", status, issue: message })

export const decodeWith = <A, RD>(
  decode: (body: unknown) => Effect.Effect<A, Schema.SchemaError, RD>,
  answer: Pick<ReceivedAnswer, "body" | "status">,
  fail: Fail,
  content: unknown = answer.body
): Effect.Effect<A, HttpCheckError, RD> =>
  Effect.catchDefect(
    Effect.mapError(decode(content), (error) => decodeFailure(error, answer, fail)),
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
  const { as = "json", home, pickEvent, policy = requestPolicy.standard, ...how } = options
  const accepting = request.headers["accept"] === undefined ? accept(request, as) : request
  return arriving(accepting, policy, home, how, fail, (arrival) => receive(arrival, policy, as, pickEvent, fail))
}

/**
 * Sends a request and follows its redirects, and leaves the body to the caller, who has to read it or abort it. It fails
 * with the reasons `Transport`, `Authorization`, `InvalidRequest` and `Refused` only: any status is an answer.
 */
export const open = (
  request: HttpClientRequest.HttpClientRequest,
  fail: Fail,
  policy: requestPolicy.RequestPolicy
): Effect.Effect<redirects.Arrival, HttpCheckError, HttpClient.HttpClient> =>
  arriving(request, policy, undefined, { fresh: true }, fail, Effect.succeed)

// ---- internal ----

const arriving = <A>(
  request: HttpClientRequest.HttpClientRequest,
  policy: requestPolicy.RequestPolicy,
  home: string | undefined,
  { followSeeOther = true, fresh = false }: Pick<ExecuteOptions, "followSeeOther" | "fresh">,
  fail: Fail,
  use: (arrival: redirects.Arrival) => Effect.Effect<A, HttpCheckError>
): Effect.Effect<A, HttpCheckError, HttpClient.HttpClient> => {
  const route: redirects.Route = {
    rule: policy.origins,
    home: home === undefined ? undefined : parseUrl(home),
    fresh,
    followSeeOther
  }
  const shownUrl = () => policy.shownUrl ?? safeUrl(request.url)
  return traced(request, shownUrl, (sent, span) =>
    Effect.flatMap(HttpClient.HttpClient, (client) =>
      Effect.flatMap(redirects.send(client, sent, route, fail), (arrival) => {
        span?.attribute("http.response.status_code", arrival.response.status)
        return use(arrival)
      })
    )
  )
}

const accept = (
  request: HttpClientRequest.HttpClientRequest,
  as: NonNullable<ExecuteOptions["as"]>
): HttpClientRequest.HttpClientRequest =>
  as === "json" ? HttpClientRequest.acceptJson(request) : HttpClientRequest.accept(request, "*/*")

/** What is needed to read the body of an answer. */
interface Receiving {
  readonly arrival: redirects.Arrival
  readonly policy: requestPolicy.RequestPolicy
  readonly fail: Fail
  readonly ok: boolean
  readonly type: string | undefined
  readonly form: BodyForm
  /** Whether the body is a page that a redirect led to and that was not asked for. */
  readonly astray: boolean
}

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
  const type = mediaType(headers["content-type"])
  let form: BodyForm = "json"
  try {
    // A 202 and a 204 tell that there is no result.
    if (ok && status !== 202 && status !== 204) form = typeof as === "function" ? formIn(as({ status, headers })) : as
  } catch (cause) {
    return Effect.andThen(boundedBody.abort(response), Effect.fail(fail(readerFailure("as", cause))))
  }
  const astray = form !== "json" && isAstray(arrival, type)
  const self: Receiving = { arrival, policy, fail, ok, type, form: astray ? "json" : form, astray }
  const isEvents = pickEvent !== undefined && type === "text/event-stream"
  if (ok && (self.form === "stream" || isEvents)) {
    const left = boundedBody.codingsLeft(response, headers)
    if (left.length > 0) {
      const reason: Reason = { _tag: "Undecodable", status, encoding: left.toReversed().join(", ") }
      return Effect.andThen(boundedBody.abort(response), Effect.fail(fail(reason)))
    }
  }
  if (self.form === "stream") return receiveStream(self)
  return isEvents ? receiveEvent(self, pickEvent) : receiveWhole(self)
}

const receiveStream = ({ arrival, fail, form, policy, type }: Receiving): Effect.Effect<ReceivedAnswer> => {
  const { response } = arrival
  const { maxBytes } = policy
  const stream = boundedBody.stream(
    response,
    maxBytes,
    (cause) => fail(transportReason(cause, response.request)),
    () => fail({ _tag: "TooLarge", status: response.status, maxBytes })
  )
  return answer(arrival, { form, content: { kind: "other", type }, stream })
}

const receiveEvent = (self: Receiving, pick: boundedBody.PickEvent): Effect.Effect<ReceivedAnswer, HttpCheckError> =>
  Effect.matchEffect(boundedBody.readEvent(self.arrival.response, self.policy.maxBytes, pick), {
    onFailure: (error) => broken(self, error),
    onSuccess: ({ cut, text }) =>
      cut && self.ok ? tooLarge(self) : parsed(self, { text, bytes: undefined, cut, invalidIn: undefined })
  })

const receiveWhole = (self: Receiving): Effect.Effect<ReceivedAnswer, HttpCheckError> => {
  const { arrival, fail, form, ok, policy } = self
  const { headers, response } = arrival
  const read = Effect.flatMap(boundedBody.read(response, headers, policy.maxBytes), (body) =>
    boundedBody.decompress(response, headers, body, policy.maxBytes, form !== "bytes")
  )
  return Effect.matchEffect(read, {
    onFailure: (error) => broken(self, error),
    onSuccess: (body) => {
      if (typeof body === "string") {
        return ok
          ? Effect.fail(fail({ _tag: "Undecodable", status: response.status, encoding: body }))
          : answer(arrival, { form, content: { kind: "other", type: self.type } })
      }
      const { bytes, cut } = body
      if (cut && ok) return tooLarge(self)
      if (form === "bytes" && !isJson(self.type)) return parsed(self, { text: "", bytes, cut, invalidIn: undefined })
      return parsed(self, { ...charset.decode(bytes, headers["content-type"]), bytes, cut })
    }
  })
}

/** The status of a refusal says more than that its body broke off. */
const broken = ({ arrival, fail, form, ok, type }: Receiving, error: unknown) =>
  ok
    ? Effect.fail(fail(transportReason(error, arrival.response.request)))
    : answer(arrival, { form, content: { kind: "empty", type } })

const tooLarge = ({ arrival, fail, policy }: Receiving) =>
  Effect.fail(fail({ _tag: "TooLarge", status: arrival.response.status, maxBytes: policy.maxBytes }))

/** An answer whose body was read. */
const parsed = (
  { arrival, astray, fail, form, ok, policy, type }: Receiving,
  body: charset.Decoded & { readonly bytes: Uint8Array | undefined; readonly cut: boolean }
): Effect.Effect<ReceivedAnswer, HttpCheckError> => {
  const empty = form === "bytes" ? body.bytes!.byteLength === 0 : body.text.trim() === ""
  const read = form === "bytes" ? { form, text: "", bytes: body.bytes } : { form, text: body.text }
  const unparsed = (invalidIn?: string) =>
    answer(arrival, {
      ...read,
      content: { kind: empty ? "empty" : "other", type, ...(invalidIn === undefined ? {} : { invalidIn }) }
    })
  if (empty || body.cut || astray || (form !== "json" && !isJson(type))) return unparsed()
  // A result would be damaged; of a refusal only codes and words are read.
  if (ok && body.invalidIn !== undefined) return unparsed(body.invalidIn)
  const json = parse(body.text, policy.parse)
  switch (json._tag) {
    case "Json":
      return answer(arrival, { ...read, body: json.value, content: { kind: "json", type } })
    case "TooDeep":
      return ok ? Effect.fail(fail({ _tag: "TooDeep", status: arrival.response.status, maxDepth })) : unparsed()
    case "Threw":
      return Effect.fail(fail(readerFailure("parse", json.cause)))
    case "NotJson":
      return unparsed()
  }
}

/**
 * Whether a redirect led to a page: that of a login, a portal or a proxy. A request that accepts `text/html` by name asks
 * for one.
 */
const isAstray = ({ redirected, response, seeOther }: redirects.Arrival, type: string | undefined): boolean =>
  (redirected || seeOther) &&
  (type === "text/html" || type === "application/xhtml+xml") &&
  !/html/i.test(response.request.headers["accept"] ?? "")

const formIn = (said: unknown): BodyForm => {
  if (said === "json" || said === "text" || said === "bytes" || said === "stream") return said
  throw isPromise(said) ? promised(said) : new Yielded(`yielded no form of a body but ${typeOf(said)}`)
}

const readerFailure = (reader: "as" | "parse", cause: unknown): Reason => ({
  _tag: "Reader",
  reader,
  issue: cause instanceof Yielded ? cause.message : undefined,
  cause: Redacted.make(cause)
})

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

type Parsed =
  | { readonly _tag: "Json"; readonly value: unknown }
  | { readonly _tag: "NotJson" | "TooDeep" }
  | { readonly _tag: "Threw"; readonly cause: unknown }

const parse = (text: string, own: ((text: string) => unknown) | undefined): Parsed => {
  if (own === undefined && isTooDeep(text)) return { _tag: "TooDeep" }
  try {
    const value: unknown = (own ?? JSON.parse)(text)
    if (isPromise(value)) return { _tag: "Threw", cause: promised(value) }
    return own !== undefined && isValueTooDeep(value) ? { _tag: "TooDeep" } : { _tag: "Json", value }
  } catch (cause) {
    return own === undefined || cause instanceof SyntaxError ? { _tag: "NotJson" } : { _tag: "Threw", cause }
  }
}
