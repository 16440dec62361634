import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import * as Semaphore from "effect/Semaphore"
import type { Finish, Finished, Service } from "../../DurableStore.ts"
import type { Encoded } from "../kind.ts"
import type { Backoff } from "./backoff.ts"
import { type Calls, failed } from "./calls.ts"
import type { Owned, Watch } from "./state.ts"
import type { Step } from "./steps.ts"

/** An ending that is not stored yet. */
interface Ending {
  readonly watch: Watch
  readonly finish: Finish
}

/** What the endings need. */
export interface Around {
  readonly store: Service
  readonly calls: Calls
  readonly backoff: Backoff
  readonly now: () => number
  readonly flushInterval: number
  readonly changed: Latch.Latch
  /** Called when the end of a wait is stored. `isOurs`: whether this process has stored it just now. */
  readonly over: (watch: Watch, isOurs: boolean) => void
  readonly lost: (owned: Owned) => Effect.Effect<void>
}

/** Endings that are not stored yet. They are sent in batches, in order, until the store has answered for each of them. */
export class Endings {
  private readonly around: Around
  private readonly queues = new Map<string, Array<Ending>>()
  private count = 0
  private due = Number.POSITIVE_INFINITY
  /** The size of a batch. It shrinks after failures, in case a single ending causes them. */
  private most = largest
  /** The number of successful calls to the store at the time of the last failure. */
  private successes = 0

  private readonly one = Semaphore.makeUnsafe(1)

  constructor(around: Around) {
    this.around = around
  }

  /** The number of endings that are not stored yet. */
  get backlog(): number {
    return this.count
  }

  add(watch: Watch, encoded: Encoded, attempts: number): void {
    watch.phase = "ending"
    const { row } = watch
    const claim = watch.owned.claim
    const queue = this.queues.get(row.kind) ?? []
    this.queues.set(row.kind, queue)
    queue.push({ watch, finish: { id: row.id, round: row.round, claim, ...encoded, attempts } })
    if (this.count++ > 0) return
    this.due = this.around.now() + this.around.flushInterval
    this.around.changed.openUnsafe()
  }

  readonly step: Step = {
    readyAt: () => (this.count === 0 ? Number.POSITIVE_INFINITY : Math.max(this.due, this.around.backoff.notBefore)),
    run: Effect.suspend(() => this.flush)
  }

  /** Stores all endings that are waiting. Stops at the first failure, and yields whether all are stored. */
  readonly flushed: Effect.Effect<boolean> = Effect.suspend(() => Effect.map(this.flush, () => this.count === 0))

  private readonly flush: Effect.Effect<void> = this.one.withPermit(
    Effect.gen({ self: this }, function* () {
      const { backoff, now } = this.around
      for (const [kind, queue] of this.queues) {
        while (queue.length > 0) {
          if (!(yield* this.flushSome(kind, queue))) {
            backoff.failed(now())
            return
          }
          backoff.succeeded()
        }
      }
      this.due = now() + this.around.flushInterval
    })
  )

  /** How many endings of a queue go into the next call. */
  private fitting(queue: ReadonlyArray<Ending>): number {
    let length = 0
    for (let at = 0; at < this.most && at < queue.length; at++) {
      length += queue[at]!.finish.ending.length
      if (at > 0 && length > longest) return at
    }
    return this.most
  }

  private flushSome(kind: string, queue: Array<Ending>): Effect.Effect<boolean> {
    return Effect.gen({ self: this }, function* () {
      const { calls, over, store } = this.around
      const batch = queue.slice(0, this.fitting(queue))
      if (batch.length === 0) return true
      const finished = yield* calls.run(
        "finish",
        store.finish(
          kind,
          batch.map(({ finish }) => finish)
        )
      )
      if (finished === failed || finished.length !== batch.length) {
        // Other calls succeed, so the store may be refusing a value in this batch.
        if (batch.length === 1 && calls.successes > this.successes) queue.push(...queue.splice(0, 1))
        this.successes = calls.successes
        this.most = Math.max(1, Math.floor(batch.length / 2))
        return false
      }
      this.most = Math.min(largest, this.most * 2)
      queue.splice(0, batch.length)
      this.count -= batch.length
      const lost = new Set<Owned>()
      batch.forEach(({ watch }, at) => {
        const how: Finished = finished[at]!
        if (how === "fenced") lost.add(watch.owned)
        else over(watch, how === "ended")
      })
      for (const owned of lost) yield* this.around.lost(owned)
      return true
    })
  }
}

// ---- internal ----

/** The largest batch: how many endings, and how many characters if there are several. */
const largest = 1_000
const longest = 4_000_000
