import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type * as Pull from "effect/Pull"
import type { Wait } from "../machine/wait.ts"
import type { Holder } from "./holder.ts"

/** How a wait ended, for a stream of many. */
export interface Ended {
  readonly key: unknown
  readonly exit: Exit.Exit<unknown, unknown>
  readonly attempts: number
  /** Milliseconds. */
  readonly elapsedMillis: number
}

/** Holds many waits without a handle of their own, and their ends until a stream takes them. */
export class Results implements Holder {
  readonly hears = false
  private readonly ends: Array<Ended> = []
  private readonly changed = Latch.makeUnsafe()
  private readonly taken: (count: number) => void
  private readonly fork: (effect: Effect.Effect<void>) => unknown
  private waking = false
  /** How many waits have begun and not ended. */
  private open = 0
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

  /** Whether all that began have ended. */
  get isIdle(): boolean {
    return this.open === 0
  }

  ended(wait: Wait, exit: Exit.Exit<unknown, unknown>): void {
    this.open--
    if (this.isLeft) return this.taken(1)
    this.ends.push({ key: wait.rawKey, exit, attempts: wait.attempts, elapsedMillis: wait.nextAt - wait.startedAt })
    if (this.waking) return
    // Not at once: ends come in crowds, and who takes them is woken once for all.
    this.waking = true
    this.fork(Effect.andThen(Effect.yieldNow, this.wake))
  }

  /** No more waits will begin: the keys are at their end, or failed. */
  complete(fed: Exit.Exit<void, unknown>): void {
    this.fed = fed
    this.changed.openUnsafe()
  }

  /** Nobody will take what comes from here on. */
  leave(): void {
    this.isLeft = true
    this.taken(this.ends.splice(0).length)
  }

  private readonly wake = Effect.sync(() => {
    this.waking = false
    this.changed.openUnsafe()
  })

  /** All ends that are there, waiting for at least one; done after the last, or when the keys failed. */
  readonly take: Pull.Pull<NonEmptyReadonlyArray<Ended>, unknown> = Effect.suspend(() => {
    this.changed.closeUnsafe()
    if (this.ends.length > 0) {
      const ends = this.ends.splice(0)
      this.taken(ends.length)
      return Effect.succeed(ends as unknown as NonEmptyReadonlyArray<Ended>)
    }
    if (this.fed?._tag === "Failure") return Effect.failCause(this.fed.cause)
    if (this.fed !== undefined && this.open === 0) return Cause.done()
    return Effect.andThen(this.changed.await, this.take)
  })
}
