import * as Effect from "effect/Effect"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Stream } from "effect/Stream"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Signal from "effect-poll/Signal"
import type {
  SignalConflict,
  SignalEncodeError,
  SignalExpired,
  SignalStoreError,
  SignalUnknown
} from "effect-poll/SignalError"
import type { SignalStore } from "effect-poll/SignalStore"
import * as Status from "effect-poll/Status"
import type * as Told from "effect-poll/Told"
import { describe, expectTypeOf, it } from "vitest"

class Region extends Context.Service<Region, string>()("Region") {}

const plain = Job.make("plain", { check: (_id: string) => Effect.succeed(Status.succeeded(1)) })

const failing = Job.make("failing", {
  check: (_id: string) => Effect.as(Region, Status.pending() as Status.Status<Date, "bad">)
})

const withCodecs = failing.pipe(Job.withCodecs({ success: Schema.Date, failure: Schema.Literal("bad") }))

const hour = { maxWaitTime: "1 hour" } as const

declare const token: Redacted.Redacted<string>

describe("Job.withCodecs", () => {
  it("adds Schemas and stays a job", () => {
    expectTypeOf(withCodecs).toExtend<Job.Job<string, Date, "bad", never, Region>>()
    expectTypeOf(withCodecs).toExtend<Job.WithCodecs<string, Date, "bad">>()
    expectTypeOf(Job.withCodecs(plain, { success: Schema.Finite })).toExtend<Job.WithCodecs<string, number>>()
    const wait = Poll.until(Job.provide(withCodecs, Layer.succeed(Region, "eu")), "a", { deadline: "1 hour" })
    expectTypeOf<Effect.Success<typeof wait>>().toEqualTypeOf<Date>()
    expectTypeOf<Effect.Services<typeof wait>>().toEqualTypeOf<never>()
  })

  it("survives Job.provide in both styles, and adds nothing to a job without Schemas", () => {
    const services = Layer.succeed(Region, "eu")
    expectTypeOf(Job.provide(withCodecs, services)).toExtend<Job.WithCodecs<string, Date, "bad">>()
    expectTypeOf(withCodecs.pipe(Job.provide(services))).toExtend<Job.WithCodecs<string, Date, "bad">>()
    expectTypeOf(Job.provide(failing, services)).toEqualTypeOf<Job.Job<string, Date, "bad">>()
    expectTypeOf(failing.pipe(Job.provide(services))).toEqualTypeOf<Job.Job<string, Date, "bad">>()
  })

  it("requires Schemas of the types of the job", () => {
    // @ts-expect-error the failures have no Schema
    Job.withCodecs(failing, { success: Schema.Date })
    // @ts-expect-error the failures have no Schema
    failing.pipe(Job.withCodecs({ success: Schema.Date }))
    // @ts-expect-error the results are no strings
    Job.withCodecs(plain, { success: Schema.String })
    // @ts-expect-error the results are no strings
    plain.pipe(Job.withCodecs({ success: Schema.String }))
    // @ts-expect-error the job has no failures
    Job.withCodecs(plain, { success: Schema.Finite, failure: Schema.String })
  })
})

describe("Signal", () => {
  it("requires a job with Schemas", () => {
    // @ts-expect-error the job has no Schemas
    expectTypeOf(Signal.make(plain, "a", hour))
    // @ts-expect-error the job has no Schemas
    expectTypeOf(Signal.complete(plain, token, 1))
    // @ts-expect-error the job has no Schemas
    expectTypeOf(Signal.fail(failing, token, "bad"))
    // @ts-expect-error the job has no Schemas
    expectTypeOf(Signal.attach(plain, { key: "a" }))
    // @ts-expect-error the job has no Schemas
    expectTypeOf(Signal.settleEncoded([plain], token, { _tag: "Canceled" }))
    // @ts-expect-error the job has no Schemas once services are provided
    expectTypeOf(Signal.make(Job.provide(failing, Layer.succeed(Region, "eu")), "a", hour))
    expectTypeOf(
      Signal.settleEncoded([withCodecs, Job.withCodecs(plain, { success: Schema.Finite })], token, { _tag: "Canceled" })
    )
  })

  it("takes values of the job", () => {
    expectTypeOf(Signal.complete(withCodecs, token, new Date(0)))
    // @ts-expect-error a string is no Date
    expectTypeOf(Signal.complete(withCodecs, token, "1970"))
    // @ts-expect-error not a failure of the job
    expectTypeOf(Signal.fail(withCodecs, token, "good"))
    // @ts-expect-error the keys are strings
    expectTypeOf(Signal.make(withCodecs, 1, hour))
    // @ts-expect-error the job has no failures
    expectTypeOf(Signal.fail(Job.withCodecs(plain, { success: Schema.Finite }), token, "bad"))
    // @ts-expect-error maxWaitTime is required
    expectTypeOf(Signal.make(withCodecs, "a", {}))
    // @ts-expect-error either a token or a key
    expectTypeOf(Signal.attach(withCodecs, { token, key: "a" }))
  })

  it("has exact types", () => {
    expectTypeOf(Signal.make(withCodecs, "a", hour)).toEqualTypeOf<
      Effect.Effect<Signal.Signal<string, Date, "bad">, SignalConflict | SignalStoreError, SignalStore>
    >()
    expectTypeOf<Signal.Signal<string, Date, "bad">["events"]>().toEqualTypeOf<Stream<Told.Told<Date, "bad">>>()
    expectTypeOf<Signal.Signal<string, Date>["events"]>().toExtend<Told.Source<Date>>()
    expectTypeOf(Signal.complete(withCodecs, token, new Date(0))).toEqualTypeOf<
      Effect.Effect<
        "accepted" | "alreadyEnded",
        SignalUnknown | SignalExpired | SignalEncodeError | SignalStoreError,
        SignalStore
      >
    >()
    expectTypeOf(Signal.cancel(token)).toEqualTypeOf<
      Effect.Effect<"accepted" | "alreadyEnded", SignalUnknown | SignalExpired | SignalStoreError, SignalStore>
    >()
    expectTypeOf(Signal.attach(withCodecs, { token })).toEqualTypeOf<
      Effect.Effect<Signal.Attached<string, Date, "bad">, SignalUnknown | SignalStoreError, SignalStore>
    >()
  })
})
