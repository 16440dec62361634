import { assert, describe, it } from "@effect/vitest"
import * as CrossTab from "@effect-poll/web/CrossTab"
import * as PollStore from "@effect-poll/web/PollStore"
import type { Snapshot } from "@effect-poll/web/Snapshot"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { Browser, immediates, type Tab, VirtualTime } from "./support/tabs.ts"

interface Seen {
  readonly tab: string
  readonly at: number
  readonly attempt: number
  outcome: "open" | "answered" | "aborted"
}

/** Tabs with stores that show one job, whose checks take 200 milliseconds and are 5 seconds apart. */
const scene = (options: { readonly hidden?: "pause" | "slow" | "run"; readonly deadline?: string } = {}) => {
  const time = new VirtualTime(immediates)
  const browser = new Browser(time)
  const server = { checks: [] as Array<Seen>, end: undefined as Date | undefined, canceled: 0 }
  const jobOf = (tab: Tab) =>
    Job.make("render", {
      strategy: Strategy.spaced("5 seconds"),
      check: (_key: string, { attempt }) =>
        Effect.suspend(() => {
          const seen: Seen = { tab: tab.id, at: time.now - start, attempt, outcome: "open" }
          server.checks.push(seen)
          return Effect.sleep(200).pipe(
            Effect.map((): Status.Status<Date> => {
              seen.outcome = "answered"
              return server.end === undefined ? Status.pending({ progress: 0.5 }) : Status.succeeded(server.end)
            }),
            Effect.onInterrupt(() => Effect.sync(() => (seen.outcome = "aborted")))
          )
        }),
      cancel: () => Effect.sync(() => void server.canceled++)
    }).pipe(Job.withCodecs({ success: Schema.DateFromString }))
  const start = time.now
  const open = (state: "visible" | "hidden" = "visible", lead = true) => {
    const tab = browser.open(state)
    const store = PollStore.make({
      layer: Layer.succeed(Clock.Clock, tab.effectClock),
      environment: tab.environment,
      lead: lead ? CrossTab.make(tab.services) : undefined
    })
    const entry = store.entry(jobOf(tab), "cat", {
      deadline: (options.deadline ?? "1 hour") as "1 hour",
      hidden: options.hidden ?? "run"
    })
    const leave = entry.subscribe(() => {})
    return { tab, store, entry, leave, shown: (): Snapshot<Date> => entry.getSnapshot() }
  }
  const attempts = () => server.checks.map(({ attempt }) => attempt)
  const tabs = () => server.checks.map(({ tab }) => tab).join(" ")
  return { time, browser, server, open, attempts, tabs }
}

describe("stores of several tabs", () => {
  it("three tabs - make the requests of one, and show the same", async () => {
    const { open, server, time } = scene()
    const all = [open(), open(), open("hidden")]
    await time.advance(60_000)
    assert.strictEqual(server.checks.length, 12)
    for (const { shown } of all) {
      assert.strictEqual(shown().attempt, 12)
      assert.strictEqual(shown().phase, "waiting")
      assert.strictEqual(shown().nextAt, all[0]!.shown().nextAt)
      assert.strictEqual(shown().status?._tag, "Pending")
    }
  })

  it("the end - is shown in all tabs with the values of its Schema, and by a tab that opens later without a request", async () => {
    const { open, server, time } = scene()
    const all = [open(), open()]
    await time.advance(7_000)
    server.end = new Date(0)
    await time.advance(5_000)
    all.push(open())
    await time.advance(5_000)
    assert.strictEqual(server.checks.length, 3)
    for (const { shown } of all) {
      const { outcome, phase } = shown()
      assert.strictEqual(phase, "ended")
      assert.deepStrictEqual(outcome, { _tag: "Success", value: new Date(0) })
    }
  })

  for (const how of ["close", "crash", "leave"] as const) {
    it(`the tab that checks - ${how}: the next one continues within an interval, with the same attempts and start`, async () => {
      const { attempts, open, tabs, time } = scene()
      const first = open()
      const second = open()
      await time.advance(12_000)
      const { startedAt } = first.shown()
      if (how === "leave") first.leave()
      else first.tab[how]()
      await time.advance(12_000)
      assert.deepStrictEqual(attempts(), [1, 2, 3, 4, 5])
      assert.strictEqual(tabs(), "00 00 00 01 01")
      assert.strictEqual(second.shown().startedAt, startedAt)
    })
  }

  it("the deadline - is that of the wait, whichever tab checks", async () => {
    const { open, server, time } = scene({ deadline: "20 seconds" })
    const first = open()
    await time.advance(12_000)
    const second = open()
    await time.advance(1_000)
    first.tab.close()
    await time.advance(60_000)
    const { outcome } = second.shown()
    assert.strictEqual(outcome?._tag === "Failure" && outcome.error._tag, "PollTimeout")
    assert.isAtMost(server.checks.at(-1)!.at, 20_000)
  })

  for (const hidden of ["pause", "slow", "run"] as const) {
    it(`hidden while another tab is visible - that one checks; hidden: ${hidden}`, async () => {
      const { attempts, open, server, tabs, time } = scene({ hidden })
      const first = open()
      const second = open()
      await time.advance(7_000)
      first.tab.become("hidden")
      await time.advance(10_000)
      assert.deepStrictEqual(attempts(), [1, 2, 3, 4])
      assert.strictEqual(tabs(), "00 00 01 01")
      second.tab.become("hidden")
      await time.advance(120_000)
      const made = { pause: 4, slow: 6, run: 27 }[hidden]
      assert.closeTo(server.checks.length, made, 1)
      const before = server.checks.length
      // It has not checked for a while, except where hidden tabs run.
      first.tab.become("visible")
      await time.advance(300)
      if (hidden === "pause") assert.strictEqual(server.checks.length, before + 1)
      await time.advance(6_000)
      assert.strictEqual(server.checks.at(-1)!.tab, "00")
      assert.deepStrictEqual(
        attempts(),
        server.checks.map((_, i) => i + 1)
      )
    })
  }

  it("hidden during a check - the check ends first", async () => {
    const { attempts, open, server, tabs, time } = scene()
    const first = open()
    open()
    await time.advance(5_300)
    assert.strictEqual(server.checks.at(-1)!.outcome, "open")
    first.tab.become("hidden")
    await time.advance(6_000)
    assert.deepStrictEqual(attempts(), [1, 2, 3])
    assert.strictEqual(tabs(), "00 00 01")
    assert.isTrue(server.checks.every(({ outcome }) => outcome === "answered"))
  })

  it("frozen and thawed - another tab checks meanwhile, nothing starts over", async () => {
    const { attempts, open, server, tabs, time } = scene()
    const first = open()
    const second = open()
    await time.advance(7_000)
    first.tab.become("away")
    await time.advance(10_000)
    assert.strictEqual(tabs(), "00 00 01 01")
    first.tab.become("visible")
    await time.advance(1_000)
    assert.strictEqual(first.shown().attempt, 4)
    second.tab.close()
    await time.advance(10_000)
    assert.deepStrictEqual(
      attempts(),
      server.checks.map((_, i) => i + 1)
    )
    assert.strictEqual(first.shown().attempt, server.checks.length)
  })

  it("frozen without an event - a visible tab takes over after the margin; the other one follows once it thaws", async () => {
    const { open, server, time } = scene()
    const first = open()
    const second = open()
    await time.advance(7_000)
    first.tab.freeze()
    await time.advance(6_000)
    assert.strictEqual(server.checks.at(-1)!.tab, "01")
    assert.isAtMost(server.checks[2]!.at - server.checks[1]!.at, 5_200 + 2_255 + 20)
    await time.advance(20_000)
    first.tab.thaw()
    await time.advance(20_000)
    assert.isAtMost(server.checks.filter(({ tab }) => tab === "00").length, 3)
    assert.strictEqual(first.shown().attempt, second.shown().attempt)
  })

  it("requests to a tab that follows - are carried out by the one that checks", async () => {
    const { attempts, open, server, time } = scene()
    const first = open()
    const second = open()
    await time.advance(1_000)
    second.entry.checkNow()
    await time.advance(500)
    assert.deepStrictEqual(attempts(), [1, 2])
    second.entry.pause()
    await time.advance(20_000)
    assert.deepStrictEqual(attempts(), [1, 2])
    for (const { shown } of [first, second]) assert.strictEqual(shown().pausedBy, "user")
    first.tab.close()
    await time.advance(20_000)
    assert.deepStrictEqual(attempts(), [1, 2])
    second.entry.unpause()
    await time.advance(500)
    assert.deepStrictEqual(attempts(), [1, 2, 3])
    await second.entry.cancel()
    await time.advance(100)
    assert.strictEqual(server.canceled, 1)
  })

  it("restart - begins one new wait for all tabs, also from a tab whose view returned", async () => {
    const { attempts, open, server, time } = scene()
    const first = open()
    const second = open()
    await time.advance(1_000)
    server.end = new Date(0)
    await time.advance(5_000)
    assert.strictEqual(second.shown().phase, "ended")
    second.leave()
    await time.advance(1_000)
    second.entry.subscribe(() => {})
    server.end = undefined
    second.entry.restart()
    await time.advance(11_000)
    assert.deepStrictEqual(attempts(), [1, 2, 1, 2, 3])
    assert.strictEqual(first.shown().attempt, second.shown().attempt)
  })

  it("pages that do not share - check for themselves", async () => {
    const { open, server, time } = scene()
    open("visible", false)
    open("visible", false)
    await time.advance(11_000)
    assert.strictEqual(server.checks.length, 6)
  })
})
