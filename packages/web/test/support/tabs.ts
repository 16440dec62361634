/**
 * Several tabs of a browser, in memory and in virtual time: Web Locks, `BroadcastChannel`, visibility, freezing.
 * A frozen tab runs nothing; what reached it meanwhile runs when it thaws, in its order.
 */
import type * as EffectClock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as CrossTab from "@effect-poll/web/CrossTab"
import type { Environment } from "@effect-poll/web/Environment"

type Locks = CrossTab.Locks
type PageState = "visible" | "hidden" | "away"

interface Task {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined
}

/** Virtual time. Between two tasks all microtasks run. */
export class VirtualTime {
  now = 1_000_000
  private readonly settled: () => Promise<void>

  constructor(settled: () => Promise<void> = microtasks) {
    this.settled = settled
  }

  private readonly tasks: Array<Task> = []
  private order = 0

  after(millis: number, run: () => void): () => void {
    const task: Task = { at: this.now + Math.max(0, millis), order: this.order++, run }
    this.tasks.push(task)
    return () => (task.run = undefined)
  }

  async advance(millis: number): Promise<void> {
    const until = this.now + millis
    await this.settled()
    for (;;) {
      let next: Task | undefined
      for (const task of this.tasks) {
        if (next === undefined || task.at < next.at || (task.at === next.at && task.order < next.order)) next = task
      }
      if (next === undefined || next.at > until) break
      this.tasks.splice(this.tasks.indexOf(next), 1)
      this.now = Math.max(this.now, next.at)
      if (next.run !== undefined) {
        next.run()
        await this.settled()
      }
    }
    this.now = until
  }
}

const microtasks = async (): Promise<void> => {
  for (let i = 0; i < 12; i++) await Promise.resolve()
}

/** What effects wait for that take no time. */
export const immediates = async (): Promise<void> => {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve))
}

export interface Clock {
  readonly now: number
  readonly after: (millis: number, run: () => void) => () => void
}

interface Held {
  readonly tab: Tab
  readonly name: string
  readonly reject: (error: unknown) => void
  readonly grant: (lock: unknown) => void
}

export class Browser {
  readonly tabs = new Set<Tab>()
  /** How often a lock was stolen from a frozen tab. */
  steals = 0
  private readonly holders = new Map<string, Held>()
  private readonly lines = new Map<string, Array<Held>>()
  private opened = 0
  readonly clock: Clock
  /** How long a message takes, or a lock; called for each. */
  readonly latency: (of: "message" | "lock") => number

  constructor(clock: Clock, latency: (of: "message" | "lock") => number = () => 1) {
    this.clock = clock
    this.latency = latency
  }

  open(state: PageState = "visible"): Tab {
    const tab = new Tab(this, (this.opened++).toString(16).padStart(2, "0"), state)
    this.tabs.add(tab)
    return tab
  }

  /** The tab that has a lock. */
  holder(name: string): Tab | undefined {
    return this.holders.get(name)?.tab
  }

  request(tab: Tab, name: string, options: Parameters<Locks["request"]>[1], callback: Parameters<Locks["request"]>[2]) {
    return new Promise((resolve, reject) => {
      const held: Held = {
        tab,
        name,
        reject: (error) => tab.task(this.latency("lock"), () => reject(error)),
        grant: (lock) =>
          tab.task(this.latency("lock"), () => {
            const done = Promise.resolve(callback(lock))
            if (lock === null) return done.then(resolve)
            return done.then(() => {
              this.release(held)
              resolve(undefined)
            })
          })
      }
      this.clock.after(this.latency("lock"), () => {
        if (tab.isClosed || options.signal?.aborted === true) return
        const line = this.lines.get(name) ?? []
        this.lines.set(name, line)
        const holder = this.holders.get(name)
        if (options.steal === true) {
          if (holder !== undefined) {
            if (holder.tab.isFrozen) this.steals++
            holder.reject(new Error("AbortError"))
          }
          this.holders.set(name, held)
          held.grant({})
        } else if (holder === undefined && line.length === 0) {
          this.holders.set(name, held)
          held.grant({})
        } else if (options.ifAvailable === true) held.grant(null)
        else {
          line.push(held)
          options.signal?.addEventListener("abort", () => {
            const at = line.indexOf(held)
            if (at >= 0) line.splice(at, 1)
            reject(new Error("AbortError"))
          })
        }
      })
    })
  }

  private release(held: Held): void {
    if (this.holders.get(held.name) !== held) return
    const next = this.lines.get(held.name)?.shift()
    if (next === undefined) this.holders.delete(held.name)
    else {
      this.holders.set(held.name, next)
      next.grant({})
    }
  }

  forget(tab: Tab): void {
    this.tabs.delete(tab)
    for (const line of this.lines.values()) {
      for (let i = line.length - 1; i >= 0; i--) if (line[i]!.tab === tab) line.splice(i, 1)
    }
    for (const held of this.holders.values()) if (held.tab === tab) this.release(held)
  }
}

export class Tab {
  isClosed = false
  isFrozen = false
  readonly id: string
  private readonly backlog: Array<() => void> = []
  private readonly listeners = new Set<() => void>()
  readonly channels = new Set<{ readonly name: string; readonly receive: (message: unknown) => void }>()
  private readonly browser: Browser
  private state: PageState

  constructor(browser: Browser, id: string, state: PageState) {
    this.browser = browser
    this.id = id
    this.state = state
  }

  get isVisible(): boolean {
    return this.state === "visible" && !this.isFrozen && !this.isClosed
  }

  get pageState(): PageState {
    return this.state
  }

  /** Runs a task of this tab. */
  task(millis: number, run: () => void): () => void {
    let isOver = false
    const stop = this.browser.clock.after(millis, () => {
      const alive = () => (isOver || this.isClosed ? undefined : run())
      if (this.isFrozen) this.backlog.push(alive)
      else alive()
    })
    return () => {
      isOver = true
      stop()
    }
  }

  become(state: PageState): void {
    if (this.isClosed || this.state === state) return
    this.state = state
    for (const listener of this.listeners) listener()
  }

  /** Without an event. */
  freeze(): void {
    this.isFrozen = true
  }

  thaw(): void {
    this.isFrozen = false
    for (const run of this.backlog.splice(0)) run()
  }

  crash(): void {
    this.isClosed = true
    this.browser.forget(this)
  }

  close(): void {
    this.become("away")
    this.crash()
  }

  readonly locks: Locks = {
    request: (name, options, callback) => this.browser.request(this, name, options, callback)
  }

  readonly openChannel: CrossTab.OpenChannel = (name, receive) => {
    const channel = { name, receive }
    this.channels.add(channel)
    return {
      post: (message) => {
        const copy = structuredClone(message)
        for (const tab of this.browser.tabs) {
          if (tab === this) continue
          for (const other of tab.channels) {
            if (other.name === name)
              tab.task(
                this.browser.latency("message"),
                () => tab.channels.has(other) && other.receive(structuredClone(copy))
              )
          }
        }
      },
      close: () => this.channels.delete(channel)
    }
  }

  /** What a store and a leader are told about the page. */
  readonly environment: Environment = {
    isHidden: () => this.state === "hidden",
    isOnline: () => true,
    isFrozen: () => this.state === "away",
    subscribe: (listener) => {
      this.listeners.add(listener)
      return () => void this.listeners.delete(listener)
    }
  }

  get timer(): CrossTab.Timer {
    return { now: () => this.browser.clock.now, after: (millis, run) => this.task(millis, run) }
  }

  /** A clock that stands still while the tab is frozen. */
  get effectClock(): EffectClock.Clock {
    const { clock } = this.browser
    const nanos = () => BigInt(clock.now) * 1_000_000n
    return {
      currentTimeMillisUnsafe: () => clock.now,
      currentTimeMillis: Effect.sync(() => clock.now),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) =>
        Effect.callback((resume) => {
          const stop = this.task(Duration.toMillis(duration), () => resume(Effect.void))
          return Effect.sync(stop)
        })
    }
  }

  get services(): CrossTab.Options {
    return {
      locks: this.locks,
      openChannel: this.openChannel,
      environment: this.environment,
      timer: this.timer,
      pageId: this.id
    }
  }
}
