import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { DurableRow } from "../../DurableRow.ts"
import type { Service } from "../../DurableStore.ts"
import { type Kind, onEndedHook } from "../kind.ts"
import { Backoff } from "./backoff.ts"
import { type Calls, failed } from "./calls.ts"
import type { Entry, State } from "./state.ts"
import type { Step } from "./steps.ts"

/** What is around the hooks. */
export interface Around {
  readonly store: Service
  readonly calls: Calls
  readonly state: State
  readonly random: () => number
  readonly now: () => number
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly changed: () => void
}

/**
 * Delivers the hooks of ended jobs until each delivery has succeeded. The store is read from its first hook to its last, a
 * page at a time, as far as there is room; what is there already, and what failed a short while ago, is passed over. None
 * holds up another one for ever, and no more than a page or two of each kind are in memory.
 */
export class Hooks {
  private readonly around: Around
  private readonly backoff: Backoff
  private readonly lines = new Map<Entry, Line>()
  private readonly delivered = new Map<string, Hook & { readonly round: number }>()
  /** When the delivered ones are removed from the store. */
  private unhookAt = Number.POSITIVE_INFINITY

  constructor(around: Around) {
    this.around = around
    this.backoff = new Backoff(around.random)
  }

  /** There may be hooks to deliver. */
  hint(kind: Kind | undefined): void {
    const at = this.around.now() + gather
    for (const line of this.all()) {
      if (kind !== undefined && line.entry.kind !== kind) continue
      line.askAt = Math.min(line.askAt, at)
      this.around.changed()
    }
  }

  readonly step: Step = {
    readyAt: () => {
      let at = this.delivered.size >= page ? Number.NEGATIVE_INFINITY : this.unhookAt
      for (const line of this.all()) at = Math.min(at, line.readyAt())
      return Math.max(at, this.backoff.notBefore)
    },
    run: Effect.gen({ self: this }, function* () {
      const now = this.around.now()
      if (this.delivered.size >= page || this.unhookAt <= now) return yield* this.unhook()
      const lines = Array.from(this.all()).filter((line) => line.readyAt() <= now)
      if (lines.length > 0) yield* this.read(lines)
    })
  }

  /** Interrupts the deliveries of a kind, after a time in which they may end. */
  settle(entry: Entry, millis: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const line = this.lines.get(entry)
      this.lines.delete(entry)
      if (line === undefined) return Effect.void
      line.waiting.clear()
      const fibers = Array.from(line.running.values()).flatMap(({ fiber }) => fiber ?? [])
      if (fibers.length === 0) return Effect.void
      return Effect.flatMap(Effect.timeoutOption(Effect.interruptible(Fiber.awaitAll(fibers)), millis), (ended) =>
        ended._tag === "Some" ? Effect.void : Fiber.interruptAll(fibers)
      )
    })
  }

  /** The lines of the kinds there are now. */
  private *all(): Generator<Line> {
    const { kinds } = this.around.state
    for (const [entry] of this.lines) if (kinds.get(entry.kind.name) !== entry) this.lines.delete(entry)
    for (const entry of kinds.values()) {
      if (entry.kind.onEnded === undefined) continue
      let line = this.lines.get(entry)
      if (line === undefined) this.lines.set(entry, (line = new Line(entry)))
      yield line
    }
  }

  /** Reads on from one place, for all lines that are there. */
  private read(ready: ReadonlyArray<Line>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { calls, now, state, store } = this.around
      for (const line of ready) if (line.isOver) line.begin(now())
      const after = ready[0]?.after
      const lines = ready.filter((line) => line.after === after)
      const buckets = Array.from(state.buckets.keys())
      if (buckets.length === 0) return lines.forEach((line) => line.end(now()))
      const kinds = lines.map(({ entry }) => entry.kind.name)
      const found = yield* calls.run("hooked", store.hooked({ kinds, buckets, after, limit: page }))
      if (found === failed) return this.backoff.failed(now())
      this.backoff.succeeded()
      const byKind = new Map(lines.map((line) => [line.entry.kind.name, line]))
      for (const { hook, row } of found) this.found(byKind.get(row.kind), row, hook)
      const last = found.length === page ? found.at(-1) : undefined
      for (const line of lines) {
        if (last === undefined) line.end(now())
        else line.after = { id: last.row.id, hook: last.hook }
        this.start(line)
      }
    })
  }

  private found(line: Line | undefined, row: DurableRow, hook: string): void {
    if (line === undefined) return
    // Each end is delivered, also one that follows while the one before is being delivered.
    const key = `${row.id} ${row.round} ${hook}`
    if (line.waiting.has(key) || line.running.has(key) || this.delivered.has(key)) return
    const backoff = line.failed.get(key)
    const at = this.around.now()
    // The hooks of workflows are delivered elsewhere.
    if (hook !== onEndedHook || (backoff !== undefined && backoff.notBefore > at)) {
      line.passed++
      if (backoff !== undefined) line.askAt = Math.min(line.askAt, backoff.notBefore)
      return
    }
    line.waiting.set(key, { key, id: row.id, hook, row, at, isAgain: backoff !== undefined })
  }

  /** Begins deliveries of those that wait, as many as may be under way. */
  private start(line: Line): void {
    const { now, state } = this.around
    if (this.lines.get(line.entry) !== line || this.delivered.size >= mostDelivered) return
    for (const waiting of line.waiting.values()) {
      if (line.running.size === mostOfKind + mostAgain) break
      if (line.count(waiting.isAgain) === (waiting.isAgain ? mostAgain : mostOfKind)) continue
      line.waiting.delete(waiting.key)
      if (!state.buckets.has(waiting.row.bucket)) continue
      if (now() - waiting.at <= longestWaiting) this.deliver(line, waiting)
      // Much may have happened to this row since it was read.
      else line.askAt = Math.min(line.askAt, now())
    }
    if (line.readyAt() <= now()) this.around.changed()
  }

  private deliver(line: Line, waiting: Waiting): void {
    const { fork } = this.around
    const { key, row } = waiting
    const running: Running = { isAgain: waiting.isAgain, fiber: undefined }
    line.running.set(key, running)
    const bounded = Effect.timeout(
      Effect.suspend(() => line.entry.kind.onEnded?.(row) ?? Effect.void),
      longest
    )
    const done = (exit: Exit.Exit<void, unknown>): Effect.Effect<void> =>
      Effect.suspend(() => {
        line.running.delete(key)
        const logged = Exit.isSuccess(exit) ? this.succeeded(line, waiting) : this.failed(line, waiting, exit)
        this.start(line)
        this.around.changed()
        return logged
      })
    // A delivery that ends at once does not begin the next one on its own stack.
    const delivery = Effect.andThen(Effect.yieldNow, Effect.exit(bounded))
    running.fiber = fork(
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Effect.exit(restore(delivery)), (exit) => done(Exit.isSuccess(exit) ? exit.value : exit))
      )
    )
  }

  private succeeded(line: Line, { hook, id, key, row }: Waiting): Effect.Effect<void> {
    line.failed.delete(key)
    this.delivered.set(key, { id, hook, round: row.round })
    this.unhookAt = Math.min(this.unhookAt, this.around.now() + gather)
    return Effect.void
  }

  private failed(line: Line, { key, row }: Waiting, exit: Exit.Failure<void, unknown>): Effect.Effect<void> {
    const { now, random } = this.around
    const backoff = line.failed.get(key) ?? new Backoff(random, 1_000, 60_000)
    const isFirst = backoff.failures === 0
    backoff.failed(now())
    // The one that failed last is the last one.
    line.failed.delete(key)
    line.failed.set(key, backoff)
    for (const oldest of line.failed.keys()) {
      if (line.failed.size <= mostFailed) break
      line.failed.delete(oldest)
    }
    line.askAt = Math.min(line.askAt, backoff.notBefore)
    if (!isFirst || Exit.hasInterrupts(exit) || now() < line.logAt) return Effect.void
    line.logAt = now() + logInterval
    return Effect.logWarning(`A hook of ${JSON.stringify(row.kind)} failed; it is delivered again`, exit.cause).pipe(
      Effect.annotateLogs({ failing: line.failed.size })
    )
  }

  private unhook(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { calls, now, store } = this.around
      const batch = Array.from(this.delivered)
      const removed = yield* calls.run("unhook", store.unhook(batch.map(([, hook]) => hook)))
      if (removed === failed) return this.backoff.failed(now())
      this.backoff.succeeded()
      for (const [key] of batch) this.delivered.delete(key)
      this.unhookAt = this.delivered.size === 0 ? Number.POSITIVE_INFINITY : now() + gather
      for (const line of this.all()) this.start(line)
    })
  }
}

// ---- internal ----

/** How many hooks are asked for, and removed, at a time. */
const page = 500

/** How many of a kind are delivered at once, and how many beside them that have failed before. */
const mostOfKind = 16
const mostAgain = 8

/** How many of a kind are known to have failed. Others are delivered again each time that they are read. */
const mostFailed = 10_000

/** How many may be delivered and still be in the store. If it is that many, the store is away. */
const mostDelivered = 2_000

/** How long a delivery may take before it counts as failed, and how long a row may wait for its delivery; milliseconds. */
const longest = 60_000
const longestWaiting = 10_000

/** How long ends, and deliveries, are gathered, and how often the store is asked in any case; milliseconds. */
const gather = 100
const pollInterval = 10_000

/** The least time between two warnings about hooks of one kind. */
const logInterval = 10_000

interface Hook {
  readonly id: string
  readonly hook: string
}

/** A hook that was read and whose delivery has not begun. */
interface Waiting extends Hook {
  readonly key: string
  readonly row: DurableRow
  /** When it was read. */
  readonly at: number
  /** Whether it has failed before. */
  readonly isAgain: boolean
}

interface Running {
  readonly isAgain: boolean
  fiber: Fiber.Fiber<void> | undefined
}

/** The hooks of a kind. */
class Line {
  readonly entry: Entry
  readonly waiting = new Map<string, Waiting>()
  readonly running = new Map<string, Running>()
  /** Those that failed, the last one last. */
  readonly failed = new Map<string, Backoff>()
  /** Where the reading is. */
  after: Hook | undefined
  isOver = true
  /** How many were read in vain since the reading began. */
  passed = 0
  /** When the reading begins again. */
  askAt = Number.NEGATIVE_INFINITY
  restsUntil = Number.NEGATIVE_INFINITY
  logAt = Number.NEGATIVE_INFINITY

  constructor(entry: Entry) {
    this.entry = entry
  }

  /** When there is something to read, and room for it. */
  readyAt(): number {
    if (this.waiting.size > page / 2) return Number.POSITIVE_INFINITY
    return this.isOver ? Math.max(this.askAt, this.restsUntil) : Number.NEGATIVE_INFINITY
  }

  begin(now: number): void {
    this.isOver = false
    this.after = undefined
    this.passed = 0
    this.askAt = now + pollInterval
  }

  end(now: number): void {
    this.isOver = true
    // Thousands that fail are not read again and again.
    this.restsUntil = now + Math.min(this.passed, pollInterval)
  }

  count(isAgain: boolean): number {
    let count = 0
    for (const running of this.running.values()) if (running.isAgain === isAgain) count++
    return count
  }
}
