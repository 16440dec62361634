import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SignalStore from "effect-poll/SignalStore"
import { conformance, rowOf, succeeded } from "./support/signalStores.ts"

describe("SignalStore", () => {
  describe("layerMemory", () => {
    conformance(Effect.sync(() => SignalStore.layerMemory({ retention: "10 seconds" })))

    it.effect("layerMemory - keeps at most maxEnded signals, those that ended last", () =>
      Effect.gen(function* () {
        const store = yield* SignalStore.SignalStore
        const rows = Array.from({ length: 5 }, () => rowOf())
        for (const row of rows) yield* store.insert(row, "fail")
        for (const row of rows.slice(0, 4)) yield* store.settle(row.hash, succeeded(1), 1_500)
        const kept = yield* store.list({}, 1_500)
        assert.deepStrictEqual(
          kept.map((row) => row.hash),
          rows.slice(2).map((row) => row.hash)
        )
      }).pipe(Effect.provide(SignalStore.layerMemory({ maxEnded: 2 })))
    )

    it.effect("layerMemory - does not grow while signals are made and forgotten", () =>
      Effect.gen(function* () {
        const store = yield* SignalStore.SignalStore
        let most = 0
        for (let at = 0; at < 20_000; at++) {
          const row = rowOf({ createdAt: at, expiresAt: at + 100 })
          yield* store.insert(row, "fail")
          if (at % 3 === 0) yield* store.settle(row.hash, succeeded(at), at)
          if (at % 1_000 === 999) most = Math.max(most, (yield* store.list({ limit: 100_000 }, at)).length)
        }
        // 100 are open and 1,000 within their retention.
        assert.isAtMost(most, 1_300)
      }).pipe(Effect.provide(SignalStore.layerMemory({ retention: "1 second" })))
    )

    it("layerMemory - refuses options that are out of range", () => {
      assert.throws(() => SignalStore.layerMemory({ retention: 0 }), RangeError, /retention/)
      assert.throws(() => SignalStore.layerMemory({ maxEnded: 0.5 }), RangeError, /maxEnded/)
      assert.throws(() => SignalStore.layerMemory({ keep: 1 } as never), RangeError, /keep/)
    })
  })
})
