import type { Member, Request, Shared } from "../lead.ts"
import { Claim, type Manner } from "./claim.ts"
import type { Ask, Apart, Hello, Message, State } from "./message.ts"
import type { Locks, PageState, Timer } from "./services.ts"

/** What a seat needs of the page that it is in. */
export interface Host {
  readonly pageId: string
  /** Undefined where pages cannot share. */
  readonly locks: () => Locks | undefined
  readonly timer: Timer
  readonly marginMillis: number
  readonly lockName: (id: string) => string
  readonly pageState: () => PageState
  /** Throws if the message cannot be sent to another page. */
  readonly post: (id: string, message: Hello | State | Ask | Apart) => void
}

/**
 * `following`: another page has the lock. `settling`: this page has it, and waits for the last words of the page before.
 * `leading`: this page checks. `away`: this page can do nothing. `apart`: each page checks for itself.
 */
type Mode = "following" | "settling" | "leading" | "away" | "apart"

/**
 * The part of a page in the choice of the page that checks for one entry.
 *
 * The lock of the entry decides, and nothing else: whoever has it checks. Messages only say what to continue from, and
 * when a page should give the lock away or take it.
 */
export class Seat {
  private mode: Mode = "away"
  private claim: Claim | undefined
  /** The greatest that this page has heard, or its own while it leads. States of lower ones are out of date. */
  private epoch = 0
  private last: Shared | undefined
  private stopTimer: () => void = () => undefined
  /** When this page takes over from one that is silent; while it follows and is visible. */
  private takeoverAt = Infinity
  /** Whether the page that checks was asked for its state since it shared the last one. */
  private hasAsked = false
  /** Since when the page that checks has time to answer, or to hand over if it is hidden. */
  private patientSince = 0
  private isOtherHidden = false
  /** The page that takes over after the check in flight. */
  private successor: string | undefined
  private handedOverAt = -Infinity
  private wasVisible = false
  private readonly host: Host
  private readonly id: string
  private readonly member: Member

  constructor(host: Host, id: string, member: Member) {
    this.host = host
    this.id = id
    this.member = member
  }

  /** Takes part from now on: the page is there. */
  enter(): void {
    this.wasVisible = this.isVisible
    if (this.host.locks() === undefined) return this.part()
    this.mode = "following"
    this.be("try")
    this.hello()
    this.wait()
  }

  /** Takes no part until `enter`: what was shared last is kept. */
  exit(): void {
    const mode = this.mode
    this.mode = "away"
    if (mode === "leading" || mode === "apart") this.member.stop()
    this.end()
  }

  /** Takes no part any more. */
  leave(): void {
    this.mode = "away"
    this.end()
  }

  /** The page may have become visible or hidden. */
  look(): void {
    if (this.wasVisible === this.isVisible) return
    this.wasVisible = this.isVisible
    if (this.mode === "leading") {
      this.successor = undefined
      if (this.isVisible) this.tell()
      else this.hello()
    } else if (this.mode === "settling" || this.mode === "following") {
      if (this.isVisible) this.hello()
      if (this.mode === "following") this.wait()
    }
  }

  share(shared: Shared): void {
    if (this.mode === "apart") this.last = shared
    if (this.mode !== "leading") return
    this.last = shared
    const to = shared.isChecking ? undefined : this.successor
    this.tell(to)
  }

  ask(what: Request): void {
    if (this.mode !== "following" && this.mode !== "settling") return
    this.say({ kind: "ask", what })
    if (this.mode === "following") {
      this.hasAsked = true
      this.takeOverAt(Math.min(this.takeoverAt, this.host.timer.now() + this.host.marginMillis))
    }
  }

  receive(message: Message): void {
    if (this.mode === "away" || this.mode === "apart") return
    switch (message.kind) {
      case "hello":
        return this.greeted(message)
      case "state":
        return this.heard(message)
      case "ask":
        if (this.mode !== "leading") return
        this.member.asked(message.what)
        return this.tell()
      case "apart":
        return this.part()
    }
  }

  // ---- having the lock ----

  private be(manner: Manner): void {
    this.claim?.drop()
    const locks = this.host.locks()
    if (locks === undefined) return this.part()
    const name = this.host.lockName(this.id)
    this.claim = new Claim(
      locks,
      name,
      { granted: (by) => this.granted(by), lost: () => this.lost(), failed: () => this.part() },
      manner
    )
  }

  /** Takes the lock. Locks that do not answer are as good as none. */
  private steal(): void {
    this.be("steal")
    if (this.mode !== "following") return
    const due = this.host.timer.now() + this.host.marginMillis
    this.schedule(this.host.marginMillis, () => {
      if (this.host.timer.now() > due + this.host.marginMillis) this.wait()
      else this.part()
    })
  }

  private granted(manner: Manner): void {
    if (manner !== "queue") return this.lead()
    // The page before may have shared a state that has not arrived yet: locks and messages take different ways.
    this.mode = "settling"
    this.takeoverAt = Infinity
    this.settle()
    if (!this.isVisible) this.hello()
  }

  private settle(): void {
    this.schedule(this.last === undefined ? settleUnknownMillis : settleMillis, () => this.lead())
  }

  private lead(): void {
    this.stopTimer()
    this.mode = "leading"
    this.epoch = Math.max(this.epoch + 1, this.host.timer.now())
    this.successor = undefined
    this.tell()
    this.member.lead(this.last)
    if (!this.isVisible) this.hello()
  }

  /** Another page has stolen the lock, or claims to lead with better reason. */
  private lost(): void {
    const mode = this.mode
    this.mode = "following"
    this.successor = undefined
    this.stopTimer()
    if (mode === "leading") this.member.stop()
    this.be("queue")
    this.wait()
  }

  private part(): void {
    const mode = this.mode
    if (mode === "apart") return
    this.mode = "apart"
    this.end()
    if (mode !== "leading") queueMicrotask(() => this.mode === "apart" && this.member.lead(this.last))
  }

  private end(): void {
    this.claim?.drop()
    this.claim = undefined
    this.stopTimer()
    this.successor = undefined
  }

  // ---- telling, and handing over ----

  private hello(): void {
    this.say({ kind: "hello", isVisible: this.isVisible, isLeading: this.hasLock })
  }

  /** A page whose channel fails can tell nobody, and checks for itself. */
  private say(message: Hello | Ask | Apart): void {
    try {
      this.host.post(this.id, message)
    } catch {
      this.part()
    }
  }

  private tell(to?: string): void {
    const { last: shared } = this
    if (to !== undefined) {
      this.successor = undefined
      this.handedOverAt = this.host.timer.now()
    }
    try {
      this.host.post(this.id, { kind: "state", epoch: this.epoch, shared, isHidden: !this.isVisible, to })
    } catch {
      this.say({ kind: "apart" })
      this.part()
    }
  }

  private greeted({ from, isLeading, isVisible }: Hello & { readonly from: string }): void {
    if (!this.hasLock) {
      if (isLeading && !isVisible && this.isVisible) this.hello()
      return
    }
    const isSoon = this.host.timer.now() - this.handedOverAt < this.host.marginMillis
    const to = isVisible && !this.isVisible && !isSoon ? from : undefined
    if (to !== undefined && this.mode === "leading" && this.last?.isChecking === true) {
      this.successor = to
      this.tell()
    } else this.tell(to)
  }

  // ---- following ----

  private heard({ epoch, from, isHidden, shared, to }: State & { readonly from: string }): void {
    const now = this.host.timer.now()
    if (epoch < this.epoch) {
      // A page that was frozen and does not know yet that its lock was stolen.
      if (this.mode === "leading") this.tell()
      return
    }
    if (this.mode === "leading") {
      // Two pages that stole from the same one know the same epoch.
      if (epoch === this.epoch && from < this.host.pageId) return this.tell()
      this.lost()
    }
    this.epoch = epoch
    if (shared !== undefined) {
      this.last = shared
      this.member.follow(shared)
    }
    if (this.mode === "settling") return this.settle()
    if (to === this.host.pageId && this.isVisible) return this.steal()
    // A visible page that answers is not throttled. A hidden one has some time to give the lock away, and no more for
    // what it says in it.
    if (!isHidden || !this.isOtherHidden) {
      this.patientSince = now
      this.hasAsked = false
    }
    this.isOtherHidden = isHidden
    const expectAt = isHidden ? this.patientSince : (shared?.expectAt ?? Infinity)
    this.takeOverAt(Math.max(expectAt, this.patientSince) + this.host.marginMillis)
  }

  /** Expects a word of the page that checks. */
  private wait(): void {
    this.patientSince = this.host.timer.now()
    this.isOtherHidden = false
    this.hasAsked = true
    this.takeOverAt(this.patientSince + this.host.marginMillis)
  }

  private takeOverAt(at: number): void {
    this.takeoverAt = at
    this.stopTimer()
    if (this.mode !== "following" || !this.isVisible || at === Infinity) return
    const half = this.hasAsked ? 0 : this.host.marginMillis / 2
    const due = at - half
    this.schedule(Math.max(0, due - this.host.timer.now()), () => {
      // Timers that fire late belong to a page or a machine that slept, and the other page may be waking up as well.
      if (this.host.timer.now() > due + this.host.marginMillis) {
        this.hello()
        this.wait()
      } else if (this.hasAsked) this.steal()
      else {
        this.hasAsked = true
        this.hello()
        this.takeOverAt(at)
      }
    })
  }

  private schedule(millis: number, run: () => void): void {
    this.stopTimer()
    this.stopTimer = this.host.timer.after(millis, run)
  }

  private get isVisible(): boolean {
    return this.host.pageState() === "visible"
  }

  private get hasLock(): boolean {
    return this.mode === "leading" || this.mode === "settling"
  }
}

/** How long a page that was in line waits for what the page before shared last, and if it knows nothing of it yet. */
const settleMillis = 50
const settleUnknownMillis = 250
