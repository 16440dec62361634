import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending, slow } from "./support/checks.ts"
import { inspect } from "./support/inspect.ts"
import { doneAt, inOneSecond, keysOf, scriptedJob } from "./support/jobs.ts"
import { firstAt, hour, plain } from "./support/options.ts"
import { ending, follow } from "./support/runs.ts"

describe("Poller", () => {
  describe("shared check", () => {
    it.effect("shared check - serves all waits for a key, each with its own deadline [R21]", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob((_, attempt) => (attempt < 5 ? pending : Status.succeeded("a.png")), {
          strategy: firstAt("1 second")
        })
        const poller = yield* Poller.make({ stagger: false })
        const ends = yield* Effect.forEach([2500, 3500, 60_000, 60_000], (deadline) =>
          Effect.flatMap(poller.add(job, "a", { deadline }), follow)
        )
        yield* TestClock.adjust("1 minute")
        // The last checks before a deadline serve the other waits too.
        assert.deepStrictEqual(starts("a"), [1000, 2000, 2500, 3500, 4500])
        assert.deepStrictEqual(
          ends.map((end) => end()),
          [
            ["PollTimeout deadline", 2500],
            ["PollTimeout deadline", 3500],
            ["a.png", 4500],
            ["a.png", 4500]
          ]
        )
      })
    )

    it.effect("gate that postpones a shared check - postpones it for all waits", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(() => Status.succeeded("a.png"))
        const poller = yield* Poller.make({ stagger: false })
        const gate = Gate.make(() =>
          Effect.map(Clock.currentTimeMillis, (now) => (now < 10_000 ? Gate.postponed("3 seconds", "no") : Gate.open))
        )
        const ends = yield* Effect.forEach([1, 2, 3], () =>
          Effect.flatMap(poller.add(job, "a", { ...hour, gate }), follow)
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(starts("a"), [12_000])
        assert.deepStrictEqual(
          ends.map((end) => end()),
          [1, 2, 3].map(() => ["a.png", 12_000] as const)
        )
      })
    )

    it.effect("stall - is judged for each wait on its own", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob((_, attempt) => (attempt < 8 ? pending : Status.succeeded("a.png")))
        const poller = yield* Poller.make({ stagger: false })
        const stalled = yield* Effect.flatMap(poller.add(job, "a", { ...hour, stall: { after: "3 seconds" } }), follow)
        const other = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          [stalled(), other()],
          [
            ["JobStalled", 3000],
            ["a.png", 6000]
          ]
        )
      })
    )

    it.effect("wait added during a check - joins it", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(() => slow("1 second", Status.succeeded("a.png")))
        const poller = yield* Poller.make({ stagger: false })
        const first = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
        yield* TestClock.adjust("600 millis")
        const second = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([starts("a"), first(), second()], [[0], ["a.png", 1000], ["a.png", 1000]])
      })
    )

    it.effect("wait that joins a check - has its whole checkTimeout", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob((_, attempt) =>
          attempt === 1 ? slow("3 seconds", Status.succeeded("late")) : Effect.never
        )
        const poller = yield* Poller.make({ stagger: false })
        const errors = { checkErrors: { maxConsecutive: 0 } } as const
        const short = yield* Effect.flatMap(
          poller.add(job, "a", { ...hour, ...errors, checkTimeout: "1 second" }),
          follow
        )
        yield* TestClock.adjust("500 millis")
        const joined = yield* Effect.flatMap(
          poller.add(job, "a", { ...hour, ...errors, checkTimeout: "2600 millis" }),
          follow
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([starts("a"), short(), joined()], [[0], ["CheckErrorsExhausted", 1000], ["late", 3000]])
      })
    )

    it.effect("wait that leaves a check - interrupts it only if it is the last one", () =>
      Effect.gen(function* () {
        let interrupted = 0
        const { job, checks } = scriptedJob(() =>
          Effect.onInterrupt(slow("1 second", Status.succeeded("a.png")), () => Effect.sync(() => interrupted++))
        )
        const poller = yield* Poller.make({ stagger: false })
        const one = yield* poller.add(job, "a", hour)
        const two = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
        yield* one.interrupt
        assert.strictEqual(interrupted, 0)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(two(), ["a.png", 1000])
        const last = yield* poller.add(job, "b", hour)
        yield* last.interrupt
        assert.deepStrictEqual([interrupted, checks.length], [1, 2])
        assert.strictEqual((yield* poller.stats).requests, 0)
      })
    )

    it.effect("defect, permanent error or interruption in a check - ends the waits that share it, and no others", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob<string, never, string>((key) =>
          Effect.andThen(
            Effect.sleep("1 second"),
            key === "defect"
              ? Effect.die("bug")
              : key === "permanent"
                ? Effect.fail("403")
                : key === "interruption"
                  ? Effect.interrupt
                  : Effect.succeed(Status.succeeded(key))
          )
        )
        const poller = yield* Poller.make({ stagger: false })
        const keys = ["defect", "permanent", "interruption", "fine", "defect", "permanent", "interruption", "fine"]
        const ends = yield* Effect.forEach(keys, (key) =>
          Effect.flatMap(
            poller.add(job, key, { ...hour, checkErrors: { kindOf: () => CheckError.permanent() } }),
            follow
          )
        )
        yield* TestClock.adjust("1 minute")
        const expected = ["defect", "CheckRejected", "defect", "fine"].map((end) => [end, 1000] as const)
        assert.deepStrictEqual(
          ends.map((end) => end()),
          [...expected, ...expected]
        )
        assert.deepStrictEqual((yield* poller.stats).ended, {
          Defect: 2,
          CheckRejected: 2,
          Interrupted: 2,
          Succeeded: 2
        })
      })
    )

    it.effect("wait with a fallback - does not share its check with a wait without one", () =>
      Effect.gen(function* () {
        const checks: Array<string> = []
        let known = false
        const job = Job.make<string>("moved", {
          check: (key) =>
            Effect.suspend(() => {
              checks.push(key)
              return Effect.succeed(known ? Status.succeeded("here") : CheckResult.missing)
            }),
          missing: {
            fallback: {
              locate: (key) => `old ${key}`,
              check: (key) =>
                Effect.andThen(
                  Effect.sync(() => checks.push(key)),
                  slow("1 second", Status.succeeded("elsewhere"))
                )
            }
          }
        })
        const poller = yield* Poller.make({ stagger: false })
        const first = yield* poller.add(job, "a", hour)
        known = true
        yield* TestClock.adjust("500 millis")
        const second = yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([yield* first.await, yield* second.await], ["elsewhere", "here"])
        assert.deepStrictEqual(checks, ["a", "old a", "a"])
      })
    )

    it.effect("wait with a fallback that sleeps - does not join a check of the job itself", () =>
      Effect.gen(function* () {
        const checks: Array<string> = []
        const job = Job.make<string>("moved", {
          check: (key) =>
            Effect.sync(() => {
              checks.push(key)
              return checks.length === 1 ? CheckResult.missing : Status.succeeded("here")
            }),
          missing: {
            fallback: {
              locate: (key) => `old ${key}`,
              check: (key) =>
                Effect.sync(() => {
                  checks.push(key)
                  return checks.length === 2 ? pending : Status.succeeded("elsewhere")
                })
            }
          },
          strategy: Strategy.spaced("1 second")
        })
        const poller = yield* Poller.make({ stagger: false })
        const first = yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("500 millis")
        const second = yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([yield* first.await, yield* second.await], ["elsewhere", "here"])
        assert.deepStrictEqual(checks, ["a", "old a", "a", "old a"])
      })
    )

    it.effect("wait for a key in flight - joins the check instead of queueing", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
        yield* poller.add(job, "a", hour)
        yield* poller.add(job, "b", hour)
        const again = yield* poller.add(job, "a", hour)
        assert.deepStrictEqual(yield* poller.stats, {
          watched: 3,
          waiting: 0,
          queued: 1,
          checking: 2,
          requests: 1,
          ended: {}
        })
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* again.await, "a")
        assert.deepStrictEqual(starts("a"), [0])
      })
    )

    it.effect("queued waits for one key - share a check", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        for (const key of ["first", "a", "a", "a", "a"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(starts("a"), [1000])
      })
    )

    it.effect("queued wait - joins the check of its key that is in flight when its turn comes", () =>
      Effect.gen(function* () {
        const { job, most, starts } = scriptedJob((key) =>
          Effect.as(Effect.sleep(key === "short" ? "100 millis" : "1 second"), Status.succeeded(key))
        )
        const poller = yield* Poller.make({ ...plain, concurrency: 2 })
        for (const key of ["short", "long", "a", "a"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([starts("a"), most.perKey["render"]], [[100], 1])
      })
    )
  })

  describe("keys", () => {
    it.effect("equal keys of two jobs - share nothing", () =>
      Effect.gen(function* () {
        const one = scriptedJob((key) => slow("1 second", Status.succeeded(`one ${key}`)))
        const two = scriptedJob((key) => slow("1 second", Status.succeeded(`two ${key}`)))
        const poller = yield* Poller.make({ stagger: false })
        const fibers = [
          yield* Effect.forkChild(poller.until(one.job, "a", hour)),
          yield* Effect.forkChild(poller.until(two.job, "a", hour))
        ]
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Fiber.joinAll(fibers), ["one a", "two a"])
      })
    )

    it.effect("10,000 waits for 1,000 keys - make 1,000 checks", () =>
      Effect.gen(function* () {
        const { job, checks, most } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ stagger: false, concurrency: "unbounded", linger: 0 })
        const keys = Array.from({ length: 10 }, () => keysOf(1000)).flat()
        const handles = yield* Effect.forEach(keys, (key) => poller.add(job, key, hour))
        yield* TestClock.adjust("1 second")
        const ends = yield* Effect.forEach(handles, (handle) => handle.await)
        assert.deepStrictEqual(ends, keys)
        assert.deepStrictEqual([checks.length, most.perKey["render"], inspect(poller).keys], [1000, 1, 0])
      })
    )

    for (const [kind, max] of [
      ["single", undefined],
      ["batch", 100]
    ] as const) {
      it.effect(`20,000 waits for one key - share each ${kind} check and can all be interrupted`, () =>
        Effect.gen(function* () {
          let checks = 0
          const check: Effect.Effect<CheckResult.CheckResult<string>> = Effect.sync(
            () => (checks++, CheckResult.withHint(pending, "2 seconds"))
          )
          const job = Job.make<string>("popular", {
            check: () => check,
            ...(max !== undefined && {
              checkMany: {
                max,
                check: (keys) =>
                  Effect.map(check, (found) => ({ results: new Map(keys.map((key) => [key, Result.succeed(found)])) }))
              }
            }),
            strategy: firstAt("1 second")
          })
          const poller = yield* Poller.make({ stagger: false })
          const handles = yield* Effect.forEach(Array.from({ length: 20_000 }), () => poller.add(job, "a", hour))
          yield* TestClock.adjust("10 seconds")
          assert.strictEqual(checks, 5)
          yield* Effect.forEach(handles, (handle) => handle.interrupt)
          assert.strictEqual(inspect(poller).waits, 0)
        })
      )
    }
  })

  describe("linger", () => {
    it.effect("end within linger - answers a new wait without a check, and later it is checked again", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(doneAt(1), {
          strategy: firstAt("100 millis")
        })
        const poller = yield* Poller.make({ stagger: false, linger: "2 seconds" })
        const first = yield* Effect.forkChild(poller.until(job, "a", hour))
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(yield* Fiber.join(first), "a.png")
        yield* TestClock.adjust("1999 millis")
        assert.strictEqual(yield* poller.until(job, "a", hour), "a.png")
        assert.deepStrictEqual(starts("a"), [100])
        // The answer from memory lingers for 2 seconds too, not for ever.
        yield* TestClock.adjust("2 seconds")
        const again = yield* Effect.forkChild(poller.until(job, "a", hour))
        yield* TestClock.adjust("100 millis")
        yield* Fiber.join(again)
        assert.deepStrictEqual(starts("a"), [100, 4199])
      })
    )

    it.effect("end within linger - does not answer a wait for a later run, for another key or with linger 0", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(doneAt(1), {
          strategy: firstAt("100 millis")
        })
        const poller = yield* Poller.make({ stagger: false })
        const forgetful = yield* Poller.make({ stagger: false, linger: 0 })
        const wait = (on: Poller.Service, key: string, since?: CheckResult.Run) =>
          Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(on.until(job, key, { ...hour, since }), { startImmediately: true })
            yield* TestClock.adjust("100 millis")
            return yield* Fiber.join(fiber)
          })
        yield* wait(poller, "a")
        yield* wait(poller, "a", { generation: 2 })
        yield* wait(poller, "b")
        assert.deepStrictEqual([starts("a").length, starts("b").length], [2, 1])
        yield* wait(forgetful, "c")
        yield* wait(forgetful, "c")
        assert.strictEqual(starts("c").length, 2)
      })
    )

    it.effect("failed job - lingers too, a timeout of the wait does not", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob<string, string>(
          (key) => (key === "failed" ? Status.failed("bad") : pending),
          {
            strategy: firstAt("100 millis")
          }
        )
        const poller = yield* Poller.make({ stagger: false })
        const wait = (key: string) =>
          Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(Effect.exit(poller.until(job, key, { deadline: "300 millis" })), {
              startImmediately: true
            })
            yield* TestClock.adjust("300 millis")
            return ending(yield* Fiber.join(fiber))
          })
        assert.deepStrictEqual([yield* wait("failed"), yield* wait("failed")], ["JobFailed", "JobFailed"])
        assert.strictEqual(checks.length, 1)
        assert.deepStrictEqual(
          [yield* wait("slow"), yield* wait("slow")],
          ["PollTimeout deadline", "PollTimeout deadline"]
        )
        assert.strictEqual(checks.length, 5)
      })
    )

    it.effect("end within linger - answers a wait without stagger and first wait too", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(doneAt(1))
        const poller = yield* Poller.make({ stagger: false })
        yield* poller.until(job, "a", hour)
        yield* poller.until(job, "a", hour)
        assert.strictEqual(checks.length, 1)
      })
    )
  })

  describe("services", () => {
    class Token extends Context.Service<Token, { readonly secret: string }>()("test/Token") {}

    /** A job that needs a token, and records the tokens of its checks. */
    const whoami = () => {
      const checks: Array<string> = []
      const job = Job.make("whoami", {
        check: (_: string) =>
          Effect.gen(function* () {
            const { secret } = yield* Token
            checks.push(secret)
            yield* Effect.sleep("1 second")
            return Status.succeeded(secret)
          })
      })
      return { job, checks }
    }

    it.effect("waits with other credentials - check on their own, with the same ones share", () =>
      Effect.gen(function* () {
        const { job, checks } = whoami()
        const poller = yield* Poller.make({ stagger: false })
        const [ann, bob] = [{ secret: "ann" }, { secret: "bob" }]
        const fibers = yield* Effect.forEach([ann, bob, ann, bob], (token) =>
          Effect.forkChild(Effect.provideService(poller.until(job, "a", hour), Token, token), {
            startImmediately: true
          })
        )
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Fiber.joinAll(fibers), ["ann", "bob", "ann", "bob"])
        assert.deepStrictEqual(checks, ["ann", "bob"])
        // Nor does the lingering end of another one answer a new wait.
        const cid = yield* Effect.forkChild(
          Effect.provideService(poller.until(job, "a", hour), Token, { secret: "cid" }),
          { startImmediately: true }
        )
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(cid), "cid")
      })
    )

    it.effect("credentials that are plain strings - are compared by value", () =>
      Effect.gen(function* () {
        class Plain extends Context.Service<Plain, string>()("test/Plain") {}
        const checks: Array<string> = []
        const job = Job.make("plain", {
          check: (_: string) =>
            Effect.flatMap(Plain, (secret) =>
              Effect.as(
                Effect.andThen(
                  Effect.sync(() => checks.push(secret)),
                  Effect.sleep("1 second")
                ),
                Status.succeeded(secret)
              )
            )
        })
        const poller = yield* Poller.make({ stagger: false })
        const fibers = yield* Effect.forEach(["ann", "bob", "ann"], (secret) =>
          Effect.forkChild(Effect.provideService(poller.until(job, "a", hour), Plain, secret), {
            startImmediately: true
          })
        )
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* Fiber.joinAll(fibers), ["ann", "bob", "ann"])
        assert.deepStrictEqual(checks, ["ann", "bob"])
      })
    )

    it.effect("credentials that are symbols - are compared by identity, not by description", () =>
      Effect.gen(function* () {
        class Secret extends Context.Service<Secret, symbol>()("test/Secret") {}
        const job = Job.make("tenant", { check: (_: string) => Effect.as(Effect.asVoid(Secret), pending) })
        const poller = yield* Poller.make(plain)
        yield* Effect.provideService(poller.add(job, "a", hour), Secret, Symbol("x"))
        yield* Effect.provideService(poller.add(job, "a", hour), Secret, Symbol("x"))
        assert.strictEqual(inspect(poller).targets, 2)
      })
    )

    it.effect("layer that is provided twice - gives the same services", () =>
      Effect.gen(function* () {
        class Tenant extends Context.Service<Tenant, { readonly name: string }>()("test/Layered") {}
        const job = Job.make("tenant", { check: (_: string) => Effect.as(Effect.asVoid(Tenant), pending) })
        const poller = yield* Poller.make(plain)
        const layer = Layer.succeed(Tenant, { name: "x" })
        yield* Effect.provide(poller.add(job, "a", hour), layer)
        yield* Effect.provide(poller.add(job, "a", hour), layer)
        assert.strictEqual(inspect(poller).targets, 1)
      })
    )

    it.effect("spans, log annotations and scopes - do not separate waits", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ stagger: false })
        const add = poller.add(job, "a", hour)
        yield* Effect.withSpan(add, "one")
        yield* Effect.withSpan(add, "two")
        yield* Effect.annotateLogs(add, { request: 3 })
        yield* Effect.withLogSpan(add, "four")
        yield* Effect.scoped(add)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(starts("a"), [0])
        assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 5 })
      })
    )

    it.effect("check - is a child of the span in which its wait was added", () =>
      Effect.gen(function* () {
        const parents: Array<string> = []
        const job = Job.make("traced", {
          check: (_: string) =>
            Effect.as(
              Effect.flatMap(Effect.currentParentSpan, (span) =>
                Effect.sync(() => parents.push(span._tag === "Span" ? span.name : "external"))
              ),
              pending
            ),
          strategy: Strategy.spaced("1 second")
        })
        const poller = yield* Poller.make({ stagger: false })
        yield* Effect.withSpan(poller.add(job, "a", { deadline: "2 seconds" }), "of a")
        yield* Effect.withSpan(poller.add(job, "b", { deadline: "1 second" }), "of b")
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(parents.toSorted(), ["of a", "of a", "of a", "of b", "of b"])
      })
    )

    it.effect("remote cancel - has the services of its wait", () =>
      Effect.gen(function* () {
        const canceled: Array<string> = []
        const job = Job.make("whoami", {
          check: (_: string) => Effect.as(Effect.asVoid(Token), pending),
          cancel: () => Effect.flatMap(Token, ({ secret }) => Effect.sync(() => void canceled.push(secret)))
        })
        const poller = yield* Poller.make({ stagger: false })
        const handle = yield* Effect.provideService(
          poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote" }),
          Token,
          { secret: "ann" }
        )
        yield* handle.cancel
        yield* handle.interrupt
        assert.deepStrictEqual(canceled, ["ann", "ann"])
      })
    )
  })
})
