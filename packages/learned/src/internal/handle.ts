import type { Service } from "../HistoryStore.ts"
import type { Live } from "./live.ts"

/** The key of what is inside a history. */
export const TypeId = "~effect-poll/History"

/** What is inside a history. */
export interface Inside {
  readonly live: Live
  readonly store: Service | undefined
}

export const insideOf = (history: { readonly [TypeId]: unknown }): Inside =>
  // Only `History` makes values with this key.
  history[TypeId] as Inside

export const liveOf = (history: { readonly [TypeId]: unknown }): Live => insideOf(history).live
