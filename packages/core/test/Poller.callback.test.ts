import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import { hour } from "./support/options.ts"

type Check = Effect.Effect<Status.Status<string, string>, string>

const pending = Status.pending()
const done = Status.succeeded("done")

/** What the third check of a wait does, after two that are pending. */
const thirds: Record<string, Check> = {
  "promise that resolves": Effect.promise(() => Promise.resolve(done)),
  "promise that resolves to a failure": Effect.promise(() => Promise.resolve(Status.failed("broken"))),
  "promise that rejects": Effect.promise(() => Promise.reject(new Error("bug"))),
  "promise that takes a signal": Effect.promise((signal) => Promise.resolve(signal.aborted ? pending : done)),
  "function that throws": Effect.promise(() => {
    throw new Error("bug")
  }),
  "tryPromise that rejects": Effect.tryPromise({ try: () => Promise.reject(new Error("x")), catch: () => "offline" }),
  "tryPromise whose catch throws": Effect.tryPromise({
    try: () => Promise.reject(new Error("x")),
    catch: () => {
      throw new Error("bug")
    }
  }),
  "tryPromise that throws": Effect.tryPromise({
    try: () => {
      throw new Error("x")
    },
    catch: () => "offline"
  }),
  "callback that resumes at once": Effect.callback((resume) => resume(Effect.succeed(done))),
  "callback that resumes twice": Effect.callback((resume) => {
    queueMicrotask(() => {
      resume(Effect.succeed(done))
      resume(Effect.die("again"))
    })
  }),
  "callback that resumes with an effect that takes a while": Effect.callback((resume) =>
    resume(Effect.as(Effect.sleep("1 second"), done))
  ),
  "callback that resumes with an error": Effect.callback((resume) => resume(Effect.fail("offline"))),
  "callback that is never resumed": Effect.callback(() => {})
}

/** How a wait ends, and after how many checks. */
const endOf = (third: Check) =>
  Effect.gen(function* () {
    let checks = 0
    const poller = yield* Poller.make()
    const job = Job.make("job", { check: (_: string) => (++checks < 3 ? Effect.succeed(pending) : third) })
    const checkErrors = { maxConsecutive: 2, maxOutage: "1 second" } as const
    const handle = yield* poller.add(job, "a", { ...hour, checkTimeout: "10 seconds", checkErrors })
    const fiber = yield* Effect.forkChild(Effect.exit(handle.await))
    yield* TestClock.adjust("2 hours")
    return { exit: String(yield* Fiber.join(fiber)), checks, stats: yield* poller.stats }
  })

describe("Poller", () => {
  describe("check that is only a callback", () => {
    for (const [name, third] of Object.entries(thirds)) {
      it.effect(`${name} - ends the wait as it does in a fiber`, () =>
        Effect.gen(function* () {
          const forked = yield* endOf(Effect.suspend(() => third))
          assert.isAtLeast(forked.checks, 3)
          assert.deepStrictEqual(yield* endOf(third), forked)
        })
      )
    }

    it.effect("tracer that enters a context - enters it for each check", () =>
      Effect.gen(function* () {
        const tracer = yield* Tracer.Tracer
        const entered: Array<string> = []
        let isIn = false
        const entering = Tracer.make({
          span: (options) => tracer.span(options),
          context: (primitive, fiber) => {
            isIn = true
            const next = primitive["~effect/Effect/evaluate"](fiber)
            isIn = false
            return next
          }
        })
        const job = Job.make("job", {
          check: (_: string) =>
            Effect.promise(() => {
              entered.push(isIn ? "in" : "out")
              return Promise.resolve(entered.length < 3 ? pending : done)
            })
        })
        const poller = yield* Poller.make()
        const handle = yield* Effect.provideService(poller.add(job, "a", hour), Tracer.Tracer, entering)
        yield* TestClock.adjust("1 minute")
        yield* handle.await
        assert.deepStrictEqual(entered, ["in", "in", "in"])
      })
    )
  })

  describe("interruption of a check that is only a callback", () => {
    const interruptedWhile = (check: Check) =>
      Effect.gen(function* () {
        const poller = yield* Poller.make()
        const handle = yield* poller.add(Job.make("job", { check: (_: string) => check }), "a", hour)
        yield* TestClock.adjust("1 second")
        const before = yield* poller.stats
        const fiber = yield* Effect.forkChild(handle.interrupt)
        return { poller, requests: before.requests, fiber }
      })

    it.effect("promise with a signal - aborts the signal, and its late answer changes nothing", () =>
      Effect.gen(function* () {
        let aborted: AbortSignal | undefined
        let resolve = (_: Status.Status<string>): void => {}
        const { fiber, poller, requests } = yield* interruptedWhile(
          Effect.promise((signal) => {
            aborted = signal
            return new Promise((ready) => (resolve = ready))
          })
        )
        yield* Fiber.join(fiber)
        resolve(done)
        yield* TestClock.adjust("1 second")
        const { ended, requests: left } = yield* poller.stats
        assert.deepStrictEqual({ requests, left, ended }, { requests: 1, left: 0, ended: { Interrupted: 1 } })
        assert.isTrue(aborted?.aborted)
      })
    )

    it.effect("callback with a finalizer - waits for the finalizer", () =>
      Effect.gen(function* () {
        const log: Array<string> = []
        const finalizer = Effect.andThen(
          Effect.sleep("3 seconds"),
          Effect.sync(() => log.push("closed"))
        )
        const { fiber, poller } = yield* interruptedWhile(Effect.callback(() => finalizer))
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual([fiber.pollUnsafe(), log, (yield* poller.stats).requests], [undefined, [], 1])
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual([log, (yield* poller.stats).requests], [["closed"], 0])
      })
    )

    it.effect("effect that the callback resumed with - is interrupted", () =>
      Effect.gen(function* () {
        let exit: Exit.Exit<unknown> | undefined
        const rest = Effect.onExit(Effect.never, (found) => Effect.sync(() => (exit = found)))
        const { fiber } = yield* interruptedWhile(Effect.callback((resume) => resume(rest)))
        yield* Fiber.join(fiber)
        assert.isTrue(exit !== undefined && Exit.hasInterrupts(exit))
      })
    )

    it.effect("promise that removes its own wait - leaves nothing in flight", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make()
        let leave: Effect.Effect<unknown> = Effect.void
        const job = Job.make("job", {
          check: () =>
            Effect.promise(() => {
              Effect.runFork(leave)
              return Promise.resolve(pending)
            })
        })
        const handle = yield* poller.add(job, "a", hour)
        leave = handle.interrupt
        yield* TestClock.adjust("1 minute")
        const { requests, watched } = yield* poller.stats
        assert.deepStrictEqual({ requests, watched }, { requests: 0, watched: 0 })
      })
    )
  })
})
