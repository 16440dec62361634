import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Poller from "effect-poll/Poller"
import * as Quorum from "effect-poll/Quorum"
import * as Status from "effect-poll/Status"
import { scriptedJob } from "./many.ts"
import { pending } from "./scripted.ts"

const hour = { deadline: "1 hour" } as const

/** A job whose keys say how they end: "ok 3" after 3 seconds, "bad 2" fails after 2, all others never. */
const spoken = () =>
  scriptedJob<string, string>((key, attempt) => {
    const [word, seconds] = key.split(" ")
    if (seconds === undefined || attempt <= Number(seconds)) return pending
    return word === "ok" ? Status.succeeded(key) : Status.failed(key)
  }).job

const setUp = (keys: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const job = spoken()
    const poller = yield* Poller.make({ stagger: false, linger: 0 })
    return { job, poller, waits: keys.map((key) => poller.until(job, key, hour)) }
  })

/** How an effect ends, and when; what the Poller still watches then. */
const outcome = <A, E>(poller: Poller.Service, effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.flatMap(Effect.exit(effect), (exit) =>
        Effect.zip(Effect.zip(Effect.succeed(exit), Clock.currentTimeMillis), poller.stats)
      )
    )
    yield* TestClock.adjust("10 minutes")
    const [[exit, at], { watched }] = yield* Fiber.join(fiber)
    return { exit, at, watched }
  })

const failureOf = <A, E>(exit: Exit.Exit<A, Quorum.QuorumFailed<E>>): Quorum.QuorumFailed<E> => {
  const error = Exit.findErrorOption(exit)
  assert(error._tag === "Some")
  return error.value
}

describe("Quorum", () => {
  describe("atLeast", () => {
    it.effect("yields the results in the order of the list and ends the other waits", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["ok 3", "never", "ok 2", "bad 1", "ok 4"])
        assert.deepStrictEqual(yield* outcome(poller, Quorum.atLeast(waits, 2)), {
          exit: Exit.succeed(["ok 3", "ok 2"]),
          at: 3000,
          watched: 0
        })
      })
    )

    it.effect("fails as soon as too few are left, with the causes in order of time", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["bad 2", "never", "bad 1", "ok 0"])
        const { at, exit, watched } = yield* outcome(poller, Quorum.atLeast(waits, 3))
        const { causes, message, needed, succeeded, total } = failureOf(exit)
        assert.deepStrictEqual([at, watched, needed, succeeded, total, causes.length], [2000, 0, 3, 1, 4, 2])
        assert.strictEqual(message, "3 of 4 effects must succeed: 1 succeeded, 2 failed")
        assert.match(JSON.stringify(causes[0]), /bad 1/)
      })
    )

    it.effect("fails at once when more are needed than there are", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["ok 1", "ok 2"])
        const { at, exit, watched } = yield* outcome(poller, Quorum.atLeast(waits, 3))
        assert.deepStrictEqual([at, watched, failureOf(exit).causes], [0, 0, []])
        assert.strictEqual(failureOf(yield* Effect.exit(Quorum.atLeast([], 1))).total, 0)
      })
    )

    it.effect("ends all waits when it is interrupted", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["never", "ok 100"])
        const fiber = yield* Effect.forkChild(Quorum.atLeast(waits, 1), { startImmediately: true })
        assert.strictEqual((yield* poller.stats).watched, 2)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual((yield* poller.stats).watched, 0)
      })
    )

    it.effect("counts a wait that was interrupted from elsewhere as failed", () =>
      Effect.gen(function* () {
        const { job, poller } = yield* setUp([])
        const handle = yield* poller.add(job, "never", hour)
        yield* handle.interrupt
        const { exit } = yield* outcome(poller, Quorum.atLeast([handle.await, poller.until(job, "ok 1", hour)], 2))
        assert.deepStrictEqual([failureOf(exit).succeeded, failureOf(exit).causes.length], [0, 1])
      })
    )

    it.effect("stops asking a handle but leaves its wait, unless told to interrupt it", () =>
      Effect.gen(function* () {
        const { job, poller } = yield* setUp([])
        const left = yield* poller.add(job, "never", hour)
        const ended = yield* poller.add(job, "never too", hour)
        const awaiting = [
          left.await,
          Effect.onInterrupt(ended.await, () => ended.interrupt),
          poller.until(job, "ok 1", hour)
        ]
        const { exit, watched } = yield* outcome(poller, Quorum.atLeast(awaiting, 1))
        assert.deepStrictEqual([exit, watched], [Exit.succeed(["ok 1"]), 1])
      })
    )
  })

  describe("tolerate", () => {
    it.effect("waits for all and yields the results of those that succeeded", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["ok 3", "bad 1", "ok 2"])
        assert.deepStrictEqual(yield* outcome(poller, Quorum.tolerate(waits, 1)), {
          exit: Exit.succeed(["ok 3", "ok 2"]),
          at: 3000,
          watched: 0
        })
      })
    )

    it.effect("fails with one failure more than allowed and ends the other waits", () =>
      Effect.gen(function* () {
        const { poller, waits } = yield* setUp(["never", "bad 1", "bad 2", "bad 3", "ok 1"])
        const { at, exit, watched } = yield* outcome(poller, Quorum.tolerate(waits, 1))
        const { causes, needed, succeeded } = failureOf(exit)
        assert.deepStrictEqual([at, watched, needed, succeeded, causes.length], [2000, 0, 4, 1, 2])
      })
    )

    it.effect("of nothing yields nothing, and all may fail if that is allowed", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* Quorum.tolerate([], 0), [])
        const { poller, waits } = yield* setUp(["bad 1", "bad 2"])
        assert.deepStrictEqual((yield* outcome(poller, Quorum.tolerate(waits, 5))).exit, Exit.succeed([]))
      })
    )
  })

  it.effect("is data-last too, and runs any effects", () =>
    Effect.gen(function* () {
      const effects = [Effect.fail("no"), Effect.succeed(1), Effect.succeed(2)]
      assert.deepStrictEqual(yield* Quorum.atLeast(1)(effects), [1])
      assert.deepStrictEqual(yield* Quorum.tolerate(1)(effects), [1, 2])
    })
  )

  it("a bad number is a RangeError at the call", () => {
    assert.throws(() => Quorum.atLeast([], 0), /^Quorum\.atLeast: count must be an integer >= 1, got 0$/)
    assert.throws(() => Quorum.tolerate([], -1), /^Quorum\.tolerate: failures must be an integer >= 0, got -1$/)
  })
})
