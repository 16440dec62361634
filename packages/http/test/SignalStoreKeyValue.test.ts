import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as SignalStoreKeyValue from "@effect-poll/http/SignalStoreKeyValue"
import * as SignalStore from "effect-poll/SignalStore"
import { conformance, digest, rowOf, succeeded } from "../../core/test/support/signalStores.ts"

/** Entries whose reads and writes take a turn each, as those of a real store do. */
const slow = (entries: Map<string, string> = new Map()): Layer.Layer<KeyValueStore.KeyValueStore> => {
  const turn = <A>(use: () => A): Effect.Effect<A> => Effect.andThen(Effect.yieldNow, Effect.sync(use))
  return Layer.succeed(
    KeyValueStore.KeyValueStore,
    KeyValueStore.makeStringOnly({
      get: (key) => turn(() => entries.get(key)),
      set: (key, value) => turn(() => void entries.set(key, value)),
      remove: (key) => turn(() => void entries.delete(key)),
      clear: turn(() => entries.clear()),
      size: turn(() => entries.size),
      keys: turn(() => [...entries.keys()])
    })
  )
}

describe("SignalStoreKeyValue", () => {
  describe("layer", () => {
    conformance(Effect.sync(() => SignalStoreKeyValue.layer({ retention: "10 seconds" }).pipe(Layer.provide(slow()))))

    it.effect("layer - finds its signals again after a restart, and leaves other entries alone", () =>
      Effect.gen(function* () {
        const entries = new Map([["other", "entry"]])
        const start = () => Layer.fresh(SignalStoreKeyValue.layer({ prefix: "s/" }).pipe(Layer.provide(slow(entries))))
        const row = rowOf()
        yield* Effect.provide(
          SignalStore.SignalStore.use((store) => store.insert(row, "fail")),
          start()
        )
        yield* Effect.gen(function* () {
          const store = yield* SignalStore.SignalStore
          assert.deepStrictEqual(yield* store.newest(row.job, row.key), row)
          assert.deepStrictEqual(yield* store.list({}, 1_000), [row])
          assert.strictEqual(yield* store.settle(row.hash, succeeded(1), 1_500), "settled")
        }).pipe(Effect.provide(start()))
        assert.isTrue([...entries.keys()].every((key) => key === "other" || key.startsWith("s/")))
      })
    )

    it.effect("layer - removes all entries of a signal once its retention is over", () =>
      Effect.gen(function* () {
        const entries = new Map<string, string>()
        const store = yield* SignalStore.SignalStore.use(Effect.succeed).pipe(
          Effect.provide(SignalStoreKeyValue.layer({ retention: "1 second" }).pipe(Layer.provide(slow(entries))))
        )
        for (let at = 0; at < 10_000; at += 10)
          yield* store.insert(rowOf({ createdAt: at, expiresAt: at + 10 }), "fail")
        // Two entries for each of about 100 within their retention, and those that have not been visited again.
        assert.isAtMost(entries.size, 500)
      })
    )

    it.effect("settle - makes later calls wait until a write that hangs is over [R68]", () =>
      Effect.gen(function* () {
        const entries = new Map<string, string>()
        let release = (): void => {}
        let hangs = false
        const layer = SignalStoreKeyValue.layer().pipe(
          Layer.provide(
            Layer.effect(
              KeyValueStore.KeyValueStore,
              Effect.map(KeyValueStore.KeyValueStore, (store) => ({
                ...store,
                set: (key: string, value: string | Uint8Array) =>
                  hangs
                    ? Effect.callback<void>((resume) => {
                        hangs = false
                        release = () => resume(Effect.sync(() => void entries.set(key, String(value))))
                      })
                    : store.set(key, value)
              }))
            ).pipe(Layer.provide(slow(entries)))
          ),
          Layer.provide(digest)
        )
        const store = yield* SignalStore.SignalStore.use(Effect.succeed).pipe(Effect.provide(layer))
        const row = rowOf()
        yield* store.insert(row, "fail")
        hangs = true
        const first = yield* Effect.forkChild(store.settle(row.hash, succeeded(1), 1_500))
        for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
        assert.isFalse(hangs)
        yield* Effect.forkChild(Fiber.interrupt(first), { startImmediately: true })
        const second = yield* Effect.forkChild(store.settle(row.hash, succeeded(2), 1_500))
        for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
        release()
        const answer = yield* Fiber.join(second)
        assert.deepStrictEqual(answer, { ...row, endedAt: 1_500, ending: succeeded(1) })
        assert.deepStrictEqual(yield* store.get(row.hash), answer)
      })
    )

    it.effect("get - fails for an entry that is not a signal", () =>
      Effect.gen(function* () {
        const entries = new Map([["effect-poll/signals/row/00", "{"]])
        const store = yield* SignalStore.SignalStore.use(Effect.succeed).pipe(
          Effect.provide(SignalStoreKeyValue.layer().pipe(Layer.provide(slow(entries))))
        )
        const exit = yield* Effect.exit(store.get("00"))
        assert.isTrue(Exit.isFailure(exit))
        assert.match(String(yield* Effect.flip(store.settle("00", succeeded(1), 1))), /the store of signals failed/)
      })
    )

    it("layer - refuses options that are out of range", () => {
      assert.throws(() => SignalStoreKeyValue.layer({ retention: -1 }), RangeError, /retention/)
      assert.throws(() => SignalStoreKeyValue.layer({ timeout: 0 }), RangeError, /timeout/)
    })
  })
})
