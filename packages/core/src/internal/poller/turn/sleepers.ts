import { earlyBy } from "../../machine/pacing.ts"
import { alarmAt, fitsBefore, isCompleting, type Wait } from "../../machine/wait.ts"
import { targetOf } from "../target.ts"
import { TimerQueue } from "./timerQueue.ts"

/** The sleeping waits, by the time at which they are woken: where checks are gathered, together with others. */
export class Sleepers {
  private readonly coalesce: number
  private readonly queue = new TimerQueue<Wait>((wait, at) => this.sleepsUntil(wait, at))

  constructor(coalesce: number) {
    this.coalesce = coalesce
  }

  /** How many there are, stale ones included. */
  get size(): number {
    return this.queue.size
  }

  /** Adds a wait. Returns when it is woken; `Infinity` if it is not. */
  add(wait: Wait): number {
    const at = this.wakeAt(wait)
    if (at !== Number.POSITIVE_INFINITY) this.queue.push(wait, at)
    return at
  }

  /** Notes that a wait sleeps no longer. */
  drop(): void {
    this.queue.drop()
  }

  /** When the first one is woken. */
  next(): number {
    return this.queue.next()
  }

  /** Takes those that are woken by `now`, at most `most`. */
  takeAll(now: number, most: number): ReadonlyArray<Wait> {
    return this.queue.takeAll(now, most)
  }

  private wakeAt(wait: Wait): number {
    const { batch, rendezvous } = targetOf(wait)
    if (rendezvous !== undefined && !isCompleting(wait)) return rendezvous.timeFor(wait)
    const alarm = alarmAt(wait)
    const slack = batch === undefined ? this.coalesce : 0
    if (slack === 0) return alarm
    const gathered = Math.ceil(alarm / slack) * slack
    return fitsBefore(wait, alarm, gathered) ? gathered : alarm
  }

  /** Whether a wait sleeps, and may be woken at this time. */
  private sleepsUntil(wait: Wait, at: number): boolean {
    if (wait.stage.phase !== "waiting") return false
    const { batch, rendezvous } = targetOf(wait)
    if (rendezvous === undefined) return this.wakeAt(wait) === at
    const alarm = alarmAt(wait)
    return at >= alarm - earlyBy(wait) && at <= alarm + batch!.slack
  }
}
