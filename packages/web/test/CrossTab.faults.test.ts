import { assert, describe, it } from "@effect/vitest"
import * as CrossTab from "@effect-poll/web/CrossTab"
import { type Check, interval, Polling } from "./support/polling.ts"
import { Browser, VirtualTime } from "./support/tabs.ts"

const setting = () => {
  const time = new VirtualTime()
  const browser = new Browser(time)
  const checks: Array<Check> = []
  return { time, browser, checks }
}

describe("CrossTab where the browser fails", () => {
  it("locks - a page checks for itself if they never answer", async () => {
    const { browser, checks, time } = setting()
    const tab = browser.open()
    const locks: CrossTab.Locks = { request: () => new Promise(() => {}) }
    const polling = new Polling(tab, CrossTab.make({ ...tab.services, locks }), checks)
    await time.advance(20_000)
    assert.isTrue(polling.isLeading)
    assert.isAbove(checks.length, 1)
  })

  it("locks - a page checks for itself if they reject", async () => {
    const { browser, checks, time } = setting()
    const tab = browser.open()
    const locks: CrossTab.Locks = { request: () => Promise.reject(new Error("SecurityError")) }
    const polling = new Polling(tab, CrossTab.make({ ...tab.services, locks }), checks)
    await time.advance(10)
    assert.isTrue(polling.isLeading)
    assert.strictEqual(checks.length, 1)
  })

  it("channel - a page checks for itself if none can be opened", async () => {
    const { browser, checks, time } = setting()
    const tab = browser.open()
    const openChannel = () => {
      throw new Error("SecurityError")
    }
    const lead = CrossTab.make({ ...tab.services, openChannel })
    const first = new Polling(tab, lead, checks)
    await time.advance(10)
    assert.strictEqual(checks.length, 1)
    first.leave()
    const second = new Polling(tab, lead, checks)
    await time.advance(10)
    assert.isTrue(second.isLeading)
    assert.strictEqual(checks.length, 2)
  })

  it("channel - a page goes on if its channel was closed", async () => {
    const { browser, checks, time } = setting()
    const tab = browser.open()
    let isClosed = false
    const openChannel: CrossTab.OpenChannel = () => ({
      post: () => {
        if (isClosed) throw new Error("InvalidStateError")
      },
      close: () => {}
    })
    const polling = new Polling(tab, CrossTab.make({ ...tab.services, openChannel }), checks)
    await time.advance(interval)
    isClosed = true
    const before = checks.length
    await time.advance(interval * 4)
    assert.isTrue(polling.isLeading)
    assert.isAtLeast(checks.length - before, 3)
    assert.deepStrictEqual(
      checks.map(({ attempt }) => attempt),
      checks.map((_, at) => at + 1)
    )
  })

  it("channel - messages of strangers change nothing", async () => {
    const { browser, checks, time } = setting()
    const tab = browser.open()
    const polling = new Polling(tab, CrossTab.make(tab.services), checks)
    await time.advance(interval)
    const stranger = browser.open()
    const channel = stranger.openChannel("effect-poll/1", () => {})
    const from = { id: "job/1", from: "zz" }
    const state = { ...from, kind: "state", epoch: 1e15, shared: undefined, isHidden: false, to: undefined }
    const shared = { token: "{", snapshot: {}, expectAt: undefined, isChecking: false }
    const messages = [
      null,
      7,
      "x".repeat(100_000),
      { id: "job/1" },
      { ...from, kind: "other" },
      { ...from, from: 7, kind: "apart" },
      { ...from, kind: "state" },
      { ...state, epoch: Number.NaN },
      { ...state, epoch: "9" },
      { ...state, epoch: Infinity },
      { ...state, shared: null },
      { ...state, shared: 7 },
      { ...state, shared },
      { ...state, shared: { ...shared, token: "null" } },
      { ...state, shared: { ...shared, token: 7 } },
      { ...state, shared: { ...shared, token: undefined, expectAt: "soon" } },
      { ...from, kind: "ask", what: "explode" },
      { ...from, kind: "hello", isVisible: "yes" }
    ]
    for (const message of messages) {
      channel.post(message)
      await time.advance(10)
      assert.isTrue(polling.isLeading, JSON.stringify(message)?.slice(0, 80))
    }
    await time.advance(interval * 2)
    assert.deepStrictEqual(
      checks.map(({ attempt }) => attempt),
      checks.map((_, at) => at + 1)
    )
    assert.isAtLeast(checks.length, 3)
  })
})
