import type { Rule } from "../validate.ts"

// What options must be, for callers without types. Numbers and durations are checked where they are read.

const leave = '"leave" or "cancelRemote"'
const held = "{ times } or { for }"

/** The options of a wait; most of them are options of a job too. */
export const ofWait: Readonly<Record<string, Rule>> = {
  strategy: "a Schedule",
  unknownState: '"fail" or "continue" or { times } or { for } or { treatAs() }',
  checkErrors: '"unbounded" or an object',
  "checkErrors.schedule": "a Schedule",
  "checkErrors.retry": "a Schedule",
  "checkErrors.onExhausted": '"fail" or "skip"',
  "checkErrors.rejectAfter": held,
  "checkErrors.kindOf": "a function",
  stall: "{ after }",
  "stall.onStall": '"fail" or "report"',
  confirm: "an object",
  "confirm.success": held,
  "confirm.failure": held,
  stateLimits: "an object",
  onAction: '"report" or "fail" or a function',
  since: "{ run } or { generation }",
  gate: "{ ask() }",
  observers: "an array of { observe() }",
  history: "a boolean",
  onTimeout: leave,
  onInterrupt: leave,
  onClose: leave
}
