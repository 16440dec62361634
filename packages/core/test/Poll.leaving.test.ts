import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Handle } from "effect-poll/Handle"
import type { Notification } from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import { cancelableJob, done, pending, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s, hour, plain } from "./support/options.ts"
import { ending, runFor } from "./support/runs.ts"

const cancelable = () => cancelableJob<string>(() => Effect.succeed(pending), { strategy: every2s })

type Leaving = Pick<Poll.Options, "onInterrupt" | "onClose">
type Cases<T> = ReadonlyArray<readonly [Leaving, T]>
const onClose: Leaving = { onClose: "cancelRemote" }
const onInterrupt: Leaving = { onInterrupt: "cancelRemote" }

describe.each(hosts)("$name", (host) => {
  describe("leaving is not canceling [R33]", () => {
    it.effect("scope that closes - follows onClose, whatever its exit", () =>
      Effect.gen(function* () {
        for (const exit of [Exit.void, Exit.fail("no"), Exit.interrupt()]) {
          for (const [options, expected] of [
            [onClose, ["a"]],
            [onInterrupt, []]
          ] satisfies Cases<ReadonlyArray<string>>) {
            const { canceled, job } = cancelable()
            const scope = yield* Scope.make()
            yield* Scope.provide(host.start(job, "a", { ...hour, ...options }), scope)
            yield* TestClock.adjust("3 seconds")
            yield* Scope.close(scope, exit)
            assert.deepStrictEqual(canceled, expected)
          }
        }
      })
    )

    it.effect("scope that closes - waits for a check that does not stop, for cancelTimeout at most", () =>
      Effect.gen(function* () {
        for (const [options, expected] of [
          [{}, []],
          [onClose, [3500]]
        ] satisfies Cases<ReadonlyArray<number>>) {
          for (const check of [
            Effect.uninterruptible(Effect.never),
            Effect.onInterrupt(Effect.never, () => Effect.never)
          ]) {
            const start = yield* Clock.currentTimeMillis
            const { canceledAt, job } = cancelableJob<string>(() => check)
            const scope = yield* Scope.make()
            yield* Scope.provide(host.start(job, "a", { ...hour, ...options, cancelTimeout: "5 seconds" }), scope)
            yield* TestClock.adjust("1 second")
            const { at } = yield* runFor(Scope.close(scope, Exit.void), "1 hour")
            assert.deepStrictEqual([canceledAt.map((at) => at - start), at - start], [expected, 6000])
          }
        }
      })
    )

    it.effect("observer that interrupts or leaves its wait - is not waited for, and observes the end", () =>
      Effect.gen(function* () {
        for (const [how, expected] of [
          ["interrupt", ["CancelRequested", "CancelAnswered", "Ended"]],
          ["leave", ["Ended"]]
        ] as const) {
          const { job } = cancelable()
          const observed: Array<string> = []
          const observe = ({ event: { _tag } }: Notification) => {
            if (observed.length > 0) return Effect.sync(() => void observed.push(_tag))
            return _tag === "Unchanged"
              ? Effect.andThen(
                  handle[how],
                  Effect.sync(() => void observed.push("done"))
                )
              : Effect.void
          }
          const options = { ...hour, ...onInterrupt, observers: [{ observe }] }
          const handle: Handle<string> = yield* host.start(job, "a", options)
          yield* TestClock.adjust("3 seconds")
          assert.deepStrictEqual(
            observed.filter((word) => word !== "Waiting"),
            ["done", ...expected]
          )
        }
      })
    )

    it.effect("observer that closes the scope of its wait - is waited for within cancelTimeout", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelable()
        const scope = yield* Scope.make()
        const observe = ({ event }: Notification) =>
          event._tag === "Unchanged" ? Scope.close(scope, Exit.void) : Effect.void
        const options = { ...hour, ...onClose, cancelTimeout: "5 seconds", observers: [{ observe }] } as const
        const handle = yield* Scope.provide(host.start(job, "a", options), scope)
        const { at, exit } = yield* runFor(handle.await, "1 hour")
        assert.isTrue(exit !== "running" && Exit.hasInterrupts(exit) && at <= 7000)
        assert.deepStrictEqual(canceled, ["a"])
      })
    )

    it.effect("caller or handle that interrupts - follows onInterrupt", () =>
      Effect.gen(function* () {
        for (const [options, expected] of [
          [onClose, []],
          [onInterrupt, ["a"]]
        ] satisfies Cases<ReadonlyArray<string>>) {
          const one = cancelable()
          const fiber = yield* Effect.forkChild(host.until(one.job, "a", { ...hour, ...options }))
          yield* TestClock.adjust("3 seconds")
          yield* Fiber.interrupt(fiber)
          const two = cancelable()
          const handle = yield* host.start(two.job, "a", { ...hour, ...options })
          yield* TestClock.adjust("3 seconds")
          yield* handle.interrupt
          assert.deepStrictEqual([one.canceled, two.canceled], [expected, expected])
        }
      })
    )

    it.effect("leave - ends the wait without a cancel, and yields a token that resumes it on time", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelable()
        const handle = yield* host.start(job, "a", { ...hour, onInterrupt: "cancelRemote", onClose: "cancelRemote" })
        yield* TestClock.adjust("3 seconds")
        const planned = yield* handle.token
        const token = yield* handle.leave
        assert.deepStrictEqual([token, planned.dueAt - planned.startedAt], [planned, 4000])
        assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(handle.await)))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([canceled, yield* handle.leave, yield* handle.token], [[], token, token])
      })
    )

    it.effect("leave during a check whose finalizer hangs - yields the token at once", () =>
      Effect.gen(function* () {
        const { job } = cancelableJob(() => Effect.onInterrupt(Effect.never, () => Effect.never))
        const handle = yield* host.start(job, "a", hour)
        yield* TestClock.adjust("1 second")
        const { key } = yield* handle.leave
        assert.deepStrictEqual([key, ending(yield* Effect.exit(handle.await))], ["a", "defect"])
      }).pipe(Effect.scoped, (test) => runFor(test, "1 minute"))
    )

    it.effect("leave after the end - yields the last token", () =>
      Effect.gen(function* () {
        const { check } = scripted(pending, done)
        const handle = yield* host.start(check, { ...hour, strategy: every2s })
        yield* TestClock.adjust("3 seconds")
        const token = yield* handle.leave
        assert.deepStrictEqual([token.attempts, yield* handle.await], [2, "done"])
      })
    )

    it.effect("cancelRemote of a job without cancel - is a RangeError that names the option", () =>
      Effect.sync(() => {
        for (const option of ["onTimeout", "onInterrupt", "onClose"] as const) {
          const options = { ...hour, [option]: "cancelRemote" }
          assert.throws(() => Poll.until(Effect.succeed(pending), options), RangeError, option)
        }
      })
    )
  })
})

describe("Poll.events", () => {
  it.effect("stream that is left - follows onInterrupt [R33]", () =>
    Effect.gen(function* () {
      for (const [options, expected] of [
        [onClose, []],
        [onInterrupt, ["a"]]
      ] satisfies Cases<ReadonlyArray<string>>) {
        const { canceled, job } = cancelable()
        yield* Stream.runDrain(Stream.take(Poll.events(job, "a", { ...hour, ...options }), 1))
        assert.deepStrictEqual(canceled, expected)
      }
    })
  )
})

describe("Poller", () => {
  describe("leaving is not canceling [R33]", () => {
    it.effect("stream of results that is left - follows onInterrupt", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelableJob<string>(
          (key) => Effect.succeed(key === "good" ? Status.succeeded(key) : pending),
          { strategy: every2s }
        )
        const poller = yield* Poller.make(plain)
        for (const options of [onClose, onInterrupt]) {
          const results = poller.results(job, ["bad", "good"], { ...hour, ...options })
          yield* Stream.runDrain(Stream.take(results, 1))
          assert.deepStrictEqual(canceled, options === onInterrupt ? ["bad"] : [])
        }
      })
    )

    it.effect("shutdown - yields the tokens before anything is canceled, interrupted or notified", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const note = (word: string) => Effect.sync(() => void order.push(word))
        const { job } = cancelableJob<string>(
          (key) => (key === "idle" ? Effect.succeed(pending) : Effect.onInterrupt(Effect.never, () => note("check"))),
          { cancel: note("cancel") }
        )
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "leaves", hour)
        const idle = yield* poller.add(job, "idle", { ...hour, onClose: "cancelRemote" })
        yield* Effect.forkChild(
          Effect.onExit(idle.await, () => note("caller")),
          { startImmediately: true }
        )
        yield* TestClock.adjust("1 second")
        const tokens = yield* poller.shutdown
        yield* note("tokens")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          [tokens.map(({ key }) => key), order[0], order.slice(1).toSorted()],
          [["leaves"], "tokens", ["caller", "cancel", "check"]]
        )
      })
    )

    it.effect("1,000 cancels that hang - are all sent, and the Poller closes within cancelTimeout", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelableJob(() => Effect.succeed(pending), { cancel: Effect.never })
        const scope = yield* Scope.make()
        const poller = yield* Scope.provide(Poller.make(plain), scope)
        const options = { ...hour, onClose: "cancelRemote", cancelTimeout: "5 seconds" } as const
        for (let at = 0; at < 1000; at++) yield* poller.add(job, `k${at}`, options)
        yield* TestClock.adjust("1 second")
        const { at } = yield* runFor(Scope.close(scope, Exit.void), "1 hour")
        assert.deepStrictEqual([canceled.length, at], [1000, 6000])
      })
    )

    it.effect("checks whose finalizers hang - delay neither the cancels nor the close beyond cancelTimeout", () =>
      Effect.gen(function* () {
        const { canceledAt, job } = cancelableJob(() => Effect.onInterrupt(Effect.never, () => Effect.never))
        const scope = yield* Scope.make()
        const poller = yield* Scope.provide(Poller.make(plain), scope)
        yield* poller.add(job, "a", { ...hour, onClose: "cancelRemote" })
        yield* poller.add(job, "b", hour)
        yield* TestClock.adjust("1 second")
        const { at } = yield* runFor(Scope.close(scope, Exit.void), "1 hour")
        assert.deepStrictEqual([canceledAt, at], [[6000], 11_000])
      })
    )

    it.effect("caller that times out - follows onInterrupt, and its token is kept for a second", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelable()
        const poller = yield* Poller.make(plain)
        const given = (key: string, options: Leaving) =>
          Effect.timeoutOption(poller.until(job, key, { ...hour, ...options }), "5 seconds")
        const waits = [given("old", {}), given("cancel", onInterrupt), Effect.delay(given("recent", {}), "2 seconds")]
        yield* Effect.forkChild(Effect.all(waits, { concurrency: "unbounded" }))
        yield* TestClock.adjust("7 seconds")
        const tokens = yield* poller.shutdown
        assert.deepStrictEqual([canceled, tokens.map(({ key }) => key)], [["cancel"], ["recent"]])
      })
    )

    it.effect("caller that was left before its job ended or was canceled - leaves no token", () =>
      Effect.gen(function* () {
        const ends: Record<string, Status.Status<string>> = { done: Status.succeeded("x"), gone: Status.canceled() }
        const states = new Map<string, Status.Status<string>>()
        const { canceled, job } = cancelableJob<string>((key) => Effect.succeed(states.get(key) ?? pending), {
          strategy: every2s
        })
        const poller = yield* Poller.make(plain)
        const keys = ["done", "gone", "interrupted", "timedOut", "closed", "left"]
        const first = Effect.forEach(keys, (key) => poller.until(job, key, hour), { concurrency: "unbounded" })
        yield* Effect.forkChild(Effect.timeoutOption(first, "1 second"))
        yield* TestClock.adjust("1 second")
        for (const key in ends) {
          states.set(key, ends[key]!)
          yield* Effect.exit(poller.until(job, key, hour))
        }
        const interrupted = yield* poller.add(job, "interrupted", { ...hour, ...onInterrupt })
        yield* interrupted.interrupt
        const soon = { deadline: "100 millis", cancelTimeout: "100 millis", onTimeout: "cancelRemote" } as const
        yield* poller.add(job, "timedOut", soon)
        yield* poller.add(job, "closed", { ...hour, ...onClose })
        yield* TestClock.adjust("500 millis")
        const tokens = yield* poller.shutdown
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          [tokens.map(({ key }) => key), canceled.toSorted()],
          [["left"], ["closed", "interrupted", "timedOut"]]
        )
      })
    )

    it.effect("caller that the closing scope interrupts - follows onClose", () =>
      Effect.gen(function* () {
        for (const [options, expected] of [
          [onInterrupt, { canceled: [], running: ["a"] }],
          [onClose, { canceled: ["a"], running: [] }]
        ] satisfies Cases<Record<"canceled" | "running", ReadonlyArray<string>>>) {
          const { canceled, job } = cancelable()
          const running: Array<string> = []
          const outer = yield* Scope.make()
          const inner = yield* Scope.fork(outer)
          const onShutdown = (tokens: ReadonlyArray<{ readonly key: string }>) =>
            Effect.sync(() => void running.push(...tokens.map(({ key }) => key)))
          const poller = yield* Scope.provide(Poller.make({ ...plain, onShutdown }), inner)
          yield* Effect.forkIn(poller.until(job, "a", { ...hour, ...options }), outer)
          yield* TestClock.adjust("1 second")
          yield* Scope.close(outer, Exit.void)
          assert.deepStrictEqual({ canceled, running }, expected)
        }
      })
    )
  })
})
