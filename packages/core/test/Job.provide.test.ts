import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as CheckContext from "effect-poll/CheckContext"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import { pending } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every1s, hour, plain } from "./support/options.ts"
import { ending, errorOf, runFor, valueOf } from "./support/runs.ts"

class Session extends Context.Service<Session, { readonly token: string }>()("test/Session") {}

class Offline extends Data.TaggedError("Offline")<{}> {}

class Forbidden extends Data.TaggedError("Forbidden")<{}> {
  readonly [CheckError.kind] = CheckError.permanent()
}

/** A layer that records when it is built and released; the first builds fail with these errors. */
const recorded = <E = never>(...errors: ReadonlyArray<E>) => {
  const log: Array<string> = []
  let builds = 0
  const session = Effect.acquireRelease(
    Effect.suspend(() => {
      const error = errors[builds++]
      log.push(`build ${builds}`)
      return error === undefined ? Effect.succeed({ token: `t${builds}` }) : Effect.fail(error)
    }),
    () => Effect.sync(() => log.push("release"))
  )
  return { log, layer: Layer.effect(Session, session) }
}

/** A job that needs a session: the token of the session of each check, and a result after `checks` of them. */
const sessionJob = (checks = 3) => {
  const tokens: Array<string> = []
  const job = Job.make("render", {
    check: (key: string) =>
      Effect.map(Session, ({ token }) =>
        tokens.push(token) < checks ? Status.pending() : Status.succeeded(`${key} by ${token}`)
      ),
    submit: (key: string) => Effect.map(Session, ({ token }) => ({ key: `${key}/${token}` })),
    cancel: () => Effect.map(Session, ({ token }) => void tokens.push(`cancel ${token}`)),
    strategy: every1s
  })
  return { job, tokens }
}

describe("Job.provide", () => {
  describe.each(hosts)("in $name", ({ start, until }) => {
    it.effect("layer - is built once for a wait and released when it ends", () =>
      Effect.gen(function* () {
        const { layer, log } = recorded()
        const { job, tokens } = sessionJob()
        const { exit } = yield* runFor(until(Job.provide(job, layer), "a", hour), "1 minute")
        assert.strictEqual(valueOf(exit), "a by t1")
        assert.deepStrictEqual(
          [log, tokens],
          [
            ["build 1", "release"],
            ["t1", "t1", "t1"]
          ]
        )
      })
    )

    it.effect("layer - is shared by the waits for the job, and built anew for a later one", () =>
      Effect.gen(function* () {
        const { layer, log } = recorded()
        const { job } = sessionJob(6)
        const provided = Job.provide(job, layer)
        const waits = Effect.all([until(provided, "a", hour), until(provided, "b", hour)], { concurrency: 2 })
        yield* runFor(waits, "1 minute")
        assert.deepStrictEqual(log, ["build 1", "release"])
        yield* runFor(until(provided, "c", hour), "1 minute")
        assert.deepStrictEqual(log, ["build 1", "release", "build 2", "release"])
      })
    )

    it.effect("layer - is released when the wait is interrupted between two checks", () =>
      Effect.gen(function* () {
        const { layer, log } = recorded()
        yield* runFor(until(Job.provide(sessionJob(99).job, layer), "a", hour), "2500 millis")
        assert.deepStrictEqual(log, ["build 1", "release"])
      })
    )

    it.effect("layer - is released when a wait in the background ends, before its scope closes", () =>
      Effect.gen(function* () {
        const { layer, log } = recorded()
        const handle = yield* start(Job.provide(sessionJob().job, layer), "a", hour)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(log, ["build 1"])
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* handle.await, "a by t1")
        assert.deepStrictEqual(log, ["build 1", "release"])
        yield* handle.interrupt
        assert.deepStrictEqual(log, ["build 1", "release"])
      })
    )

    it.effect("layer that fails - is a check error, and is built again for the next check", () =>
      Effect.gen(function* () {
        const { layer, log } = recorded(new Offline(), new Offline())
        const { exit } = yield* runFor(until(Job.provide(sessionJob(1).job, layer), "a", hour), "1 minute")
        assert.strictEqual(valueOf(exit), "a by t3")
        assert.deepStrictEqual(log, ["build 1", "build 2", "build 3", "release"])
      })
    )

    it.effect("layer that fails permanently - ends the wait, whatever the job's own kindOf says of its errors", () =>
      Effect.gen(function* () {
        const { layer } = recorded(new Forbidden())
        const job = Job.make("render", {
          check: () => Effect.as(Session, pending),
          checkErrors: { kindOf: () => CheckError.transient() }
        })
        const { exit } = yield* runFor(until(Job.provide(job, layer), "a", hour), "1 minute")
        const error = errorOf(exit)
        assert(error._tag === "CheckRejected")
        assert.instanceOf(error.error, Forbidden)
      })
    )

    it.effect("layer that is never built - is bounded by the deadline", () =>
      Effect.gen(function* () {
        const job = Job.provide(sessionJob().job, Layer.effect(Session, Effect.never))
        const { at, exit } = yield* runFor(until(job, "a", { deadline: "5 seconds" }), "1 minute")
        assert.deepStrictEqual([ending(exit), at], ["PollTimeout deadline", 5000])
      })
    )

    it.effect("cancel - uses the same services while the wait runs", () =>
      Effect.gen(function* () {
        const { layer, log } = recorded()
        const { job, tokens } = sessionJob()
        const handle = yield* start(Job.provide(job, layer), "a", hour)
        yield* TestClock.adjust("0 millis")
        yield* handle.cancel
        assert.include(tokens, "cancel t1")
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(log, ["build 1", "release"])
      })
    )
  })

  it.effect("run - submits and checks with one build of the layer", () =>
    Effect.gen(function* () {
      const { layer, log } = recorded()
      const { job } = sessionJob()
      const { exit } = yield* runFor(Poll.run(Job.provide(job, layer), "a", hour), "1 minute")
      assert.strictEqual(valueOf(exit), "a/t1 by t1")
      assert.deepStrictEqual(log, ["build 1", "release"])
    })
  )

  it.effect("run - fails with the error of a layer that the submit needs", () =>
    Effect.gen(function* () {
      const { layer } = recorded(new Offline())
      const error = yield* Effect.flip(Poll.run(Job.provide(sessionJob().job, layer), "a", hour))
      assert.instanceOf(error, Offline)
    })
  )

  it.effect("build that two checks wait for - continues when one of them times out", () =>
    Effect.gen(function* () {
      const layer = Layer.effect(Session, Effect.delay(Effect.succeed({ token: "late" }), "10 seconds"))
      const job = Job.provide(sessionJob(1).job, layer)
      const short = yield* Effect.forkChild(Effect.exit(Poll.until(job, "a", { deadline: "4 seconds" })))
      const { at, exit } = yield* runFor(Poll.until(job, "b", hour), "1 minute")
      assert.deepStrictEqual([valueOf(exit), at], ["b by late", 10_000])
      assert.strictEqual(ending(valueOf(short.pollUnsafe()!)), "PollTimeout deadline")
    })
  )

  it.effect("check outside of a wait - builds the layer for itself", () =>
    Effect.gen(function* () {
      const { layer, log } = recorded()
      const job = Job.provide(sessionJob(1).job, layer)
      yield* job.check("a", CheckContext.make())
      yield* job.check("a", CheckContext.make())
      assert.deepStrictEqual(log, ["build 1", "release", "build 2", "release"])
    })
  )

  it.effect("fallback - has the services too", () =>
    Effect.gen(function* () {
      const { layer, log } = recorded()
      const job = Job.make("render", {
        check: () => Effect.succeed(CheckResult.missing),
        missing: {
          fallback: {
            locate: (key: string) => key,
            check: (key) => Effect.map(Session, ({ token }) => Status.succeeded(`${key} by ${token}`))
          }
        }
      })
      const { exit } = yield* runFor(Poll.until(Job.provide(job, layer), "a", hour), "1 minute")
      assert.deepStrictEqual([valueOf(exit), log], ["a by t1", ["build 1", "release"]])
    })
  )

  it.effect("onInterrupt - cancels with the same services", () =>
    Effect.gen(function* () {
      const { layer, log } = recorded()
      const { job, tokens } = sessionJob(99)
      const options = { ...hour, onInterrupt: "cancelRemote" } as const
      yield* runFor(Poll.until(Job.provide(job, layer), "a", options), "1500 millis")
      assert.deepStrictEqual(
        [tokens, log],
        [
          ["t1", "t1", "cancel t1"],
          ["build 1", "release"]
        ]
      )
    })
  )

  it.effect("checkMany - has the services too", () =>
    Effect.gen(function* () {
      const { layer, log } = recorded()
      const job = Job.make("render", {
        check: () => Effect.die("checked alone"),
        checkMany: {
          max: 10,
          check: (keys: ReadonlyArray<string>) =>
            Effect.map(Session, ({ token }) => ({
              results: new Map(keys.map((key) => [key, Result.succeed(Status.succeeded(`${key} by ${token}`))]))
            }))
        }
      })
      const provided = Job.provide(job, layer)
      const poller = yield* Poller.make(plain)
      const both = Effect.all([poller.until(provided, "a", hour), poller.until(provided, "b", hour)], {
        concurrency: 2
      })
      const { exit } = yield* runFor(both, "1 minute")
      assert.deepStrictEqual(
        [valueOf(exit), log],
        [
          ["a by t1", "b by t1"],
          ["build 1", "release"]
        ]
      )
    })
  )

  it.effect("two layers - are both built once and both released", () =>
    Effect.gen(function* () {
      class Region extends Context.Service<Region, string>()("test/Region") {}
      const { layer, log } = recorded()
      const region = Layer.effect(
        Region,
        Effect.acquireRelease(
          Effect.sync(() => (log.push("region"), "eu")),
          () => Effect.sync(() => log.push("no region"))
        )
      )
      let checks = 0
      const job = Job.make("render", {
        check: () =>
          Effect.gen(function* () {
            const name = `${yield* Region} ${(yield* Session).token}`
            return ++checks < 3 ? Status.pending() : Status.succeeded(name)
          }),
        strategy: every1s
      })
      const provided = job.pipe(Job.provide(region), Job.provide(layer))
      const { exit } = yield* runFor(Poll.until(provided, "a", hour), "1 minute")
      assert.strictEqual(valueOf(exit), "eu t1")
      assert.sameMembers(log, ["build 1", "region", "release", "no region"])
      assert.lengthOf(log, 4)
    })
  )

  it.effect("context - provides services that already exist", () =>
    Effect.gen(function* () {
      const job = Job.provide(sessionJob(1).job, Context.make(Session, { token: "mine" }))
      assert.strictEqual(yield* Poll.until(job, "a", hour), "a by mine")
    })
  )

  it.effect("poller that closes - waits for the release", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const slow = Layer.effect(
        Session,
        Effect.acquireRelease(Effect.succeed({ token: "t" }), () =>
          Effect.andThen(
            Effect.sleep("2 seconds"),
            Effect.sync(() => log.push("released"))
          )
        )
      )
      const closing = Effect.scoped(
        Effect.gen(function* () {
          const poller = yield* Poller.make(plain)
          yield* poller.add(Job.provide(sessionJob(99).job, slow), "a", hour)
        })
      )
      const { at } = yield* runFor(closing, "1 minute")
      assert.deepStrictEqual([log, at], [["released"], 2000])
    })
  )

  it.effect("error policy of the job - still classifies its own errors", () =>
    Effect.gen(function* () {
      const { layer } = recorded()
      const job = Job.make("render", {
        check: () => Effect.flatMap(Session, () => Effect.fail("broken" as const)),
        checkErrors: { kindOf: (error) => (error === "broken" ? CheckError.permanent() : CheckError.transient()) }
      })
      const { exit } = yield* runFor(Poll.until(Job.provide(job, layer), "a", hour), "1 minute")
      assert.strictEqual(ending(exit), "CheckRejected")
    })
  )

  it.effect("schedule of many waits - leaves nothing open", () =>
    Effect.gen(function* () {
      const { layer, log } = recorded()
      const provided = Job.provide(sessionJob(1).job, layer)
      yield* Effect.repeat(Poll.until(provided, "a", hour), Schedule.recurs(99))
      assert.deepStrictEqual([log.filter((entry) => entry === "release").length, log.length], [100, 200])
    })
  )
})
