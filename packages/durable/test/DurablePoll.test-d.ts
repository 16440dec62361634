// The mistakes below are errors of these kinds too.
// @effect-diagnostics floatingEffect:off
import type * as DurableError from "@effect-poll/durable/DurableError"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import type { DurableRef } from "@effect-poll/durable/DurableRef"
import type { DurableRunner } from "@effect-poll/durable/DurableRunner"
import type { DurableStore } from "@effect-poll/durable/DurableStore"
import type { Ended, EndedError, View } from "@effect-poll/durable/DurableView"
import type { Ownership } from "@effect-poll/durable/Ownership"
import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { EndingError } from "effect-poll/Ending"
import type * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import type { CancelFailed } from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import type * as Told from "effect-poll/Told"

class Network extends Context.Service<Network, string>()("test/Network") {}
class Hub extends Context.Service<Hub, string>()("test/Hub") {}
class Mail extends Context.Service<Mail, string>()("test/Mail") {}
class Limits extends Context.Service<Limits, string>()("test/Limits") {}

interface Input {
  readonly prompt: string
  readonly key?: string
}

declare const check: (id: string) => Effect.Effect<Status.Status<number, boolean>, Error, Network>
declare const gate: Gate.Gate<Limits>
declare const source: Told.Source<number, boolean, Hub>
declare const ref: DurableRef

const job = Job.make("render", {
  check,
  submit: (_: Input): Effect.Effect<Job.Receipt<string, number, boolean>, "refused", Network> => Effect.fail("refused")
}).pipe(Job.withCodecs({ success: Schema.Finite, failure: Schema.Boolean }))

const bare = Job.make("render", { check })

const plain = DurablePoll.make(job, { deadline: "1 hour" })

describe("DurablePoll", () => {
  it("make - infers the types of the job, and what its runner needs", () => {
    expectTypeOf(plain).toEqualTypeOf<DurablePoll.DurablePoll<string, number, boolean, Network, Input, Network>>()
    expectTypeOf(plain.runner).toEqualTypeOf<Layer.Layer<never, never, DurableRunner | Network>>()
    const full = DurablePoll.make(job, {
      deadline: "unbounded",
      wait: { gate, signal: () => source },
      onEnded: (ended) => {
        expectTypeOf(ended).toEqualTypeOf<Ended<string, number, boolean>>()
        return Effect.asVoid(Mail)
      }
    })
    expectTypeOf(full.runner).toEqualTypeOf<Layer.Layer<never, never, DurableRunner | Network | Limits | Hub | Mail>>()
    expectTypeOf(full.cancel(ref)).toEqualTypeOf<
      Effect.Effect<
        void,
        CancelFailed | DurableError.DurableJobUnknown | DurableError.DurableStoreError,
        DurableStore | Network
      >
    >()
  })

  it("methods - have exact types", () => {
    expectTypeOf(plain.submit(["a"])).toEqualTypeOf<
      Effect.Effect<ReadonlyArray<DurableRef>, DurableError.DurableStoreError, DurableStore>
    >()
    expectTypeOf(plain.await(ref)).toEqualTypeOf<
      Effect.Effect<
        number,
        EndedError<boolean> | DurableError.DurableJobUnknown | DurableError.DurableStoreError,
        DurableStore
      >
    >()
    expectTypeOf(plain.results()).toEqualTypeOf<
      Stream.Stream<Ended<string, number, boolean>, DurableError.DurableStoreError, DurableStore>
    >()
    expectTypeOf(plain.settle(ref, Status.failed(true))).toEqualTypeOf<
      Effect.Effect<
        "settled" | "late",
        DurableError.DurableJobUnknown | EndingError | DurableError.DurableStoreError,
        DurableStore
      >
    >()
    expectTypeOf(plain.find(ref)).toEqualTypeOf<
      Effect.Effect<
        View<string, number, boolean>,
        DurableError.DurableJobUnknown | DurableError.DurableStoreError,
        DurableStore
      >
    >()
    expectTypeOf(DurablePoll.layerMemory).toEqualTypeOf<Layer.Layer<DurableStore | Ownership>>()
  })

  it("mistakes - do not compile", () => {
    // @ts-expect-error the job has no Schemas
    DurablePoll.make(bare, { deadline: "1 hour" })
    // @ts-expect-error the deadline is missing
    DurablePoll.make(job, {})
    // @ts-expect-error the deadline of waits is that of the submit
    DurablePoll.make(job, { deadline: "1 hour", wait: { deadline: "1 hour" } })
    // @ts-expect-error a runner leaves its waits
    DurablePoll.make(job, { deadline: "1 hour", wait: { onInterrupt: "cancelRemote" } })
    // @ts-expect-error a runner leaves its waits
    DurablePoll.make(job, { deadline: "1 hour", wait: { onClose: "cancelRemote" } })
    // @ts-expect-error the signal has results of another type
    DurablePoll.make(job, { deadline: "1 hour", wait: { signal: () => Stream.succeed("text") } })
    // @ts-expect-error keys are strings
    plain.submit([1])
    // @ts-expect-error the result is a number
    plain.settle(ref, Status.succeeded("text"))
    // @ts-expect-error a pending status is no end
    plain.settle(ref, Status.pending())
    // @ts-expect-error an idempotency key is needed
    plain.submitInputs([{ prompt: "a cat" }], {})
    // @ts-expect-error the input has a prompt
    plain.submitInputs([{ text: "a cat" }], { idempotencyKey: () => "a" })
    DurablePoll.make(job, {
      deadline: "1 hour",
      input: {
        schema: Schema.Struct({ prompt: Schema.String, key: Schema.optionalKey(Schema.String) }),
        withIdempotencyKey: (input, key) => ({ ...input, key })
      }
    })
    DurablePoll.make(job, {
      deadline: "1 hour",
      input: {
        // @ts-expect-error the schema is of another input
        schema: Schema.Struct({ text: Schema.String }),
        withIdempotencyKey: (input) => input
      }
    })
  })
})
