// A virtual clock for a whole process: timers, Date, performance, hrtime, AbortSignal.timeout and Math.random. Time
// advances only when nothing else is left to run, so the order of events, and with it every verdict, is the same in
// each run. Odd delays behave as in Node: one that does not fit into 31 bits fires after a millisecond.
import { syncBuiltinESMExports } from "node:module"
import nodeTimers from "node:timers"
import nodeTimersPromises from "node:timers/promises"
import { promisify } from "node:util"

const RealDate = globalThis.Date
const realSetImmediate = globalThis.setImmediate

/** The wall-clock time at the start of every case. */
export const epoch: number = RealDate.UTC(2026, 0, 1)

/** The longest delay of a timer. */
const maxDelay = 2 ** 31 - 1

/** Reads a delay as Node does. */
const delayOf = (delay: unknown): number => {
  const millis = Number(delay)
  return millis >= 1 && millis <= maxDelay ? Math.trunc(millis) : 1
}

type Callback = (...args: ReadonlyArray<unknown>) => unknown

/** What `setTimeout` returns. */
class Timer {
  readonly callback: Callback
  readonly args: ReadonlyArray<unknown>
  readonly delay: number
  readonly repeats: boolean
  readonly order: number
  readonly #clock: VirtualClock
  due: number
  referenced = true

  constructor(clock: VirtualClock, callback: Callback, delay: number, args: ReadonlyArray<unknown>, repeats: boolean) {
    this.#clock = clock
    this.callback = callback
    this.args = args
    this.delay = delay
    this.repeats = repeats
    this.due = clock.now + delay
    this.order = clock.nextOrder()
  }
  ref(): this {
    this.referenced = true
    return this
  }
  unref(): this {
    this.referenced = false
    return this
  }
  hasRef(): boolean {
    return this.referenced
  }
  refresh(): this {
    this.due = this.#clock.now + this.delay
    return this
  }
  close(): this {
    this.#clock.clear(this)
    return this
  }
  [Symbol.toPrimitive](): number {
    return this.order
  }
  [Symbol.dispose](): void {
    this.#clock.clear(this)
  }
}

export class VirtualClock {
  /** Milliseconds since the start, independent of the wall clock. */
  now = 0
  /** How far the wall clock has been moved, in milliseconds. */
  wallShift = 0
  /** Uncaught errors: each would have ended the process. */
  uncaught = 0
  readonly #timers = new Set<Timer>()
  #order = 0
  #activity = 0
  #immediates = 0
  #seed = 0

  wall(): number {
    return epoch + this.now + this.wallShift
  }

  nextOrder(): number {
    return ++this.#order
  }

  /** Starts over. Timers that are still pending never fire. */
  reset(): void {
    this.#timers.clear()
    this.now = 0
    this.wallShift = 0
    this.uncaught = 0
    this.#seed = 1
  }

  set(callback: Callback, delay: unknown, args: ReadonlyArray<unknown> = [], repeats = false): Timer {
    if (typeof callback !== "function") throw new TypeError("The callback argument must be of type function")
    const timer = new Timer(this, callback, delayOf(delay), args, repeats)
    this.#activity++
    this.#timers.add(timer)
    return timer
  }

  clear(timer: unknown): void {
    if (timer instanceof Timer) this.#timers.delete(timer)
    else if (typeof timer === "number" || typeof timer === "string") {
      for (const other of this.#timers) if (other.order === Number(timer)) this.#timers.delete(other)
    }
  }

  /** The number of timers that keep the process alive. */
  pending(): number {
    let count = 0
    for (const timer of this.#timers) if (timer.referenced) count++
    return count
  }

  /** When the next timer fires. */
  next(): number | undefined {
    return this.#next()?.due
  }

  /** Advances to the next timer and fires it. */
  fire(): void {
    const timer = this.#next()
    if (timer === undefined) return
    this.now = Math.max(this.now, timer.due)
    if (timer.repeats) timer.due = this.now + timer.delay
    else this.#timers.delete(timer)
    this.#activity++
    try {
      timer.callback(...timer.args)
    } catch {
      this.uncaught++
    }
  }

  /** Waits until nothing is left to run at this time: no microtask, no immediate. */
  async quiet(): Promise<void> {
    for (let still = 0; still < 4;) {
      const before = this.#activity
      await new Promise<void>((resolve) => void realSetImmediate(resolve))
      still = this.#immediates === 0 && this.#activity === before ? still + 1 : 0
    }
  }

  /** Advances until `stop` holds, no timer is left, or `until` is reached; returns which. */
  async advance(until: number, stop: () => boolean = () => false): Promise<"stopped" | "idle" | "until"> {
    while (true) {
      await this.quiet()
      if (stop()) return "stopped"
      const next = this.next()
      if (next === undefined || next > until) {
        this.now = Math.max(this.now, until)
        return next === undefined ? "idle" : "until"
      }
      this.fire()
    }
  }

  /** Replaces the clocks and timers of the process. Modules imported later see no others. */
  install(): void {
    const setTimeout = (callback: Callback, delay?: number, ...args: ReadonlyArray<unknown>) =>
      this.set(callback, delay, args)
    const setInterval = (callback: Callback, delay?: number, ...args: ReadonlyArray<unknown>) =>
      this.set(callback, delay, args, true)
    const clear = (timer: unknown): void => this.clear(timer)
    const setImmediate = (callback: Callback, ...args: ReadonlyArray<unknown>) => {
      this.#immediates++
      this.#activity++
      let waiting = true
      const settle = (): boolean => {
        if (!waiting) return false
        waiting = false
        this.#immediates--
        return true
      }
      const immediate = realSetImmediate(() => {
        if (settle()) callback(...args)
      })
      return Object.assign(immediate, { settle })
    }
    const clearImmediate = (immediate: { readonly settle?: () => boolean } | undefined): void => {
      immediate?.settle?.()
    }
    const wait = (delay?: number, value?: unknown, options?: { readonly signal?: AbortSignal }): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const { signal } = options ?? {}
        if (signal?.aborted === true) return reject(signal.reason as Error)
        const abort = () => {
          this.clear(timer)
          reject(signal!.reason as Error)
        }
        const timer = this.set(() => {
          signal?.removeEventListener("abort", abort)
          resolve(value)
        }, delay)
        signal?.addEventListener("abort", abort, { once: true })
      })
    Object.assign(setTimeout, { [promisify.custom]: wait })
    const timers = { setTimeout, setInterval, clearTimeout: clear, clearInterval: clear, setImmediate, clearImmediate }
    Object.assign(globalThis, timers)
    Object.assign(nodeTimers, timers)
    Object.assign(nodeTimersPromises, { setTimeout: wait })
    Object.assign(nodeTimersPromises.scheduler, { wait })
    syncBuiltinESMExports()
    this.#installTime()
  }

  #installTime(): void {
    const wall = () => this.wall()
    globalThis.Date = class extends RealDate {
      constructor(...args: ReadonlyArray<unknown>) {
        super(...((args.length === 0 ? [wall()] : args) as [number]))
      }
      static override now(): number {
        return wall()
      }
    } as unknown as DateConstructor
    Object.defineProperty(globalThis.performance, "now", { configurable: true, value: () => this.now })
    Object.defineProperty(globalThis.performance, "timeOrigin", { configurable: true, value: epoch })
    const hrtime = (since?: readonly [number, number]): [number, number] => {
      const [seconds, nanos] = [Math.floor(this.now / 1_000), Math.round((this.now % 1_000) * 1e6)]
      return since === undefined ? [seconds, nanos] : [seconds - since[0], nanos - since[1]]
    }
    process.hrtime = Object.assign(hrtime, { bigint: () => BigInt(Math.round(this.now * 1e6)) })
    AbortSignal.timeout = (delay) => {
      // Node accepts 32 bits here, of which a timer holds 31.
      if (!Number.isInteger(delay) || delay < 0 || delay > 2 ** 32 - 1) {
        throw new RangeError(`The value of "delay" is out of range. Received ${delay}`)
      }
      const controller = new AbortController()
      const reason = new DOMException("The operation was aborted due to timeout", "TimeoutError")
      this.set(() => controller.abort(reason), delay).unref()
      return controller.signal
    }
    Math.random = () => {
      this.#seed = (this.#seed + 0x6d2b79f5) | 0
      let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (first === undefined || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) {
        first = timer
      }
    }
    return first
  }
}
