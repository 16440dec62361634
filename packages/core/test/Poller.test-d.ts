import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Handle } from "effect-poll/Handle"
import type * as Job from "effect-poll/Job"
import type { PollError } from "effect-poll/PollError"
import * as Poller from "effect-poll/Poller"
import * as Quorum from "effect-poll/Quorum"
import { ignore, type Network, type NetworkError, options } from "./support/types.ts"

class Numbers extends Context.Service<Numbers, { readonly seed: number }>()("test/Numbers") {}

declare const poller: Poller.Service
declare const job: Job.Job<number, boolean, "bad", "offline", Numbers>
declare const handle: Handle<string, number, NetworkError>

describe("Poller", () => {
  it("add and until - have the types of the job and require its services", () => {
    expectTypeOf(poller.add<string, string, number, NetworkError, Network>).returns.toEqualTypeOf<
      Effect.Effect<Handle<string, number, NetworkError>, never, Network>
    >()
    const added = () => poller.add(job, 1, options)
    expectTypeOf(added).returns.toEqualTypeOf<Effect.Effect<Handle<boolean, "bad", "offline">, never, Numbers>>()
    const result = () => poller.until(job, 1, options)
    expectTypeOf(result).returns.toEqualTypeOf<Effect.Effect<boolean, PollError<"bad", "offline">, Numbers>>()
  })

  it("results - have the errors of the keys only", () => {
    const fromList = () => poller.results(job, [1, 2], options)
    expectTypeOf(fromList).returns.toEqualTypeOf<
      Stream.Stream<Poller.Settled<number, boolean, "bad", "offline">, never, Numbers>
    >()
    const keys = {} as Stream.Stream<number, "no keys", Network>
    const fromStream = () => poller.results(job, keys, options)
    expectTypeOf(fromStream).returns.toEqualTypeOf<
      Stream.Stream<Poller.Settled<number, boolean, "bad", "offline">, "no keys", Numbers | Network>
    >()
  })

  it("onShutdown - may require services", () => {
    const made = () => Poller.make({ onShutdown: () => Effect.asVoid(Numbers) })
    expectTypeOf(made).returns.toEqualTypeOf<Effect.Effect<Poller.Service, never, Numbers | Scope.Scope>>()
    expectTypeOf(Poller.layer({})).toEqualTypeOf<Layer.Layer<Poller.Poller>>()
  })

  describe("mistakes", () => {
    it("key of another type - does not compile", () => {
      // @ts-expect-error the key of this job is a number
      ignore(() => poller.add(job, "1", options))
      // @ts-expect-error the key of this job is a number
      ignore(() => poller.until(job, "1", options))
      // @ts-expect-error the keys of this job are numbers
      ignore(() => poller.results(job, ["1"], options))
    })

    it("wait without a deadline - does not compile [R1]", () => {
      // @ts-expect-error the deadline is missing
      ignore(() => poller.add(job, 1, {}))
    })

    it("options in place of the key - do not compile", () => {
      // @ts-expect-error the key is missing
      ignore(() => poller.add(job, options))
    })
  })
})

describe("Quorum", () => {
  it("atLeast and tolerate - have the types of all waits", () => {
    const both = [handle.await, poller.until(job, 1, options)]
    type Both = PollError<number, NetworkError> | PollError<"bad", "offline">
    const enough = () => Quorum.atLeast(both, 2)
    expectTypeOf(enough).returns.toEqualTypeOf<
      Effect.Effect<Array<string | boolean>, Quorum.QuorumFailed<Both>, Numbers>
    >()
    const tolerated = () => Quorum.tolerate(new Set([handle.await]), 1)
    expectTypeOf(tolerated).returns.toEqualTypeOf<
      Effect.Effect<Array<string>, Quorum.QuorumFailed<PollError<number, NetworkError>>>
    >()
  })
})
