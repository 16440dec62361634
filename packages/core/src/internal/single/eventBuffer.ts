import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Pull from "effect/Pull"
import type { PollEvent } from "../../PollEvent.ts"

type AnyEvent = PollEvent<unknown, unknown, unknown>

/**
 * Holds the events of a wait for one slow reader, and never slows the wait: when it is full, the oldest `Waiting` or
 * `Unchanged` is dropped, then the oldest `CheckFailed`. Changes of the status and the end are never dropped.
 */
export interface EventBuffer {
  readonly offer: (event: AnyEvent) => void
  /** All that is there, waiting for at least one event; done after `Ended`. */
  readonly take: Pull.Pull<NonEmptyReadonlyArray<AnyEvent>>
}

export const make = (capacity: number): EventBuffer => {
  const events: Array<AnyEvent> = []
  const filled = Latch.makeUnsafe()
  let ended = false
  const drain: EventBuffer["take"] = Effect.suspend(() => {
    if (events.length === 0) return ended ? Cause.done() : Effect.andThen(filled.await, drain)
    filled.closeUnsafe()
    return Effect.succeed(events.splice(0) as unknown as NonEmptyReadonlyArray<AnyEvent>)
  })
  return {
    take: drain,
    offer: (event) => {
      if (ended) return
      if (events.length >= capacity) dropOne(events)
      ended = ended || event._tag === "Ended"
      events.push(event)
      filled.openUnsafe()
    }
  }
}

// ---- internal ----

const dropOne = (events: Array<AnyEvent>): void => {
  const idle = events.findIndex((event) => event._tag === "Waiting" || event._tag === "Unchanged")
  const index = idle >= 0 ? idle : events.findIndex((event) => event._tag === "CheckFailed")
  if (index >= 0) events.splice(index, 1)
}
