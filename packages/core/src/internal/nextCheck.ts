import type { WaitReason } from "../PollEvent.ts"

/** When the next check is due, why then, and whether it is the last one. */
export interface NextCheck {
  readonly dueAt: number
  readonly reason: WaitReason
  readonly last: boolean
}

/**
 * Places the next check, which a schedule wants `at`, within the bounds of the deadline, the server and the gate. All
 * are times in milliseconds; `estimate` is how long a check takes. `spacedUntil` is the end of the `minInterval`
 * after the check before.
 */
export const placeNextCheck = (
  bounds: {
    readonly now: number
    readonly at: number
    readonly floorAt: number
    readonly gatedUntil: number
    readonly spacedUntil: number
    readonly deadlineAt: number
    readonly estimate: number
  },
  wanted: WaitReason
): NextCheck => {
  const { at, deadlineAt, estimate, floorAt, gatedUntil, now, spacedUntil } = bounds
  // Clocks count whole milliseconds: the rest of a fraction would be slept again and again.
  let dueAt = Math.ceil(at)
  let reason = wanted
  if (dueAt + estimate >= deadlineAt) {
    dueAt = Math.max(now, deadlineAt - estimate)
    if (dueAt < at) reason = "lastCheck"
  }
  const earliest = Math.max(floorAt, gatedUntil, spacedUntil)
  if (earliest > dueAt) {
    dueAt = earliest
    reason = floorAt === earliest ? "serverHint" : gatedUntil === earliest ? "gate" : "minInterval"
  }
  const last = dueAt + estimate >= deadlineAt
  return dueAt > deadlineAt ? { dueAt: deadlineAt, reason: "deadline", last } : { dueAt, reason, last }
}
