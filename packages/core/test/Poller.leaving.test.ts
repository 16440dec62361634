import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Quorum from "effect-poll/Quorum"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./scripted.ts"

// Waits that are stopped while checks take their time to end.

const hour = { deadline: "1 hour" } as const
const plain = { stagger: false, linger: 0 } as const

/** A job whose checks take five seconds to end when they are interrupted; and which of its keys its server was asked to stop. */
const lingering = () => {
  const asked: Array<string> = []
  const job = Job.make<string>("j", {
    check: () => Effect.onInterrupt(Effect.never, () => Effect.sleep("5 seconds")),
    cancel: (key) => Effect.sync(() => void asked.push(key))
  })
  return { asked, job }
}

describe("Poller, waits that are stopped", () => {
  it.effect("checks that do not end hold back no server that is asked to stop the job of another wait", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const asked: Array<string> = []
      const job = Job.make<string>("j", {
        check: (key) =>
          key === "idle" ? Effect.succeed(pending) : Effect.uninterruptible(Effect.as(Effect.sleep("1 hour"), pending)),
        cancel: (key) => Effect.sync(() => void asked.push(key)),
        strategy: Strategy.spaced("10 minutes")
      })
      const options = { deadline: "2 hours", onInterrupt: "cancelRemote" } as const
      for (let at = 0; at < 64; at++) yield* poller.add(job, `k${at}`, options)
      yield* poller.add(job, "idle", options)
      yield* TestClock.adjust("1 second")
      yield* Effect.forkChild(poller.shutdown)
      yield* TestClock.adjust("1 minute")
      const early = asked.slice()
      yield* TestClock.adjust("3 hours")
      assert.include(early, "idle")
    })
  )

  it.effect("the server is asked to stop a job, though who removes its wait is interrupted meanwhile", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const { asked, job } = lingering()
      const watch = yield* poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote" })
      yield* TestClock.adjust("1 second")
      yield* Effect.forkChild(Effect.timeoutOption(watch.interrupt, "1 second"))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(asked, ["a"])
    })
  )

  it.effect("the server is not asked to stop a job that somebody waits for again by then", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const { asked, job } = lingering()
      const a = yield* poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote" })
      yield* TestClock.adjust("1 second")
      yield* Effect.forkChild(a.interrupt)
      yield* TestClock.adjust("1 second")
      yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(asked, [])
    })
  )

  for (const order of [
    ["cancelRemote", "leave"],
    ["leave", "cancelRemote"]
  ] as const) {
    it.effect(`at a shutdown, the server is asked if one of the waits for a job says so (${order.join()})`, () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const asked: Array<string> = []
        const job = Job.make<string>("j", {
          check: () => Effect.succeed(pending),
          cancel: (key) => Effect.sync(() => void asked.push(key)),
          strategy: Strategy.spaced("10 minutes")
        })
        for (const onInterrupt of order) yield* poller.add(job, "a", { ...hour, onInterrupt })
        yield* TestClock.adjust("1 second")
        yield* poller.shutdown
        assert.deepStrictEqual(asked, ["a"])
      })
    )
  }

  it.effect("waits that `any` needs no longer check no more, though the checks of some do not end", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      let checks = 0
      const job = Job.make<string>("j", {
        check: (key) => {
          if (key === "good") return Effect.as(Effect.sleep("1 second"), Status.succeeded(key))
          if (key === "idle") return Effect.sync(() => (checks++, pending))
          return Effect.uninterruptible(Effect.as(Effect.sleep("1 hour"), pending))
        },
        strategy: Strategy.spaced("1 second")
      })
      const keys = ["good", ...Array.from({ length: 16 }, (_, at) => `k${at}`), "idle"]
      const watches = keys.map((key) => poller.until(job, key, { deadline: "2 hours" }))
      yield* Effect.forkChild(Quorum.atLeast(watches, 1))
      yield* TestClock.adjust("10 seconds")
      const seen = checks
      yield* TestClock.adjust("10 hours")
      assert.isAtMost(seen, 3)
    })
  )
})
