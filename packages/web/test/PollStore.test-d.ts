// The mistakes below are errors of these kinds too.
// @effect-diagnostics missingEffectContext:off missingLayerContext:off
import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Atom from "effect/reactivity/Atom"
import { fromEntry } from "@effect-poll/web/atom"
import * as PollStore from "@effect-poll/web/PollStore"
import * as Seed from "@effect-poll/web/Seed"
import type { Snapshot } from "@effect-poll/web/Snapshot"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { Status } from "effect-poll/Status"

class Region extends Context.Service<Region, string>()("Region") {}
class Other extends Context.Service<Other, string>()("Other") {}

const job = Job.make("typed", {
  check: (_: string): Effect.Effect<Status<number, "broken">, "offline", Region> => Effect.never
})
const options = { deadline: "1 minute" } as const
const ignore = (_: () => unknown): void => {}

describe("PollStore", () => {
  it("entry - has the types of the job", () => {
    ignore(() => {
      const store = PollStore.make({ layer: Layer.succeed(Region, "eu") })
      const entry = store.entry(job, "a", options)
      expectTypeOf(entry).toEqualTypeOf<PollStore.Entry<number, "broken", "offline">>()
      expectTypeOf(entry.getSnapshot()).toEqualTypeOf<Snapshot<number, "broken", "offline">>()
      expectTypeOf(fromEntry(entry)).toEqualTypeOf<Atom.Atom<Snapshot<number, "broken", "offline">>>()
      // @ts-expect-error its keys are strings
      store.entry(job, 7, options)
      // @ts-expect-error the deadline is missing
      store.entry(job, "a", {})
    })
  })

  it("entry - requires a store with the services of the job", () => {
    ignore(() => {
      // @ts-expect-error there is no Region
      PollStore.make().entry(job, "a", options)
      // @ts-expect-error there is another service
      PollStore.make({ layer: Layer.succeed(Other, "x") }).entry(job, "a", options)
      const both = PollStore.make({ layer: Layer.mergeAll(Layer.succeed(Region, "eu"), Layer.succeed(Other, "x")) })
      both.entry(job, "a", options)
      // @ts-expect-error a layer that requires something
      PollStore.make({ layer: Layer.effect(Region, Other) })
    })
  })

  it("seed - is read before it is used", () => {
    ignore(() => {
      const store = PollStore.make({ layer: Layer.succeed(Region, "eu") })
      const encoded = Poll.advance(job, "a", options).pipe(Effect.flatMap((found) => Seed.fromAdvanced(job, found)))
      expectTypeOf(encoded).toExtend<Effect.Effect<Seed.Encoded, unknown, Region>>()
      store.entry(job, "a", { ...options, seed: Seed.read(job, {}) })
      // @ts-expect-error it is still encoded
      store.entry(job, "a", { ...options, seed: {} as Seed.Encoded })
    })
  })
})
