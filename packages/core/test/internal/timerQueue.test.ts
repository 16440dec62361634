import { assert, describe, it } from "@effect/vitest"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as theTimerQueue from "../../src/internal/poller/turn/timerQueue.ts"
import { clockAt, waits } from "../support/machine.ts"

interface Heap<A> {
  readonly size: number
  readonly push: (item: A, due: number) => void
  readonly next: () => number
  readonly takeAll: (now: number, most?: number) => ReadonlyArray<A>
  readonly drop: () => void
}

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/poller/turn/timerQueue.ts"
const { Timer, TimerQueue } = (await import(path)) as {
  readonly Timer: typeof theTimerQueue.Timer
  readonly TimerQueue: new <A>(isLive: (item: A, due: number) => boolean) => Heap<A>
}

interface Item {
  due: number
  live: boolean
}

/** Later than anything. */
const ever = Number.MAX_SAFE_INTEGER

const heapOf = () => new TimerQueue<Item>((item, due) => item.live && item.due === due)

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Action = Schema.Union([
  Schema.Struct({ do: Schema.Literal("push"), due: between(0, 50) }),
  Schema.Struct({ do: Schema.Literal("kill"), which: between(0, 1000) }),
  Schema.Struct({ do: Schema.Literal("move"), which: between(0, 1000), due: between(0, 50) }),
  Schema.Struct({ do: Schema.Literal("take"), now: between(0, 50) }),
  Schema.Struct({ do: Schema.Literal("takeAll"), now: between(0, 50) })
])

describe("TimerQueue", () => {
  it("heap - is empty at first", () => {
    const heap = heapOf()
    assert.deepStrictEqual([heap.size, heap.next()], [0, Infinity])
    assert.deepStrictEqual(heap.takeAll(ever), [])
  })

  it("takeAll - yields items in the order of their times", () => {
    const heap = heapOf()
    // A permutation of 0..9999.
    const dues = Array.from({ length: 10_000 }, (_, at) => (at * 7919) % 10_000)
    for (const due of dues) heap.push({ due, live: true }, due)
    const taken = heap.takeAll(ever).map(({ due }) => due)
    assert.deepStrictEqual(
      taken,
      dues.toSorted((a, b) => a - b)
    )
    assert.strictEqual(heap.size, 0)
  })

  it("takeAll - yields items with the same time in the order in which they were pushed", () => {
    const heap = heapOf()
    const items = Array.from({ length: 7_000 }, (_, at): Item => ({ due: at % 7, live: true }))
    for (const item of items) heap.push(item, item.due)
    const at = (time: number) => items.filter(({ due }) => due === time)
    assert.deepStrictEqual(heap.takeAll(3, 1_500), [...at(0), ...at(1).slice(0, 500)])
    // An item pushed for a time that is being taken comes after those already there.
    const last = { due: 1, live: true }
    heap.push(last, 1)
    for (const item of at(2)) item.live = false
    assert.deepStrictEqual(heap.takeAll(3), [...at(1).slice(500), last, ...at(3)])
    assert.deepStrictEqual([heap.size, heap.takeAll(ever)], [3_000, [...at(4), ...at(5), ...at(6)]])
  })

  it("takeAll - takes what is due, the time itself included, and no more", () => {
    const heap = heapOf()
    for (const due of [3, 1, 2]) heap.push({ due, live: true }, due)
    assert.deepStrictEqual(heap.takeAll(0), [])
    assert.strictEqual(heap.takeAll(3, 1)[0]?.due, 1)
    assert.deepStrictEqual([heap.next(), heap.size], [2, 2])
    assert.deepStrictEqual(
      heap.takeAll(2.5).map(({ due }) => due),
      [2]
    )
    assert.strictEqual(heap.next(), 3)
  })

  it("drop - sweeps the heap when more than half of it is stale, and keeps the order", () => {
    const heap = heapOf()
    const items = Array.from({ length: 1000 }, (_, at): Item => ({ due: (at * 389) % 1000, live: true }))
    for (const item of items) heap.push(item, item.due)
    for (const item of items) {
      if (item.due % 4 === 0) continue
      item.live = false
      heap.drop()
    }
    assert.isAtMost(heap.size, 500)
    const rest = heap.takeAll(ever).map(({ due }) => due)
    assert.deepStrictEqual(
      rest,
      Array.from({ length: 250 }, (_, at) => at * 4)
    )
  })

  it("takeAll - yields many thousand items in the order of their times, in parts", () => {
    const heap = heapOf()
    const count = 50_000
    for (let at = 0; at < count; at++) {
      const due = (at * 7919) % count
      heap.push({ due, live: true }, due)
    }
    const taken: Array<number> = []
    for (let now = 0; now < count; now += 500) {
      for (const { due } of [...heap.takeAll(now, 300), ...heap.takeAll(now)]) taken.push(due)
      // Some come back later.
      heap.push({ due: count + now, live: true }, count + now)
      assert.strictEqual(heap.next(), now + 1)
    }
    for (const { due } of heap.takeAll(ever)) taken.push(due)
    assert.deepStrictEqual(taken, [
      ...Array.from({ length: count }, (_, at) => at),
      ...Array.from({ length: 100 }, (_, at) => count + at * 500)
    ])
    assert.deepStrictEqual([heap.size, heap.next()], [0, Infinity])
  })

  it("drop - sweeps many thousand items a part at a time, and looks at no more than a few parts per call", () => {
    let looks = 0
    const heap = new TimerQueue<Item>((item, due) => {
      looks++
      return item.live && item.due === due
    })
    const count = 100_000
    const items = Array.from({ length: count }, (_, at): Item => ({ due: (at * 7919) % count, live: true }))
    for (const item of items) heap.push(item, item.due)
    let most = 0
    let live = count
    for (const item of items) {
      if (item.due % 10 === 0) continue
      item.live = false
      live--
      const before = looks
      heap.drop()
      most = Math.max(most, looks - before)
    }
    assert.isAtMost(most, 16_384)
    assert.isAtMost(heap.size, 3 * live)
    assert.isAtMost(looks, 5 * count)
    assert.deepStrictEqual(
      heap.takeAll(ever).map(({ due }) => due),
      Array.from({ length: count / 10 }, (_, at) => at * 10)
    )
  })

  it("drop - bounds what is kept of items that come back to times that they had left", () => {
    const heap = heapOf()
    const items = Array.from({ length: 30_000 }, (_, at): Item => ({ due: at % 100, live: true }))
    for (const item of items) heap.push(item, item.due)
    for (let round = 0; round < 20; round++) {
      for (const item of items) {
        item.due += round % 2 === 0 ? 1_000 : -1_000
        heap.push(item, item.due)
        heap.drop()
      }
      assert.isAtMost(heap.size, 4 * items.length)
    }
    assert.strictEqual(new Set(heap.takeAll(ever)).size, items.length)
    assert.strictEqual(heap.size, 0)
  })

  it("push - fills the heap again after a sweep", () => {
    const heap = heapOf()
    for (let round = 0; round < 5; round++) {
      const items = Array.from({ length: 2000 }, (_, at): Item => ({ due: at, live: true }))
      for (const item of items) heap.push(item, item.due)
      for (const item of items.slice(1)) {
        item.live = false
        heap.drop()
      }
      assert.isBelow(heap.size, 600)
      assert.deepStrictEqual(heap.takeAll(ever), [items[0]!])
    }
  })

  it.effect.prop(
    "heap - behaves as a list that is sorted for each call",
    [Schema.Array(Action)],
    ([actions]) =>
      Effect.sync(() => {
        const heap = heapOf()
        let list: Array<Item> = []
        const dueOf = () => list.reduce((least, { due }) => Math.min(least, due), Infinity)
        const gone = (item: Item) => {
          item.live = false
          list = list.filter((other) => other !== item)
        }
        for (const action of actions) {
          switch (action.do) {
            case "push": {
              const item = { due: action.due, live: true }
              list.push(item)
              heap.push(item, item.due)
              break
            }
            case "kill":
            case "move": {
              const item = list[action.which % Math.max(1, list.length)]
              if (item === undefined) break
              if (action.do === "kill") gone(item)
              else if (item.due !== action.due) {
                item.due = action.due
                heap.push(item, item.due)
              } else break
              heap.drop()
              break
            }
            case "take": {
              const due = dueOf()
              const item = heap.takeAll(action.now, 1)[0]
              assert.strictEqual(item?.due, due <= action.now ? due : undefined)
              if (item !== undefined) gone(item)
              break
            }
            case "takeAll": {
              const expected = list.filter(({ due }) => due <= action.now).map(({ due }) => due)
              // An item that moved back to a time that it had left is there twice.
              const taken = [...new Set(heap.takeAll(action.now))]
              assert.deepStrictEqual(
                taken.map(({ due }) => due),
                expected.toSorted((a, b) => a - b)
              )
              taken.forEach(gone)
              break
            }
          }
          assert.strictEqual(heap.next(), dueOf())
          assert.isAtLeast(heap.size, list.length)
        }
      }),
    { arbitrary: { runs: 300 } }
  )
})

describe("Timer", () => {
  it.each([0, 1e-15, 0.7, 5, 200_000])(
    "clock that ends a sleep of %d ms at once - does not fire within set",
    async (at) => {
      let wall = 0
      const clock = { ...clockAt(() => wall), sleep: () => Effect.void } as unknown as Clock.Clock
      const time = waits.timeline(clock)
      let fired = 0
      let done = () => {}
      let isInSet = false
      const wakes: Array<boolean> = []
      const timer: theTimerQueue.Timer = new Timer(clock, time, Effect.runFork, () => {
        wakes.push(isInSet)
        // The engine sets it anew, for a time that has not come.
        if (++fired < 2_000) set()
        else done()
      })
      const set = () => {
        isInSet = true
        timer.set(at, 0, false)
        isInSet = false
      }
      set()
      assert.deepStrictEqual(wakes, [])
      wall = at + 1
      await new Promise<void>((resolve) => (done = resolve))
      assert.notInclude(wakes, true)
      timer.clear()
      assert.strictEqual(timer.at, Number.POSITIVE_INFINITY)
    }
  )
})
