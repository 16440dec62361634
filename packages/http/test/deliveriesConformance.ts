import { assert, it } from "@effect/vitest"
import * as Deliveries from "@effect-poll/http/Deliveries"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"

export const day = 24 * 60 * 60 * 1000

export const key = (id: string, digest = "d"): Deliveries.Key => ({ route: "/h", id, digest })

/** What holds for every store of deliveries with a lease of one minute. `layer` yields a new one. */
export const conformance = <E>(layer: () => Layer.Layer<Deliveries.Deliveries, E>): void => {
  const store = <A>(use: (service: Deliveries.Deliveries["Service"]) => Effect.Effect<A, Deliveries.DeliveriesError>) =>
    Effect.provide(Effect.flatMap(Deliveries.Deliveries, use), layer())

  it.effect("R72: begin - says what is known of an id and of its bytes", () =>
    store(({ abandon, begin, done }) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* begin(key("a"), day), "new")
        assert.strictEqual(yield* begin(key("a"), day), "inFlight")
        assert.strictEqual(yield* begin(key("a", "e"), day), "conflict")
        yield* done(key("a"))
        assert.strictEqual(yield* begin(key("a"), day), "repeat")
        assert.strictEqual(yield* begin(key("a", "e"), day), "conflict")
        assert.strictEqual(yield* begin(key("b"), day), "copy")
        assert.strictEqual(yield* begin({ ...key("a"), route: "/i" }, day), "new")
        // What is done is not forgotten by a late attempt that failed.
        yield* abandon(key("a"))
        assert.strictEqual(yield* begin(key("a"), day), "repeat")
        yield* abandon(key("b"))
        assert.strictEqual(yield* begin(key("b"), day), "copy")
        yield* done(key("unknown"))
        yield* abandon(key("unknown"))
      })
    )
  )

  it.effect("R72: begin - yields new again once the lease is over, or when the delivery was abandoned", () =>
    store(({ abandon, begin, done }) =>
      Effect.gen(function* () {
        yield* begin(key("a"), day)
        yield* TestClock.adjust("59999 millis")
        assert.strictEqual(yield* begin(key("a"), day), "inFlight")
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(yield* begin(key("a"), day), "new")
        yield* done(key("a"))
        yield* begin(key("b", "e"), day)
        yield* abandon(key("b", "e"))
        assert.strictEqual(yield* begin(key("b", "e"), day), "new")
      })
    )
  )

  it.effect("R72: begin - forgets each delivery after its own time", () =>
    store(({ begin, done }) =>
      Effect.gen(function* () {
        yield* begin(key("long"), day)
        yield* done(key("long"))
        yield* begin(key("short", "e"), 1000)
        yield* done(key("short", "e"))
        yield* TestClock.adjust("999 millis")
        assert.strictEqual(yield* begin(key("short", "e"), 1000), "repeat")
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(yield* begin(key("short", "f"), 1000), "new")
        assert.strictEqual(yield* begin(key("long"), day), "repeat")
        // The bytes of what is over are no copy any more.
        assert.strictEqual(yield* begin(key("other", "e"), 1000), "new")
        yield* TestClock.adjust("1 day")
        assert.strictEqual(yield* begin(key("more"), day), "new")
      })
    )
  )

  it.effect("R72: of concurrent calls exactly one begins a delivery", () =>
    store(({ begin }) =>
      Effect.gen(function* () {
        const all = yield* Effect.forEach(Array.from({ length: 100 }), () => begin(key("a"), day), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(
          all.filter((each) => each !== "inFlight"),
          ["new"]
        )
      })
    )
  )

  it.effect("R72: of concurrent calls with the same bytes under different ids exactly one is no copy", () =>
    store(({ begin }) =>
      Effect.gen(function* () {
        const ids = Array.from({ length: 50 }, (_, n) => `id ${n}`)
        const all = yield* Effect.forEach(ids, (id) => begin(key(id), day), { concurrency: "unbounded" })
        assert.deepStrictEqual(all.toSorted(), [...ids.slice(1).map(() => "copy"), "new"])
      })
    )
  )

  it.effect("R72: bytes whose first delivery was abandoned - are new under their next id", () =>
    store(({ abandon, begin, done }) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* begin(key("a"), day), "new")
        assert.strictEqual(yield* begin(key("b"), day), "copy")
        yield* done(key("b"))
        yield* abandon(key("a"))
        assert.strictEqual(yield* begin(key("a"), day), "new")
        yield* abandon(key("a"))
        assert.strictEqual(yield* begin(key("c"), day), "new")
        assert.strictEqual(yield* begin(key("b"), day), "repeat")
      })
    )
  )

  it.effect("R72: begin - takes ids of any characters and length", () =>
    store(({ begin, done }) =>
      Effect.gen(function* () {
        const ids = ["", "\0", "\ud800", "é", "e\u0301", "'; --", "x".repeat(10_000), `${"x".repeat(10_000)}y`]
        for (const [at, id] of ids.entries()) {
          assert.strictEqual(yield* begin(key(id, `d${at}`), day), "new")
          yield* done(key(id, `d${at}`))
        }
        for (const [at, id] of ids.entries()) assert.strictEqual(yield* begin(key(id, `d${at}`), day), "repeat")
      })
    )
  )
}
