import { earliestAt } from "../../machine/pacing.ts"
import { alarmAt, fitsBefore, longestCheck, type Wait } from "../../machine/wait.ts"

/**
 * The times at which the waits of a target with `checkMany` are woken, so that they share requests although they were
 * added at different times and their checks take different times.
 *
 * A wait is woken at a time that is planned already, if there is one within the share of its sleep before it is due, or
 * within the slack after. Otherwise it plans a time for others: on a grid whose period is its sleep and the length of
 * its checks, or as near to that as it may be. So waits with the same interval come to the same times within some
 * checks. Nothing here costs a walk through all waits.
 */
export class Rendezvous {
  private readonly slack: number
  /** The planned times in order, from `head` on; some have no waits any more. */
  private times: Array<number> = []
  private head = 0
  /** Where the grids begin: the first time that was planned. */
  private anchor: number | undefined
  /** The newest answer: most waits of a request are due at the same time. */
  private last = { due: Number.NaN, earliest: 0, at: 0 }

  constructor(slack: number) {
    this.slack = slack
  }

  /** When to wake a wait that sleeps. */
  timeFor(wait: Wait): number {
    const due = alarmAt(wait)
    if (due === Number.POSITIVE_INFINITY) return due
    const earliest = earliestAt(wait)
    const { last } = this
    const { now } = wait.setting.time
    if (
      last.due === due &&
      last.earliest === earliest &&
      last.at > now &&
      (last.at <= due || fitsBefore(wait, due, last.at))
    ) {
      return last.at
    }
    // A check whose answer would come too late does not wait for others.
    const latest = Math.max(due, Math.min(due + this.slack, wait.deadlineAt - longestCheck(wait)))
    const at = this.plan(wait, now, { due, earliest, latest })
    this.last = { due, earliest, at }
    return at
  }

  private plan(wait: Wait, now: number, window: Window): number {
    while (this.head < this.times.length && this.times[this.head]! <= now) this.head++
    if (this.head > leastDropped && this.head * 2 > this.times.length) {
      this.times = this.times.slice(this.head)
      this.head = 0
    }
    const { due, earliest, latest } = window
    const next = this.indexAfter(due)
    const goal = this.onGrid(this.goalOf(wait, window), window)
    if (goal > now && this.times[this.indexAfter(goal) - 1] === goal) return goal
    const before = next > this.head ? this.times[next - 1]! : Number.NEGATIVE_INFINITY
    if (before >= earliest) return before
    const after = this.times[next]
    if (after !== undefined && after <= latest) return after
    if (this.times.length - this.head < mostPlanned) this.times.splice(this.indexAfter(goal), 0, goal)
    return goal
  }

  /** The time within a window that is nearest to another one, on the grid of the slack if that fits. */
  private onGrid(at: number, { due, earliest, latest }: Window): number {
    const within = Math.min(Math.max(at, earliest), latest)
    const later = Math.ceil(within / this.slack) * this.slack
    if (later <= latest) return later
    return within > due && later - this.slack >= due ? later - this.slack : within
  }

  /** The index of the first planned time after this one. */
  private indexAfter(at: number): number {
    const { times } = this
    let low = this.head
    let high = times.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (times[middle]! <= at) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The nearest time at which waits with the same interval meet. */
  private goalOf(wait: Wait, window: Window): number {
    const { due, earliest } = window
    this.anchor ??= this.onGrid(due, window)
    // Without others that come soon, a wait keeps its pace.
    const others = this.times[this.head]
    if (wait.stage.reason !== "strategy" || earliest >= due || others === undefined) return due
    if (others > due + wait.sleepMillis / 2) return due
    // The part of the length of a check that a wait cannot make up for by coming early.
    const early = due - earliest
    const lost = Math.floor(longestCheck(wait) / early) * early
    const period = wait.sleepMillis + lost
    const since = (((due - this.anchor) % period) + period) % period
    return since <= period / 2 ? due - since : due - since + period
  }
}

// ---- internal ----

/** When a wait may be woken; all in milliseconds. */
interface Window {
  readonly earliest: number
  readonly due: number
  readonly latest: number
}

const leastDropped = 64

/** How many times are planned at most; further waits are woken on their own. */
const mostPlanned = 4_096
