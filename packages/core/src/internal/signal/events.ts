import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Latch } from "effect/Latch"
import * as Random from "effect/Random"
import { SignalStoreError } from "../../SignalError.ts"
import { type Ending, expired, type SignalRow } from "../../SignalRow.ts"
import type { Service } from "../../SignalStore.ts"
import { ask } from "./ask.ts"
import { watching } from "./changes.ts"
import { get, meeting } from "./getting.ts"

/** The longest time between two questions to a store that fails. */
const longestBackoff = 60_000

/**
 * Waits until a signal has ended, and yields how. The store is asked at once, after each change of it, at the end of the
 * signal, and from time to time; one that fails is asked less and less often, but for as long as the wait lasts.
 */
export const endingOf = (
  store: Service,
  signal: { readonly hash: string; readonly expiresAt: number },
  everyMillis: number
): Effect.Effect<Ending> => watching(store, signal.hash, (changed) => asking(store, signal, everyMillis, changed))

/** The whole wall-clock milliseconds of now. */
export const now: Effect.Effect<number> = /*#__PURE__*/ Effect.map(Clock.currentTimeMillis, Math.floor)

// ---- internal ----

const asking = Effect.fnUntraced(function* (
  store: Service,
  signal: { readonly hash: string; readonly expiresAt: number },
  everyMillis: number,
  changed: Latch
) {
  let failures = 0
  let isFirst = true
  while (true) {
    changed.closeUnsafe()
    const found = yield* look(store, signal, isFirst)
    isFirst = false
    if (found !== undefined && found._tag === "Ending") return found.ending
    failures = found === undefined ? failures + 1 : 0
    const closesAt = found?.closesAt ?? Number.POSITIVE_INFINITY
    const backoff = Math.min(everyMillis * 2 ** failures, Math.max(everyMillis, longestBackoff))
    // Shorter at random, so that waits that began together do not ask together.
    const pause = Math.ceil(backoff * (1 - (yield* Random.next) / 4))
    const at = yield* Clock.currentTimeMillis
    const next = Math.min(meeting(store, at + pause, everyMillis), Math.ceil(closesAt))
    yield* Effect.timeoutOption(changed.await, Duration.millis(Math.max(1, next - at)))
  }
})

/** What one question finds: an ending, when the signal closes, or nothing, because the store failed. */
type Found = { readonly _tag: "Ending"; readonly ending: Ending } | { readonly _tag: "Open"; readonly closesAt: number }

const look = (
  store: Service,
  signal: { readonly hash: string; readonly expiresAt: number },
  isFirst: boolean
): Effect.Effect<Found | undefined> =>
  Effect.flatMap(now, (at) =>
    ask(store, "get", (store) => (isFirst ? store.get(signal.hash) : get(store, signal.hash))).pipe(
      // Expiry is decided by the store as well, so that no later completion is accepted.
      Effect.flatMap((row) =>
        row !== undefined && expired(row, at) !== row
          ? ask(store, "expire", (store) => store.expire(signal.hash, at))
          : Effect.succeed(row)
      ),
      Effect.map((row) => foundIn(row, signal.expiresAt, at)),
      failed
    )
  )

const foundIn = (row: SignalRow | undefined, expiresAt: number, at: number): Found => {
  if (row !== undefined) {
    return row.ending === null ? { _tag: "Open", closesAt: row.closesAt } : { _tag: "Ending", ending: row.ending }
  }
  // The store has lost the signal, so nothing completes it any more.
  return at < expiresAt
    ? { _tag: "Open", closesAt: expiresAt }
    : { _tag: "Ending", ending: { _tag: "Expired", reason: "maxWaitTime" } }
}

/** Makes a failed question an undefined answer. A store that dies is asked again as well. */
const failed = <A>(effect: Effect.Effect<A, SignalStoreError>): Effect.Effect<A | undefined> =>
  effect.pipe(
    Effect.catchDefect((defect) => Effect.fail(new SignalStoreError({ operation: "get", cause: defect }))),
    Effect.catch((error) => Effect.as(Effect.logDebug(error.message), undefined))
  )
