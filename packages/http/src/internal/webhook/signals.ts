import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Schema from "effect/Schema"
import type { AnyWithCodecs } from "effect-poll/Job"
import * as Signal from "effect-poll/Signal"
import type { SignalError } from "effect-poll/SignalError"
import type { Settlement } from "effect-poll/SignalRow"
import type { SignalStore } from "effect-poll/SignalStore"
import { type Answer, type Facts, problem, received } from "./answer.ts"
import * as Body from "./body.ts"
import * as Route from "./route.ts"
import * as Utf8 from "./utf8.ts"

/** A body: what the holder of the token says. */
const Said = /*#__PURE__*/ Schema.fromJsonString(
  /*#__PURE__*/ Schema.Struct({
    status: Schema.Literals(["completed", "failed", "canceled", "running"]),
    result: Schema.optionalKey(Schema.Unknown),
    reason: Schema.optionalKey(Schema.NullOr(Schema.String))
  })
)

/** The route of signals. A stranger learns nothing from it but 404 and 405. */
export const make = (
  name: string,
  path: string,
  jobs: ReadonlyArray<AnyWithCodecs>,
  options: Body.BodyOptions
): Route.Route<SignalStore> => {
  const limits = Body.limits(name, options)
  if (jobs.length === 0) throw new RangeError(`${name}: jobs must have at least one job, got []`)
  const names = new Set(jobs.map((job) => job.name))
  if (names.size !== jobs.length) throw new RangeError(`${name}: jobs must have different names`)
  const read = Schema.decodeUnknownEffect(Said)

  const handle = (request: HttpServerRequest): Effect.Effect<Answer, Answer | SignalError, SignalStore> =>
    Effect.gen(function* () {
      if (request.method !== "POST") return yield* Effect.fail(problem(405, "the method is not POST"))
      // Tokens are compared as they are written, without percent encoding or dots.
      const token = Route.below(path, request.url) ?? ""
      // The body of a stranger is not read.
      const { job } = yield* Signal.describe(token)
      if (!names.has(job)) return yield* Effect.fail(unknown)
      const bytes = yield* Body.read(request, limits)
      const facts: Facts = { verified: true, size: bytes.length }
      const said = yield* Effect.mapError(read(Utf8.decode(bytes)), () => misfit(facts))
      const settlement = settlementOf(said)
      const settled = settlement === undefined ? Signal.heartbeat(token) : Signal.settleEncoded(jobs, token, settlement)
      const answer = yield* Effect.mapError(settled, (error) => refusal(error, facts))
      if (answer === "alreadyEnded") return problem(409, "the job has already ended", facts)
      return received(said.status === "running" ? "heartbeat" : said.status, facts)
    })

  return Route.make(path, true, (request) =>
    Effect.catch(handle(request), (error) => Effect.succeed("_tag" in error ? refusal(error, {}) : error))
  )
}

// ---- internal ----

/** A result that is absent is `null`, which is how nothing is written in JSON. */
const settlementOf = ({ reason, result = null, status }: typeof Said.Type): Settlement | undefined => {
  switch (status) {
    case "completed":
      return { _tag: "Succeeded", value: result }
    case "failed":
      return { _tag: "Failed", failure: result }
    case "canceled":
      return { _tag: "Canceled", ...(reason == null ? {} : { reason }) }
    case "running":
      return undefined
  }
}

const unknown = /*#__PURE__*/ problem(404, "the token is unknown")

const misfit = (facts: Facts): Answer => problem(400, "the body does not fit the job", facts)

const refusal = (error: SignalError, facts: Facts): Answer => {
  switch (error._tag) {
    case "SignalUnknown":
    // No signal is made here, so none is in the way.
    case "SignalConflict":
      return unknown
    case "SignalExpired":
      return problem(410, "the token has expired", facts)
    case "SignalEncodeError":
      return misfit(facts)
    case "SignalStoreError":
      return problem(503, "the store of signals cannot answer", facts)
  }
}
