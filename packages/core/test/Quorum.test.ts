import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Poller from "effect-poll/Poller"
import * as Quorum from "effect-poll/Quorum"
import { timedJob } from "./support/jobs.ts"
import { hour, plain } from "./support/options.ts"
import { errorOf, outcomeIn } from "./support/runs.ts"

/** A Poller with a job, and a wait for each of these keys that is not started yet. */
const setUp = (keys: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const job = timedJob()
    const poller = yield* Poller.make(plain)
    return { job, poller, waits: keys.map((key) => poller.until(job, key, hour)) }
  })

describe("Quorum", () => {
  describe("atLeast", () => {
    it.effect("atLeast - yields the results in the order of the list and ends the other waits [R18]", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["ok 3", "never", "ok 2", "bad 1", "ok 4"])
        assert.deepStrictEqual(yield* outcomeIn(poller, Quorum.atLeast(waits, 2)), {
          exit: Exit.succeed(["ok 3", "ok 2"]),
          at: 3000,
          watched: 0
        })
      })
    )

    it.effect("atLeast - fails as soon as too few are left, with the causes in order of time", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["bad 2", "never", "bad 1", "ok 0"])
        const { at, exit, watched } = yield* outcomeIn(poller, Quorum.atLeast(waits, 3))
        const { causes, message, needed, succeeded, total } = errorOf(exit)
        assert.deepStrictEqual([at, watched, needed, succeeded, total, causes.length], [2000, 0, 3, 1, 4, 2])
        assert.strictEqual(message, "3 of 4 effects must succeed: 1 succeeded, 2 failed")
        assert.match(JSON.stringify(causes[0]), /bad 1/)
      })
    )

    it.effect("atLeast - fails at once when more are needed than there are", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["ok 1", "ok 2"])
        const { at, exit, watched } = yield* outcomeIn(poller, Quorum.atLeast(waits, 3))
        assert.deepStrictEqual([at, watched, errorOf(exit).causes], [0, 0, []])
        assert.strictEqual(errorOf(yield* Effect.exit(Quorum.atLeast([], 1))).total, 0)
      })
    )

    it.effect("atLeast - ends all waits when it is interrupted", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["never", "ok 100"])
        const fiber = yield* Effect.forkChild(Quorum.atLeast(waits, 1), { startImmediately: true })
        assert.strictEqual((yield* poller.stats).watched, 2)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual((yield* poller.stats).watched, 0)
      })
    )

    it.effect("atLeast - counts a wait that was interrupted from elsewhere as failed", () =>
      Effect.gen(function* () {
        const { job, poller } = yield* setUp([])
        const handle = yield* poller.add(job, "never", hour)
        yield* handle.interrupt
        const { exit } = yield* outcomeIn(poller, Quorum.atLeast([handle.await, poller.until(job, "ok 1", hour)], 2))
        assert.deepStrictEqual([errorOf(exit).succeeded, errorOf(exit).causes.length], [0, 1])
      })
    )

    it.effect(
      "atLeast - leaves the waits of handles that it no longer awaits, unless they are interrupted with it",
      () =>
        Effect.gen(function* () {
          const { job, poller } = yield* setUp([])
          const left = yield* poller.add(job, "never", hour)
          const ended = yield* poller.add(job, "never too", hour)
          const awaiting = [
            left.await,
            Effect.onInterrupt(ended.await, () => ended.interrupt),
            poller.until(job, "ok 1", hour)
          ]
          const { exit, watched } = yield* outcomeIn(poller, Quorum.atLeast(awaiting, 1))
          assert.deepStrictEqual([exit, watched], [Exit.succeed(["ok 1"]), 1])
        })
    )
  })

  describe("tolerate", () => {
    it.effect("tolerate - waits for all and yields the results of those that succeeded", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["ok 3", "bad 1", "ok 2"])
        assert.deepStrictEqual(yield* outcomeIn(poller, Quorum.tolerate(waits, 1)), {
          exit: Exit.succeed(["ok 3", "ok 2"]),
          at: 3000,
          watched: 0
        })
      })
    )

    it.effect("tolerate - fails with one failure more than allowed and ends the other waits", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["never", "bad 1", "bad 2", "bad 3", "ok 1"])
        const { at, exit, watched } = yield* outcomeIn(poller, Quorum.tolerate(waits, 1))
        const { causes, needed, succeeded } = errorOf(exit)
        assert.deepStrictEqual([at, watched, needed, succeeded, causes.length], [2000, 0, 4, 1, 2])
      })
    )

    it.effect("tolerate - yields nothing for an empty list, and for failures only if all may fail", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* Quorum.tolerate([], 0), [])
        const { poller, waits } = yield* setUp(["bad 1", "bad 2"])
        assert.deepStrictEqual((yield* outcomeIn(poller, Quorum.tolerate(waits, 5))).exit, Exit.succeed([]))
      })
    )
  })

  describe("signatures", () => {
    it.effect("atLeast and tolerate - are data-last too, and take any effects", () =>
      Effect.gen(function* () {
        const effects = [Effect.fail("no"), Effect.succeed(1), Effect.succeed(2)]
        assert.deepStrictEqual(yield* Quorum.atLeast(1)(effects), [1])
        assert.deepStrictEqual(yield* Quorum.tolerate(1)(effects), [1, 2])
      })
    )

    it("bad number - throws a RangeError at the call", () => {
      assert.throws(() => Quorum.atLeast([], 0), /^Quorum\.atLeast: count must be an integer >= 1, got 0$/)
      assert.throws(() => Quorum.tolerate([], -1), /^Quorum\.tolerate: failures must be an integer >= 0, got -1$/)
    })
  })
})
