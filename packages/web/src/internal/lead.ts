/** Which page checks for an entry when several pages have it. `CrossTab.make` makes a `Lead`. */

/** What the page that checks shares with the others. It is sent with each change of the wait, and must be complete. */
export interface Shared {
  /** The token of the wait as JSON, or `undefined` if the wait has ended. */
  readonly token: string | undefined
  /** The snapshot, with its values encoded by the codecs of the job. It has to survive a structured clone. */
  readonly snapshot: unknown
  /**
   * When the page that checks shares again at the latest, in milliseconds since 1970: the time of the next check, or the
   * time limit of the one in flight. `undefined` if nothing is planned: the wait has ended or is paused. A page that is
   * visible takes over if nothing is shared by then.
   */
  readonly expectAt: number | undefined
  /** Whether a check is in flight. A page that hands over to another one waits for its end, if that comes soon. */
  readonly isChecking: boolean
}

/** What a page that follows asks of the page that checks. */
export type Request = "checkNow" | "cancel" | "pause" | "unpause" | "restart"

/**
 * A page that has an entry. Its functions are called after `join` has returned, never within it, and never after `leave`.
 * They must not throw.
 */
export interface Member {
  /**
   * This page checks from now on, from what was shared last, be it by this page or another. `undefined` if nothing is
   * known: the wait begins, or continues from what this page has itself (a seed, a parked token).
   */
  readonly lead: (from: Shared | undefined) => void
  /**
   * This page stops checking, at once and synchronously: it may be frozen right after. A request in flight is aborted.
   * Whoever checks next continues from what this page shared last, so `share` is not called for the stop itself.
   * `follow` or `lead` may be called again later.
   */
  readonly stop: () => void
  /** What the page that checks shared. Not called while this page leads. */
  readonly follow: (shared: Shared) => void
  /** A page that follows asks this one, which leads. */
  readonly asked: (what: Request) => void
}

/** What `join` returns. */
export interface Membership {
  /** Called by the page that checks, with each new state. Ignored if this page no longer leads. */
  readonly share: (shared: Shared) => void
  /** Called by a page that follows. It may be lost, as anything that the page that checks is asked for. */
  readonly ask: (what: Request) => void
  /** Ends the membership; another page leads, if this one did. */
  readonly leave: () => void
}

/** Chooses the page that checks. */
export interface Lead {
  /**
   * Takes part for an entry. `id` is the same in all pages that show the same entry: the name of the job and the encoded
   * key. One page has one membership for an id at a time.
   */
  readonly join: (id: string, member: Member) => Membership
  /** Encodes what is shared: snapshots hold values of Schemas and errors, which no clone keeps. */
  readonly wire?: Wire | undefined
}

/** Encodes snapshots as plain data, and decodes them in another page. `wire.ts` has it. */
export interface Wire {
  /** `undefined` for what cannot be encoded. */
  readonly encode: (job: object, snapshot: object) => unknown
  /** `undefined` for what another version encoded, or something else. */
  readonly decode: (job: object, encoded: unknown) => object | undefined
}
