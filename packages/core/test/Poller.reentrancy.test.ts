import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Handle } from "effect-poll/Handle"
import { batchJob } from "./support/batches.ts"
import { pending, slow } from "./support/checks.ts"
import { macrotask, manualPoller } from "./support/clock.ts"
import { inspect } from "./support/inspect.ts"
import { keysOf, recordChecks, scriptedJob } from "./support/jobs.ts"
import { every30m, firstAt, hour, plain } from "./support/options.ts"
import { ending } from "./support/runs.ts"

/** A wait whose gate does not answer before its deadline, which is at 1000. */
const atGate = { deadline: 1000, strategy: Strategy.spaced("1 second"), gate: Gate.make(() => Effect.never) } as const

describe("Poller", () => {
  describe("from a check", () => {
    it.effect("check that awaits another wait - times out as usual", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const inner = Job.make<string>("inner", {
          check: () => Effect.succeed(pending),
          strategy: Strategy.spaced("1 second")
        })
        const outer = Job.make<string>("outer", {
          check: (key) => Effect.orDie(Effect.map(poller.until(inner, key, hour), (value) => Status.succeeded(value)))
        })
        const handle = yield* poller.add(outer, "a", { deadline: "5 seconds" })
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(ending(yield* Effect.exit(handle.await)), "PollTimeout deadline")
      })
    )

    it.effect("check that adds waits for other keys and awaits them - ends", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const tree: Job.Job<string, number> = Job.make<number>("tree", {
          check: (key) => {
            if (key.length >= 5) return Effect.succeed(Status.succeeded(1))
            const branches = Effect.forEach([`${key}0`, `${key}1`], (branch) => poller.until(tree, branch, hour), {
              concurrency: 2
            })
            return Effect.orDie(Effect.map(branches, ([a, b]) => Status.succeeded(a! + b!)))
          }
        })
        assert.strictEqual(yield* poller.until(tree, "_", hour), 16)
      })
    )

    it.effect("check that interrupts its own wait, at once or later - leaves nothing behind", () =>
      Effect.gen(function* () {
        const own = new Map<string, Handle<unknown>>()
        const job = Job.make("render", {
          check: (key: string) =>
            Effect.suspend(() => {
              const handle = own.get(key)
              if (handle === undefined) return Effect.succeed(pending)
              return Effect.as(
                key === "late" ? Effect.andThen(Effect.sleep("1 second"), handle.interrupt) : handle.interrupt,
                pending
              )
            }),
          strategy: Strategy.spaced("1 second")
        })
        const poller = yield* Poller.make(plain)
        for (const key of ["now", "late"]) own.set(key, yield* poller.add(job, key, hour))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* poller.stats, {
          watched: 0,
          waiting: 0,
          queued: 0,
          checking: 0,
          requests: 0,
          ended: { Interrupted: 2 }
        })
      })
    )

    it.effect("check that interrupts its own wait - is interrupted and frees its slot", () =>
      Effect.gen(function* () {
        const handles: Array<Handle<string, never, never>> = []
        const { job, starts } = scriptedJob((key, attempt) =>
          key === "own" && attempt === 2
            ? Effect.andThen(handles[0]!.interrupt, Effect.never)
            : attempt < 2
              ? pending
              : Status.succeeded(key)
        )
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        handles.push(yield* poller.add(job, "own", hour))
        yield* poller.add(job, "next", hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([starts("next"), (yield* poller.stats).requests], [[0, 1000], 0])
      })
    )

    const moments: ReadonlyArray<[string, (own: Effect.Effect<unknown>) => Effect.Effect<Status.Pending>]> = [
      ["when it starts", (own) => Effect.andThen(own, Effect.never)],
      ["in its finalizer", (own) => Effect.as(Effect.ensuring(Effect.sleep("1 second"), own), pending)]
    ]
    for (const [when, check] of moments) {
      it.effect(`check that interrupts its own wait ${when} - ends and gives its slot to the next wait`, () =>
        Effect.gen(function* () {
          const poller = yield* Poller.make({ ...plain, concurrency: 1 })
          const checked: Array<string> = []
          let own: Handle<string> | undefined
          const job = Job.make<string>("render", {
            strategy: every30m,
            check: (key) =>
              Effect.suspend(() => {
                checked.push(key)
                if (key === "first") return slow("1 second", pending)
                return key === "own" ? check(Effect.suspend(() => own!.interrupt)) : Effect.succeed(pending)
              })
          })
          yield* poller.add(job, "first", hour)
          own = yield* poller.add(job, "own", hour)
          yield* poller.add(job, "next", hour)
          yield* TestClock.adjust("10 minutes")
          const { queued, requests } = yield* poller.stats
          assert.deepStrictEqual(
            { checked, queued, requests },
            { checked: ["first", "own", "next"], queued: 0, requests: 0 }
          )
        })
      )

      it.effect(`shutdown from a check ${when} - ends`, () =>
        Effect.gen(function* () {
          const poller: Poller.Service = yield* Poller.make(plain)
          let ended = false
          const shutdown = Effect.onExit(poller.shutdown, () => Effect.sync(() => void (ended = true)))
          const job = Job.make<string>("render", { check: () => check(shutdown) })
          yield* poller.add(job, "a", hour)
          yield* TestClock.adjust("1 minute")
          assert.isTrue(ended)
        })
      )
    }

    it.effect("check that interrupts its own wait and adds another for its key - ends before that one checks", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        let running = 0
        let most = 0
        let handle: Handle<string> | undefined
        const job = Job.make<string>("render", {
          check: () =>
            Effect.suspend(() => {
              most = Math.max(most, ++running)
              const self = handle
              handle = undefined
              const again =
                self === undefined
                  ? Effect.void
                  : Effect.andThen(
                      Effect.forkDetach(self.interrupt, { startImmediately: true }),
                      poller.add(job, "a", { ...hour, strategy: Strategy.spaced("1 second") })
                    )
              return Effect.andThen(again, slow("1 second", pending))
            }).pipe(Effect.ensuring(Effect.sync(() => void running--))),
          strategy: firstAt(1000)
        }) as Job.Job<string, string, never, never, never, never, unknown>
        handle = yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1 second")
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(most, 1)
      })
    )

    it.effect("shutdown from a check that ends at once - starts no further check", () =>
      Effect.gen(function* () {
        let after = -1
        const poller: Poller.Service = yield* Poller.make(plain)
        const job = Job.make<string>("render", {
          check: (key) =>
            Effect.suspend(() => {
              if (after >= 0) after++
              if (key !== "last") return Effect.uninterruptible(slow("10 seconds", pending))
              after = 0
              return Effect.as(Effect.forkDetach(poller.shutdown, { startImmediately: true }), pending)
            })
        })
        for (const key of keysOf(70)) yield* poller.add(job, key, { ...hour, strategy: firstAt(500, 3_600_000) })
        for (const key of ["last", ...keysOf(20, "z")])
          yield* poller.add(job, key, { ...hour, strategy: firstAt(1000) })
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(after, 0)
      })
    )

    it.effect("shutdown from a request that is filled over several turns - leaves nothing in flight", () =>
      Effect.gen(function* () {
        const poller: Poller.Service = yield* Poller.make({ ...plain, concurrency: "unbounded" })
        const shutdown = Effect.andThen(Effect.yieldNow, Effect.forkDetach(poller.shutdown, { startImmediately: true }))
        const { job, requests } = batchJob({
          answer: () => pending,
          whole: () => (requests.length === 1 ? shutdown : Effect.void)
        })
        yield* Effect.forEach(keysOf(2000), (key) => poller.add(job, key, hour))
        yield* TestClock.adjust("1 second")
        const stats = yield* poller.stats
        assert.deepStrictEqual([stats.requests, stats.watched], [0, 0])
      })
    )

    it("shutdown from a request while another one is filled - leaves nothing in flight", async () => {
      const { fireAt, poller, run, setTo, sync } = manualPoller({ concurrency: "unbounded" })
      const checkMany = (check: () => Effect.Effect<never>) => ({ max: 10_000, slack: 0, check })
      const shutdown = Effect.forkDetach(poller.shutdown, { startImmediately: true })
      const a = Job.make<string>("a", {
        check: () => Effect.never,
        checkMany: checkMany(() => Effect.andThen(shutdown, Effect.never)),
        strategy: firstAt(10)
      })
      const b = Job.make<string>("b", {
        check: () => Effect.never,
        checkMany: checkMany(() => Effect.never),
        strategy: firstAt(20)
      })
      run(
        Effect.gen(function* () {
          // A turn wakes 1,024 waits: the request for a is filled further in the next turn, and so is that for b, which starts then.
          yield* Effect.forEach(keysOf(1100), (key) => poller.add(a, key, hour))
          yield* Effect.forEach(keysOf(3000), (key) => poller.add(b, key, hour))
        })
      )
      for (let at = 0; at < 50; at++) await macrotask()
      fireAt(10)
      setTo(20)
      for (let at = 0; at < 10; at++) await macrotask()
      const { requests, watched } = sync(poller.stats)
      assert.deepStrictEqual({ requests, watched }, { requests: 0, watched: 0 })
    })

    it.effect("key that leaves a request from within it - is not asked for beside it", () =>
      Effect.gen(function* () {
        let handle: Handle<string, string, string> | undefined
        let running = 0
        let most = 0
        const { job } = batchJob({
          answer: () => pending,
          whole: () =>
            Effect.suspend(() => {
              most = Math.max(most, ++running)
              const first = handle
              handle = undefined
              const work = Effect.andThen(first?.interrupt ?? Effect.void, Effect.sleep("10 seconds"))
              return Effect.ensuring(
                work,
                Effect.sync(() => running--)
              )
            })
        })
        const poller = yield* Poller.make(plain)
        handle = yield* poller.add(job, "a", hour)
        yield* poller.add(job, "b", hour)
        yield* TestClock.adjust("2 seconds")
        // Joins the request in flight, which asks for "a".
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(most, 1)
      })
    )
  })

  describe("from a gate", () => {
    for (const interrupts of [false, true]) {
      const title = interrupts
        ? "check interrupted by the gate of another wait - leaves nothing when its finalizer interrupts that wait"
        : "check interrupted by the gate of another wait - ends before the next check starts"
      it.effect(title, () =>
        Effect.gen(function* () {
          const { checks, most, record } = recordChecks()
          const poller = yield* Poller.make(plain)
          let second: Handle<string> | undefined
          const onInterrupt = () => (interrupts ? Effect.suspend(() => second!.interrupt) : Effect.void)
          const job = Job.make<string>("render", {
            check: (key) => record("render", [key], Effect.onInterrupt(Effect.never, onInterrupt)),
            strategy: Strategy.spaced("1 second")
          })
          const first = yield* poller.add(job, "a", hour)
          const gate = Gate.make(() =>
            Effect.as(Effect.forkDetach(first.interrupt, { startImmediately: true }), Gate.open)
          )
          second = yield* poller.add(job, "a", { ...hour, strategy: firstAt(1000), gate })
          yield* TestClock.adjust("2 seconds")
          assert.deepStrictEqual([checks.length, most.total], [interrupts ? 1 : 2, 1])
          assert.strictEqual((yield* poller.stats).requests, interrupts ? 0 : 1)
        })
      )
    }

    it.effect("wait that is interrupted by its own gate while it joins a check - does not join", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const job = Job.make<string>("render", { check: () => Effect.never, strategy: firstAt(1000) })
        const first = yield* poller.add(job, "a", hour)
        let second: Handle<string> | undefined
        const gate = Gate.make(() => Effect.onInterrupt(Effect.never, () => second!.interrupt))
        second = yield* poller.add(job, "a", { ...hour, strategy: Strategy.spaced("1 second"), gate })
        yield* TestClock.adjust("2 seconds")
        // It was the last wait: the check is interrupted.
        yield* first.interrupt
        assert.strictEqual((yield* poller.stats).requests, 0)
      })
    )
  })

  describe("from the end of a wait", () => {
    for (const kind of ["single", "many"] as const) {
      it(`wait that times out as its check starts - may interrupt the other wait for its key (${kind})`, async () => {
        const { fireAt, poller, run, sync } = manualPoller({ concurrency: 10 })
        const single = Job.make<string, string, string>("single", {
          check: () => Effect.succeed(pending),
          strategy: firstAt(1000)
        })
        const job = kind === "single" ? single : batchJob({ answer: () => pending, slack: 0 }).job
        run(
          Effect.gen(function* () {
            const a = yield* poller.add(job, "a", hour)
            const b = yield* poller.add(job, "a", atGate)
            yield* Effect.forkDetach(Effect.andThen(Effect.exit(b.await), a.interrupt), { startImmediately: true })
            for (const key of keysOf(3)) yield* poller.add(single, key, { deadline: "10 seconds" })
          })
        )
        const thrown: Array<unknown> = []
        for (const at of [1001, 2001, 15_000, 20_000]) {
          try {
            fireAt(at)
          } catch (defect) {
            thrown.push(String(defect))
          }
          await macrotask()
        }
        const { requests, watched } = sync(poller.stats)
        assert.deepStrictEqual({ thrown, requests, watched }, { thrown: [], requests: 0, watched: 0 })
      })
    }

    it("waits added when another one ends during a dispatch - stay within concurrency", async () => {
      const { fireAt, poller, run } = manualPoller({ concurrency: 2 })
      const { most, record } = recordChecks()
      const job = Job.make<string>("render", {
        check: (key) => record("render", [key], Effect.never),
        strategy: firstAt(1000)
      })
      const other = Job.make<string>("other", { check: (key) => record("other", [key], Effect.never) })
      run(
        Effect.gen(function* () {
          yield* poller.add(job, "a", hour)
          const b = yield* poller.add(job, "a", atGate)
          yield* Effect.exit(b.await)
          yield* poller.add(other, "x", hour)
          yield* poller.add(other, "y", hour)
        })
      )
      fireAt(1001)
      await macrotask()
      assert.isAtMost(most.total, 2)
    })

    it("waits added when another one ends while a request is filled - stay within max", async () => {
      const { fireAt, poller, run } = manualPoller({ concurrency: 10 })
      const { job, requests } = batchJob({ answer: () => pending, max: 2, slack: 0 })
      run(
        Effect.gen(function* () {
          yield* poller.add(job, "a", hour)
          yield* poller.add(job, "a2", hour)
          const b = yield* poller.add(job, "a", atGate)
          yield* Effect.exit(b.await)
          for (const key of keysOf(5)) yield* poller.add(job, key, { ...hour, strategy: Strategy.spaced("1 second") })
        })
      )
      fireAt(1001)
      await macrotask()
      for (const { keys } of requests) assert.isAtMost(keys.length, 2)
    })

    it.effect("wait added when another one ends - does not join a check of another job", () =>
      Effect.gen(function* () {
        const first = batchJob({ slack: 0 }).job
        const second = Job.make("second", { check: (key: string) => Effect.succeed(Status.succeeded(key)) })
        const poller = yield* Poller.make(plain)
        const gate = Gate.make(() => Effect.andThen(Effect.sleep("1 second"), Effect.die("bug")))
        const fiber = yield* Effect.forkChild(
          Effect.andThen(Effect.exit(poller.until(first, "x", { ...hour, gate })), poller.until(second, "y", hour))
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.succeed("y"))
      })
    )

    it("waits added by a remote cancel while a request is filled - stay within concurrency", async () => {
      const { fireAt, poller, run, setTo } = manualPoller({ concurrency: 2 })
      const { most, record } = recordChecks()
      const answer = Deferred.makeUnsafe<Gate.Answer>()
      const other = Job.make<string>("other", { check: (key) => record("other", [key], Effect.never) })
      const gate = Gate.make(() => Deferred.await(answer))
      const job = Job.make<string>("render", {
        check: () => Effect.never,
        checkMany: {
          max: 10,
          slack: 0,
          check: () => record("j", ["request"], Effect.never)
        },
        cancel: () => Effect.andThen(poller.add(other, "x", hour), poller.add(other, "y", hour)),
        strategy: firstAt(10)
      })
      run(
        Effect.gen(function* () {
          yield* poller.add(job, "a", { ...hour, gate })
          yield* poller.add(job, "b", { deadline: 1000, onTimeout: "cancelRemote", gate })
        })
      )
      fireAt(10)
      await macrotask()
      setTo(1001)
      Deferred.doneUnsafe(answer, Exit.succeed(Gate.open))
      await macrotask()
      assert.isAtMost(most.total, 2)
    })

    it("caller that throws when it receives an end - does not keep another end from its caller", async () => {
      const { fireAt, poller, run, sync } = manualPoller()
      const job = Job.make<string>("render", {
        check: (key) => Effect.succeed(Status.succeeded(key)),
        strategy: firstAt(1000)
      })
      const a = sync(poller.add(job, "a", hour))
      const b = sync(poller.add(job, "b", hour))
      Effect.runCallback(a.await, {
        onExit: () => {
          throw new Error("caller")
        }
      })
      try {
        fireAt(1001)
      } catch {
        // The error of the caller.
      }
      await macrotask()
      const other = run(b.await)
      await macrotask()
      assert.isDefined(other.pollUnsafe())
    })
  })

  describe("from events and logs", () => {
    it.effect("subscriber of events that interrupts the wait - ends it", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob((_, attempt) => (attempt === 1 ? slow("1 second", pending) : pending))
        const poller = yield* Poller.make(plain)
        const handle = yield* poller.add(job, "a", hour)
        yield* Effect.forkScoped(
          Stream.runForEach(handle.events, ({ _tag }) => (_tag === "Changed" ? handle.interrupt : Effect.void)),
          { startImmediately: true }
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([checks.length, (yield* poller.stats).ended], [1, { Interrupted: 1 }])
      })
    )

    it.effect("events - come in order, though a subscriber of another wait interrupts this one", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const job = Job.make<string, never, string>("render", {
          check: () => Effect.andThen(Effect.sleep("1 second"), Effect.fail("down")),
          strategy: every30m
        })
        const a = yield* poller.add(job, "a", { ...hour, checkErrors: { kindOf: () => CheckError.permanent() } })
        const b = yield* poller.add(job, "a", hour)
        const tags: Array<string> = []
        yield* Effect.forkDetach(
          Stream.runForEach(b.events, (event) => Effect.sync(() => void tags.push(event._tag))),
          { startImmediately: true }
        )
        yield* Effect.forkDetach(Effect.andThen(Effect.exit(a.await), b.interrupt), { startImmediately: true })
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(tags, ["CheckFailed", "Waiting", "Ended"])
      })
    )

    it.effect("wait that is interrupted by the log of its failed check - stays interrupted", () =>
      Effect.gen(function* () {
        let own: Handle<string, never, string> | undefined
        let checks = 0
        const logger = Logger.make(() => {
          if (own !== undefined) Effect.runFork(own.interrupt)
          own = undefined
        })
        const program = Effect.gen(function* () {
          const poller = yield* Poller.make({ ...plain, capacity: 1 })
          const job = Job.make<string, never, string>("render", {
            check: () => Effect.suspend(() => (checks++, Effect.andThen(Effect.sleep(10), Effect.fail("down")))),
            checkErrors: { kindOf: () => CheckError.transient(), schedule: Strategy.spaced(100), maxConsecutive: 5 },
            strategy: every30m
          })
          own = yield* poller.add(job, "a", hour)
          yield* TestClock.adjust("1 minute")
          return { checks, ended: (yield* poller.stats).ended, free: inspect(poller).freeCapacity }
        })
        const result = yield* program.pipe(
          Effect.provide(Logger.layer([logger])),
          Effect.provideService(References.MinimumLogLevel, "Debug")
        )
        assert.deepStrictEqual(result, { checks: 1, ended: { Interrupted: 1 }, free: 1 })
      })
    )
  })

  describe("at any time", () => {
    const calls: ReadonlyArray<readonly [string, <A, F, E>(handle: Handle<A, F, E>) => Effect.Effect<unknown>]> = [
      ["interrupt", (handle) => handle.interrupt],
      ["checkNow", (handle) => handle.checkNow()],
      ["checkNow with force", (handle) => handle.checkNow({ force: true })],
      ["pause", (handle) => handle.pause],
      ["pause and unpause", (handle) => Effect.andThen(handle.pause, handle.unpause)],
      ["cancel", (handle) => Effect.ignore(handle.cancel)],
      ["pause and interrupt", (handle) => Effect.andThen(handle.pause, handle.interrupt)]
    ]

    /** A wait that goes through everything: gate, queue, check, retry, delay, foreign schedule, remote cancel. */
    const eventfulWait = (poller: Poller.Service) => {
      let checks = 0
      let running = 0
      let most = 0
      const job = Job.make<string, never, string>("busy", {
        check: () =>
          Effect.gen(function* () {
            checks++
            most = Math.max(most, ++running)
            yield* Effect.sleep("300 millis")
            return yield* checks % 3 === 0 ? Effect.fail("reset") : Effect.succeed(pending)
          }).pipe(Effect.ensuring(Effect.sync(() => running--))),
        cancel: () => Effect.sleep("300 millis")
      })
      const add = poller.add(job, "a", {
        deadline: "8 seconds",
        onTimeout: "cancelRemote",
        onInterrupt: "cancelRemote",
        cancelTimeout: "2 seconds",
        strategy: Schedule.addDelay(Schedule.forever, () =>
          Effect.delay(Effect.succeed("500 millis" as const), "100 millis")
        ),
        checkErrors: {
          retry: Schedule.recurs(1),
          maxConsecutive: "unbounded",
          schedule: Strategy.spaced("200 millis")
        },
        gate: Gate.make(() => Effect.as(Effect.sleep("100 millis"), Gate.open))
      })
      return { add, most: () => most, running: () => running }
    }

    for (const [name, call] of calls) {
      it.effect(`${name} - is tolerated at any time of a wait`, () =>
        Effect.gen(function* () {
          for (let at = 0; at <= 11_000; at += 97) {
            const poller = yield* Poller.make({ ...plain, concurrency: 1 })
            const { add, most, running } = eventfulWait(poller)
            // Another wait is before it in the queue.
            yield* poller.add(Job.make("first", { check: () => slow("400 millis", Status.succeeded(1)) }), "x", hour)
            const handle = yield* add
            yield* TestClock.adjust(at)
            yield* Effect.forkScoped(call(handle), { startImmediately: true })
            yield* TestClock.adjust("30 seconds")
            const exit = yield* Effect.exit(handle.await)
            assert.include(["PollTimeout deadline", "defect"], ending(exit), `${at}`)
            if (!name.includes("interrupt")) assert.strictEqual(ending(exit), "PollTimeout deadline", `${at}`)
            const { ended, ...now } = yield* poller.stats
            assert.deepStrictEqual(now, { watched: 0, waiting: 0, queued: 0, checking: 0, requests: 0 }, `${at}`)
            assert.deepStrictEqual([most() <= 1, running(), Object.keys(ended).length], [true, 0, 2], `${at}`)
            assert.strictEqual(inspect(poller).waits, 0)
          }
        })
      )
    }

    it.effect("call on one of two waits for a key - leaves the other one its result, at any time", () =>
      Effect.gen(function* () {
        for (const [name, call] of calls) {
          for (let at = 0; at <= 3000; at += 130) {
            const { job } = scriptedJob((_, attempt) =>
              Effect.as(Effect.sleep("300 millis"), attempt < 4 ? pending : Status.succeeded("done"))
            )
            const poller = yield* Poller.make({ ...plain, concurrency: 1 })
            const one = yield* poller.add(job, "a", hour)
            const two = yield* poller.add(job, "a", hour)
            yield* TestClock.adjust(at)
            yield* Effect.forkScoped(call(one), { startImmediately: true })
            yield* TestClock.adjust("10 seconds")
            const ended = (yield* poller.stats).ended
            assert.isAtLeast(ended["Succeeded"] ?? 0, 1, `${name} at ${at}`)
            assert.strictEqual(ending(yield* Effect.exit(two.await)), "done", `${name} at ${at}`)
            yield* poller.shutdown
          }
        }
      })
    )

    it.effect("observer - may call the handle of the wait that it observes", () =>
      Effect.gen(function* () {
        for (const [name, call] of calls) {
          for (const tag of ["Started", "Changed", "Waiting", "Unchanged", "CheckFailed", "Ended"]) {
            const { job, checks } = scriptedJob<string, never, string>((_, attempt) =>
              attempt === 3 ? Effect.fail("reset") : attempt < 6 ? pending : Status.succeeded("done")
            )
            const poller = yield* Poller.make(plain)
            const own: Array<Handle<string, never, string>> = []
            let called = 0
            const observer = Observer.make(({ event }) =>
              event._tag === tag && called++ < 3 && own.length > 0 ? Effect.asVoid(call(own[0]!)) : Effect.void
            )
            own.push(yield* poller.add(job, "a", { deadline: "1 minute", observers: [observer] }))
            yield* TestClock.adjust("2 minutes")
            const { ended, ...now } = yield* poller.stats
            assert.deepStrictEqual(
              now,
              { watched: 0, waiting: 0, queued: 0, checking: 0, requests: 0 },
              `${name} in ${tag}`
            )
            assert.strictEqual(Object.values(ended)[0], 1, `${name} in ${tag}`)
            assert.isAtMost(checks.length, 6)
          }
        }
      })
    )
  })
})
