import { assert, describe, it } from "@effect/vitest"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import * as DurableSeal from "@effect-poll/durable/DurableSeal"
import { DurableStore } from "@effect-poll/durable/DurableStore"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { hour, makeServer, runnerOn, shared } from "./support/jobs.ts"

const keyOf = (id: string, seed: number): DurableSeal.Key => ({
  id,
  bytes: Redacted.make(new Uint8Array(32).fill(seed))
})

/** A process with these keys, on the store of this one. */
const withKeys = <A, E>(
  effect: Effect.Effect<A, E, DurableStore>,
  ...keys: readonly [DurableSeal.Key, ...ReadonlyArray<DurableSeal.Key>]
) =>
  Effect.gen(function* () {
    const sealed = DurableSeal.layerWebCrypto({ keys }).pipe(Layer.provide(yield* shared))
    return yield* Effect.provide(effect, Layer.fresh(sealed))
  })

const one = keyOf("one", 1)
const two = keyOf("two", 2)

describe("DurableSeal", () => {
  it.effect("endings - are not readable in the store, and are decrypted with the key", () => {
    const poll = DurablePoll.make(makeServer().job, hour)
    return Effect.gen(function* () {
      const refs = yield* withKeys(
        Effect.gen(function* () {
          const refs = yield* poll.submit(["a", "b"])
          yield* poll.settle(refs[0]!, Status.succeeded("secret"))
          yield* poll.settle(refs[1]!, Status.succeeded("secret"))
          assert.strictEqual(yield* poll.await(refs[0]!), "secret")
          return refs
        }),
        one
      )
      const rows = yield* (yield* DurableStore).list({})
      const endings = rows.map(({ ended }) => ended!.ending)
      for (const ending of endings) assert.match(ending, /^sealed\.1\.one\.[\w+/=]+$/)
      assert.notInclude(JSON.stringify(rows), "secret")
      assert.notInclude(atob(endings[0]!.split(".")[3]!), "secret")
      assert.notStrictEqual(endings[0], endings[1], "each has a nonce of its own")
      // Without the layer, and with other keys.
      for (const failing of [poll.await(refs[0]!), withKeys(poll.await(refs[0]!), two)]) {
        const error = yield* Effect.flip(failing)
        assert.isTrue(error._tag === "DurableSealed" && error.keyId === "one")
      }
    }).pipe(Effect.provide(DurablePoll.layerMemory))
  })

  it.effect("keys - the first one encrypts, all of them decrypt, and texts stored before are read", () => {
    const poll = DurablePoll.make(makeServer().job, hour)
    return Effect.gen(function* () {
      const refs = yield* poll.submit(["plain", "one", "two"])
      yield* poll.settle(refs[0]!, Status.succeeded("0"))
      yield* withKeys(poll.settle(refs[1]!, Status.succeeded("1")), one)
      yield* withKeys(poll.settle(refs[2]!, Status.succeeded("2")), two, one)
      assert.deepStrictEqual(yield* withKeys(Effect.forEach(refs, poll.await), two, one), ["0", "1", "2"])
      const [, , row] = yield* (yield* DurableStore).find(
        "render",
        refs.map(({ id }) => id)
      )
      assert.include(row!.ended!.ending, "sealed.1.two.")
      // Another key of the same name.
      const error = yield* Effect.flip(withKeys(poll.await(refs[1]!), keyOf("one", 9)))
      assert.strictEqual(error._tag, "DurableSealed")
    }).pipe(Effect.provide(DurablePoll.layerMemory))
  })

  it.effect("endings - cannot be decrypted after they were changed, or moved to another job", () => {
    const poll = DurablePoll.make(makeServer().job, hour)
    return Effect.gen(function* () {
      const store = yield* DurableStore
      const refs = yield* poll.submit(["a", "b", "c"])
      yield* withKeys(poll.settle(refs[0]!, Status.succeeded("approved")), one)
      const [row] = yield* store.find("render", [refs[0]!.id])
      const { ending, outcome } = row!.ended!
      const forged = [ending, `${ending.slice(0, -6)}AAAAA=`]
      for (const [at, text] of forged.entries()) {
        const { id } = refs[at + 1]!
        yield* store.finish("render", [{ id, round: 1, claim: undefined, outcome, ending: text, attempts: 0 }])
        assert.strictEqual((yield* Effect.flip(withKeys(poll.await(refs[at + 1]!), one)))._tag, "DurableSealed")
      }
    }).pipe(Effect.provide(DurablePoll.layerMemory))
  })

  it.effect(
    "inputs and tokens - are encrypted, and a runner without the key leaves the jobs to one that has it",
    () => {
      const submitted: Array<string> = []
      const cursors: Array<string | undefined> = []
      const job = Job.make("render", {
        check: (key: string, { cursor }) =>
          Effect.sync(() => {
            cursors.push(cursor)
            return cursors.length < 2
              ? CheckResult.withCursor(Status.pending() as Status.Status<string>, "secret-cursor")
              : Status.succeeded(key)
          }),
        strategy: Strategy.spaced("20 seconds"),
        submit: (prompt: string) => Effect.sync(() => (submitted.push(prompt), { key: "job" }))
      }).pipe(Job.withCodecs({ success: Schema.String }))
      const poll = DurablePoll.make(job, {
        ...hour,
        input: { schema: Schema.String, withIdempotencyKey: (prompt) => prompt }
      })
      const sealedWith = (key: DurableSeal.Key) =>
        Effect.map(shared, (base) => DurableSeal.layerWebCrypto({ keys: [key] }).pipe(Layer.provideMerge(base)))
      const running = (key: DurableSeal.Key, time: Parameters<typeof TestClock.adjust>[0]) =>
        Effect.gen(function* () {
          const process = runnerOn(yield* sealedWith(key), poll)
          // Web Crypto takes real time.
          yield* Effect.provide(adjustSlowly(time), Layer.fresh(process))
        })
      return Effect.gen(function* () {
        const store = yield* DurableStore
        const submitting = poll.submitInputs(["a secret prompt"], { idempotencyKey: () => "k" })
        const [ref] = yield* withKeys(submitting, one)
        const rowNow = Effect.map(store.find("render", [ref!.id]), ([row]) => row!)
        assert.match((yield* rowNow).input!, /^sealed\.1\.one\./)
        yield* running(two, "1 minute")
        assert.strictEqual((yield* rowNow).state, "outbox")
        assert.deepStrictEqual(submitted, [])
        yield* running(one, "8 seconds")
        assert.deepStrictEqual(submitted, ["a secret prompt"])
        const left = yield* rowNow
        assert.strictEqual(left.state, "pending")
        assert.match(left.token!, /^sealed\.1\.one\./)
        yield* running(two, "1 minute")
        assert.strictEqual((yield* rowNow).state, "pending")
        const before = cursors.length
        yield* running(one, "1 minute")
        assert.strictEqual(yield* withKeys(poll.await(ref!), one), "job")
        assert.deepStrictEqual(cursors.slice(before), ["secret-cursor"])
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    }
  )

  it("layer - refuses invalid keys", () => {
    const layer = (...keys: ReadonlyArray<unknown>) => DurableSeal.layer({ keys: keys as never })
    const short = { id: "a", bytes: Redacted.make(new Uint8Array(16)) }
    for (const refused of [
      () => layer(),
      () => layer({ ...one, id: "" }),
      () => layer({ ...one, id: "a.b" }),
      () => layer(one, one),
      () => layer(short),
      () => layer({ id: "a", bytes: new Uint8Array(32) })
    ]) {
      assert.throws(refused, RangeError, "DurableSeal.layer: keys must be")
    }
  })
})

/** Moves the clock in steps, each with a turn of the event loop, for what is not on the clock. */
const adjustSlowly = (time: Parameters<typeof TestClock.adjust>[0]) =>
  Effect.gen(function* () {
    const step = Duration.divideUnsafe(Duration.fromInputUnsafe(time), 40)
    for (let at = 0; at < 40; at++) {
      yield* TestClock.adjust(step)
      yield* Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
    }
  })
