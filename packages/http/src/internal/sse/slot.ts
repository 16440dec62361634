import * as Effect from "effect/Effect"
import * as Told from "effect-poll/Told"

/** What a wait keeps of its event stream, from one connection to the next. */
export interface Slot {
  /** The URL that the id belongs to. */
  url: string | undefined
  lastEventId: string | undefined
  /** The delay that the server asked for, in milliseconds. */
  retry: number
  /** When the next connection may be opened, in milliseconds since 1970. */
  notBefore: number
}

/** The slot of this wait. A stream that is read outside of a wait has one for itself. */
export const slot: Effect.Effect<Slot> = Effect.map(Told.Memory, (memory) => {
  const known = memory?.get(place)
  if (known !== undefined) return known as Slot
  const made: Slot = { url: undefined, lastEventId: undefined, retry: 0, notBefore: 0 }
  memory?.set(place, made)
  return made
})

/** Asks for a delay before the next connection, which is bounded. */
export const delay = (self: Slot, now: number, millis: number): void => {
  self.notBefore = Math.max(self.notBefore, now + Math.min(Math.max(0, millis), mostDelay))
}

// ---- internal ----

const place = "@effect-poll/http/Sse"

/** One hour, in milliseconds. */
const mostDelay = 3_600_000
