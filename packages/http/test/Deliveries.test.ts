import { assert, describe, it } from "@effect/vitest"
import * as Deliveries from "@effect-poll/http/Deliveries"
import * as DeliveryLog from "@effect-poll/http/DeliveryLog"
import * as WebhookPushes from "@effect-poll/http/WebhookPushes"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import { conformance, day, key } from "./deliveriesConformance.ts"

const store = <A, E>(
  use: (service: Deliveries.Deliveries["Service"]) => Effect.Effect<A, E>,
  options?: Deliveries.MemoryOptions
) => Effect.provide(Effect.flatMap(Deliveries.Deliveries, use), Deliveries.layerMemory(options))

describe("Deliveries.layerMemory", () => {
  conformance(() => Deliveries.layerMemory())

  it.effect("R72: capacity - forgets the oldest", () =>
    store(
      ({ begin, done }) =>
        Effect.gen(function* () {
          for (const id of ["a", "b", "c", "d"]) {
            yield* begin(key(id, id), day)
            yield* done(key(id, id))
          }
          assert.strictEqual(yield* begin(key("d", "d"), day), "repeat")
          assert.strictEqual(yield* begin(key("c", "c"), day), "repeat")
          assert.strictEqual(yield* begin(key("a", "a"), day), "new")
        }),
      { capacity: 3 }
    )
  )

  it("options - invalid ones throw a RangeError", () => {
    for (const capacity of [0, 1.5, Number.NaN, -1]) {
      assert.throws(() => Deliveries.layerMemory({ capacity }), RangeError, "capacity")
    }
    for (const lease of [0, -1, Infinity]) assert.throws(() => Deliveries.layerMemory({ lease }), RangeError, "lease")
  })
})

const entry = (n: number): DeliveryLog.Entry => ({
  receivedAt: n,
  route: "/h",
  size: 1,
  id: undefined,
  verified: true,
  did: "woke",
  status: 200,
  reason: undefined
})

describe("DeliveryLog.layer", () => {
  it.effect("entries - are the newest, oldest first, and the others are counted", () =>
    Effect.gen(function* () {
      const { dropped, entries, record } = yield* DeliveryLog.DeliveryLog
      const times = Effect.map(entries, (all) => all.map(({ receivedAt }) => receivedAt))
      assert.deepStrictEqual(yield* times, [])
      for (const n of [1, 2, 3]) yield* record(entry(n))
      assert.deepStrictEqual(yield* times, [1, 2, 3])
      assert.strictEqual(yield* dropped, 0)
      for (const n of [4, 5]) yield* record(entry(n))
      assert.deepStrictEqual(yield* times, [3, 4, 5])
      assert.strictEqual(yield* dropped, 2)
    }).pipe(Effect.provide(DeliveryLog.layer({ capacity: 3 })))
  )

  it("options - invalid ones throw a RangeError", () => {
    assert.throws(() => DeliveryLog.layer({ capacity: 0 }), RangeError, "capacity")
  })
})

const pushed = (n: number): WebhookPushes.Pushed => ({
  push: { key: n, result: undefined },
  delivery: { route: "/h", id: undefined, at: undefined, receivedAt: n }
})

describe("WebhookPushes.layer", () => {
  it.effect("stream - a slow subscriber loses its oldest pushes, which are counted, and no other does", () =>
    Effect.gen(function* () {
      const { dropped, publish, stream } = yield* WebhookPushes.WebhookPushes
      const latch = yield* Latch.make()
      const keys = Stream.map(stream, ({ push }) => push.key)
      const slow = yield* keys.pipe(
        Stream.mapEffect((each) => Effect.as(latch.await, each)),
        Stream.take(3),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      const fast = yield* keys.pipe(Stream.take(10), Stream.runCollect, Effect.forkChild({ startImmediately: true }))
      for (let n = 0; n < 10; n++) {
        yield* publish(pushed(n))
        yield* Effect.yieldNow
      }
      assert.deepStrictEqual(yield* Fiber.join(fast), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
      yield* latch.open
      assert.deepStrictEqual(yield* Fiber.join(slow), [0, 8, 9])
      assert.strictEqual(yield* dropped, 7)
      // Nobody subscribes any more, so nothing is lost.
      yield* publish(pushed(11))
      assert.strictEqual(yield* dropped, 7)
    }).pipe(Effect.provide(WebhookPushes.layer({ capacity: 2 })))
  )

  it("options - invalid ones throw a RangeError", () => {
    assert.throws(() => WebhookPushes.layer({ capacity: 0 }), RangeError, "capacity")
  })
})
