import { assert, describe, it } from "@effect/vitest"
import * as CrossTab from "../src/CrossTab.ts"
import { type Check, checkMillis, interval, Polling } from "./support/polling.ts"
import { Browser, type Tab, VirtualTime } from "./support/tabs.ts"

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

interface View {
  readonly tab: Tab
  polling: Polling | undefined
}

interface Run {
  readonly checks: ReadonlyArray<Check>
  readonly browser: Browser
  readonly log: ReadonlyArray<string>
  readonly faults: ReadonlyArray<string>
}

const run = async (seed: number, hidden: "pause" | "run", isGentle: boolean): Promise<Run> => {
  const pick = random(seed)
  const time = new VirtualTime()
  const browser = new Browser(time, () => 1 + pick(15))
  const checks: Array<Check> = []
  const views: Array<View> = []
  const log: Array<string> = []
  const faults: Array<string> = []
  const leads = new Map<Tab, CrossTab.Lead>()
  const join = (tab: Tab) => new Polling(tab, leads.get(tab)!, checks, hidden)
  const open = () => {
    const tab = browser.open(pick(3) === 0 ? "hidden" : "visible")
    leads.set(tab, CrossTab.make({ ...tab.services, margin }))
    views.push({ tab, polling: join(tab) })
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
    if (what === "ask") view.polling?.membership.ask("checkNow")
    if (what === "leave" && tab.pageState !== "away") {
      if (view.polling === undefined) view.polling = join(tab)
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
  await time.advance(checkMillis)
  const made = checks.length
  await time.advance(60_000)
  if (checks.length !== made) faults.push(`${checks.length - made} checks after all pages left`)
  if (checks.some(({ isOver, tab }) => !isOver && !tab.isClosed)) faults.push("a check that did not end")
  return { checks, browser, log, faults }
}

const seeds = Array.from({ length: 150 }, (_, i) => i + 1)

describe("CrossTab: laws over random programs of tabs", () => {
  for (const hidden of ["pause", "run"] as const) {
    it(`one page checks, attempts go on, and no visible page waits longer - pages that ${hidden} while hidden`, async () => {
      for (const seed of seeds) {
        const { faults, log } = await run(seed, hidden, false)
        assert.deepStrictEqual(faults, [], `seed ${seed}\n${log.join("\n")}`)
      }
    })

    it(`no check overlaps another, and none is repeated, where pages say when they freeze - ${hidden}`, async () => {
      let made = 0
      for (const seed of seeds) {
        const { checks, faults, log } = await run(seed, hidden, true)
        assert.deepStrictEqual(faults, [], `seed ${seed}\n${log.join("\n")}`)
        made += checks.length
      }
      assert.isAbove(made, 10 * seeds.length)
    })
  }
})
