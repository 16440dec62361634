import type { Any } from "effect-poll/Job"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type { Snapshot } from "../Snapshot.ts"
import type { Lead, Membership, Request, Shared } from "./lead.ts"
import { warn } from "./development.ts"

type AnySnapshot = Snapshot<unknown, unknown, unknown>

/** What a loop does when the page that checks is chosen. */
export interface Sharer {
  /** Checks from now on. */
  readonly settle: () => void
  /** Stops checking, at once. */
  readonly drop: () => void
  /** Shows what another page found, and continues from it once it checks. */
  readonly adopt: (snapshot: AnySnapshot, token: ResumeToken | undefined) => void
  readonly asked: (what: Request) => void
}

/** Takes part for a loop in the choice of the page that checks. */
export class Sharing {
  /** Whether another page checks. */
  isFollowing = true
  private membership: Membership | undefined
  private readonly lead: Lead
  private readonly job: Any

  constructor(lead: Lead, job: Any, key: string, loop: Sharer) {
    this.lead = lead
    this.job = job
    const adopt = (shared: Shared): boolean => {
      const snapshot = this.decoded(shared.snapshot)
      // Written by another version of the library, or not decodable.
      if (snapshot === undefined) this.part()
      else loop.adopt(snapshot, shared.token === undefined ? undefined : (JSON.parse(shared.token) as ResumeToken))
      return snapshot !== undefined
    }
    try {
      this.membership = lead.join(JSON.stringify([job.name, key]), {
        lead: (from) => {
          if (from !== undefined) adopt(from)
          this.isFollowing = false
          loop.settle()
        },
        stop: () => {
          this.isFollowing = true
          loop.drop()
        },
        follow: (shared) => {
          this.isFollowing = true
          loop.drop()
          adopt(shared)
          loop.settle()
        },
        asked: (what) => loop.asked(what)
      })
    } catch {
      this.isFollowing = false
      warn(
        () =>
          `CrossTab: two jobs of this page have the name ${job.name}, so the waits of one of them are not shared with other pages`
      )
    }
  }

  /** Asks the page that checks, if that is another one. */
  ask(what: Request): boolean {
    if (this.isFollowing) this.membership?.ask(what)
    return this.isFollowing
  }

  /** This page checks for itself from now on. */
  part(): void {
    this.membership?.leave()
    this.membership = undefined
    this.isFollowing = false
  }

  /** Shares a state of the wait. A check in flight ends by `checkedBy`. */
  share(shown: AnySnapshot, token: ResumeToken | undefined, checkedBy: number | undefined): void {
    const { membership } = this
    if (membership === undefined || this.isFollowing) return
    // The wait has not begun.
    if (shown.outcome === undefined && token === undefined) return
    const { wire } = this.lead
    const snapshot = wire === undefined ? shown : wire.encode(this.job, shown)
    // It cannot be encoded, so the other pages check for themselves.
    if (snapshot === undefined) return this.part()
    const isChecking = shown.phase === "checking"
    membership.share({
      token: shown.outcome === undefined ? JSON.stringify(token) : undefined,
      snapshot,
      expectAt: isChecking ? checkedBy : shown.nextAt,
      isChecking
    })
  }

  private decoded(snapshot: unknown): AnySnapshot | undefined {
    const { wire } = this.lead
    return (wire === undefined ? snapshot : wire.decode(this.job, snapshot)) as AnySnapshot | undefined
  }
}
