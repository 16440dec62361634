import type { Snapshot } from "../Snapshot.ts"

/** The snapshot of a wait that has not begun. */
export const idle: Snapshot<never> = {
  phase: "idle",
  status: undefined,
  attempt: 0,
  startedAt: undefined,
  nextAt: undefined,
  waitReason: undefined,
  lastCheckError: undefined,
  pausedBy: undefined,
  gateReason: undefined,
  outcome: undefined
}

/** Whether two snapshots show the same. */
export const same = (a: object, b: object): boolean =>
  Object.entries(b).every(([field, value]) => Object.is((a as Record<string, unknown>)[field], value))
