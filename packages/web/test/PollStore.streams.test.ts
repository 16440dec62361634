import { assert, describe, it } from "@effect/vitest"
import * as CrossTab from "@effect-poll/web/CrossTab"
import * as PollStore from "@effect-poll/web/PollStore"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import { Browser, immediates, type Tab, VirtualTime } from "./support/tabs.ts"

/** Tabs with stores, of jobs that have a stream. Checks are 5 seconds apart, and a minute behind a stream. */
const scene = () => {
  const time = new VirtualTime(immediates)
  const browser = new Browser(time)
  const server = {
    checks: [] as Array<string>,
    /** The tab and the key of each stream that is open. */
    streams: [] as Array<string>,
    mostStreams: 0,
    tell: new Map<string, (told: Told.Told<string>) => void>()
  }
  const jobOf = (tab: Tab) =>
    Job.make("render", {
      strategy: Strategy.spaced("5 seconds"),
      check: (key: string, { attempt }) =>
        Effect.sync((): Status.Status<string> => {
          server.checks.push(`${tab.id} ${key} ${attempt}`)
          return Status.pending()
        }),
      push: (key) =>
        Stream.unwrap(
          Effect.acquireRelease(
            Effect.sync(() => {
              const name = `${tab.id} ${key}`
              server.streams.push(name)
              server.mostStreams = Math.max(server.mostStreams, server.streams.length)
              return name
            }),
            (name) => Effect.sync(() => void server.streams.splice(server.streams.indexOf(name), 1))
          ).pipe(
            Effect.map(() =>
              Stream.callback<Told.Told<string>>((queue) =>
                Effect.sync(() => {
                  server.tell.set(key, (told) => void Effect.runSync(Queue.offer(queue, told)))
                })
              )
            )
          )
        )
    })
  const open = ({ isHidden = false, keys = ["cat"], lead = false, ...options } = {}) => {
    const tab = browser.open(isHidden ? "hidden" : "visible")
    const job = jobOf(tab)
    const store = PollStore.make({
      layer: Layer.succeed(Clock.Clock, tab.effectClock),
      environment: tab.environment,
      lead: lead ? CrossTab.make(tab.services) : undefined,
      locks: tab.locks,
      ...options
    })
    const entries = keys.map((key) => {
      const entry = store.entry(job, key, { deadline: "1 hour", behind: Strategy.spaced("1 minute") })
      return { entry, leave: entry.subscribe(() => {}) }
    })
    return { tab, store, entries }
  }
  const checksOf = (who: string) => server.checks.filter((check) => check.startsWith(who)).length
  return { time, browser, server, open, checksOf }
}

describe("streams of stores", () => {
  it("two tabs - one has the stream and checks behind it, the other one polls, until it gets the stream", async () => {
    const { checksOf, open, server, time } = scene()
    const first = open()
    open()
    await time.advance(30_000)
    assert.deepStrictEqual(server.streams, ["00 cat"])
    assert.strictEqual(checksOf("00"), 1)
    assert.isAtLeast(checksOf("01"), 6)
    first.tab.close()
    await time.advance(100)
    const before = checksOf("01")
    await time.advance(50_000)
    assert.include(server.streams, "01 cat")
    assert.isAtMost(checksOf("01") - before, 1)
  })

  it("one tab with three jobs - has one stream, and the next job gets it when the first one ends", async () => {
    const { open, server, time } = scene()
    const { entries } = open({ keys: ["a", "b", "c"] })
    await time.advance(10_000)
    assert.deepStrictEqual(server.streams, ["00 a"])
    server.tell.get("a")!(Told.ended(Status.succeeded("done")))
    await time.advance(100)
    assert.deepStrictEqual(server.streams, ["00 b"])
    assert.strictEqual(entries[0]!.entry.getSnapshot().outcome?._tag, "Success")
    entries[1]!.leave()
    await time.advance(1_000)
    assert.deepStrictEqual(server.streams, ["00 c"])
    assert.strictEqual(server.mostStreams, 1)
  })

  it("streams - allows more, or any number", async () => {
    const { open, server, time } = scene()
    open({ keys: ["a", "b", "c"], streams: 2 } as never)
    await time.advance(1_000)
    assert.strictEqual(server.streams.length, 2)
    const other = scene()
    other.open({ keys: ["a", "b", "c"], streams: "unbounded" } as never)
    await other.time.advance(1_000)
    assert.strictEqual(other.server.streams.length, 3)
  })

  it("streams - is an integer of at least 1, or unbounded", () => {
    for (const streams of [0, 1.5, Number.NaN, "all" as never])
      assert.throws(() => PollStore.make({ streams }), RangeError)
  })

  it("hidden - a parked wait closes its stream, and another tab opens one", async () => {
    const { open, server, time } = scene()
    const first = open()
    const second = open()
    await time.advance(1_000)
    first.tab.become("hidden")
    await time.advance(1_000)
    assert.deepStrictEqual(server.streams, ["01 cat"])
    second.tab.become("away")
    await time.advance(1_000)
    assert.deepStrictEqual(server.streams, [])
    first.tab.become("visible")
    await time.advance(1_000)
    assert.deepStrictEqual(server.streams, ["00 cat"])
    assert.strictEqual(server.mostStreams, 1)
  })

  it("with a leader - the tab that checks has the stream, all tabs follow it, and the next leader opens one", async () => {
    const { checksOf, open, server, time } = scene()
    const tabs = [open({ lead: true }), open({ lead: true }), open({ lead: true })]
    await time.advance(30_000)
    assert.deepStrictEqual(server.streams, ["00 cat"])
    assert.strictEqual(checksOf("0"), 1)
    server.tell.get("cat")!(Told.report(Status.pending({ progress: 0.7 })))
    await time.advance(100)
    for (const { entries } of tabs) {
      const { status } = entries[0]!.entry.getSnapshot()
      assert.strictEqual(status?._tag === "Pending" && status.progress, 0.7)
    }
    tabs[0]!.tab.close()
    await time.advance(1_000)
    assert.strictEqual(server.streams.filter((name) => !name.startsWith("00")).length, 1)
    server.tell.get("cat")!(Told.ended(Status.succeeded("done")))
    await time.advance(1_000)
    for (const { entries } of tabs.slice(1)) {
      assert.deepStrictEqual(entries[0]!.entry.getSnapshot().outcome, { _tag: "Success", value: "done" })
    }
  })

  it("a stream that becomes free during a check - the check is not made twice", async () => {
    const time = new VirtualTime(immediates)
    const browser = new Browser(time)
    const log: Array<string> = []
    const tab = browser.open()
    const job = Job.make("slow", {
      strategy: Strategy.spaced("5 seconds"),
      check: (key: string, { attempt }) =>
        Effect.suspend(() => {
          log.push(`${key} ${attempt}`)
          return Effect.delay(Effect.succeed(Status.pending()), "1 second")
        }),
      push: () => Stream.never
    })
    const store = PollStore.make({
      layer: Layer.succeed(Clock.Clock, tab.effectClock),
      environment: tab.environment,
      locks: tab.locks
    })
    const leaveA = store.entry(job, "a", { deadline: "1 hour" }).subscribe(() => {})
    store.entry(job, "b", { deadline: "1 hour" }).subscribe(() => {})
    await time.advance(500)
    leaveA()
    await time.advance(3_000)
    assert.deepStrictEqual(log, ["a 1", "b 1"])
    await time.advance(5_000)
    assert.deepStrictEqual(log, ["a 1", "b 1", "b 2"])
  })
})
