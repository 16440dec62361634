import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Codecs } from "../../Job.ts"
import { SignalEncodeError } from "../../SignalError.ts"
import type { Ending, Settlement } from "../../SignalRow.ts"
import * as Status from "../../Status.ts"

// Results and failures as JSON, by the Schemas of their job.

interface Described {
  readonly name: string
  readonly codecs: Codecs<unknown, unknown>
}

/** Encodes a result of a job. */
export const encodeSuccess = (job: Described, value: unknown): Effect.Effect<Settlement, SignalEncodeError> =>
  Effect.map(encode(job, "success", value), (encoded) => ({ _tag: "Succeeded", value: encoded }))

/** Encodes a failure of a job. */
export const encodeFailure = (job: Described, failure: unknown): Effect.Effect<Settlement, SignalEncodeError> =>
  Effect.map(encode(job, "failure", failure), (encoded) => ({ _tag: "Failed", failure: encoded }))

/** Reads an encoded settlement and encodes it again, so that what is stored is what the Schema makes of it. */
export const checkSettlement = (job: Described, ending: Settlement): Effect.Effect<Settlement, SignalEncodeError> => {
  switch (ending._tag) {
    case "Succeeded":
      return Effect.flatMap(decode(job, "success", ending.value), (value) => encodeSuccess(job, value))
    case "Failed":
      return Effect.flatMap(decode(job, "failure", ending.failure), (failure) => encodeFailure(job, failure))
    case "Canceled":
      return Effect.succeed(ending)
  }
}

/** The status that an ending stands for. A stored value that the Schema no longer accepts is a defect. */
export const statusOf = (job: Described, ending: Ending): Effect.Effect<Status.Terminal<unknown, unknown>> => {
  switch (ending._tag) {
    case "Succeeded":
      return Effect.map(Effect.orDie(decode(job, "success", ending.value)), (value) => Status.succeeded(value))
    case "Failed":
      return Effect.map(Effect.orDie(decode(job, "failure", ending.failure)), (failure) => Status.failed(failure))
    case "Canceled":
      return Effect.succeed(Status.canceled({ reason: ending.reason }))
    case "Replaced":
      return Effect.succeed(Status.canceled({ reason: "another signal for the job replaced this one" }))
    case "Expired":
      return Effect.succeed(Status.expired({ reason: reasons[ending.reason] }))
  }
}

// ---- internal ----

const reasons = {
  maxWaitTime: "the signal was not completed within its maxWaitTime",
  heartbeat: "a heartbeat of the signal was missed"
}

type Coder = (value: unknown) => Effect.Effect<unknown, Schema.SchemaError>

const coders = new WeakMap<object, { readonly encode: Coder; readonly decode: Coder }>()

const codersOf = (schema: Schema.Codec<unknown, unknown>) => {
  let both = coders.get(schema)
  if (both === undefined) {
    const json = Schema.toCodecJson(schema)
    both = { encode: Schema.encodeUnknownEffect(json), decode: Schema.decodeUnknownEffect(json) }
    coders.set(schema, both)
  }
  return both
}

type Kind = "success" | "failure"

const code =
  (job: Described, kind: Kind, use: (coders: { readonly encode: Coder; readonly decode: Coder }) => Coder) =>
  (value: unknown): Effect.Effect<unknown, SignalEncodeError> => {
    const refuse = (issue: string) => new SignalEncodeError({ job: job.name, kind, issue })
    const schema = job.codecs[kind]
    if (schema === undefined) return Effect.fail(refuse("the job has no Schema for failures"))
    return Effect.suspend(() => use(codersOf(schema))(value)).pipe(
      Effect.mapError((error) => refuse(error.message)),
      // Such as a getter that throws, or a value that nests without end.
      Effect.catchDefect(() => Effect.fail(refuse("the value cannot be read")))
    )
  }

/** As JSON that nothing else refers to. */
const encode = (job: Described, kind: Kind, value: unknown): Effect.Effect<unknown, SignalEncodeError> =>
  Effect.flatMap(code(job, kind, (coders) => coders.encode)(value), (encoded) =>
    Effect.try({
      try: (): unknown => JSON.parse(JSON.stringify(encoded ?? null)),
      catch: () => new SignalEncodeError({ job: job.name, kind, issue: "the encoded value is not JSON" })
    })
  )

const decode = (job: Described, kind: Kind, value: unknown): Effect.Effect<unknown, SignalEncodeError> =>
  code(job, kind, (coders) => coders.decode)(value)
