import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as KeyCodec from "effect-poll/KeyCodec"
import * as Status from "effect-poll/Status"
import { check, type Network, type NetworkError } from "./support/types.ts"

describe("Job", () => {
  it("make - infers its types from the check", () => {
    const made = Job.make("render", { check: (_id: string) => check })
    expectTypeOf(made).toExtend<Job.Job<string, string, number, NetworkError, Network>>()
  })

  it("make - infers the key of the check from the codec", () => {
    const key = KeyCodec.fromSchema(Schema.fromJsonString(Schema.Struct({ model: Schema.String })))
    const made = Job.make("render", { key, check: ({ model }) => Effect.succeed(Status.succeeded(model)) })
    expectTypeOf(made).toExtend<Job.Job<{ readonly model: string }, string>>()
  })

  it("key that is no string - does not compile without a codec", () => {
    // @ts-expect-error a key that is no string needs a codec
    Job.make("render", { check: (_id: number) => check })
  })
})
