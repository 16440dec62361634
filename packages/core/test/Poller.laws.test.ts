import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { CheckContext } from "effect-poll/CheckContext"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Handle } from "effect-poll/Handle"
import { between } from "./support/arbitrary.ts"
import { inspect } from "./support/inspect.ts"
import { recordChecks } from "./support/jobs.ts"

/** How long a check takes at most, in milliseconds. */
const longestCheck = 1500

/** How long a request for many takes at most, with the single checks of the keys that its answer lacks: a `checkTimeout`. */
const longestRequest = 3000

/** How the job of one key ends, and what its checks find in turn. */
const Scenario = Schema.Struct({
  outcome: Schema.Literals(["done", "done", "failed", "canceled", "never"]),
  endsAt: between(0, 30_000),
  takes: between(0, longestCheck),
  hint: Schema.NullOr(between(1, 4000)),
  /** Whether its checks re-enter the Poller: when they start, or when they are interrupted. */
  reenters: Schema.Literals(["never", "never", "never", "first", "last"]),
  checks: Schema.NonEmptyArray(
    Schema.Literals(["fine", "fine", "fine", "fine", "error", "throttled", "hung", "lacking"])
  )
})

const WaitSpec = Schema.Struct({
  job: between(0, 2),
  key: between(0, 2),
  /** How many equal waits are added. */
  times: between(1, 4),
  at: between(0, 20_000),
  deadline: between(1, 20_000),
  interval: between(100, 4000),
  checkTimeout: between(200, longestRequest),
  then: Schema.Literals(["nothing", "nothing", "interrupt", "checkNow", "force", "pause"]),
  after: between(0, 15_000)
})

const Settings = Schema.Struct({
  concurrency: between(1, 3),
  concurrencyPerJob: between(1, 4),
  stagger: Schema.Boolean,
  linger: Schema.Literals([0, 1000]),
  coalesce: Schema.Literals([0, 0, 10, 700]),
  slack: Schema.Literals([0, 50, 700]),
  /** The delay that the answer to a request for many asks for. */
  requestHint: Schema.NullOr(between(1, 3000)),
  reentries: Schema.NonEmptyArray(Schema.Literals(["interrupt", "checkNow", "force", "pause", "add"]))
})

type Scenario = typeof Scenario.Type
type WaitSpec = typeof WaitSpec.Type

/** The names of the jobs, by index. */
const names = ["plain", "other", "many"]

/** Two jobs with single checks and one with batch requests; their answers are true when they are given. */
const jobsOf = (
  scenarios: ReadonlyArray<Scenario>,
  max: number,
  { requestHint, slack }: Pick<typeof Settings.Type, "requestHint" | "slack">,
  reenter: Effect.Effect<void>
) => {
  const cursors: Array<GivenCursor> = []
  const recorded = recordChecks()
  const counts = new Map<string, number>()
  const scenarioOf = (job: number, key: string) => scenarios[(job * 3 + Number(key)) % scenarios.length]!
  const statusOf = ({ endsAt, outcome }: Scenario, now: number): Status.Status<string, string> => {
    if (now < endsAt || outcome === "never") return Status.pending()
    return outcome === "done"
      ? Status.succeeded("done")
      : outcome === "failed"
        ? Status.failed("bad")
        : Status.canceled()
  }
  const encounter = (job: number, key: string, cursor: string | undefined) => {
    const scenario = scenarioOf(job, key)
    const check = counts.get(`${job} ${key}`) ?? 0
    counts.set(`${job} ${key}`, check + 1)
    cursors.push({ of: `${job} ${key}`, check, given: cursor })
    return { check, scenario, finds: scenario.checks[check % scenario.checks.length]! }
  }
  const answerOf = (scenario: Scenario, now: number, cursor: string): CheckResult.CheckResult<string, string> => {
    const found = CheckResult.withCursor(statusOf(scenario, now), cursor)
    return scenario.hint === null ? found : CheckResult.withHint(found, scenario.hint)
  }
  const reentering = <A, E>(when: ReadonlyArray<Scenario["reenters"]>, check: Effect.Effect<A, E>) =>
    Effect.onInterrupt(when.includes("first") ? Effect.andThen(reenter, check) : check, () =>
      when.includes("last") ? reenter : Effect.void
    )
  const one =
    (job: number) =>
    (key: string, { cursor }: CheckContext) =>
      Effect.suspend(() => {
        const { check, scenario, finds } = encounter(job, key, cursor)
        const answer = Effect.gen(function* () {
          yield* finds === "hung" ? Effect.never : Effect.sleep(scenario.takes)
          if (finds === "error" || finds === "throttled") return yield* Effect.fail(finds)
          return answerOf(scenario, yield* Clock.currentTimeMillis, `${job} ${key} ${check}`)
        })
        return reentering([scenario.reenters], recorded.record(job === 2 ? "alone" : names[job]!, [key], answer))
      })
  const many = (keys: ReadonlyArray<string>, contexts: ReadonlyMap<string, CheckContext>) =>
    Effect.suspend(() => {
      const found = keys.map((key) => ({ key, ...encounter(2, key, contexts.get(key)!.cursor) }))
      const answer = Effect.gen(function* () {
        if (found.some(({ finds }) => finds === "hung")) return yield* Effect.never
        yield* Effect.sleep(Math.max(...found.map(({ scenario }) => scenario.takes)))
        const now = yield* Clock.currentTimeMillis
        const answered = found.filter(({ finds }) => finds !== "lacking")
        return {
          hint: requestHint === null ? undefined : Duration.millis(requestHint),
          results: new Map(
            answered.map(({ check, scenario, key, finds }) => [
              key,
              finds === "error" || finds === "throttled"
                ? Result.fail(finds)
                : Result.succeed(answerOf(scenario, now, `2 ${key} ${check}`))
            ])
          )
        }
      })
      const when = found.map(({ scenario }) => scenario.reenters)
      return reentering(when, recorded.record("many", keys, answer))
    })
  const jobs = [
    Job.make<string, string, string>("plain", { check: one(0) }),
    Job.make<string, string, string>("other", { check: one(1) }),
    Job.make<string, string, string>("many", { check: one(2), checkMany: { check: many, max, slack } })
  ]
  return { ...recorded, cursors, scenarioOf, jobs }
}

/** A wait that was added, and how it ended. */
interface FollowedWait {
  readonly spec: WaitSpec
  readonly start: number
  handle: Handle<string, string, string> | undefined
  interrupted: boolean
  readonly exits: Array<{ readonly exit: Exit.Exit<string, unknown>; readonly at: number }>
}

const kindOf = (error: string) => (error === "throttled" ? CheckError.throttled() : CheckError.transient())

/** The cursor that a check was given; that of an answer is the key with the number of its check. */
interface GivenCursor {
  readonly of: string
  readonly check: number
  readonly given: string | undefined
}

/** Whether each check was given a cursor of its own key, from an earlier check, and never an older one than before. */
const judgeCursors = (cursors: ReadonlyArray<GivenCursor>): void => {
  const newest = new Map<string, number>()
  for (const { check, given, of } of cursors) {
    if (given === undefined) continue
    const from = Number(given.slice(of.length))
    assert.isTrue(given.startsWith(`${of} `), `the cursor ${given} given to ${of}`)
    assert.isBelow(from, check)
    assert.isAtLeast(from, newest.get(of) ?? 0, "an older cursor than before")
    newest.set(of, from)
  }
}

/** Whether a wait ended as its scenario requires, and in time. */
const judge = ({ spec, exits, interrupted, start }: FollowedWait, scenario: Scenario): void => {
  assert.strictEqual(exits.length, 1, "ends once")
  const { at, exit } = exits[0]!
  // A check that was due by the deadline, but had to queue or to wait for others, begins all the same (R40).
  const end = start + spec.deadline
  assert.isAtMost(at, end + 2 * longestCheck, "ends by its deadline, or as soon as a late last check may take")
  if (Exit.isSuccess(exit)) {
    assert.strictEqual(scenario.outcome, "done")
    assert.isAtLeast(at, scenario.endsAt)
    return
  }
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") {
    assert(Exit.hasInterrupts(exit) && interrupted, "interrupted though nothing interrupted it")
    return
  }
  const { _tag } = error.value as { readonly _tag: string }
  switch (_tag) {
    case "JobFailed":
      return assert.deepStrictEqual([scenario.outcome, at >= scenario.endsAt], ["failed", true])
    case "JobCanceled":
      return assert.deepStrictEqual([scenario.outcome, at >= scenario.endsAt], ["canceled", true])
    case "PollTimeout":
      // The last check is placed so that its answer fits, with a margin, so the wait may end earlier by that.
      return assert.isAtLeast(at, end - 50 - 3 * (spec.job === 2 ? longestRequest : longestCheck))
    case "CheckErrorsExhausted":
      return assert.isAbove(spec.checkTimeout, 0)
    default:
      return assert.fail(_tag)
  }
}

describe("Poller", () => {
  describe("laws", () => {
    it.effect.prop(
      "every wait - ends once with the truth and in time, within the bounds of keys, concurrency and rate",
      [Schema.NonEmptyArray(Scenario), Schema.NonEmptyArray(WaitSpec), Settings, between(1, 3)],
      ([scenarios, kinds, { reentries, requestHint, slack, ...settings }, max]) =>
        Effect.gen(function* () {
          const specs = kinds.flatMap((spec) => Array.from({ length: spec.times }, () => spec))
          const started = yield* Clock.currentTimeMillis
          const waits: Array<FollowedWait> = []
          let reentered = 0
          // What a check may do to a wait in the middle of its start or its interruption.
          const reenter: Effect.Effect<void> = Effect.suspend(() => {
            const what = reentries[reentered % reentries.length]!
            const wait = waits[(reentered++ * 7) % waits.length]!
            if (reentered > 50) return Effect.void
            const done = what === "add" ? add({ ...wait.spec, then: "nothing" }) : act(wait, what)
            return Effect.asVoid(Effect.forkDetach(done, { startImmediately: true }))
          })
          const { cursors, scenarioOf, jobs, checks, most } = jobsOf(
            scenarios.map((scenario) => ({ ...scenario, endsAt: started + scenario.endsAt })),
            max,
            { requestHint, slack },
            reenter
          )
          const poller = yield* Poller.make(settings)
          const act = (wait: FollowedWait, then: WaitSpec["then"]): Effect.Effect<void> =>
            Effect.suspend(() => {
              const { handle } = wait
              if (handle === undefined) return Effect.void
              switch (then) {
                case "nothing":
                  return Effect.void
                case "interrupt":
                  wait.interrupted = true
                  return handle.interrupt
                case "pause":
                  return handle.pause.pipe(Effect.andThen(Effect.sleep(1500)), Effect.andThen(handle.unpause))
                default:
                  return handle.checkNow({ force: then === "force" })
              }
            })
          const add = (spec: WaitSpec): Effect.Effect<void> =>
            Effect.gen(function* () {
              const { after, deadline, interval, job, key, checkTimeout, then } = spec
              const start = yield* Clock.currentTimeMillis
              const wait: FollowedWait = { spec, start, handle: undefined, interrupted: false, exits: [] }
              waits.push(wait)
              const handle = yield* poller.add(jobs[job]!, String(key), {
                deadline,
                strategy: Strategy.spaced(interval),
                checkTimeout,
                checkErrors: { kindOf, schedule: Strategy.spaced(interval), maxConsecutive: 3 }
              })
              wait.handle = handle
              yield* Effect.forkDetach(
                Effect.flatMap(Effect.exit(handle.await), (exit) =>
                  Effect.map(Clock.currentTimeMillis, (at) => wait.exits.push({ exit, at }))
                ),
                { startImmediately: true }
              )
              yield* Effect.sleep(after)
              yield* act(wait, then)
            })
          for (const spec of specs) yield* Effect.forkChild(Effect.andThen(Effect.sleep(spec.at), add(spec)))
          yield* TestClock.adjust("30 minutes")

          judgeCursors(cursors)
          for (const wait of waits) judge(wait, scenarioOf(wait.spec.job, String(wait.spec.key)))
          const { ended, ...now } = yield* poller.stats
          assert.deepStrictEqual(now, { watched: 0, waiting: 0, queued: 0, checking: 0, requests: 0 })
          assert.strictEqual(
            Object.values(ended).reduce((sum, count) => sum + count, 0),
            waits.length
          )
          assert.strictEqual(inspect(poller).waits, 0)

          for (const name of names) assert.isAtMost(most.perKey[name] ?? 0, 1, "two checks of a key at once")
          assert.isAtMost(most.total, settings.concurrency)
          for (const name of names) assert.isAtMost(most.perJob[name] ?? 0, settings.concurrencyPerJob)
          for (const { end, job, key, start } of checks) {
            assert.isFalse(Number.isNaN(end), "a check was left running")
            // A single check of a key that an answer lacked can outlast its wait: see Poller.batching.test.ts.
            if (job === "alone") continue
            const own = waits.filter(({ spec }) => names[spec.job] === job && String(spec.key) === key)
            assert(
              own.some((wait) => wait.start <= start && start <= wait.exits[0]!.at),
              "a check without a wait"
            )
          }
          // At most as many checks as the waits would make without sharing.
          const allowed = waits.reduce(
            (sum, { spec: { deadline, interval } }) => sum + Math.ceil(deadline / interval) + 4,
            reentered
          )
          // A key that an answer lacks costs a single check more.
          assert.isAtMost(checks.filter(({ job }) => job !== "alone").length, allowed)
        }),
      { arbitrary: { runs: 300 }, timeout: 30_000 }
    )
  })
})
