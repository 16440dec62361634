import { assert, describe, it } from "@effect/vitest"
import * as CrossTab from "@effect-poll/web/CrossTab"
import * as PollStore from "@effect-poll/web/PollStore"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Check, checkMillis, interval, Polling } from "./support/polling.ts"
import { Browser, immediates, type Tab, VirtualTime } from "./support/tabs.ts"

/** A random program of tabs, by its seed. */
const random = (seed: number) => {
  let state = seed * 2_654_435_761 + 1
  return (below: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0
    return Math.floor((((state ^ (state >>> 13)) >>> 0) / 2 ** 32) * below)
  }
}

const margin = 2_000
/** Messages, locks, and the time that a page settles. */
const slack = 600

/** What a program does with the wait of a tab. */
interface Wait {
  readonly checkNow: () => void
  readonly leave: () => void
}

interface View {
  readonly tab: Tab
  polling: Wait | undefined
}

type Hidden = "pause" | "run"

/** How a tab joins. It may be called again after the wait was left. */
interface Kind {
  readonly settled?: () => Promise<void>
  readonly open: (tab: Tab, checks: Array<Check>, hidden: Hidden) => () => Wait
}

const models: Kind = {
  open: (tab, checks, hidden) => {
    const lead = CrossTab.make({ ...tab.services, margin })
    return () => {
      const polling = new Polling(tab, lead, checks, hidden)
      return { checkNow: () => polling.membership.ask("checkNow"), leave: () => polling.leave() }
    }
  }
}

const stores: Kind = {
  settled: immediates,
  open: (tab, checks, hidden) => {
    const job = Job.make("job", {
      strategy: Strategy.spaced(interval),
      check: (_key: string, { attempt }) =>
        Effect.suspend(() => {
          const at = tab.timer.now()
          const check = { tab, at, attempt, endAt: at + checkMillis, isOver: false, isAborted: false }
          checks.push(check)
          return Effect.delay(Effect.succeed(Status.pending()), checkMillis).pipe(
            Effect.onExit((exit) =>
              Effect.sync(() => {
                check.isOver = true
                check.endAt = tab.timer.now()
                check.isAborted = exit._tag === "Failure"
              })
            )
          )
        })
    })
    const store = PollStore.make({
      layer: Layer.succeed(Clock.Clock, tab.effectClock),
      environment: tab.environment,
      lead: CrossTab.make({ ...tab.services, margin })
    })
    const entry = store.entry(job, "1", { deadline: "30 days", hidden })
    return () => ({ checkNow: entry.checkNow, leave: entry.subscribe(() => {}) })
  }
}

interface Run {
  readonly checks: ReadonlyArray<Check>
  readonly browser: Browser
  readonly log: ReadonlyArray<string>
  readonly faults: ReadonlyArray<string>
}

const run = async (seed: number, hidden: Hidden, isGentle: boolean, kind: Kind): Promise<Run> => {
  const pick = random(seed)
  const time = new VirtualTime(kind.settled)
  const browser = new Browser(time, () => 1 + pick(15))
  const checks: Array<Check> = []
  const views: Array<View> = []
  const log: Array<string> = []
  const faults: Array<string> = []
  const joins = new Map<Tab, () => Wait>()
  const open = () => {
    const tab = browser.open(pick(3) === 0 ? "hidden" : "visible")
    const join = kind.open(tab, checks, hidden)
    joins.set(tab, join)
    views.push({ tab, polling: join() })
  }
  /** Since when a page that is visible has been able to check. */
  const visibleSince = new Map<View, number>()
  let seen = 0
  /** The attempts that a page that has been there since the check before knows. */
  let known: { readonly attempt: number; readonly by: Array<View> } = { attempt: 0, by: [] }
  const observe = () => {
    const live = views.filter(({ polling, tab }) => polling !== undefined && !tab.isClosed && !tab.isFrozen)
    for (const view of views) {
      const canCheck = view.tab.isVisible && view.polling !== undefined
      if (!canCheck) visibleSince.delete(view)
      else if (!visibleSince.has(view)) visibleSince.set(view, time.now)
    }
    const fresh = checks.slice(seen)
    seen = checks.length
    for (const check of fresh) {
      const others = checks.filter((each) => each !== check && !each.isOver && each.at <= check.at)
      const running = others.filter(({ tab }) => !tab.isFrozen && !tab.isClosed && tab !== check.tab)
      if (running.length > browser.steals) faults.push(`${time.now}: ${running.length + 1} pages check at once`)
      const wasThere = known.by.some(({ polling, tab }) => polling !== undefined && !tab.isClosed && !tab.isFrozen)
      if (wasThere && check.attempt < known.attempt && browser.steals === 0) {
        faults.push(`${time.now}: attempt ${check.attempt} after ${known.attempt}`)
      }
      const before = checks[checks.indexOf(check) - 1]
      if (isGentle && wasThere && check.attempt === known.attempt && before?.isAborted === false) {
        faults.push(`${time.now}: attempt ${check.attempt} twice`)
      }
      known = { attempt: check.attempt, by: live.filter(({ tab }) => tab.pageState !== "away") }
    }
    if (fresh.length === 0) {
      known = { ...known, by: known.by.filter(({ polling, tab }) => polling !== undefined && tab.pageState !== "away") }
    }
    const newest = checks.at(-1)
    const end = newest === undefined ? 0 : newest.isOver ? newest.endAt : Math.min(time.now, newest.at + checkMillis)
    for (const [view, since] of visibleSince) {
      const { tab } = view
      if (tab.isClosed) {
        visibleSince.delete(view)
        continue
      }
      const waited = time.now - Math.max(since, end)
      if (waited > interval + margin + 255 + slack) {
        faults.push(`${time.now}: ${tab.id} waited ${waited}`)
        visibleSince.set(view, time.now)
      }
    }
  }
  const advance = async (millis: number) => {
    for (let left = millis; left > 0; left -= 20) {
      await time.advance(Math.min(20, left))
      observe()
    }
  }
  open()
  for (let step = 0; step < 40; step++) {
    await advance([3, 40, 300, 2_500, 12_000][pick(5)]!)
    const { [pick(views.length)]: view } = views
    const what = ["open", "close", "crash", "hide", "show", "away", "back", "freeze", "thaw", "leave", "ask"][pick(11)]!
    if (isGentle && (what === "freeze" || what === "crash")) continue
    if (view === undefined || what === "open") {
      if (views.length < 5) open()
      log.push(`${time.now} open`)
      continue
    }
    const { tab } = view
    log.push(`${time.now} ${what} ${tab.id}`)
    // A page that is frozen receives no event.
    if (tab.isFrozen && what !== "thaw" && what !== "crash") continue
    if (what === "hide" && tab.pageState !== "away") tab.become("hidden")
    if (what === "show" && tab.pageState !== "away") tab.become("visible")
    if (what === "away") tab.become("away")
    if (what === "back" && tab.pageState === "away") tab.become(pick(2) === 0 ? "visible" : "hidden")
    if (what === "freeze") tab.freeze()
    if (what === "thaw" && tab.isFrozen) tab.thaw()
    if (what === "ask") view.polling?.checkNow()
    if (what === "leave" && tab.pageState !== "away") {
      if (view.polling === undefined) view.polling = joins.get(tab)!()
      else {
        view.polling.leave()
        view.polling = undefined
      }
    }
    if (what === "close" || what === "crash") {
      tab[what]()
      views.splice(views.indexOf(view), 1)
    }
    observe()
  }
  await advance(20_000)
  for (const { polling, tab } of views) {
    if (tab.isFrozen) tab.thaw()
    if (tab.pageState === "away") tab.become("visible")
    polling?.leave()
  }
  await time.advance(1_000)
  const made = checks.length
  await time.advance(60_000)
  if (checks.length !== made) faults.push(`${checks.length - made} checks after all pages left`)
  if (checks.some(({ isOver, tab }) => !isOver && !tab.isClosed)) faults.push("a check that did not end")
  return { checks, browser, log, faults }
}

const programs = (count: number, of: number) => Array.from({ length: count }, (_, i) => i + of)

for (const [name, kind, count] of [
  ["models", models, 60],
  ["stores", stores, 8]
] as const) {
  describe(`CrossTab: laws over random programs of tabs with ${name}`, { timeout: 60_000 }, () => {
    for (const hidden of ["pause", "run"] as const) {
      it(`one tab checks, attempts continue, and no visible tab waits longer - tabs that ${hidden} while hidden`, async () => {
        for (const seed of programs(count, 1)) {
          const { faults, log } = await run(seed, hidden, false, kind)
          assert.deepStrictEqual(faults, [], `seed ${seed}\n${log.join("\n")}`)
        }
      })

      it(`no check overlaps another, and none is repeated, where tabs say when they freeze - ${hidden}`, async () => {
        let made = 0
        for (const seed of programs(count, 1_000)) {
          const { checks, faults, log } = await run(seed, hidden, true, kind)
          assert.deepStrictEqual(faults, [], `seed ${seed}\n${log.join("\n")}`)
          made += checks.length
        }
        assert.isAbove(made, 10 * count)
      })
    }
  })
}
