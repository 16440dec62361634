import * as Effect from "effect/Effect"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import type { CheckContext } from "effect-poll/CheckContext"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import { hasKnownWord, type StatusSchema } from "effect-poll/StatusSchema"
import * as HintReader from "../../HintReader.ts"
import type { HttpAnswer } from "../../HttpAnswer.ts"
import type { HttpCheckError } from "../../HttpCheckError.ts"
import type { Interpret } from "../../Interpretation.ts"
import type * as conditionalStore from "./conditionalStore.ts"
import {
  decodeFailure,
  decodeWith,
  type Fail,
  isOk,
  notJsonReason,
  type ReceivedAnswer,
  statusReason
} from "../request/httpRequest.ts"
import { contentOf, eitherHint, interpretAnswer, readWith, withReason } from "./interpretation.ts"
import * as reasons from "./reason.ts"
import { sync } from "../request/yielded.ts"
import { isThrottled } from "./throttling.ts"
import { decoderOf } from "./decoder.ts"

// What a check finds in an answer: first by the `interpret` of the user, then by the default table.

/** What reads the hint and the server's words from an answer, whatever it is for. */
export interface Readers {
  readonly hint?: HintReader.HintReader | undefined
  readonly reason?: boolean | ((answer: HttpAnswer) => string | undefined) | undefined
}

/** The options of a check that are about its answer. */
export interface Options<A, F, E, R, A3, RD3> extends Readers {
  readonly interpret?: Interpret<A, F, E, R> | undefined
  readonly run?: ((body: unknown) => CheckResult.Run | undefined) | undefined
  readonly result?: Schema.Codec<A3, unknown, RD3> | undefined
}

/** How the answers of one kind of check are read. Made once for all of its checks. */
export interface Reading<A, F, E, R> {
  readonly schema: StatusSchema<A, F, R>
  readonly decode: (content: unknown) => Effect.Effect<CheckResult.CheckResult<A, F>, Schema.SchemaError, R>
  readonly result: ((content: unknown) => Effect.Effect<A, Schema.SchemaError, R>) | undefined
  readonly options: Options<A, F, E, R, A, R>
}

/** One request of a check, and what is known of it. */
export interface Asked {
  readonly request: HttpClientRequest.HttpClientRequest
  readonly fail: Fail
  readonly context: CheckContext | undefined
  readonly store: conditionalStore.Store | undefined
  readonly known: conditionalStore.Entry | undefined
}

export const make = <A, F, E, R>(
  schema: StatusSchema<A, F, R>,
  options: Options<A, F, E, R, A, R>
): Reading<A, F, E, R> => ({
  schema,
  decode: Schema.decodeUnknownEffect(schema),
  result: options.result === undefined ? undefined : decoderOf(options.result),
  options
})

/** Reads an answer. */
export const read = <A, F, E, R>(
  self: Reading<A, F, E, R>,
  received: ReceivedAnswer,
  asked: Asked
): Effect.Effect<CheckResult.CheckResult<A, F>, HttpCheckError | E, R> => {
  const { interpret } = self.options
  if (interpret === undefined && !hasReaders(self.options)) return standard(self, received, asked)
  return Effect.flatMap(prepare(self.options, received, asked.fail, asked.context), (answer) => {
    if (interpret === undefined) return standard(self, answer, asked)
    return Effect.flatMap(interpretAnswer(interpret, answer, asked.fail), (said) => {
      if (said === undefined) return standard(self, answer, asked)
      if (said._tag === "Decode") return asStatus(self, answer, asked)
      asked.store?.forget(asked.request)
      return Effect.succeed(said)
    })
  })
}

/** An answer with what the readers of the user and the context add to it. */
export const prepare = (
  { hint, reason }: Readers,
  received: ReceivedAnswer,
  fail: Fail,
  context: CheckContext | undefined
): Effect.Effect<ReceivedAnswer, HttpCheckError> => {
  const answer = context === undefined ? received : { ...received, context }
  const hinted =
    hint === undefined
      ? Effect.succeed(answer)
      : Effect.map(
          readWith("hint", () => HintReader.fromInput(sync(hint(answer))), fail),
          (own) => ({
            ...answer,
            hint: eitherHint(own, answer.hint)
          })
        )
  if (reason === undefined || reason === false) return hinted
  return Effect.flatMap(hinted, (current) =>
    Effect.map(
      readWith("reason", () => (reason === true ? reasons.read(current) : reasons.own(reason(current))), fail),
      (detail) => ({ ...current, detail })
    )
  )
}

/** Whether a 404 is a page: of a proxy or a web server, and not of the API. */
export const isPage = ({ content, text }: ReceivedAnswer): boolean =>
  content.kind === "other" &&
  (content.type === "text/html" ||
    content.type === "application/xhtml+xml" ||
    /^\s*<(?:!doctype\s+html|html|head|body)\b/i.test(text.slice(0, 1024)))

// ---- internal ----

const hasReaders = ({ hint, reason }: Readers): boolean => hint !== undefined || (reason ?? false) !== false

/** The default table. */
const standard = <A, F, E, R>(
  self: Reading<A, F, E, R>,
  answer: ReceivedAnswer,
  asked: Asked
): Effect.Effect<CheckResult.CheckResult<A, F>, HttpCheckError, R> => {
  switch (answer.status) {
    case 202:
      return accepted(self, answer, asked)
    case 204:
      return found(Status.pending({ state: "HTTP 204" }), answer, asked)
    case 304:
      if (asked.known !== undefined) return unchanged(answer, asked, asked.known)
      break
    case 404:
      return found(isPage(answer) ? CheckResult.missingAfter(3) : CheckResult.missing, answer, asked)
    case 410:
      return found(CheckResult.missing, answer, asked)
  }
  if (isOk(answer)) return finished(self, answer, asked)
  return Effect.fail(asked.fail(statusReason(answer, isThrottled(answer) ? "throttled" : undefined)))
}

/** A result that is no status of the body. */
const found = <A, F>(
  result: CheckResult.CheckResult<A, F>,
  answer: ReceivedAnswer,
  { request, store }: Asked
): Effect.Effect<CheckResult.CheckResult<A, F>> => {
  store?.forget(request)
  return Effect.succeed(annotated(result, answer.hint, undefined))
}

/** A 202: a state word of its body counts, also where the Schema rejects the rest; without one the job is pending. */
const accepted = <A, F, E, R>(
  self: Reading<A, F, E, R>,
  answer: ReceivedAnswer,
  asked: Asked
): Effect.Effect<CheckResult.CheckResult<A, F>, HttpCheckError, R> => {
  const pending = () => found<A, F>(Status.pending({ state: "HTTP 202" }), answer, asked)
  if (answer.content.kind !== "json") return pending()
  return Effect.matchEffect(
    Effect.catchDefect(self.decode(answer.body), () => Effect.fail(undefined)),
    {
      onFailure: (error) =>
        error !== undefined && hasKnownWord(error.issue)
          ? Effect.fail(decodeFailure(error, answer, asked.fail))
          : pending(),
      onSuccess: (result) => {
        const plain = CheckResult.unannotated(result)
        switch (plain._tag) {
          case "UnknownState":
            return found(Status.pending({ state: plain.state }), answer, asked)
          case "Pending":
            return keep(self, plain.state === undefined ? withState(result, "HTTP 202") : result, answer, asked)
          case "Succeeded":
          case "Failed":
          case "Canceled":
          case "Expired":
            // Without a word the body only happens to fit the Schema.
            return plain.state === undefined ? pending() : keep(self, result, answer, asked)
          default:
            return keep(self, result, answer, asked)
        }
      }
    }
  )
}

/** A 2xx with a result or a status. */
const finished = <A, F, E, R>(
  self: Reading<A, F, E, R>,
  answer: ReceivedAnswer,
  asked: Asked
): Effect.Effect<CheckResult.CheckResult<A, F>, HttpCheckError, R> => {
  const { result } = self
  if (result === undefined || (!answer.seeOther && !answer.redirected)) return asStatus(self, answer, asked)
  if (!isReadable(answer)) return Effect.fail(asked.fail(notJsonReason(answer)))
  const asResult = Effect.flatMap(decodeWith(result, answer, asked.fail, contentOf(answer)), (value) =>
    found<A, F>(Status.succeeded(value), answer, asked)
  )
  if (answer.seeOther) return asResult
  // The client followed unseen: a body that is a status is one, and any other is the result.
  return Effect.matchEffect(decodeWith(self.decode, answer, asked.fail, contentOf(answer)), {
    onFailure: () => asResult,
    onSuccess: (status) => keep(self, status, answer, asked)
  })
}

/** The body is a status. */
const asStatus = <A, F, E, R>(
  self: Reading<A, F, E, R>,
  answer: ReceivedAnswer,
  asked: Asked
): Effect.Effect<CheckResult.CheckResult<A, F>, HttpCheckError, R> =>
  isReadable(answer)
    ? Effect.flatMap(decodeWith(self.decode, answer, asked.fail, contentOf(answer)), (status) =>
        keep(self, status, answer, asked)
      )
    : Effect.fail(asked.fail(notJsonReason(answer)))

const isReadable = ({ content, form }: ReceivedAnswer): boolean => form !== "json" || content.kind === "json"

/** A status that was decoded: with what the answer says besides it, and remembered for conditional checks. */
const keep = <A, F, E, R>(
  self: Reading<A, F, E, R>,
  status: CheckResult.CheckResult<A, F>,
  answer: ReceivedAnswer,
  { fail, request, store }: Asked
): Effect.Effect<CheckResult.CheckResult<A, F>, HttpCheckError> => {
  const { run: runOf } = self.options
  const own = withReason(status, answer.detail)
  if (runOf === undefined && store === undefined) return Effect.succeed(annotated(own, answer.hint, undefined))
  return Effect.map(runOf === undefined ? noRun : readWith("run", () => runOf(answer.body), fail), (run) => {
    store?.keep(request, answer.headers, { schema: self.schema, found: own, run })
    return annotated(own, answer.hint, run)
  })
}

const noRun: Effect.Effect<undefined> = Effect.undefined

/** A 304: what the check before it found. The Schema is the same one, so that has its types. */
const unchanged = <A, F>(
  answer: ReceivedAnswer,
  { request, store }: Asked,
  known: conditionalStore.Entry
): Effect.Effect<CheckResult.CheckResult<A, F>> => {
  store?.keep(request, answer.headers, known)
  return Effect.succeed(annotated(known.found as CheckResult.CheckResult<A, F>, answer.hint, known.run))
}

const annotated = <A, F>(
  result: CheckResult.CheckResult<A, F>,
  hint: CheckResult.Hint | undefined,
  run: CheckResult.Run | undefined
): CheckResult.CheckResult<A, F> => {
  const hinted = hint === undefined ? result : CheckResult.withHint(result, hint)
  return run === undefined ? hinted : CheckResult.withRun(hinted, run)
}

const withState = <A, F>(result: CheckResult.CheckResult<A, F>, state: string): CheckResult.CheckResult<A, F> => {
  switch (result._tag) {
    case "Pending":
      return Status.withState(result, state)
    case "Annotated":
      return Object.assign(Object.create(Object.getPrototypeOf(result)), result, {
        result: withState(result.result, state)
      })
    default:
      return result
  }
}
