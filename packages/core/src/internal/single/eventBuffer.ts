import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Pull from "effect/Pull"
import type { PollEvent } from "../../PollEvent.ts"
import { BoundedQueue } from "../boundedQueue.ts"
import { rankOf } from "../eventRank.ts"
import { weightOf } from "../weight.ts"

type AnyEvent = PollEvent<unknown, unknown, unknown>

/**
 * Holds the events of a wait for one slow reader, and never slows the wait. When it is full, the oldest `Waiting` or
 * `Unchanged` is dropped, then the oldest `CheckFailed` or `Confirming`; from 4,096 events on, or fewer that are large, also
 * older changes. The end is never dropped. How many were dropped precedes the events that are taken next.
 */
export interface EventBuffer {
  readonly offer: (event: AnyEvent) => void
  /** All that is there, waiting for at least one event; done after `Ended`. */
  readonly take: Pull.Pull<NonEmptyReadonlyArray<AnyEvent>>
}

export const make = (capacity: number): EventBuffer => {
  const queue = new BoundedQueue<AnyEvent>(rankOf, weightOf, { least: capacity, changes: mostOfAll, most: mostOfAll })
  const filled = Latch.makeUnsafe()
  let ended = false
  const drain: EventBuffer["take"] = Effect.suspend(() => {
    if (queue.size === 0) return ended ? Cause.done() : Effect.andThen(filled.await, drain)
    filled.closeUnsafe()
    const events: Array<AnyEvent> = []
    const count = queue.takeMissed()
    if (count > 0) events.push({ _tag: "Missed", count })
    for (let event = queue.take(); event !== undefined; event = queue.take()) events.push(event)
    return Effect.succeed(events as unknown as NonEmptyReadonlyArray<AnyEvent>)
  })
  return {
    take: drain,
    offer: (event) => {
      if (ended) return
      ended = event._tag === "Ended"
      queue.offer(event)
      filled.openUnsafe()
    }
  }
}

// ---- internal ----

const mostOfAll = 4_096
