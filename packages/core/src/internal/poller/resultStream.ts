import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type * as Pull from "effect/Pull"
import type { Wait } from "../machine/wait.ts"
import type { Sink } from "./registry.ts"

/** How a wait of a stream ended; public as `Poller.Settled`. */
export interface Settled {
  readonly key: unknown
  readonly exit: Exit.Exit<unknown, unknown>
  readonly attempts: number
  readonly elapsedMillis: number
}

/** The sink of many waits without handles: it keeps their results until a stream takes them. */
export class ResultStream implements Sink {
  readonly isObserved = false
  private readonly ends: Array<Settled> = []
  private readonly changed = Latch.makeUnsafe()
  private readonly taken: (count: number) => void
  private readonly fork: (effect: Effect.Effect<void>) => unknown
  private waking = false
  /** How many waits have begun and not ended. */
  private open = 0
  /** Its waits, and some that have ended: in chunks, since an array that grows has up to half of its memory unused. */
  private chunks: Array<Array<Wait>> = []
  private owned = 0
  private isLeft = false
  private fed: Exit.Exit<void, unknown> | undefined

  constructor(taken: (count: number) => void, fork: (effect: Effect.Effect<void>) => unknown) {
    this.taken = taken
    this.fork = fork
  }

  emit(): void {}

  begin(): void {
    this.open++
  }

  /** Notes a wait that has begun, for those who leave the stream. */
  own(wait: Wait): void {
    if (wait.stage.phase === "ended") return
    this.add(wait)
    if (this.owned > leastSweep && this.owned > 2 * this.open) this.sweep()
  }

  /** Its waits, and some that have ended. */
  *[Symbol.iterator](): Generator<Wait> {
    for (const chunk of this.chunks) yield* chunk
  }

  private add(wait: Wait): void {
    const last = this.chunks.at(-1)
    if (last !== undefined && last.length < chunkSize) last.push(wait)
    else {
      this.chunks.push([wait])
    }
    this.owned++
  }

  /** Forgets waits that have ended. */
  private sweep(): void {
    const { chunks } = this
    this.chunks = []
    this.owned = 0
    for (const chunk of chunks) for (const wait of chunk) if (wait.stage.phase !== "ended") this.add(wait)
  }

  /** Whether all waits that began have ended. */
  get isIdle(): boolean {
    return this.open === 0
  }

  ended(wait: Wait, exit: Exit.Exit<unknown, unknown>): void {
    if (--this.open === 0) {
      this.chunks = []
      this.owned = 0
    }
    if (this.isLeft) return this.taken(1)
    this.ends.push({ key: wait.rawKey, exit, attempts: wait.attempts, elapsedMillis: wait.nextAt - wait.startedAt })
    if (this.waking) return
    // Not at once: results come in bursts, and the reader is woken once for each.
    this.waking = true
    this.fork(Effect.andThen(Effect.yieldNow, this.wake))
  }

  /** No more waits begin: the keys have ended or failed. */
  complete(fed: Exit.Exit<void, unknown>): void {
    this.fed = fed
    this.changed.openUnsafe()
  }

  /** The stream was left: further results are dropped. */
  leave(): void {
    this.isLeft = true
    this.taken(this.ends.splice(0).length)
  }

  private readonly wake = Effect.sync(() => {
    this.waking = false
    this.changed.openUnsafe()
  })

  /** All results there are, waiting for at least one; done after the last, fails if the keys failed. */
  readonly take: Pull.Pull<NonEmptyReadonlyArray<Settled>, unknown> = Effect.suspend(() => {
    this.changed.closeUnsafe()
    if (this.ends.length > 0) {
      const ends = this.ends.splice(0)
      this.taken(ends.length)
      return Effect.succeed(ends as unknown as NonEmptyReadonlyArray<Settled>)
    }
    if (this.fed?._tag === "Failure") return Effect.failCause(this.fed.cause)
    if (this.fed !== undefined && this.open === 0) return Cause.done()
    return Effect.andThen(this.changed.await, this.take)
  })
}

// ---- internal ----

const chunkSize = 512

const leastSweep = 1_024
