import { assert, describe, it } from "@effect/vitest"
import { epoch, VirtualClock } from "../conformance/clock.ts"

describe("VirtualClock", () => {
  it("fires timers by time, then by creation order", async () => {
    const clock = new VirtualClock()
    const fired: Array<string> = []
    clock.set(() => fired.push("b"), 20)
    clock.set(() => fired.push("a"), 10)
    clock.set(() => fired.push("c"), 20)
    assert.strictEqual(await clock.advance(15), "until")
    assert.deepStrictEqual([fired, clock.now], [["a"], 15])
    assert.strictEqual(await clock.advance(100), "idle")
    assert.deepStrictEqual([fired, clock.now], [["a", "b", "c"], 100])
  })

  it("runs promises before time advances", async () => {
    const clock = new VirtualClock()
    const seen: Array<number> = []
    clock.set(() => {
      void Promise.resolve()
        .then(() => new Promise((resolve) => void setImmediate(resolve)))
        .then(() => seen.push(clock.now))
    }, 10)
    clock.set(() => seen.push(clock.now), 11)
    await clock.advance(100)
    assert.deepStrictEqual(seen, [10, 11])
  })

  it.each([
    ["a delay of 2^31 ms fires after 1 ms", 2 ** 31, 1],
    ["a delay of 2^31-1 ms is kept", 2 ** 31 - 1, 2 ** 31 - 1],
    ["NaN is 1 ms", Number.NaN, 1],
    ["0 is 1 ms", 0, 1],
    ["fractions are truncated", 2.9, 2]
  ])("reads delays as Node does: %s", async (_name, delay, at) => {
    const clock = new VirtualClock()
    clock.set(() => {}, delay)
    assert.strictEqual(clock.next(), at)
  })

  it("repeats an interval until it is cleared", async () => {
    const clock = new VirtualClock()
    const times: Array<number> = []
    const timer = clock.set(() => times.push(clock.now), 10, [], true)
    await clock.advance(35)
    clock.clear(timer)
    await clock.advance(100)
    assert.deepStrictEqual(times, [10, 20, 30])
  })

  it("counts the timers that keep the process alive", () => {
    const clock = new VirtualClock()
    clock.set(() => {}, 10)
    clock.set(() => {}, 10).unref()
    assert.strictEqual(clock.pending(), 1)
    clock.reset()
    assert.strictEqual(clock.pending(), 0)
  })

  it("keeps its own time when the wall clock is moved", async () => {
    const clock = new VirtualClock()
    clock.wallShift = -3_600_000
    await clock.advance(1_000)
    assert.deepStrictEqual([clock.now, clock.wall()], [1_000, epoch + 1_000 - 3_600_000])
  })

  it("stops when a condition holds", async () => {
    const clock = new VirtualClock()
    let fired = 0
    clock.set(() => fired++, 10, [], true)
    assert.strictEqual(await clock.advance(1_000, () => fired === 3), "stopped")
    assert.strictEqual(clock.now, 30)
  })

  it("counts an error of a callback and continues", async () => {
    const clock = new VirtualClock()
    clock.set(() => {
      throw new Error("boom")
    }, 10)
    await clock.advance(100)
    assert.deepStrictEqual([clock.uncaught, clock.now], [1, 100])
  })
})
