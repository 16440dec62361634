import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Schema from "effect/Schema"
import type { HttpCheckError } from "../../HttpCheckError.ts"
import type { AttachOption, SendOptions, Sent } from "../../HttpCheckOptions.ts"
import {
  decodeWith,
  execute,
  type Fail,
  failFor,
  isOk,
  notJsonReason,
  type ReceivedAnswer,
  statusReason,
  withBody
} from "../request/httpRequest.ts"
import { contentOf, interpretAnswer, readerReason, readWith } from "./interpretation.ts"
import { prepare } from "./checkReading.ts"
import type { RequestPolicy } from "../request/requestPolicy.ts"
import { isThrottled } from "./throttling.ts"
import { decoderOf } from "./decoder.ts"
import { Yielded } from "../request/yielded.ts"

// A request that is no check: a submit, a cancel, a signal.

/** Sends a request once and decodes its answer. */
export const send = <A, RD, E, R>(
  request: HttpClientRequest.HttpClientRequest,
  schema: Schema.Codec<A, unknown, RD>,
  policy: RequestPolicy,
  options: SendOptions<E, R> & AttachOption<A>
): Effect.Effect<Sent<A>, HttpCheckError | E, HttpClient.HttpClient | RD | R> => {
  const decode = decoderOf(schema)
  const fail = failFor(request, policy.shownUrl)
  return Effect.gen(function* () {
    const received = yield* execute(yield* withBody(request, options.body, fail), fail, { policy, as: options.as })
    const answer = yield* prepare(options, received, fail, undefined)
    const isAccepted = (yield* interpreted(answer, options, fail)) ?? isOk(answer)
    if (!isAccepted) {
      const { attach } = options
      const running = attach === undefined ? undefined : yield* readWith("attach", () => attach(answer), fail)
      if (running !== undefined) return { value: running, hint: answer.hint, headers: answer.headers, attached: true }
      return yield* fail(statusReason(answer, isThrottled(answer) ? "throttled" : undefined))
    }
    if (answer.form === "json" && answer.content.kind === "other") return yield* fail(notJsonReason(answer))
    const value = yield* decodeWith(decode, answer, fail, contentOf(answer))
    return { value, hint: answer.hint, headers: answer.headers, attached: false }
  })
}

// ---- internal ----

/** Whether the answer is decoded whatever its status code; undefined if the `interpret` does not say. */
const interpreted = <E, R>(
  answer: ReceivedAnswer,
  { interpret }: SendOptions<E, R>,
  fail: Fail
): Effect.Effect<true | undefined, HttpCheckError | E, R> =>
  interpret === undefined
    ? Effect.undefined
    : Effect.flatMap(interpretAnswer(interpret, answer, fail), (said) => {
        if (said === undefined) return Effect.undefined
        if (said._tag === "Decode") return Effect.succeed(true as const)
        const cause = new Yielded(`yielded the status ${said._tag}, but this request is no check`)
        return Effect.fail(fail(readerReason("interpret", cause)))
      })
