import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"

setFlagsFromString("--expose-gc")

const gc = runInNewContext("gc") as () => void

const heap = (): number => {
  gc()
  return process.memoryUsage().heapUsed
}

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

describe("Poll.promise", () => {
  it("10,000 checks - leave no timer and no listener, and do not grow the heap [R9]", { timeout: 60_000 }, async () => {
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = ((...args: Parameters<typeof addEventListener>) => {
      listeners++
      addEventListener.apply(signal, args)
    }) as never
    signal.removeEventListener = ((...args: Parameters<typeof removeEventListener>) => {
      listeners--
      removeEventListener.apply(signal, args)
    }) as never
    let checks = 0
    let early = 0
    const check = Effect.promise(() => {
      checks++
      if (checks === 1000) early = heap()
      // Every check says something new, so that a history without a bound would grow.
      return Promise.resolve(
        checks < 10_000
          ? Status.pending({ detail: checks, state: `s${checks}`.padEnd(200, "x") })
          : Status.succeeded(checks)
      )
    })
    const before = timers()
    const result = await Poll.promise(check, { strategy: Schedule.spaced("1 milli"), deadline: "10 minutes", signal })
    assert.strictEqual(result, 10_000)
    // The promise is resolved from within the last check, which holds the wait until it has returned.
    let grown = Number.POSITIVE_INFINITY
    for (let round = 0; round < 100 && grown >= 2_000_000; round++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      grown = heap() - early
    }
    assert.isBelow(grown, 2_000_000)
    assert.strictEqual(listeners, 0)
    assert.isAtMost(timers(), before)
  })
})
