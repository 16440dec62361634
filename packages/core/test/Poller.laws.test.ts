import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { held, witness } from "./many.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const longestCheck = 1500

/** What really becomes of one key, and what its checks meet in turn. */
const Fate = Schema.Struct({
  outcome: Schema.Literals(["done", "done", "failed", "canceled", "never"]),
  endsAt: between(0, 30_000),
  takes: between(0, longestCheck),
  hint: Schema.NullOr(between(1, 4000)),
  /** Whether its checks do something to some wait: when they begin, or when they are interrupted. */
  meddles: Schema.Literals(["never", "never", "never", "first", "last"]),
  checks: Schema.NonEmptyArray(Schema.Literals(["fine", "fine", "fine", "fine", "error", "hung", "lacking"]))
})

const Adding = Schema.Struct({
  job: between(0, 2),
  key: between(0, 2),
  /** How many waits are added that are alike. */
  times: between(1, 4),
  at: between(0, 20_000),
  deadline: between(1, 20_000),
  interval: between(100, 4000),
  checkTimeout: between(200, 3000),
  then: Schema.Literals(["nothing", "nothing", "remove", "checkNow", "force", "pause"]),
  after: between(0, 15_000)
})

const Settings = Schema.Struct({
  concurrency: between(1, 3),
  concurrencyPerJob: between(1, 4),
  stagger: Schema.Boolean,
  linger: Schema.Literals([0, 1000]),
  coalesce: Schema.Literals([0, 0, 10, 700]),
  slack: Schema.Literals([0, 50, 700]),
  meddling: Schema.NonEmptyArray(Schema.Literals(["remove", "checkNow", "force", "pause", "add"]))
})

type Fate = typeof Fate.Type
type Adding = typeof Adding.Type

const names = ["plain", "other", "many"]

/** Two jobs with a check for each key, and one with a check for many; what they say is true when they say it. */
const jobsOf = (fates: ReadonlyArray<Fate>, max: number, slack: number, meddle: Effect.Effect<void>) => {
  const seen = witness()
  const counts = new Map<string, number>()
  const fateOf = (job: number, key: string) => fates[(job * 3 + Number(key)) % fates.length]!
  const statusOf = ({ endsAt, outcome }: Fate, now: number): Status.Status<string, string> => {
    if (now < endsAt || outcome === "never") return Status.pending()
    return outcome === "done"
      ? Status.succeeded("done")
      : outcome === "failed"
        ? Status.failed("bad")
        : Status.canceled()
  }
  const encounter = (job: number, key: string) => {
    const fate = fateOf(job, key)
    const check = counts.get(`${job} ${key}`) ?? 0
    counts.set(`${job} ${key}`, check + 1)
    return { fate, meets: fate.checks[check % fate.checks.length]! }
  }
  const answerOf = (fate: Fate, now: number): CheckResult.CheckResult<string, string> =>
    fate.hint === null ? statusOf(fate, now) : CheckResult.withHint(statusOf(fate, now), fate.hint)
  const meddling = <A, E>(when: ReadonlyArray<Fate["meddles"]>, check: Effect.Effect<A, E>) =>
    Effect.onInterrupt(when.includes("first") ? Effect.andThen(meddle, check) : check, () =>
      when.includes("last") ? meddle : Effect.void
    )
  const one = (job: number) => (key: string) =>
    Effect.suspend(() => {
      const { fate, meets } = encounter(job, key)
      const answer = Effect.gen(function* () {
        yield* meets === "hung" ? Effect.never : Effect.sleep(fate.takes)
        if (meets === "error") return yield* Effect.fail("reset")
        return answerOf(fate, yield* Clock.currentTimeMillis)
      })
      return meddling([fate.meddles], seen.watch(job === 2 ? "alone" : names[job]!, [key], answer))
    })
  const many = (keys: ReadonlyArray<string>) =>
    Effect.suspend(() => {
      const met = keys.map((key) => ({ key, ...encounter(2, key) }))
      const answer = Effect.gen(function* () {
        if (met.some(({ meets }) => meets === "hung")) return yield* Effect.never
        yield* Effect.sleep(Math.max(...met.map(({ fate }) => fate.takes)))
        const now = yield* Clock.currentTimeMillis
        const answered = met.filter(({ meets }) => meets !== "lacking")
        return new Map(
          answered.map(({ fate, key, meets }) => [
            key,
            meets === "error" ? Result.fail("reset") : Result.succeed(answerOf(fate, now))
          ])
        )
      })
      const when = met.map(({ fate }) => fate.meddles)
      return meddling(when, seen.watch("many", keys, answer))
    })
  const jobs = [
    Job.make<string, string, string>("plain", { check: one(0) }),
    Job.make<string, string, string>("other", { check: one(1) }),
    Job.make<string, string, string>("many", { check: one(2), checkMany: { check: many, max, slack } })
  ]
  return { ...seen, fateOf, jobs }
}

interface Followed {
  readonly adding: Adding
  readonly start: number
  watch: Handle<string, string, string> | undefined
  removed: boolean
  readonly exits: Array<{ readonly exit: Exit.Exit<string, unknown>; readonly at: number }>
}

/** Whether an end is what the script forces, at that time. */
const judge = ({ adding, exits, removed, start }: Followed, fate: Fate): void => {
  assert.strictEqual(exits.length, 1, "ends once")
  const { at, exit } = exits[0]!
  const end = start + adding.deadline
  assert.isAtMost(at, end, "ends by its deadline")
  if (Exit.isSuccess(exit)) {
    assert.strictEqual(fate.outcome, "done")
    assert.isAtLeast(at, fate.endsAt)
    return
  }
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") {
    assert(Exit.hasInterrupts(exit) && removed, "only who is removed is interrupted")
    return
  }
  const { _tag } = error.value as { readonly _tag: string }
  switch (_tag) {
    case "JobFailed":
      return assert.deepStrictEqual([fate.outcome, at >= fate.endsAt], ["failed", true])
    case "JobCanceled":
      return assert.deepStrictEqual([fate.outcome, at >= fate.endsAt], ["canceled", true])
    case "PollTimeout":
      // The last check is placed so that its answer fits: it may come by as much before the deadline as a check takes.
      return assert.isAtLeast(at, end - longestCheck)
    case "CheckErrorsExhausted":
      return assert.isAbove(adding.checkTimeout, 0)
    default:
      return assert.fail(_tag)
  }
}

describe("Poller, whatever jobs and callers do", () => {
  it.effect.prop(
    "every wait ends once with the truth, in time; checks keep to key, bounds and rate",
    [Schema.NonEmptyArray(Fate), Schema.NonEmptyArray(Adding), Settings, between(1, 3)],
    ([fates, kinds, { meddling, slack, ...settings }, max]) =>
      Effect.gen(function* () {
        const addings = kinds.flatMap((adding) => Array.from({ length: adding.times }, () => adding))
        const started = yield* Clock.currentTimeMillis
        const followed: Array<Followed> = []
        let meddled = 0
        // Whoever checks may do this to some wait, right then.
        const meddle: Effect.Effect<void> = Effect.suspend(() => {
          const what = meddling[meddled % meddling.length]!
          const follow = followed[(meddled++ * 7) % followed.length]!
          if (meddled > 50) return Effect.void
          const done = what === "add" ? add({ ...follow.adding, then: "nothing" }) : act(follow, what)
          return Effect.asVoid(Effect.forkDetach(done, { startImmediately: true }))
        })
        const { fateOf, jobs, checks, most } = jobsOf(
          fates.map((fate) => ({ ...fate, endsAt: started + fate.endsAt })),
          max,
          slack,
          meddle
        )
        const poller = yield* Poller.make(settings)
        const act = (follow: Followed, then: Adding["then"]): Effect.Effect<void> =>
          Effect.suspend(() => {
            const { watch } = follow
            if (watch === undefined) return Effect.void
            switch (then) {
              case "nothing":
                return Effect.void
              case "remove":
                follow.removed = true
                return watch.interrupt
              case "pause":
                return watch.pause.pipe(Effect.andThen(Effect.sleep(1500)), Effect.andThen(watch.unpause))
              default:
                return watch.checkNow({ force: then === "force" })
            }
          })
        const add = (adding: Adding): Effect.Effect<void> =>
          Effect.gen(function* () {
            const { after, deadline, interval, job, key, checkTimeout, then } = adding
            const start = yield* Clock.currentTimeMillis
            const follow: Followed = { adding, start, watch: undefined, removed: false, exits: [] }
            followed.push(follow)
            const watch = yield* poller.add(jobs[job]!, String(key), {
              deadline,
              strategy: Strategy.spaced(interval),
              checkTimeout,
              checkErrors: { schedule: Strategy.spaced(interval), maxConsecutive: 3 }
            })
            follow.watch = watch
            yield* Effect.forkDetach(
              Effect.flatMap(Effect.exit(watch.await), (exit) =>
                Effect.map(Clock.currentTimeMillis, (at) => follow.exits.push({ exit, at }))
              ),
              { startImmediately: true }
            )
            yield* Effect.sleep(after)
            yield* act(follow, then)
          })
        for (const adding of addings) yield* Effect.forkChild(Effect.andThen(Effect.sleep(adding.at), add(adding)))
        yield* TestClock.adjust("30 minutes")

        for (const follow of followed) judge(follow, fateOf(follow.adding.job, String(follow.adding.key)))
        const { ended, ...now } = yield* poller.stats
        assert.deepStrictEqual(now, { watched: 0, waiting: 0, queued: 0, checking: 0, requests: 0 })
        assert.strictEqual(
          Object.values(ended).reduce((sum, count) => sum + count, 0),
          followed.length
        )
        assert.strictEqual(held(poller).waits, 0)

        for (const name of names) assert.isAtMost(most.perKey[name] ?? 0, 1, "two checks of a key at once")
        assert.isAtMost(most.total, settings.concurrency)
        for (const name of names) assert.isAtMost(most.perJob[name] ?? 0, settings.concurrencyPerJob)
        for (const { end, job, key, start } of checks) {
          assert.isFalse(Number.isNaN(end), "a check was left running")
          // A key that an answer lacked: see Poller.edges.test.ts.
          if (job === "alone") continue
          const own = followed.filter(({ adding }) => names[adding.job] === job && String(adding.key) === key)
          assert(
            own.some((follow) => follow.start <= start && start <= follow.exits[0]!.at),
            "a check that nobody waits for"
          )
        }
        // As many checks as each of the waits alone would have made, at most.
        const allowed = followed.reduce(
          (sum, { adding: { deadline, interval } }) => sum + Math.ceil(deadline / interval) + 4,
          meddled
        )
        // A key that an answer lacks costs a second check, by itself.
        assert.isAtMost(checks.filter(({ job }) => job !== "alone").length, allowed)
      }),
    { arbitrary: { runs: 300 } }
  )
})
