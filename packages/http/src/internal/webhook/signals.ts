import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Schema from "effect/Schema"
import type { Effects } from "../../DeliveryLog.ts"
import { type Answer, type Facts, problem, received } from "./answer.ts"
import * as Body from "./body.ts"
import * as Route from "./route.ts"
import { type EncodedEnding, type Settled, SignalSink, type SignalSinkError } from "./signalSink.ts"
import * as Utf8 from "./utf8.ts"

/** What a route needs to know of a job that signals end. */
export interface SignaledJob {
  readonly name: string
  readonly codecs: {
    readonly success: Schema.Codec<unknown, unknown>
    readonly failure?: Schema.Codec<unknown, unknown> | undefined
  }
}

/** A body: what the holder of the token says. */
const Said = /*#__PURE__*/ Schema.Struct({
  status: Schema.Literals(["completed", "failed", "canceled", "running"]),
  result: Schema.optionalKey(Schema.Unknown),
  reason: Schema.optionalKey(Schema.NullOr(Schema.String))
})

type Read =
  | { readonly did: Effects; readonly ending: EncodedEnding }
  | { readonly did: "heartbeat"; readonly ending: undefined }

/** The route of signals. A stranger learns nothing from it but 404 and 405. */
export const make = (
  name: string,
  path: string,
  jobs: ReadonlyArray<SignaledJob>,
  options: Body.BodyOptions
): Route.Route => {
  const limits = Body.limits(name, options)
  if (jobs.length === 0) throw new RangeError(`${name}: jobs must have at least one job, got []`)
  const readers = new Map(jobs.map((job) => [job.name, reader(job)]))
  if (readers.size !== jobs.length) throw new RangeError(`${name}: jobs must have different names`)

  const handle = (request: HttpServerRequest): Effect.Effect<Answer, Answer | SignalSinkError> =>
    Effect.gen(function* () {
      if (request.method !== "POST") return yield* Effect.fail(problem(405, "the method is not POST"))
      const sink = yield* SignalSink
      const token = Route.below(path, request.url) ?? ""
      // Tokens are compared as they are written, without percent encoding or dots.
      const job = /^[A-Za-z0-9_-]{16,256}$/.test(token) ? yield* sink.jobOf(token) : undefined
      const read = job === undefined ? undefined : readers.get(job)
      if (read === undefined) return yield* Effect.fail(problem(404, "the token is unknown"))
      const bytes = yield* Body.read(request, limits)
      const facts: Facts = { verified: true, size: bytes.length }
      const said = yield* read(bytes, facts)
      const settled = yield* said.ending === undefined ? sink.heartbeat(token) : sink.settle(token, said.ending)
      return answers[settled](said.did, facts)
    })

  return Route.make(path, true, (request) =>
    Effect.catch(handle(request), (error) =>
      Effect.succeed("_tag" in error ? problem(503, "the store of signals cannot answer") : error)
    )
  )
}

const answers: { readonly [Each in Settled]: (did: Effects, facts: Facts) => Answer } = {
  accepted: (did, facts) => received(did, facts),
  alreadyEnded: (_, facts) => problem(409, "the job has already ended", facts),
  expired: (_, facts) => problem(410, "the token has expired", facts),
  unknown: () => problem(404, "the token is unknown")
}

/** Reads a body by the codecs of a job, and returns it in their encoded form. */
const reader = ({ codecs }: SignaledJob) => {
  const said = Schema.decodeUnknownEffect(Schema.fromJsonString(Said))
  const success = canonical(codecs.success)
  const failure = codecs.failure === undefined ? undefined : canonical(codecs.failure)
  const read = ({ reason, result, status }: typeof Said.Type): Effect.Effect<Read, unknown> => {
    switch (status) {
      case "completed":
        return Effect.map(success(result), (value) => ({ did: status, ending: { _tag: "Succeeded", value } }))
      case "failed":
        return failure === undefined
          ? Effect.fail("the job has no failure of its own")
          : Effect.map(failure(result), (encoded) => ({ did: status, ending: { _tag: "Failed", failure: encoded } }))
      case "canceled":
        return Effect.succeed({ did: status, ending: { _tag: "Canceled", reason: reason ?? undefined } })
      case "running":
        return Effect.succeed({ did: "heartbeat", ending: undefined })
    }
  }
  return (bytes: Uint8Array, facts: Facts): Effect.Effect<Read, Answer> =>
    Effect.mapError(Effect.flatMap(said(Utf8.decode(bytes)), read), () =>
      problem(400, "the body does not fit the job", facts)
    )
}

/** Decodes and encodes again: what is stored is what the codec writes, without what it does not know. */
const canonical = (codec: Schema.Codec<unknown, unknown>) => {
  const decode = Schema.decodeUnknownEffect(codec)
  const encode = Schema.encodeUnknownEffect(codec)
  return (input: unknown) => Effect.flatMap(decode(input), encode)
}
