import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { between } from "./support/arbitrary.ts"
import { hosts } from "./support/hosts.ts"
import { ending, runFor } from "./support/runs.ts"

// Waits with ends that must hold and states with limits, against a reading of their answers from the first one on.

const Kind = Schema.Literals([
  ...([
    "ready",
    "ready",
    "ready",
    "failed",
    "canceled",
    "a",
    "a",
    "b",
    "plain",
    "missing",
    "unknown",
    "lacking",
    "error"
  ] as const)
])

const World = Schema.Struct({
  answers: Schema.NonEmptyArray(Kind),
  others: Schema.NonEmptyArray(Schema.Literals(["ready", "failed", "a", "missing", "error"])),
  times: between(1, 4),
  seconds: between(0, 5),
  failureTimes: between(1, 3),
  asksOther: Schema.Boolean,
  limitA: between(500, 6000),
  limitB: between(500, 6000),
  interval: between(700, 2500),
  deadline: between(4000, 30_000)
})

type World = typeof World.Type
type Kind = typeof Kind.Type

const results: Record<Exclude<Kind, "error">, CheckResult.CheckResult<string, string>> = {
  ready: Status.succeeded("ready"),
  failed: Status.failed("failed"),
  canceled: Status.canceled(),
  a: Status.pending({ state: "A" }),
  b: Status.pending({ state: "B" }),
  plain: Status.pending(),
  missing: CheckResult.missing,
  unknown: CheckResult.unknownState("A"),
  lacking: CheckResult.resultMissing("DONE", "no outputs")
}

const endings: Partial<Record<Kind, string>> = { ready: "ready", failed: "JobFailed", canceled: "JobCanceled" }
const states: Partial<Record<Kind, string>> = { a: "A", b: "B", unknown: "A" }

/** How a wait ends and when, and when it asked which source: the answers are read one after the other. */
const expected = (world: World): ReadonlyArray<unknown> => {
  const asked: Array<string> = []
  const limits: Record<string, number> = { A: world.limitA, B: world.limitB }
  let now = 0
  let count = 0
  let othersCount = 0
  let lacking = 0
  let lastFor = -1
  let state: { readonly word: string | undefined; readonly since: number } | undefined
  let hold: { readonly kind: Kind; readonly since: number; sightings: number; asksOther: boolean } | undefined
  const at = <A>(all: ReadonlyArray<A>, index: number): A => all[Math.min(index, all.length - 1)]!
  const bound = () => Math.min(world.deadline, limitAt())
  const limitAt = () => (state?.word === undefined ? Infinity : state.since + (limits[state.word] ?? Infinity))
  for (;;) {
    const asksOther = hold?.asksOther === true
    asked.push(`${asksOther ? "other" : "own"} ${now}`)
    if (now >= bound()) lastFor = bound()
    const kind: Kind = asksOther ? at(world.others, othersCount++) : at(world.answers, count++)
    let next = now + world.interval
    const held = hold
    if (kind === "error") {
      // Says nothing about the job.
    } else if (asksOther) {
      if (kind === held?.kind) return [endings[kind], now, asked]
      hold = undefined
    } else if (endings[kind] !== undefined) {
      state = undefined
      lacking = 0
      hold = held?.kind === kind ? held : { kind, since: now, sightings: 0, asksOther: false }
      hold.sightings++
      const [times, millis] =
        kind !== "ready" ? [world.failureTimes, 0] : world.seconds > 0 ? [1, world.seconds * 1000] : [world.times, 0]
      if (hold.sightings >= times && now - hold.since >= millis) {
        if (!world.asksOther) return [endings[kind], now, asked]
        hold.asksOther = true
        continue
      }
      if (millis > 0) next = Math.min(next, hold.since + millis)
    } else {
      hold = undefined
      if (kind === "lacking") {
        state = undefined
        if (++lacking > 3) return ["ResultMissing", now, asked]
      } else {
        lacking = 0
        if (kind !== "missing" && (state === undefined || state.word !== states[kind])) {
          state = { word: states[kind], since: now }
        }
      }
    }
    const last = bound()
    if (lastFor === last) {
      if (lacking > 0) return ["ResultMissing", now, asked]
      return [last === world.deadline ? "PollTimeout deadline" : "PollTimeout state", now, asked]
    }
    if (next >= last) {
      next = last
      lastFor = last
    }
    now = next
  }
}

describe.each(hosts)("$name", (host) => {
  describe("ends that must hold, and states with limits (R29, R30)", () => {
    it.effect.prop(
      "wait - ends as its answers say, read from the first one on",
      [World],
      ([world]) =>
        Effect.gen(function* () {
          const start = yield* Clock.currentTimeMillis
          const asked: Array<string> = []
          const ask = (source: string, answers: ReadonlyArray<Kind>) => {
            let count = 0
            return () =>
              Effect.flatMap(Clock.currentTimeMillis, (now) => {
                asked.push(`${source} ${now - start}`)
                const kind = answers[Math.min(count++, answers.length - 1)]!
                return kind === "error" ? Effect.fail("reset") : Effect.succeed(results[kind])
              })
          }
          const { failureTimes: times, seconds } = world
          const success = seconds > 0 ? { for: seconds * 1000 } : { times: world.times }
          // A time that is not before the deadline is a RangeError.
          if (seconds * 1000 >= world.deadline) return
          const job = Job.make<string, string, string>("render", {
            check: ask("own", world.answers),
            checkErrors: {
              schedule: Strategy.spaced(world.interval),
              maxConsecutive: "unbounded",
              maxOutage: "unbounded"
            },
            missing: { times: 1_000_000 },
            unknownState: "continue",
            confirm: {
              success,
              failure: { times },
              check: world.asksOther ? ask("other", world.others) : undefined
            },
            stateLimits: { A: world.limitA, B: world.limitB }
          })
          const { at, exit } = yield* runFor(
            host.until(job, "a", {
              strategy: Strategy.spaced(world.interval),
              deadline: world.deadline
            }),
            "1 minute"
          )
          assert.deepStrictEqual([ending(exit), at - start, asked], expected(world))
          yield* TestClock.adjust("1 minute")
          assert.strictEqual(asked.length, (expected(world)[2] as ReadonlyArray<string>).length)
        }),
      { arbitrary: { runs: 1000 }, timeout: 60_000 }
    )
  })
})
