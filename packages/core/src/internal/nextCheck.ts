import type { WaitReason } from "../PollEvent.ts"

/** When the next check is due, why then, and whether it is the last one. */
export interface NextCheck {
  readonly dueAt: number
  readonly reason: WaitReason
  readonly last: boolean
}

/**
 * How long before the deadline a last check begins at the latest, in milliseconds: as long as a check takes, and a margin
 * for the timer, the process and a check that takes longer than the ones before. `left` is the time until the deadline, of
 * which the margin may take no more than a quarter. Nothing is known of a check that takes no time: it has no margin.
 */
export const leadOf = (estimate: number, left: number): number =>
  estimate === 0 ? 0 : estimate + Math.max(0, Math.min(marginOf(estimate), Math.floor((left - estimate) / 4)))

/**
 * Places the next check, which a schedule wants `at`, within the bounds of the deadline, the server and the gate. All
 * are times in milliseconds; a last check begins at `lastAt`, which is `lead` before the deadline or sooner.
 * `spacedUntil` is the end of the `minInterval` after the check before.
 */
export const placeNextCheck = (
  bounds: {
    readonly now: number
    readonly at: number
    readonly floorAt: number
    readonly gatedUntil: number
    readonly spacedUntil: number
    readonly deadlineAt: number
    readonly lead: number
    readonly lastAt: number
  },
  wanted: WaitReason
): NextCheck => {
  const { at, deadlineAt, floorAt, gatedUntil, lastAt, lead, now, spacedUntil } = bounds
  // Clocks count whole milliseconds: the rest of a fraction would be slept again and again.
  let dueAt = Math.ceil(at)
  let reason = wanted
  let last = dueAt + lead >= deadlineAt
  if (last) {
    dueAt = Math.max(now, lastAt)
    if (dueAt < at) reason = "lastCheck"
  }
  const earliest = Math.max(floorAt, gatedUntil, spacedUntil)
  if (earliest > dueAt) {
    dueAt = earliest
    reason = floorAt === earliest ? "serverHint" : gatedUntil === earliest ? "gate" : "minInterval"
  }
  last ||= dueAt + lead >= deadlineAt
  return dueAt > deadlineAt ? { dueAt: deadlineAt, reason: "deadline", last } : { dueAt, reason, last }
}

/** The time by which a check may be later than expected, in milliseconds: twice its length, and at least 50. */
export const marginOf = (estimate: number): number => Math.max(2 * estimate, leastMargin)

// ---- internal ----

const leastMargin = 50
