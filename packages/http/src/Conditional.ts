/**
 * Checks that ask only for what has changed: `ETag` and `If-None-Match`, `Last-Modified` and `If-Modified-Since` (RFC
 * 9110, 13).
 *
 * **Details**
 *
 * Given to checks as their option `conditional`, it keeps what a URL last said of a job, with its validators; the next
 * check sends them, and a 304 is that status again. Only pending answers are kept, by URL, and only of GET. What a job
 * ended with is dropped at once. Beyond `capacity` the one that was checked least recently is dropped; its next check
 * is an ordinary one.
 *
 * A 304 without a status that is known is a transient error. A request that has validators of its own is sent as it is.
 * The Schema has to be the same value at each check, not one that is made anew.
 *
 * **Gotchas**
 *
 * Answers are kept by URL only. If the answer depends on the credentials, use one store for each set of
 * credentials.
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
 * Creates a store that keeps up to `capacity` URLs. Default: 10,000, of some hundred bytes each.
 *
 * **Example** (Checking again for free)
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
