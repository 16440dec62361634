import { assert, describe, it } from "@effect/vitest"
import * as CrossTab from "@effect-poll/web/CrossTab"
import { type Check, checkMillis, interval, Polling } from "./support/polling.ts"
import { Browser, type Tab, VirtualTime } from "./support/tabs.ts"

const scene = (hidden: "pause" | "run" = "run") => {
  const time = new VirtualTime()
  const browser = new Browser(time)
  const checks: Array<Check> = []
  const open = (state: "visible" | "hidden" = "visible") => {
    const tab = browser.open(state)
    return { tab, polling: new Polling(tab, CrossTab.make(tab.services), checks, hidden) }
  }
  return { time, browser, checks, open }
}
const attempts = (checks: ReadonlyArray<Check>) => checks.map(({ attempt }) => attempt)
const tabsOf = (checks: ReadonlyArray<Check>) => checks.map(({ tab }) => tab.id)

describe("CrossTab", () => {
  it("make - refuses reserved lock names and infinite margins", () => {
    assert.throws(() => CrossTab.make({ name: "-a" }), RangeError)
    assert.throws(() => CrossTab.make({ name: "" }), RangeError)
    assert.throws(() => CrossTab.make({ margin: 0 }), RangeError)
    assert.throws(() => CrossTab.make({ margin: Infinity }), RangeError)
  })

  it("make - outside of a browser, the page checks for itself", async () => {
    const led: Array<unknown> = []
    const member = { lead: (from: unknown) => led.push(from), stop: () => {}, follow: () => {}, asked: () => {} }
    const membership = CrossTab.make({ locks: null }).join("a", member)
    assert.deepStrictEqual(led, [])
    await Promise.resolve()
    assert.deepStrictEqual(led, [undefined])
    membership.leave()
  })

  it("one page - checks as if it were alone", async () => {
    const { checks, open, time } = scene()
    open()
    await time.advance(27_000)
    assert.deepStrictEqual(attempts(checks), [1, 2, 3, 4, 5, 6])
    assert.isAtMost(checks[0]!.at - 1_000_000, 5)
  })

  it("three pages - make the checks of one, and show the same", async () => {
    const { checks, open, time } = scene()
    const all = [open(), open(), open("hidden")]
    await time.advance(60_000)
    assert.deepStrictEqual([...new Set(tabsOf(checks))], ["00"])
    assert.strictEqual(checks.length, 12)
    for (const { polling } of all.slice(1)) assert.deepStrictEqual(polling.shown?.snapshot, all[0]!.polling.wait)
  })

  for (const how of ["close", "crash"] as const) {
    it(`the page that checks does ${how} - the next one continues where it was`, async () => {
      const { checks, open, time } = scene()
      const first = open()
      open()
      await time.advance(12_000)
      first.tab[how]()
      await time.advance(12_000)
      assert.deepStrictEqual(attempts(checks), [1, 2, 3, 4, 5])
      assert.deepStrictEqual(tabsOf(checks), ["00", "00", "00", "01", "01"])
      assert.isAtMost(checks[3]!.at - checks[2]!.at, interval + checkMillis + 60)
    })
  }

  it("the page that checks becomes hidden - a visible one takes over, a hidden one does not", async () => {
    const { checks, open, time } = scene()
    const first = open()
    open("hidden")
    const third = open()
    await time.advance(7_000)
    first.tab.become("hidden")
    await time.advance(100)
    assert.isTrue(third.polling.isLeading)
    assert.isFalse(first.polling.isLeading)
    await time.advance(10_000)
    assert.deepStrictEqual(attempts(checks), [1, 2, 3, 4])
    third.tab.become("hidden")
    await time.advance(10_000)
    assert.isTrue(third.polling.isLeading)
    first.tab.become("visible")
    await time.advance(10)
    assert.isTrue(first.polling.isLeading)
  })

  it("hand-over - waits until a check in flight has ended", async () => {
    const { checks, open, time } = scene()
    const first = open()
    const second = open()
    await time.advance(interval + checkMillis + 50)
    assert.isDefined(first.polling.checking)
    first.tab.become("hidden")
    await time.advance(checkMillis)
    assert.isTrue(second.polling.isLeading)
    await time.advance(interval)
    assert.deepStrictEqual(attempts(checks), [1, 2, 3])
  })

  it("a hidden page that follows becomes visible - it takes over at once, and checks if that is due", async () => {
    const { checks, open, time } = scene("pause")
    const first = open()
    const second = open("hidden")
    await time.advance(7_000)
    first.tab.become("hidden")
    await time.advance(30_000)
    assert.strictEqual(checks.length, 2)
    second.tab.become("visible")
    await time.advance(100)
    assert.deepStrictEqual(attempts(checks), [1, 2, 3])
    assert.deepStrictEqual(tabsOf(checks), ["00", "00", "01"])
  })

  it("frozen with an event - the lock and the channel are given up, and taken again later", async () => {
    const { browser, checks, open, time } = scene()
    const first = open()
    const second = open()
    await time.advance(7_000)
    first.tab.become("away")
    assert.strictEqual(first.tab.channels.size, 0)
    await time.advance(10)
    assert.strictEqual(browser.holder("effect-poll/1/job/1"), second.tab)
    await time.advance(10_000)
    first.tab.become("visible")
    await time.advance(100)
    assert.deepStrictEqual(first.polling.shown?.snapshot, second.polling.wait)
    second.tab.close()
    await time.advance(10_000)
    assert.deepStrictEqual(
      attempts(checks),
      checks.map((_, i) => i + 1)
    )
  })

  it("frozen without an event - a visible page takes over after the margin, and the other one follows when it thaws", async () => {
    const { browser, checks, open, time } = scene()
    const first = open()
    const second = open()
    await time.advance(7_000)
    first.tab.freeze()
    await time.advance(6_000)
    assert.isTrue(second.polling.isLeading)
    assert.strictEqual(browser.steals, 1)
    assert.isAtMost(checks[2]!.at - checks[1]!.at, interval + checkMillis + 2_000 + 255 + 20)
    await time.advance(20_000)
    first.tab.thaw()
    await time.advance(100)
    assert.isFalse(first.polling.isLeading)
    assert.isTrue(second.polling.isLeading)
    await time.advance(20_000)
    assert.isAtMost(checks.filter(({ tab }) => tab === first.tab).length, 3)
    assert.deepStrictEqual(first.polling.shown?.snapshot, second.polling.wait)
  })

  it("closed while it shares a state - the next page waits for that state, which may arrive after the lock", async () => {
    const time = new VirtualTime()
    const browser = new Browser(time, (of) => (of === "message" ? 30 : 1))
    const checks: Array<Check> = []
    const open = () => {
      const tab = browser.open()
      return { tab, polling: new Polling(tab, CrossTab.make(tab.services), checks) }
    }
    const first = open()
    open()
    await time.advance(interval + checkMillis * 2 + 5)
    assert.isUndefined(first.polling.checking)
    first.tab.close()
    await time.advance(interval + checkMillis)
    assert.deepStrictEqual(attempts(checks), [1, 2, 3])
  })

  it("closed while another page joins - the state is lost only if it was never sent", async () => {
    const time = new VirtualTime()
    const browser = new Browser(time, (of) => (of === "message" ? 100 : 1))
    const checks: Array<Check> = []
    const open = () => {
      const tab = browser.open()
      return { tab, polling: new Polling(tab, CrossTab.make(tab.services), checks) }
    }
    const first = open()
    await time.advance(interval + checkMillis * 2)
    open()
    await time.advance(110)
    first.tab.close()
    await time.advance(interval + checkMillis)
    assert.deepStrictEqual(attempts(checks), [1, 2, 3])
  })

  it("a visible page that answers - keeps its lock, however late its check is", async () => {
    const time = new VirtualTime()
    const browser = new Browser(time)
    const led: Array<string> = []
    const member = (tab: Tab) => ({ lead: () => led.push(tab.id), stop: () => {}, follow: () => {}, asked: () => {} })
    const [a, b] = [browser.open(), browser.open()]
    const one = CrossTab.make(a.services).join("x", member(a))
    CrossTab.make(b.services).join("x", member(b))
    await time.advance(10)
    one.share({ token: "1", snapshot: 1, expectAt: time.now + 1_000, isChecking: false })
    await time.advance(60_000)
    assert.deepStrictEqual(led, ["00"])
  })

  it("a page that joins after a frozen one - takes over after the margin", async () => {
    const { open, time } = scene()
    const first = open()
    await time.advance(1_000)
    first.tab.freeze()
    const second = open()
    await time.advance(2_300)
    assert.isTrue(second.polling.isLeading)
  })

  it("ask - reaches the page that checks", async () => {
    const { checks, open, time } = scene()
    open()
    const second = open()
    await time.advance(1_000)
    second.polling.membership.ask("checkNow")
    await time.advance(10)
    assert.deepStrictEqual(attempts(checks), [1, 2])
  })

  it("share - a state that cannot be sent makes each page check for itself", async () => {
    const time = new VirtualTime()
    const browser = new Browser(time)
    const led: Array<string> = []
    const member = (tab: Tab) => ({ lead: () => led.push(tab.id), stop: () => {}, follow: () => {}, asked: () => {} })
    const [a, b] = [browser.open(), browser.open()]
    const one = CrossTab.make(a.services).join("x", member(a))
    CrossTab.make(b.services).join("x", member(b))
    await time.advance(10)
    assert.deepStrictEqual(led, ["00"])
    one.share({ token: "1", snapshot: () => undefined, expectAt: undefined, isChecking: false })
    await time.advance(10)
    assert.deepStrictEqual(led, ["00", "01"])
  })
})
