import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { between } from "./support/arbitrary.ts"
import { type Host, hosts } from "./support/hosts.ts"

/** One answer of a server: what it is, how long it takes and which delay it requests. */
const Answer = Schema.Struct({
  finds: Schema.Literals([
    "queued",
    "running",
    "running",
    "further",
    "missing",
    "missing after 2",
    "unknown",
    "lacking",
    "error",
    "error",
    "throttled",
    "rejected",
    "done",
    "failed"
  ]),
  takes: Schema.Literals([0, 0, 0, 300, 1500]),
  hint: Schema.Literals([0, 0, 0, 2000, 9000])
})

const World = Schema.Struct({
  answers: Schema.Array(Answer).check(Schema.isMinLength(1)),
  cutAfter: between(1, 12),
  deadline: between(5, 60),
  every: between(0, 4),
  isForeign: Schema.Boolean,
  maxConsecutive: Schema.NullOr(Schema.Literals([1, 3])),
  maxOutage: Schema.NullOr(Schema.Literals([0, 4])),
  errorLimit: Schema.NullOr(Schema.Literals([3, 12])),
  retries: Schema.Literals([0, 2]),
  rejectTimes: between(1, 3),
  missingTimes: between(1, 3),
  grace: between(0, 3),
  unknownFor: between(1, 6),
  stall: Schema.NullOr(Schema.Literals(["fail", "report"])),
  minInterval: Schema.Literals([0, 0, 1500, 7000]),
  cancels: Schema.Boolean,
  hasFallback: Schema.Boolean
})

const statuses = {
  queued: Status.pending({ state: "QUEUED", detail: { node: 1, archive: undefined } }),
  running: Status.pending({ state: "RUNNING", progress: 0.5, detail: { node: 2, archive: "kept" } }),
  further: Status.pending({ state: "RUNNING", progress: 0.6, detail: { node: 2, archive: "kept" } })
}

/** A server with scripted answers. A check that is interrupted has not happened. */
const serverOf = ({ answers }: typeof World.Type, startedAt: number) => {
  const checks: Array<string> = []
  const flight = { since: Number.NaN }
  const answerOf = (
    finds: (typeof Answer.Type)["finds"]
  ): Effect.Effect<CheckResult.CheckResult<string, string>, string> => {
    switch (finds) {
      case "missing":
        return Effect.succeed(CheckResult.missing)
      case "missing after 2":
        return Effect.succeed(CheckResult.missingAfter(2))
      case "unknown":
        return Effect.succeed(CheckResult.unknownState("PAUSED"))
      case "lacking":
        return Effect.succeed(CheckResult.resultMissing("DONE"))
      case "error":
      case "throttled":
      case "rejected":
        return Effect.fail(finds)
      case "done":
        return Effect.succeed(Status.succeeded("done"))
      case "failed":
        return Effect.succeed(Status.failed("bad"))
      default:
        return Effect.succeed(statuses[finds])
    }
  }
  const check = (key: string, attempt: number) =>
    Effect.gen(function* () {
      const { finds, hint, takes } = answers[checks.length % answers.length]!
      const start = (yield* Clock.currentTimeMillis) - startedAt
      flight.since = start
      if (takes > 0) yield* Effect.sleep(takes)
      checks.push(`${key} ${attempt} at ${start}: ${finds}`)
      flight.since = Number.NaN
      const found = yield* answerOf(finds)
      return hint === 0 ? found : CheckResult.withHint(found, hint)
    }).pipe(
      // A timed out check has happened as well.
      Effect.onInterrupt(() => Effect.sync(() => (flight.since = Number.NaN)))
    )
  return { check, checks, flight }
}

const errorKinds: Readonly<Record<string, CheckError.Kind>> = {
  throttled: CheckError.throttled(),
  rejected: CheckError.permanent()
}

const jobOf = (world: typeof World.Type, server: ReturnType<typeof serverOf>) =>
  Job.make<string, string, string>("render", {
    check: (key, { attempt }) => server.check(key, attempt),
    cancel: world.cancels ? () => Effect.fail("no") : undefined,
    missing: {
      times: world.missingTimes,
      grace: world.grace * 1000,
      fallback: world.hasFallback
        ? {
            locate: (_, last) => {
              const detail = last?._tag === "Pending" ? (last.detail as { readonly archive?: string }) : undefined
              return detail?.archive
            },
            check: (key, { attempt }) => server.check(key, attempt)
          }
        : undefined
    }
  })

const optionsOf = (world: typeof World.Type): Poll.Options<string> => {
  const schedule = Strategy.exponential({ initial: "1 second", factor: 2, cap: "4 seconds" })
  return {
    deadline: world.deadline * 1000,
    strategy: world.isForeign
      ? Schedule.spaced(world.every * 1000)
      : Strategy.make({ decide: (step) => (world.every + (step % 3)) * 1000 }),
    unknownState: { for: world.unknownFor * 1000 },
    stall: world.stall === null ? undefined : { after: "8 seconds", onStall: world.stall },
    minInterval: world.minInterval,
    onTimeout: world.cancels ? "cancelRemote" : "leave",
    cancelTimeout: "6 seconds",
    checkErrors: {
      schedule: world.errorLimit === null ? schedule : Strategy.maxDuration(schedule, world.errorLimit * 1000),
      maxConsecutive: world.maxConsecutive ?? undefined,
      maxOutage: world.maxOutage === null ? undefined : world.maxOutage * 1000,
      retry: world.retries === 0 ? undefined : Strategy.maxAttempts(Strategy.spaced("500 millis"), world.retries + 1),
      rejectAfter: { times: world.rejectTimes },
      kindOf: (error) => errorKinds[error] ?? CheckError.transient()
    }
  }
}

/** How a wait ended, with all that does not depend on what a token leaves out. */
const endOf = (exit: Exit.Exit<unknown, unknown>, startedAt: number) => {
  if (Exit.isSuccess(exit)) return exit.value
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") return "defect"
  const {
    lastCheckError: _1,
    unknownStates: _2,
    hints: _3,
    history: _4,
    lastStatus,
    floorAt,
    cancel,
    ...rest
  } = {
    ...(error.value as Record<string, unknown>)
  }
  const status = lastStatus as Status.Status<unknown, unknown> | undefined
  return {
    ...rest,
    floor: floorAt === undefined ? undefined : Number(floorAt) - startedAt,
    last: status?._tag,
    cancel: (cancel as { readonly outcome: string } | undefined)?.outcome
  }
}

/** Runs a wait in a world; a cut one is left after a number of events and resumed at once by another host. */
const runIn = (world: typeof World.Type, host: Host, resumedBy: Host | undefined) =>
  Effect.scoped(
    Effect.gen(function* () {
      const startedAt = yield* Clock.currentTimeMillis
      const server = serverOf(world, startedAt)
      const job = jobOf(world, server)
      const options = optionsOf(world)
      let isRepeated = false
      const wait = Effect.gen(function* () {
        const handle = yield* host.start(job, "a", options)
        if (resumedBy === undefined) return yield* handle.await
        const cut = yield* Latch.make()
        let events = 0
        let isOver = false
        const record = handle.events.pipe(
          Stream.runForEach(({ _tag }) => {
            isOver ||= _tag === "Ended"
            return isOver || ++events === world.cutAfter ? cut.open : Effect.void
          })
        )
        yield* Effect.forkScoped(record, { startImmediately: true })
        yield* cut.await
        // The end comes with the event that it follows.
        yield* Effect.yieldNow
        if (isOver) return yield* handle.await
        const token = yield* handle.token
        const { since } = server.flight
        isRepeated = since < (yield* Clock.currentTimeMillis) - startedAt || (since >= 0 && world.minInterval > 0)
        yield* handle.interrupt
        const json = ResumeToken.toJson(token)
        const { deadline: _, ...rest } = options
        return yield* resumedBy.resume(job, yield* ResumeToken.fromJson(json), rest)
      })
      const fiber = yield* Effect.forkChild(
        Effect.flatMap(Effect.exit(Effect.scoped(wait)), (exit) =>
          Effect.map(Clock.currentTimeMillis, (at) => ({ end: endOf(exit, startedAt), at: at - startedAt }))
        )
      )
      yield* TestClock.adjust("10 minutes")
      return { ...(yield* Fiber.join(fiber)), checks: server.checks, isRepeated }
    })
  )

/** Runs a wait in a world by calls of `Poll.advance`: how it ended and when, its checks, and the most checks of a call. */
const advancedIn = (world: typeof World.Type) =>
  Effect.gen(function* () {
    const startedAt = yield* Clock.currentTimeMillis
    const server = serverOf(world, startedAt)
    const job = jobOf(world, server)
    const options = optionsOf(world) as Poll.AdvanceOptions<string>
    let most = 0
    const calls = Effect.gen(function* () {
      let of: string | ResumeToken.ResumeToken = "a"
      for (;;) {
        const before = server.checks.length
        const found: Poll.Advanced<string, string, string> = yield* Poll.advance(job, of, options)
        const at = yield* Clock.currentTimeMillis
        most = Math.max(most, server.checks.length - before)
        if (found._tag === "Ended") return { end: endOf(found.exit, startedAt), at: at - startedAt }
        of = yield* ResumeToken.fromJson(ResumeToken.toJson(found.token))
        yield* Effect.sleep(Math.max(0, found.dueAt - at))
      }
    })
    const fiber = yield* Effect.forkChild(calls)
    yield* TestClock.adjust("10 minutes")
    return { ...(yield* Fiber.join(fiber)), checks: server.checks, most }
  })

const same = (run: { readonly end: unknown; readonly at: number; readonly checks: ReadonlyArray<string> }) =>
  JSON.stringify([run.end, run.at, run.checks])

describe("Poll.advance", () => {
  it.effect.prop(
    "calls at each dueAt - make the checks of until, one each at most, and end alike [R67]",
    [World],
    ([any]) =>
      Effect.gen(function* () {
        const world = { ...any, isForeign: false }
        const uncut = yield* runIn(world, hosts[0]!, undefined)
        const advanced = yield* advancedIn(world)
        assert(same(advanced) === same(uncut), `advanced: ${same(advanced)}, until: ${same(uncut)}`)
        assert.isAtMost(advanced.most, 1)
      }),
    { arbitrary: { runs: 500 }, timeout: 60_000 }
  )
})

describe.each(hosts)("$name", (host) => {
  describe.each(hosts)("resumed by $name", (other) => {
    it.effect.prop(
      "token - a wait that is cut at any event and resumed at once ends as the uncut one [R32]",
      [World],
      ([world]) =>
        Effect.gen(function* () {
          const uncut = yield* runIn(world, host, undefined)
          const cut = yield* runIn(world, host, other)
          if (!cut.isRepeated) assert(same(cut) === same(uncut), `cut: ${same(cut)}, uncut: ${same(uncut)}`)
        }),
      { arbitrary: { runs: 300 }, timeout: 60_000 }
    )
  })
})
