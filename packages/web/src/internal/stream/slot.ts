import { Claim } from "../crossTab/claim.ts"
import type { Locks } from "../crossTab/services.ts"

/**
 * Keeps the streams of pages apart: HTTP/1.1 has six connections for an origin, and each event stream holds one of them
 * for as long as it is open. So there is one place for a stream, or a few, for all pages of an origin.
 *
 * A wait that has no place polls by its own strategy: without `push` and without `behind`. Once it has one, it is left
 * and resumed with both.
 */
export interface StreamSlot {
  /**
   * Asks for a place. Calls `onChange` soon after it returns, with whether there is one, and again with `true` once there
   * is. No call follows `true` or `release`.
   */
  readonly want: (onChange: (hasPlace: boolean) => void) => Place
}

/** A wish for a place, or the place. */
export interface Place {
  /** Gives it back: the stream is closed, or the wait is parked. */
  readonly release: () => void
}

/** The places for streams that a store is given; undefined: any number. */
export const make = (places: number | "unbounded", locks: Locks | undefined): StreamSlot | undefined => {
  if (places === "unbounded") return undefined
  return locks === undefined ? ofPage(places) : ofOrigin(locks, "effect-poll/stream", places)
}

/** Places for all pages of an origin: a Web Lock each. Where locks fail, places for this page alone. */
export const ofOrigin = (locks: Locks, name: string, places: number): StreamSlot => {
  const alone = ofPage(places)
  return {
    want: (onChange) => {
      const claims: Array<Claim> = []
      let queued = 0
      let isOver = false
      let own: Place | undefined
      const dropAll = (except?: Claim): void => claims.forEach((claim) => claim !== except && claim.drop())
      const failed = (): void => {
        if (isOver || own !== undefined) return
        dropAll()
        own = alone.want(onChange)
      }
      for (let i = 1; i <= places; i++) {
        const claim: Claim = new Claim(
          locks,
          `${name}/${i}`,
          {
            granted: () => {
              dropAll(claim)
              onChange(true)
            },
            queued: () => ++queued === places && onChange(false),
            // Nobody steals a place.
            lost: () => undefined,
            failed
          },
          "try"
        )
        claims.push(claim)
      }
      return {
        release: () => {
          isOver = true
          dropAll()
          own?.release()
        }
      }
    }
  }
}

/** Places for this page. */
export const ofPage = (places: number): StreamSlot => {
  const line: Array<{ readonly grant: () => void }> = []
  let free = places
  const free1 = (): void => {
    const next = line.shift()
    if (next === undefined) free++
    else next.grant()
  }
  return {
    want: (onChange) => {
      let isOver = false
      let hasPlace = free > 0
      const tell = (): void => queueMicrotask(() => isOver || onChange(hasPlace))
      const wish = {
        grant: () => {
          hasPlace = true
          tell()
        }
      }
      if (hasPlace) free--
      else line.push(wish)
      tell()
      return {
        release: () => {
          if (isOver) return
          isOver = true
          if (hasPlace) free1()
          else line.splice(line.indexOf(wish), 1)
        }
      }
    }
  }
}
