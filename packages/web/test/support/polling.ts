/** A member that polls every `interval`, as a store does: for tests of the leader without a store. */
import type { Lead } from "@effect-poll/web/CrossTab"
import type { Tab } from "./tabs.ts"

type Member = Parameters<Lead["join"]>[1]
type Membership = ReturnType<Lead["join"]>
type Shared = Parameters<Member["follow"]>[0]

export interface Check {
  readonly tab: Tab
  readonly at: number
  readonly attempt: number
  endAt: number
  isOver: boolean
  isAborted: boolean
}

interface Wait {
  readonly attempt: number
  readonly dueAt: number
}

export const interval = 5_000
export const checkMillis = 200

/** Pauses while hidden, or runs. */
export class Polling implements Member {
  isLeading = false
  shown: Shared | undefined
  wait: Wait | undefined
  checking: Check | undefined
  readonly membership: Membership
  private stopTimer: () => void = () => undefined
  readonly tab: Tab
  private readonly checks: Array<Check>
  private readonly hidden: "pause" | "run"

  constructor(tab: Tab, lead: Lead, checks: Array<Check>, hidden: "pause" | "run" = "run", id = "job/1") {
    this.tab = tab
    this.checks = checks
    this.hidden = hidden
    this.membership = lead.join(id, this)
    tab.environment.subscribe(() => this.isLeading && this.plan())
  }

  lead(from: Shared | undefined): void {
    this.isLeading = true
    if (from?.token !== undefined) this.wait = JSON.parse(from.token) as Wait
    this.wait ??= { attempt: 0, dueAt: this.tab.timer.now() }
    this.plan()
  }

  stop(): void {
    this.isLeading = false
    this.stopTimer()
    this.abort()
  }

  follow(shared: Shared): void {
    if (this.isLeading) throw new Error("a page that leads follows")
    this.shown = shared
  }

  asked(): void {
    if (this.checking !== undefined) return
    this.wait = { ...this.wait!, dueAt: this.tab.timer.now() }
    this.plan()
  }

  leave(): void {
    this.isLeading = false
    this.stopTimer()
    this.abort()
    this.membership.leave()
  }

  private abort(): void {
    if (this.checking === undefined) return
    this.checking.isOver = true
    this.checking.isAborted = true
    this.checking.endAt = this.tab.timer.now()
    this.checking = undefined
  }

  private plan(): void {
    if (this.checking !== undefined) return
    this.stopTimer()
    const isPaused = this.hidden === "pause" && this.tab.pageState === "hidden"
    this.share(isPaused ? undefined : this.wait!.dueAt)
    if (!isPaused) this.stopTimer = this.tab.timer.after(this.wait!.dueAt - this.tab.timer.now(), () => this.check())
  }

  private check(): void {
    const now = this.tab.timer.now()
    const attempt = this.wait!.attempt + 1
    const check = { tab: this.tab, at: now, attempt, endAt: now + checkMillis, isOver: false, isAborted: false }
    this.checking = check
    this.checks.push(check)
    this.share(now + 2_000)
    this.stopTimer = this.tab.timer.after(checkMillis, () => {
      check.isOver = true
      this.checking = undefined
      this.wait = { attempt: check.attempt, dueAt: this.tab.timer.now() + interval }
      this.plan()
    })
  }

  private share(expectAt: number | undefined): void {
    const token = JSON.stringify(this.wait)
    this.membership.share({ token, snapshot: this.wait, expectAt, isChecking: this.checking !== undefined })
  }
}
