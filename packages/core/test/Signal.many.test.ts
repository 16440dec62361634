import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Signal from "effect-poll/Signal"
import { SignalStoreError } from "effect-poll/SignalError"
import * as SignalStore from "effect-poll/SignalStore"
import * as Status from "effect-poll/Status"
import { digest } from "./support/signalStores.ts"

const Review = Job.make<string>("review", { check: () => Effect.succeed(Status.pending()) }).pipe(
  Job.withCodecs({ success: Schema.String })
)

/** A store that another process completes signals in: it reports no change, and counts what it is asked for. */
const distant = Effect.gen(function* () {
  const store = yield* SignalStore.SignalStore
  const counts = { queries: 0, rows: 0, most: 0, broken: 0 }
  const getMany: NonNullable<SignalStore.Service["getMany"]> = (hashes) =>
    Effect.suspend(() => {
      counts.queries++
      counts.rows += hashes.length
      counts.most = Math.max(counts.most, hashes.length)
      if (counts.broken > 0) {
        counts.broken--
        return Effect.fail(new SignalStoreError({ operation: "get" }))
      }
      return Effect.map(Effect.forEach(hashes, store.get), (rows) => rows.filter((row) => row !== undefined))
    })
  return { counts, store: { ...store, getMany, changes: Stream.empty } }
})

/** Waits for as many signals. */
const waitFor = (store: SignalStore.Service, count: number) =>
  Effect.gen(function* () {
    const signals = yield* Effect.forEach(
      Array.from({ length: count }, (_, n) => n),
      (n) => Signal.make(Review, `key ${n}`, { maxWaitTime: "1 hour" })
    )
    const fibers = yield* Effect.forEach(signals, ({ events }) =>
      Effect.forkChild(Stream.runCollect(events), { startImmediately: true })
    )
    return { signals, fibers }
  }).pipe(Effect.provideService(SignalStore.SignalStore, store))

const provided = Layer.merge(SignalStore.layerMemory(), digest)

describe("Signal", () => {
  describe("a store that reads many signals at once", () => {
    it.effect("600 waits - share their questions", () =>
      Effect.gen(function* () {
        const { counts, store } = yield* distant
        yield* waitFor(store, 600)
        yield* TestClock.adjust("8 seconds")
        assert.isAtLeast(counts.rows, 2_000)
        assert.isAtMost(counts.most, 500)
        assert.isAtMost(counts.queries, 90)
      }).pipe(Effect.provide(provided))
    )

    it.effect("each wait - learns how its own signal has ended", () =>
      Effect.gen(function* () {
        const { store } = yield* distant
        const { fibers, signals } = yield* waitFor(store, 100)
        yield* TestClock.adjust("1 second")
        for (const [n, { token }] of signals.entries()) yield* Signal.complete(Review, token, `result ${n}`)
        yield* TestClock.adjust("2100 millis")
        const told = yield* Effect.forEach(fibers, Fiber.join)
        assert.deepStrictEqual(
          told.map(([first]) =>
            first?._tag === "Ended" && first.status._tag === "Succeeded" ? first.status.value : first
          ),
          signals.map((_, n) => `result ${n}`)
        )
      }).pipe(Effect.provide(provided))
    )

    it.effect("a question that fails - is asked again for all who shared it", () =>
      Effect.gen(function* () {
        const { counts, store } = yield* distant
        counts.broken = 3
        const { fibers, signals } = yield* waitFor(store, 100)
        for (const { token } of signals) yield* Signal.complete(Review, token, "done")
        yield* TestClock.adjust("1 minute")
        assert.isTrue(fibers.every((fiber) => fiber.pollUnsafe()?._tag === "Success"))
        assert.strictEqual(counts.broken, 0)
      }).pipe(Effect.provide(provided))
    )
  })
})
