/** Which page checks for an entry when several pages have it. */

/** What the page that checks shares with the others. */
export interface Shared {
  /** The token of the wait as JSON, or undefined if it has ended. */
  readonly token: string | undefined
  /** The snapshot, with its values encoded by the codecs of the job. */
  readonly snapshot: unknown
}

/** A page that has an entry. */
export interface Member {
  /** This page checks from now on, from what the page before it shared last. */
  readonly lead: (from: Shared | undefined) => void
  /** This page stops checking, and yields what the next one continues from. */
  readonly yield: () => Promise<Shared>
  /** What the page that checks shows. */
  readonly follow: (shared: Shared) => void
  /** A follower asks this page to check now, or to cancel. */
  readonly asked: (what: "checkNow" | "cancel") => void
}

export interface Membership {
  /** Called by the page that checks, with each new state. */
  readonly share: (shared: Shared) => void
  /** Called by a follower. */
  readonly ask: (what: "checkNow" | "cancel") => void
  readonly leave: () => void
}

export interface Lead {
  readonly join: (id: string, member: Member) => Membership
}
