// How long the event loop is silent.
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks"
import type { Figures } from "./row.ts"

/** Measures the delays of the event loop, and the collections of garbage, which are a part of them. */
export class Silence {
  readonly #delays = monitorEventLoopDelay({ resolution: 1 })
  #collection = 0
  readonly #observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.#collection = Math.max(this.#collection, duration)
  })

  start(): void {
    this.#delays.enable()
    this.#observer.observe({ entryTypes: ["gc"] })
    this.reset()
  }

  reset(): void {
    this.#delays.reset()
    this.#collection = 0
  }

  /** What was measured since the last reset. The resolution of a millisecond is no delay. */
  read(): { readonly p99Millis: number; readonly maxMillis: number; readonly collectionMillis: number } {
    const millis = (nanos: number): number => Math.max(0, nanos / 1e6 - 1)
    return {
      p99Millis: millis(this.#delays.percentile(99)),
      maxMillis: millis(this.#delays.max),
      collectionMillis: this.#collection
    }
  }

  stop(): void {
    this.#delays.disable()
    this.#observer.disconnect()
  }
}

/** The figures of a measurement, with a prefix. */
export const named = (
  prefix: string,
  { collectionMillis, maxMillis, p99Millis }: ReturnType<Silence["read"]>
): Figures => ({
  [`${prefix}P99Millis`]: p99Millis,
  [`${prefix}MaxMillis`]: maxMillis,
  [`${prefix}CollectionMaxMillis`]: collectionMillis
})
