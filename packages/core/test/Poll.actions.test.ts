import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import type * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import { type Answer, cancelableJob, done, pending, scripted, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every10s, every1s, firstAt, plain } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"
import { ending, errorOf, runFor } from "./support/runs.ts"

type AnyAnswer = Answer<string, string, string>
type Handler = (action: Status.Action, context: Job.ActionContext) => Effect.Effect<unknown>

const asks = (id: string, rest: { readonly progress?: number; readonly detail?: unknown } = {}) =>
  Status.pending({ state: "INPUT", action: { id, kind: "approve", detail: { url: "secret" } }, ...rest })

const options = { strategy: every10s, deadline: "5 minutes" } as const

/** The same answer that many times. */
const times = (count: number, answer: AnyAnswer): ReadonlyArray<AnyAnswer> =>
  Array.from({ length: count }, () => answer)

/** A handler that records its runs: "start a", "end a", or "stop a" if it is interrupted. */
const recordRuns = (handle: Handler) => {
  const runs: Array<string> = []
  const note = (what: string) => Effect.map(Clock.currentTimeMillis, (now) => void runs.push(`${what} ${now / 1000}`))
  const handler: Handler = (action, context) =>
    Effect.andThen(note(`start ${action.id}`), handle(action, context)).pipe(
      Effect.onExit((exit) => note(Exit.isSuccess(exit) ? `end ${action.id}` : `stop ${action.id}`))
    )
  return { handler, runs }
}

describe.each(hosts)("$name", (host) => {
  const outcome = (
    onAction: Job.OnAction,
    answers: ReadonlyArray<AnyAnswer>,
    wait: Partial<Poll.Options<string>> = {}
  ) =>
    Effect.gen(function* () {
      const { check, checks } = scripted(...answers)
      const { events, observer } = recordEvents()
      const job = Job.make<string, string, string>("render", {
        check: () => check,
        checkErrors: { schedule: every10s, maxConsecutive: "unbounded" },
        missing: { times: 99 }
      })
      const { at, exit } = yield* runFor(
        host.until(job, "a", { ...options, observers: [observer], ...wait, onAction }),
        "1 hour"
      )
      const actions = events().flatMap((event) =>
        event._tag === "ActionRequired" ? [`${event.attempt} ${event.action.id}`] : []
      )
      return { ending: ending(exit), at: at / 1000, checks: checks.map((each) => each / 1000), actions, events, exit }
    })

  describe("states that need an action (R38)", () => {
    describe("report", () => {
      it.effect("action - is reported when a status first asks for it, after the change", () =>
        Effect.gen(function* () {
          const answers = [pending, asks("a"), asks("a", { progress: 0.5 }), asks("b"), asks("b"), asks("c"), done]
          const found = yield* outcome("report", answers)
          assert.deepStrictEqual([found.ending, found.actions], ["done", ["2 a", "4 b", "6 c"]])
          const tags = found.events().map(({ _tag }) => _tag)
          assert.strictEqual(tags[tags.indexOf("ActionRequired") - 1], "Changed")
        })
      )

      it.effect.each([
        ["pending", pending],
        ["another action", asks("b")],
        ["an unknown state", CheckResult.unknownState("LOST")],
        ["an end that is not confirmed", Status.failed("no")],
        ["an end of an earlier run", CheckResult.withRun(Status.failed("no"), { run: "1" })]
      ] as const)("same id after %s - is a new request", ([, between]) =>
        Effect.gen(function* () {
          const found = yield* outcome("report", [asks("a"), between, asks("a"), asks("a"), done], {
            unknownState: "continue",
            confirm: { failure: { times: 2 } },
            since: { run: "2" }
          })
          const ofA = found.actions.filter((action) => action.endsWith("a"))
          assert.deepStrictEqual([found.ending, ofA], ["done", ["1 a", "3 a"]])
        })
      )

      it.effect.each([
        ["a missing job", CheckResult.missing],
        ["a failed check", Effect.fail("reset")],
        ["an end without its result", CheckResult.resultMissing("DONE")]
      ] as const)("same id after %s - is the same request", ([, between]) =>
        Effect.gen(function* () {
          const found = yield* outcome("report", [asks("a"), between, asks("a"), done])
          assert.deepStrictEqual([found.ending, found.actions], ["done", ["1 a"]])
        })
      )

      it.effect("another id - is a change of the status, another detail of the action is none", () =>
        Effect.gen(function* () {
          const stall = { after: "15 seconds" } as const
          const moves = yield* outcome("report", [asks("a"), asks("a"), asks("b"), asks("b"), done], { stall })
          assert.strictEqual(moves.ending, "done")
          const other = Status.pending({ state: "INPUT", action: { id: "a", kind: "pay", detail: 1 } })
          const stays = yield* outcome("report", [asks("a"), other, asks("a"), done], { stall })
          assert.strictEqual(stays.ending, "JobStalled")
        })
      )

      it.effect("ids of any length - are distinguished", () =>
        Effect.gen(function* () {
          const { check } = scripted<string, string>(
            ...Array.from({ length: 40 }, (_, at) => asks(`${"x".repeat(10_000)}${at}`)),
            asks(`${"x".repeat(10_000)}39`),
            asks(`${"x".repeat(10_000)}0`)
          )
          const { events, observer } = recordEvents()
          const job = Job.make<string, string>("render", { check: () => check })
          const handle = yield* host.start(job, "a", {
            strategy: every1s,
            deadline: "5 minutes",
            observers: [observer]
          })
          yield* TestClock.adjust("40500 millis")
          const count = () => events().filter(({ _tag }) => _tag === "ActionRequired").length
          assert.strictEqual(count(), 40)
          yield* TestClock.adjust("1 second")
          assert.strictEqual(count(), 41)
          yield* handle.interrupt
        })
      )
    })

    describe("fail", () => {
      it.effect("action - ends the wait, and is in the error", () =>
        Effect.gen(function* () {
          const found = yield* outcome("fail", [pending, asks("a")])
          const error = errorOf(found.exit)
          assert(error._tag === "ActionRequired")
          assert.deepStrictEqual([error.action.id, error.attempts, found.at], ["a", 2, 10])
          assert.include(error.message, "needs an action of the kind approve")
          assert.notInclude(error.message, "secret")
        })
      )

      it.effect("canceled job that needs an action - is still watched for its end", () =>
        Effect.gen(function* () {
          const { check } = scripted<string, string>(pending, pending, asks("a"), Status.canceled())
          const { job } = cancelableJob<string, string>(() => check)
          const wait = {
            ...options,
            strategy: every1s,
            deadline: "1 second",
            onTimeout: "cancelRemote",
            onAction: "fail"
          } as const
          const { exit } = yield* runFor(host.until(job, "a", wait), "1 hour")
          assert.strictEqual(ending(exit), "JobCanceled")
        })
      )
    })

    describe("handler", () => {
      it.effect("end of it - requests a check at once", () =>
        Effect.gen(function* () {
          const contexts: Array<Job.ActionContext> = []
          const { handler, runs } = recordRuns((_, context) => {
            contexts.push(context)
            return Effect.sleep("3 seconds")
          })
          const found = yield* outcome(handler, [pending, asks("a"), done])
          assert.deepStrictEqual([found.ending, found.checks], ["done", [0, 10, 13]])
          assert.deepStrictEqual(runs, ["start a 10", "end a 13"])
          assert.deepStrictEqual(contexts, [{ job: "render", key: "a", attempt: 2 }])
        })
      )

      it.effect("wait - continues to check beside it, and runs it once for a request", () =>
        Effect.gen(function* () {
          const { handler, runs } = recordRuns(() => Effect.sleep("25 seconds"))
          const answers = [asks("a"), asks("a", { progress: 0.1 }), asks("a"), asks("a"), asks("b"), asks("a"), done]
          const found = yield* outcome(handler, answers)
          assert.deepStrictEqual([found.ending, found.checks], ["done", [0, 10, 20, 25, 35, 45, 55]])
          assert.deepStrictEqual(runs, ["start a 0", "end a 25", "start b 35", "stop b 45", "start a 45", "stop a 55"])
        })
      )

      it.effect("action that comes back with the same id - is handled again", () =>
        Effect.gen(function* () {
          const { handler, runs } = recordRuns(() => Effect.sleep("1 second"))
          const found = yield* outcome(handler, [asks("a"), pending, asks("a"), pending, done])
          assert.deepStrictEqual([found.ending, found.checks], ["done", [0, 1, 11, 12, 22]])
          assert.deepStrictEqual(runs, ["start a 0", "end a 1", "start a 11", "end a 12"])
        })
      )

      it.effect("handler that was interrupted - runs again when its action comes back", () =>
        Effect.gen(function* () {
          const { handler, runs } = recordRuns(() => Effect.sleep("15 seconds"))
          const found = yield* outcome(handler, [asks("a"), pending, asks("a"), asks("a"), done])
          assert.deepStrictEqual([found.ending, found.checks], ["done", [0, 10, 20, 30, 35]])
          assert.deepStrictEqual(runs, ["start a 0", "stop a 10", "start a 20", "end a 35"])
        })
      )

      it.effect.each([
        ["pending without an action", pending],
        ["another action", asks("b")],
        ["the end", done],
        ["an end that is not confirmed", Status.failed("no")]
      ] as const)("%s - interrupts it", ([, next]) =>
        Effect.gen(function* () {
          const { handler, runs } = recordRuns(() => Effect.never)
          yield* outcome(handler, [asks("a"), asks("a"), next, done], { confirm: { failure: { times: 2 } } })
          assert.deepStrictEqual(runs.slice(0, 2).toSorted(), ["start a 0", "stop a 20"])
        })
      )

      it.effect.each([
        ["missing job", CheckResult.missing],
        ["failed check", Effect.fail("reset")],
        ["other progress", asks("a", { progress: 0.5 })]
      ] as const)("%s - does not interrupt it", ([, next]) =>
        Effect.gen(function* () {
          const { handler, runs } = recordRuns(() => Effect.sleep("25 seconds"))
          const found = yield* outcome(handler, [asks("a"), ...times(2, next), done])
          assert.deepStrictEqual([found.ending, runs], ["done", ["start a 0", "end a 25"]])
        })
      )

      it.effect("deadline - interrupts it", () =>
        Effect.gen(function* () {
          const { handler, runs } = recordRuns(() => Effect.never)
          const found = yield* outcome(handler, [asks("a")], { deadline: "15 seconds" })
          assert.deepStrictEqual([found.ending, runs], ["PollTimeout deadline", ["start a 0", "stop a 15"]])
        })
      )

      it.effect("one that ends during a check, or before the server allows one - requests the next one", () =>
        Effect.gen(function* () {
          const { handler } = recordRuns(() => Effect.sleep("12 seconds"))
          const during = yield* outcome(handler, [asks("a"), slow("5 seconds", asks("a")), done])
          assert.deepStrictEqual([during.ending, during.checks], ["done", [0, 10, 15]])
        })
      )

      it.effect("floor of the server - holds back the check that it requests", () =>
        Effect.gen(function* () {
          const { handler } = recordRuns(() => Effect.sleep("1 second"))
          const found = yield* outcome(handler, [CheckResult.withHint(asks("a"), "6 seconds"), done])
          assert.deepStrictEqual([found.ending, found.checks], ["done", [0, 6]])
        })
      )

      it.effect("one that ends at once - requests a check after the one that found its action", () =>
        Effect.gen(function* () {
          const { handler, runs } = recordRuns(() => Effect.void)
          const found = yield* outcome(handler, [asks("a"), done])
          assert.deepStrictEqual([found.ending, found.at, runs], ["done", 0, ["start a 0", "end a 0"]])
        })
      )

      it.effect.each([
        ["dies", () => Effect.die("boom")],
        [
          "throws",
          () => {
            throw new Error("boom")
          }
        ],
        ["fails", () => Effect.fail("boom") as never],
        ["interrupts its own fiber", () => Effect.interrupt]
      ] as ReadonlyArray<readonly [string, Handler]>)("one that %s - ends the wait as a defect", ([, handler]) =>
        Effect.gen(function* () {
          const now = yield* outcome(handler, [asks("a"), pending])
          assert.deepStrictEqual([now.ending, now.at], ["defect", 0])
        })
      )

      it.effect("one that dies later - ends the wait as a defect at that time", () =>
        Effect.gen(function* () {
          const found = yield* outcome(() => Effect.andThen(Effect.sleep("3 seconds"), Effect.die("boom")), [asks("a")])
          assert.deepStrictEqual([found.ending, found.at], ["defect", 3])
        })
      )

      it.effect("one that dies once it is interrupted - is ignored", () =>
        Effect.gen(function* () {
          const dies: Handler = () => Effect.onInterrupt(Effect.never, () => Effect.die("boom"))
          const found = yield* outcome(dies, [asks("a"), pending, done])
          assert.strictEqual(found.ending, "done")
        })
      )

      it.effect("one that interrupts its own wait - ends, and the wait with it", () =>
        Effect.gen(function* () {
          const { handler, runs } = recordRuns(() =>
            Effect.andThen(
              Effect.sleep("1 second"),
              Effect.flatMap(Deferred.await(own), (handle) => handle.interrupt)
            )
          )
          const own = Deferred.makeUnsafe<Handle<string, never, never>>()
          const job = Job.make<string>("render", { check: () => Effect.succeed(asks("a")) })
          const handle = yield* host.start(job, "a", { ...options, onAction: handler })
          yield* Deferred.succeed(own, handle)
          const ended = yield* Effect.forkChild(Effect.exit(handle.await))
          yield* TestClock.adjust("2 seconds")
          assert.strictEqual(runs.length, 2)
          const exit = ended.pollUnsafe()
          assert(exit !== undefined && Exit.isSuccess(exit) && Exit.hasInterrupts(exit.value))
        })
      )

      it.effect.each(["handler", "check", "race in a check"])(
        "%s that interrupts its own wait - cancels its job",
        (where) =>
          Effect.gen(function* () {
            const own = Deferred.makeUnsafe<Handle<string, never, never>>()
            const interruptOwn = Effect.flatMap(Deferred.await(own), (handle) => handle.interrupt)
            let checks = 0
            const { canceled, job } = cancelableJob<string>(() =>
              Effect.suspend(() => {
                if (++checks < 2 || where === "handler") return Effect.succeed(asks("a"))
                const check = Effect.as(interruptOwn, pending)
                return where === "check" ? check : Effect.race(check, Effect.never)
              })
            )
            const onAction: Handler = () =>
              where === "handler" ? Effect.andThen(Effect.sleep("1 second"), interruptOwn) : Effect.void
            const handle = yield* host.start(job, "a", { ...options, onAction, onInterrupt: "cancelRemote" })
            yield* Deferred.succeed(own, handle)
            const ended = yield* Effect.forkChild(Effect.exit(handle.await))
            yield* TestClock.adjust("11 seconds")
            const exit = ended.pollUnsafe()
            assert(exit !== undefined && Exit.isSuccess(exit) && Exit.hasInterrupts(exit.value))
            assert.deepStrictEqual(canceled, ["a"])
          })
      )

      it.effect("one that interrupts its own wait as it starts - is interrupted too", () =>
        Effect.gen(function* () {
          const own = Deferred.makeUnsafe<Handle<string, never, never>>()
          const { handler, runs } = recordRuns(() =>
            Effect.andThen(
              Effect.flatMap(Deferred.await(own), (handle) => handle.interrupt),
              Effect.never
            )
          )
          const job = Job.make<string>("render", {
            check: () => Effect.succeed(asks("a")),
            strategy: firstAt("1 second"),
            onAction: handler
          })
          const handle = yield* host.start(job, "a", { deadline: "5 minutes" })
          yield* Deferred.succeed(own, handle)
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(runs, ["start a 1", "stop a 1"])
          assert(Exit.hasInterrupts(yield* Effect.exit(handle.await)))
        })
      )

      it.effect("another action in each answer, and one that ends at once - do not check without a pause", () =>
        Effect.gen(function* () {
          let checks = 0
          const job = Job.make<string>("render", {
            check: () => Effect.sync(() => (++checks > 1_000 ? Status.succeeded("too often") : asks(String(checks))))
          })
          const paced = { ...options, deadline: "1 minute", onAction: () => Effect.void } as const
          const { exit } = yield* runFor(host.until(job, "a", paced), "1 hour")
          // Two checks every 10 seconds, and the last one.
          assert.deepStrictEqual([ending(exit), checks], ["PollTimeout deadline", 13])
        })
      )

      it.effect("another action in each answer - does not check without a pause when two waits share the checks", () =>
        Effect.gen(function* () {
          let checks = 0
          const job = Job.make<string>("render", {
            check: () => Effect.sync(() => (++checks > 1_000 ? Status.succeeded("too often") : asks(String(checks))))
          })
          const slower: Handler = () => Effect.sleep("1 millis")
          const poller = yield* Poller.make(plain)
          const both = [() => Effect.void, slower].map((onAction) =>
            poller.until(job, "a", { ...options, deadline: "1 minute", onAction })
          )
          yield* runFor(Effect.all(both.map(Effect.exit), { concurrency: "unbounded" }), "1 hour")
          assert.isAtMost(checks, 30)
        })
      )

      it.effect.each([
        ["at once, a second action after a check that was requested", Effect.void, [asks("a"), asks("b")], [0, 0, 10]],
        ["later, a second action", Effect.sleep("1 second"), [asks("a"), asks("b")], [0, 1, 11]],
        ["at once, after the strategy has checked", Effect.void, [asks("a"), asks("a"), asks("b")], [0, 0, 10, 10]],
        [
          "slowly, a second action",
          Effect.sleep("12 seconds"),
          [asks("a"), asks("a"), asks("b"), asks("b")],
          [0, 10, 12, 22, 24]
        ],
        ["at once, no action in between", Effect.void, [asks("a"), pending, asks("b")], [0, 0, 10, 10]],
        [
          "at once, a failed check in between",
          Effect.void,
          [asks("a"), Effect.fail("reset"), asks("b")],
          [0, 0, 10, 10]
        ]
      ] as const)("handled %s - requests at most one check in a row", ([, handle, answers, checks]) =>
        Effect.gen(function* () {
          const found = yield* outcome(() => handle, [...answers, done])
          assert.deepStrictEqual([found.ending, found.checks], ["done", checks])
        })
      )

      it.effect.each(["until", "await", "interrupt", "close"] as const)(
        "one that cannot be interrupted - holds the end up for at most `cancelTimeout` (%s)",
        (how) =>
          Effect.gen(function* () {
            const { check } = scripted<string>(asks("a"), asks("a"), Status.succeeded("done"))
            const job = Job.make<string>("render", { check: () => check })
            const hung = {
              ...options,
              onAction: () => Effect.uninterruptible(Effect.never),
              cancelTimeout: "5 seconds"
            } as const
            const use =
              how === "until"
                ? host.until(job, "a", hung)
                : Effect.flatMap(host.start(job, "a", hung), (handle) => {
                    if (how === "await") return handle.await
                    return Effect.andThen(
                      Effect.sleep("1 second"),
                      how === "interrupt" ? handle.interrupt : Effect.void
                    )
                  })
            const { at, exit } = yield* runFor(Effect.scoped(use), "1 hour")
            const expected = { until: "done", await: "done", interrupt: undefined, close: undefined }[how]
            assert.strictEqual(ending(exit), expected)
            assert.isAtMost(at, how === "until" || how === "await" ? 30_000 : 11_000)
          })
      )

      it.effect("scope that closes, and an interruption - wait for its finalizers", () =>
        Effect.gen(function* () {
          const { runs, handler } = recordRuns(() => Effect.onInterrupt(Effect.never, () => Effect.sleep("2 seconds")))
          const job = Job.make<string>("render", { check: () => Effect.succeed(asks("a")) })
          const scope = yield* Scope.make()
          yield* Scope.provide(host.start(job, "a", { ...options, onAction: handler }), scope)
          yield* TestClock.adjust("1 second")
          const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
          yield* TestClock.adjust("1 second")
          assert.strictEqual(closing.pollUnsafe(), undefined)
          yield* TestClock.adjust("1 second")
          yield* Fiber.join(closing)
          assert.deepStrictEqual(runs, ["start a 0", "stop a 3"])
          const waiting = yield* Effect.forkChild(host.until(job, "a", { ...options, onAction: handler }))
          yield* TestClock.adjust("1 second")
          const stopping = yield* Effect.forkChild(Fiber.interrupt(waiting))
          yield* TestClock.adjust("1 second")
          assert.strictEqual(stopping.pollUnsafe(), undefined)
          yield* TestClock.adjust("1 second")
          yield* Fiber.join(stopping)
          assert.strictEqual(runs.length, 4)
        })
      )
    })
  })
})
