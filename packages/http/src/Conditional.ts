/**
 * Conditional requests for checks: `ETag` and `If-None-Match`, `Last-Modified` and `If-Modified-Since` (RFC 9110, 13).
 *
 * **Details**
 *
 * Pass it to checks as their option `conditional`. It stores the last pending answer of each URL, with its validators.
 * The next check sends the validators, and a 304 stands for the stored status. Only answers to GET are stored. An
 * answer that is not pending removes the entry. Beyond `capacity` the least recently checked URL is dropped, and its
 * next check is unconditional.
 *
 * A 304 without a stored status is a transient error. A request with validators of its own is sent unchanged. Pass the
 * same Schema value to each check: a status is reused only for the Schema that decoded it.
 *
 * **Gotchas**
 *
 * Answers are stored by URL only. If they depend on the credentials, use one store per set of credentials.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as conditionalStore from "./internal/answer/conditionalStore.ts"
import * as validate from "./internal/validate.ts"

const TypeId = "~@effect-poll/http/Conditional"

/**
 * A store of the last pending answer of each URL, with its validators.
 *
 * @category models
 * @since 0.1.0
 */
export interface Conditional {
  readonly [TypeId]: unknown
}

/**
 * Creates a store of up to `capacity` URLs, an integer >= 1; default 10,000. An entry takes some hundred bytes.
 *
 * **Example** (A check that is answered with a 304)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Schema from "effect/Schema"
 * import * as CheckResult from "effect-poll/CheckResult"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 * import * as Conditional from "@effect-poll/http/Conditional"
 * import * as HttpCheck from "@effect-poll/http/HttpCheck"
 *
 * const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done"]) }), "state", {
 *   busy: Status.pending(),
 *   done: Status.succeeded("well")
 * })
 * const server = HttpClient.make((request) =>
 *   Effect.succeed(
 *     HttpClientResponse.fromWeb(
 *       request,
 *       request.headers["if-none-match"] === '"v1"'
 *         ? new Response(null, { status: 304 })
 *         : new Response('{ "state": "busy" }', { headers: { etag: '"v1"' } })
 *     )
 *   )
 * )
 * const checks = Effect.gen(function* () {
 *   const conditional = yield* Conditional.make()
 *   const check = HttpCheck.get("https://api.example.com/tasks/1", TaskStatus, { conditional })
 *   const both = [yield* check, yield* check]
 *   return both.map((each) => CheckResult.unannotated(each)._tag)
 * }).pipe(Effect.provideService(HttpClient.HttpClient, server))
 *
 * await Effect.runPromise(checks) // => ["Pending", "Pending"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: { readonly capacity?: number | undefined }): Effect.Effect<Conditional> => {
  const capacity = validate.count("Conditional.make: capacity", options?.capacity ?? 10_000, 1)
  return Effect.sync(() => ({ [TypeId]: new conditionalStore.Store(capacity) }))
}

/**
 * The number of URLs in the store.
 *
 * @category destructors
 * @since 0.1.0
 */
export const size = (self: Conditional): number => conditionalStore.storeOf(self).size
