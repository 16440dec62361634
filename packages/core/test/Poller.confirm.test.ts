import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import { type Answer, scripted, slow } from "./support/checks.ts"
import { inspect } from "./support/inspect.ts"
import { keysOf } from "./support/jobs.ts"
import { firstAt, hour } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"
import { follow } from "./support/runs.ts"

type AnyAnswer = Answer<string, string, string>

const running = Status.pending({ state: "RUNNING" })
const ready = Status.succeeded("ready")
const { missing } = CheckResult

/** A job with a script for each source; `asked` records "source second". */
const jobOf = (
  own: ReadonlyArray<AnyAnswer>,
  others: ReadonlyArray<AnyAnswer>,
  rest: Partial<Job.Options<string, string, string, string, never>> = {}
) => {
  const asked: Array<string> = []
  const ask = (source: string, answers: ReadonlyArray<AnyAnswer>) => {
    const { check } = scripted(...answers)
    return (key: string) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        asked.push(`${source} ${key} ${now / 1000}`)
        return check
      })
  }
  const job = Job.make<string, string, string>("render", {
    check: ask("own", own),
    strategy: firstAt("1 second"),
    confirm: others.length === 0 ? { success: { times: 3 } } : { check: ask("other", others) },
    ...rest
  })
  return { job, asked }
}

/** A job that checks many keys, whose answers are all "ready"; `asked` records "source keys". */
const manyOf = (others: AnyAnswer) => {
  const asked: Array<string> = []
  const note = (source: string, keys: ReadonlyArray<string>) =>
    void asked.push(`${source} ${keys.toSorted().join("+")}`)
  const job = Job.make<string, string, string>("many", {
    check: (key) =>
      Effect.as(
        Effect.sync(() => note("own", [key])),
        ready
      ),
    checkMany: {
      max: 10,
      slack: 0,
      check: (keys) =>
        Effect.sync(() => {
          note("many", keys)
          return { results: new Map(keys.map((key) => [key, Result.succeed(ready)])) }
        })
    },
    strategy: firstAt("1 second"),
    confirm: {
      success: { times: 2 },
      check: (key) =>
        Effect.andThen(
          Effect.sync(() => note("other", [key])),
          Effect.isEffect(others) ? others : Effect.succeed(others)
        )
    }
  })
  return { job, asked }
}

describe("Poller", () => {
  describe("confirmations that share their checks (R29)", () => {
    it.effect("waits for a key - share the check by the other source", () =>
      Effect.gen(function* () {
        const { asked, job } = jobOf([running, ready], [slow("2 seconds", ready)])
        const poller = yield* Poller.make({ stagger: false })
        const ends = yield* Effect.forEach([1, 2, 3], () => Effect.flatMap(poller.add(job, "a", hour), follow))
        yield* TestClock.adjust("2500 millis")
        // One that comes meanwhile asks the job itself first, and then joins.
        const late = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(asked, ["own a 1", "own a 2", "other a 2", "own a 3.5"])
        assert.deepStrictEqual(
          [...ends, late].map((end) => end()),
          Array.from({ length: 4 }, () => ["ready", 4000] as const)
        )
      })
    )

    it.effect("waits with different policies - each count sightings in shared checks", () =>
      Effect.gen(function* () {
        const { asked, job } = jobOf([ready], [])
        const poller = yield* Poller.make({ stagger: false, linger: 0 })
        const three = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
        const two = yield* Effect.flatMap(poller.add(job, "a", { ...hour, confirm: { success: { times: 2 } } }), follow)
        const time = yield* Effect.flatMap(
          poller.add(job, "a", { ...hour, confirm: { success: { for: "1500 millis" } } }),
          follow
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          [three(), two(), time()],
          [
            ["ready", 2500],
            ["ready", 2000],
            ["ready", 2500]
          ]
        )
        // The check at 2.5 seconds is a sighting for all that wait.
        assert.deepStrictEqual(asked, ["own a 1", "own a 2", "own a 2.5"])
      })
    )

    it.effect("request for many - is followed by checks of the other source alone", () =>
      Effect.gen(function* () {
        const { asked, job } = manyOf(ready)
        const poller = yield* Poller.make({ stagger: false })
        const ends = yield* Effect.forEach(keysOf(3), (key) => Effect.flatMap(poller.add(job, key, hour), follow))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(asked.slice(0, 2), ["many k0+k1+k2", "many k0+k1+k2"])
        assert.deepStrictEqual(asked.slice(2).toSorted(), ["other k0", "other k1", "other k2"])
        assert.deepStrictEqual(
          ends.map((end) => end()),
          Array.from({ length: 3 }, () => ["ready", 2000] as const)
        )
      })
    )

    it.effect("other source that disagrees - sends the keys back to the request for many", () =>
      Effect.gen(function* () {
        const { asked, job } = manyOf(running)
        const poller = yield* Poller.make({ stagger: false })
        yield* Effect.forEach(keysOf(2), (key) => poller.add(job, key, { deadline: "3500 millis" }))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          asked.filter((each) => !each.startsWith("other")),
          ["many k0+k1", "many k0+k1", "many k0+k1", "many k0+k1"]
        )
        assert.strictEqual(asked.filter((each) => each.startsWith("other")).length, 4)
      })
    )
  })

  describe("ends that linger (R29)", () => {
    it.effect("confirmed end - is a sighting for the next wait, which confirms it itself", () =>
      Effect.gen(function* () {
        const { asked, job } = jobOf([ready], [])
        const poller = yield* Poller.make({ stagger: false, linger: "1 minute" })
        const first = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual([first(), asked.length], [["ready", 3000], 3])
        const { events, observer } = recordEvents()
        const second = yield* Effect.flatMap(poller.add(job, "a", { ...hour, observers: [observer] }), follow)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([second(), asked.length], [["ready", 7000], 5])
        assert.deepStrictEqual(
          events().flatMap((event) => (event._tag === "Confirming" ? [event.sightings] : [])),
          [1, 2]
        )
        const trusting = { ...hour, confirm: { success: { times: 1 } } } as const
        const third = yield* Effect.flatMap(poller.add(job, "a", trusting), follow)
        yield* TestClock.adjust(1)
        assert.deepStrictEqual([third()[0], asked.length], ["ready", 5])
      })
    )

    it.effect.each([
      ["in a hold", [ready, ready]],
      ["after a hold that did not last", [ready, missing, missing]]
    ] as const)("wait that ended %s - hands no end to the next one", ([, answers]) =>
      Effect.gen(function* () {
        const { asked, job } = jobOf([...answers, running], [], { missing: { times: 9 } })
        const poller = yield* Poller.make({ stagger: false, linger: "1 minute" })
        const deadline = answers.length * 1000
        const first = yield* Effect.flatMap(poller.add(job, "a", { deadline }), follow)
        yield* TestClock.adjust(deadline)
        assert.deepStrictEqual(first(), ["PollTimeout deadline", deadline])
        const handle = yield* poller.add(job, "a", { ...hour, confirm: { success: { times: 1 } } })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* handle.status, running)
        assert.strictEqual(asked.length, answers.length + 1)
      })
    )

    it.effect("floor of the server - holds for the checks that confirm a known end", () =>
      Effect.gen(function* () {
        const { asked, job } = jobOf([ready, ready, CheckResult.withHint(ready, "20 seconds"), ready], [])
        const poller = yield* Poller.make({ stagger: false, linger: "1 minute" })
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("5 seconds")
        const second = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(asked, ["own a 1", "own a 2", "own a 3", "own a 23", "own a 24"])
        assert.deepStrictEqual(second(), ["ready", 24_000])
      })
    )

    it.effect("floor of the job - holds for a new wait while another confirms", () =>
      Effect.gen(function* () {
        const { asked, job } = jobOf([CheckResult.withHint(ready, "20 seconds")], [ready])
        const poller = yield* Poller.make({ stagger: false })
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("5 seconds")
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(asked.slice(0, 2), ["own a 1", "other a 21"])
      })
    )
  })

  describe("states with limits (R30)", () => {
    it.effect("waits for a key - each end at their own limit, and share their last checks", () =>
      Effect.gen(function* () {
        const { asked, job } = jobOf([running], [], { strategy: firstAt("1 second", "10 seconds") })
        const poller = yield* Poller.make({ stagger: false })
        const ends = yield* Effect.forEach([3, 5, 8], (seconds) =>
          Effect.flatMap(poller.add(job, "a", { ...hour, stateLimits: { RUNNING: seconds * 1000 } }), follow)
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          ends.map((end) => end()),
          [3, 5, 8].map((seconds) => ["PollTimeout state", (seconds + 1) * 1000] as const)
        )
        assert.deepStrictEqual(asked, ["own a 1", "own a 4", "own a 6", "own a 9"])
      })
    )
  })

  describe("handlers of actions (R38)", () => {
    it.effect("waits that share a check - run one handler each", () =>
      Effect.gen(function* () {
        let open = true
        const runs: Array<string> = []
        const action = { id: "a" }
        const job = Job.make<string>("render", {
          check: () => Effect.sync(() => (open ? Status.pending({ action }) : ready)),
          strategy: firstAt("1 second", "1 minute"),
          onAction: (_, { key }) =>
            Effect.suspend(() => {
              runs.push(key)
              return Effect.andThen(
                Effect.sleep("2 seconds"),
                Effect.sync(() => (open = false))
              )
            })
        })
        const poller = yield* Poller.make({ stagger: false })
        const ends = yield* Effect.forEach(["x", "x", "y"], (key) => Effect.flatMap(poller.add(job, key, hour), follow))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(runs.toSorted(), ["x", "x", "y"])
        assert.deepStrictEqual(
          ends.map((end) => end()),
          Array.from({ length: 3 }, () => ["ready", 3000] as const)
        )
        assert.strictEqual(inspect(poller).waits, 0)
      })
    )

    it.effect("handler that shuts its Poller down - ends with it", () =>
      Effect.gen(function* () {
        const stopped: Array<string> = []
        const poller = yield* Poller.make({ stagger: false })
        const job = Job.make<string>("render", {
          check: () => Effect.succeed(Status.pending({ action: { id: "a" } })),
          strategy: firstAt("0 millis"),
          onAction: (_, { key }) =>
            Effect.andThen(Effect.sleep("2 seconds"), key === "x" ? poller.shutdown : Effect.never).pipe(
              Effect.onExit(() => Effect.sync(() => stopped.push(key)))
            )
        })
        yield* poller.add(job, "x", hour)
        yield* poller.add(job, "y", hour)
        yield* TestClock.adjust("1 second")
        const closing = yield* Effect.forkChild(Effect.andThen(Effect.sleep("2 seconds"), poller.shutdown))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* Fiber.join(closing)).length, 2)
        assert.deepStrictEqual(stopped.toSorted(), ["x", "y"])
      })
    )
  })
})
