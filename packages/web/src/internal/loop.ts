import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Any } from "effect-poll/Job"
import type { Notification } from "effect-poll/Observer"
import type { Service } from "effect-poll/Poller"
import type { PollOptions } from "effect-poll/PollOptions"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type { Environment } from "../Environment.ts"
import { idle, type PausedBy, type Snapshot } from "../Snapshot.ts"
import type { Checked } from "./observed.ts"
import type { Lead, Request } from "./lead.ts"
import { Listeners } from "./listeners.ts"
import { timeLimit } from "./options.ts"
import { type AnyHandle, Run } from "./run.ts"
import { Sharing } from "./sharing.ts"
import type { StreamSlot } from "./stream/slot.ts"
import { Timer } from "./timer.ts"
import { Wish } from "./stream/wish.ts"
import { newsOf, outcomeOf, same, shown, unplanned } from "./snapshots.ts"

export type AnySnapshot = Snapshot<unknown, unknown, unknown>
export type Hidden = "pause" | "slow" | "run"

/** What a loop needs of its store. */
export interface Store {
  readonly lingerMillis: number
  readonly keepMillis: number
  readonly slowMillis: number
  readonly poller: Service | undefined
  /** Which waits may open a stream; undefined: all. */
  readonly streams: StreamSlot | undefined
  /** Chooses the page that checks; undefined: this one does. */
  readonly lead: Lead | undefined
  /** The services of the layer, once it is built. */
  readonly services: () => Context.Context<unknown> | undefined
  /** Builds the layer: false if that takes time, and calls `settle` of the loop after it. */
  readonly build: (loop: Loop) => boolean
  /** The page, once there are services. */
  readonly page: () => Environment
  /** Calls the listeners of a loop soon. */
  readonly changed: (loop: Loop) => void
  /** Forgets a loop that is parked. */
  readonly forget: (loop: Loop) => void
}

/** What a loop is about. */
export interface Subject {
  readonly job: Any
  /** The same job, whose checks are told to the loop. */
  readonly checked: Any
  readonly key: unknown
  readonly options: PollOptions<unknown, unknown>
  readonly hidden: Hidden
}

/** Where a loop begins: nowhere, or where a server or another page left off. */
export interface Beginning {
  readonly snapshot: AnySnapshot
  readonly token: ResumeToken | undefined
}

export const nowhere: Beginning = { snapshot: idle, token: undefined }

/** Why no check may begin, the strongest reason first. */
type Blocked = "frozen" | "unseen" | "offline" | "hidden" | "slow"

/**
 * The one loop of a job and a key: runs a wait while something shows it, and otherwise keeps its token.
 *
 * Every rule of polling is the wait's. A loop only decides whether the wait runs, is paused, or is parked: a token in
 * place of a wait. `settle` makes that decision, after everything that may change it.
 */
export class Loop implements Checked {
  snapshot: AnySnapshot
  fallbackKey: string | undefined
  private readonly store: Store
  readonly subject: Subject
  /** The entry that views were given, for others to share. */
  readonly entry: object
  private readonly listeners = new Listeners()
  private run: Run | undefined
  private token: ResumeToken | undefined
  /** What changes the snapshot; the rest of it is derived. */
  private known: AnySnapshot
  private isPausedByUser = false
  /** Whether it runs until the next answer although the page is hidden. */
  private isLet = false
  /** When it was last let run. */
  private letAt = Number.NEGATIVE_INFINITY
  /** Whether `settle` follows soon. */
  private isTold = false
  /** How many cancels are in progress, for which it runs. */
  private cancels = 0
  /** How many checks are in flight, with those of waits that were left: a check may take time to be aborted. */
  private checks = 0
  /** The floor of the server for a wait that begins anew. */
  private floorAt = 0
  /** The part of this page in the choice of the page that checks. */
  private sharing: Sharing | undefined
  private readonly wish: Wish
  /** What waits for the handle. */
  private readonly awaiting: Array<(handle: AnyHandle | undefined) => void> = []
  private readonly timer = new Timer((effect) => this.fork(effect))

  constructor(store: Store, subject: Subject, { snapshot, token }: Beginning, entry: object) {
    this.entry = entry
    this.store = store
    this.subject = subject
    this.wish = new Wish(store.streams, subject.checked, subject.options, () => this.settle())
    this.snapshot = this.known = snapshot
    this.token = token
  }

  // -- for views --

  subscribe(call: () => void): () => void {
    const remove = this.listeners.add(call)
    if (this.listeners.size === 1) {
      this.timer.stop()
      this.join()
      this.settle()
    }
    return () => {
      if (remove() && this.listeners.size === 0) this.unseen()
    }
  }

  notify(): void {
    this.listeners.notify()
  }

  checkNow(): void {
    if (this.askOther("checkNow")) return
    const handle = this.run?.handle
    if (handle !== undefined) this.fork(handle.checkNow())
    // It follows when the wait resumes.
    else if (this.token !== undefined) this.token = { ...this.token, dueAt: Math.max(this.token.floorAt, this.now()) }
  }

  pause(isPaused: boolean): void {
    if (this.askOther(isPaused ? "pause" : "unpause")) return
    this.isPausedByUser = isPaused
    this.settle()
    this.keepIfUnused()
  }

  restart(): void {
    if (this.askOther("restart")) return
    this.drop()
    this.floorAt = this.token?.floorAt ?? this.floorAt
    this.token = this.fallbackKey = undefined
    this.isPausedByUser = false
    this.known = idle
    this.timer.stop()
    if (this.listeners.size === 0) return this.keep()
    if (this.sharing === undefined) {
      this.join()
      // A page that still shows how the wait ended begins it for all.
      this.askOther("restart")
    }
    this.settle()
  }

  cancel(): Effect.Effect<void, unknown> {
    return Effect.suspend(() => {
      if (this.known.outcome !== undefined || this.askOther("cancel")) return Effect.sync(() => this.keepIfUnused())
      this.cancels++
      this.settle()
      return Effect.onExit(
        Effect.flatMap(this.started(), (handle) =>
          Effect.provideContext(handle?.cancel ?? Effect.void, this.context())
        ),
        () =>
          Effect.sync(() => {
            this.cancels--
            this.isLet = true
            this.settle()
            this.keepIfUnused()
          })
      )
    })
  }

  /** Ends what runs. */
  close(): Effect.Effect<void> {
    this.timer.stop()
    const { run } = this
    this.run = undefined
    this.wish.release()
    this.listeners.clear()
    this.part()
    this.resolve(undefined)
    this.learn(unplanned)
    this.publish()
    return run?.close() ?? Effect.void
  }

  // -- for the checks of the job --

  began(attempt: number): () => void {
    const { run } = this
    if (run === undefined) return () => {}
    run.checks++
    this.checks++
    this.learn({ attempt, ...unplanned })
    this.publish()
    // The notification of its result follows, and changes the snapshot once.
    return () => {
      run.checks--
      if (--this.checks === 0 && this.run === undefined) queueMicrotask(() => this.settle())
    }
  }

  // -- the decision --

  /** Runs, pauses or parks the wait, as everything that is known demands. */
  settle(): void {
    const { run } = this
    if (this.known.outcome !== undefined) return this.publish()
    if (run === undefined) this.beginIfAllowed()
    else if (run.handle !== undefined) this.restrain(run)
    this.publish()
  }

  private beginIfAllowed(): void {
    if (this.listeners.size === 0 && this.cancels === 0) return
    // What it was for may have changed.
    if (this.listeners.size > 0) this.timer.stop()
    if (!this.store.build(this) || this.isFollowing()) return
    // A Poller sees to it by itself.
    if (this.checks > 0 && this.store.poller === undefined) return
    const blocked = this.blocked()
    const isAllowed = blocked === undefined || (this.cancels > 0 && blocked !== "frozen")
    if (this.isPausedByUser && this.cancels === 0) return this.atDeadline()
    if (isAllowed) return this.token === undefined ? this.at(this.floorAt, () => this.begin()) : this.begin()
    this.wish.release()
    if (blocked !== "slow") return
    const { checkedAt = this.letAt, dueAt = 0 } = this.token ?? {}
    this.at(Math.max(dueAt, this.floorAt, Math.max(checkedAt, this.letAt) + this.store.slowMillis), () => {
      this.isLet = true
      this.letAt = this.now()
      this.begin()
    })
  }

  /** The deadline of a wait that its user paused, and that was parked since, applies while it is shown. */
  private atDeadline(): void {
    const { deadlineAt } = this.token ?? {}
    if (typeof deadlineAt !== "number" || this.blocked() !== undefined) return
    this.after(Math.max(0, deadlineAt - this.now()), () => {
      if (this.blocked() === undefined) this.begin()
    })
  }

  private restrain(run: Run): void {
    const blocked = this.blocked()
    const isLet = blocked === undefined || ((this.isLet || this.cancels > 0) && blocked !== "frozen")
    if (blocked === undefined) this.isLet = false
    const isOver = blocked === "unseen" ? !this.timer.isRunning() : run.checks === 0
    if (!isLet && (isOver || blocked === "frozen")) return this.park()
    const isFree = blocked === undefined && !this.isPausedByUser && run.checks === 0
    if (isFree && !run.hasStream && this.wish.hasStream() === true) {
      this.leave(run)
      return this.begin()
    }
    // One check is let, and none that was asked for meanwhile.
    run.pause(!isLet || this.isPausedByUser || (blocked !== undefined && run.checks > 0))
  }

  private blocked(): Blocked | undefined {
    const page = this.store.page()
    if (page.isFrozen?.() === true) return "frozen"
    if (this.listeners.size === 0) return "unseen"
    if (!page.isOnline()) return "offline"
    const { hidden } = this.subject
    return page.isHidden() && hidden !== "run" ? (hidden === "slow" ? "slow" : "hidden") : undefined
  }

  /** The last listener has left. */
  private unseen(): void {
    if (this.run === undefined && this.sharing === undefined) return this.keep()
    this.after(this.store.lingerMillis, () => this.park())
    this.settle()
  }

  /** What nothing shows is not kept for good. */
  private keepIfUnused(): void {
    const isUsed = this.listeners.size > 0 || this.cancels > 0 || this.run !== undefined
    if (!isUsed && !this.timer.isRunning()) this.keep()
  }

  /** Keeps the token or the outcome for a while. */
  private keep(): void {
    this.part()
    this.publish()
    this.after(this.store.keepMillis, () => this.store.forget(this))
  }

  // -- other pages --

  private join(): void {
    const { lead } = this.store
    const { job, key } = this.subject
    if (lead === undefined || this.sharing !== undefined || this.known.outcome !== undefined) return
    this.sharing = new Sharing(lead, job, job.key.encode(key), {
      settle: () => this.settle(),
      drop: () => {
        // What is left to come of the views is not about checks.
        if (this.listeners.size > 0) this.timer.stop()
        this.drop()
      },
      adopt: (snapshot, token) => {
        this.known = snapshot
        this.token = token
        this.isPausedByUser = snapshot.pausedBy === "user"
      },
      asked: (what) => {
        if (what === "cancel") this.fork(Effect.ignore(this.cancel()))
        else if (what === "checkNow" || what === "restart") this[what]()
        else this.pause(what === "pause")
      }
    })
  }

  private part(): void {
    this.sharing?.part()
    this.sharing = undefined
  }

  /** Asks the page that checks, if that is another one. */
  private askOther(what: Request): boolean {
    return this.sharing?.ask(what) === true
  }

  private isFollowing(): boolean {
    return this.sharing?.isFollowing === true
  }

  private share(): void {
    if (this.sharing === undefined) return
    const limit = timeLimit(this.subject.options.checkTimeout ?? this.subject.job.checkTimeout)
    this.sharing.share(this.snapshot, this.run?.token() ?? this.token, limit && this.now() + limit)
  }

  // -- the wait --

  private begin(): void {
    this.timer.stop()
    // Between the checks of a page that is hidden no stream is open.
    const hasStream = this.blocked() === undefined ? this.wish.hasStream() : false
    if (hasStream === undefined) return
    const fork = <A, E>(effect: Effect.Effect<A, E, unknown>) => this.fork(effect)
    const run: Run = new Run(this.store.poller, fork, hasStream, (told) => {
      if (this.run === run) this.on(told)
    })
    this.run = run
    const now = this.now()
    const { dueAt = 0, startedAt = now } = this.token ?? {}
    const isDue = dueAt <= now
    this.learn({ startedAt, nextAt: isDue ? undefined : dueAt, waitReason: isDue ? undefined : this.known.waitReason })
    this.fallbackKey = this.token?.fallbackKey
    const wait = { ...this.wish.subject(hasStream), key: this.subject.key, token: this.token }
    this.fork(run.started(wait)).addObserver((exit) => {
      if (Exit.isSuccess(exit)) {
        if (this.run !== run) return run.leave()
        this.resolve(exit.value)
        this.settle()
        // Before it had a handle, it had no token to share.
        return this.share()
      }
      if (this.run !== run) return
      // A token that this version cannot read.
      if (this.token === undefined) return this.failed(exit.cause)
      this.token = undefined
      this.restart()
    })
  }

  private park(): void {
    this.drop()
    if (this.listeners.size > 0) this.settle()
    else this.keep()
  }

  /** Ends the wait, and keeps its token. */
  private drop(): void {
    const { run } = this
    this.run = undefined
    this.isLet = false
    if (run?.handle !== undefined) {
      this.leave(run)
      this.learn({ ...unplanned })
    }
    // After its stream was closed.
    this.wish.release()
  }

  private leave(run: Run): void {
    this.token = run.token() ?? this.token
    run.leave()
  }

  private on(told: Notification): void {
    const { event } = told
    if (event._tag === "Ended") return this.end(event.exit)
    this.learn(newsOf(this.known, told))
    if (event._tag !== "Started" && this.cancels === 0) this.isLet = false
    // After what was told together with it: the wait may have ended.
    if (!this.isTold) queueMicrotask(() => this.afterTold())
    this.isTold = true
  }

  private afterTold(): void {
    this.isTold = false
    this.settle()
  }

  /** The wait could not begin. */
  failed(cause: Cause.Cause<unknown>): void {
    this.end(Exit.die(Cause.squash(cause)))
  }

  private end(exit: Exit.Exit<unknown, unknown>): void {
    const { run } = this
    this.run = undefined
    this.floorAt = (run?.token() ?? this.token)?.floorAt ?? this.floorAt
    this.token = undefined
    run?.ended()
    this.wish.release()
    this.learn({ ...unplanned, outcome: outcomeOf(exit) })
    this.resolve(undefined)
    this.publish()
    if (this.listeners.size === 0) this.keep()
  }

  /** The handle of the wait once it runs; undefined if it ends before. */
  private started(): Effect.Effect<AnyHandle | undefined> {
    return Effect.callback((resume) => {
      const handle = this.run?.handle
      if (handle !== undefined || this.known.outcome !== undefined) resume(Effect.succeed(handle))
      else this.awaiting.push((started) => resume(Effect.succeed(started)))
    })
  }

  private resolve(handle: AnyHandle | undefined): void {
    for (const resume of this.awaiting.splice(0)) resume(handle)
  }

  // -- the snapshot --

  private learn(news: Partial<AnySnapshot>): void {
    this.known = { ...this.known, ...news }
  }

  private publish(): void {
    const { known, run } = this
    const isActive = run !== undefined || this.listeners.size > 0
    const next =
      this.isFollowing() && known.phase !== "idle" ? known : shown(known, isActive, run?.checks ?? 0, this.pausedBy())
    if (same(this.snapshot, next)) return
    this.snapshot = next
    this.store.changed(this)
    this.share()
  }

  private pausedBy(): PausedBy | undefined {
    if (this.known.outcome !== undefined) return undefined
    if (this.isPausedByUser) return "user"
    if (this.listeners.size > 0 && this.store.services() !== undefined) {
      const blocked = this.blocked()
      if (blocked === "offline") return "offline"
      if (blocked === "hidden" || blocked === "frozen") return "hidden"
    }
    return this.known.waitReason === "gate" ? "gate" : undefined
  }

  // -- time --

  private now(): number {
    return Context.get(this.context(), Clock.Clock).currentTimeMillisUnsafe()
  }

  private at(time: number, then: () => void): void {
    const millis = time - this.now()
    if (!(millis > 0)) return then()
    this.learn({ nextAt: time })
    this.after(millis, then)
  }

  private after(millis: number, then: () => void): void {
    this.timer.start(millis, () => {
      then()
      this.publish()
    })
  }

  private context(): Context.Context<unknown> {
    return this.store.services() ?? none
  }

  private fork<A, E>(effect: Effect.Effect<A, E, unknown>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(this.context())(effect)
  }
}

// ---- internal ----

const none = /*#__PURE__*/ Context.empty() as Context.Context<unknown>
