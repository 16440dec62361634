/** What a leader needs of its host. Tests replace all of it. */

/** The part of a `LockManager` that is used. */
export interface Locks {
  readonly request: (
    name: string,
    options: {
      readonly ifAvailable?: boolean
      readonly steal?: boolean
      readonly signal?: AbortSignal
    },
    callback: (lock: unknown) => Promise<void> | undefined
  ) => Promise<unknown>
}

/** A channel to all other pages that opened the same name. */
export interface Channel {
  readonly post: (message: unknown) => void
  readonly close: () => void
}

/** Opens a channel. Nothing that this page posts arrives at this page. */
export type OpenChannel = (name: string, receive: (message: unknown) => void) => Channel

/**
 * `"away"`: the page is frozen, or in the back/forward cache, or about to be. It holds nothing that could keep it from
 * getting there.
 */
export type PageState = "visible" | "hidden" | "away"

/** The page that this program runs in. */
export interface Page {
  /** Different in each page, and each time that a page is loaded. */
  readonly id: string
  readonly state: () => PageState
  /** Calls the listener after each change of the state, and before the page is frozen. */
  readonly subscribe: (listener: () => void) => () => void
}

/** Time, as a page has it. */
export interface Timer {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly after: (millis: number, run: () => void) => () => void
}
