import type { Shape } from "../validate.ts"

// What options must be: what `Policy` is compiled from has been held to it.

const leave = '"leave" or "cancelRemote"'
const integer = "an integer >= 1"
const positive = "a positive finite duration"
const nonNegative = "a non-negative finite duration"
const budget = 'an integer >= 0 or "unbounded"'
const limit = `${positive} or "unbounded"`

/** The fields of `{ times }` or `{ for }`. */
const held = ["either { times } or { for }", { times: integer, for: positive }] as const

const checkErrors: Shape = {
  schedule: "a Schedule",
  maxConsecutive: budget,
  maxOutage: `${nonNegative} or "unbounded"`,
  maxTotal: budget,
  onExhausted: '"fail" or "skip"',
  retry: "a Schedule",
  rejectAfter: held,
  maxThrottled: limit,
  kindOf: "a function"
}

/** The options that a wait and a job have. */
export const ofBoth = {
  strategy: "a Schedule",
  unknownState: [
    'either "fail" or "continue" or { times } or { for } or { treatAs() }',
    { ...held[1], treatAs: "a function" }
  ],
  checkErrors: ['"unbounded" or an object', checkErrors],
  checkTimeout: limit,
  stall: ["{ after }", { after: positive, onStall: '"fail" or "report"' }],
  confirm: ["an object", { success: held, failure: held }],
  stateLimits: ["an object", positive],
  minInterval: nonNegative,
  onAction: '"report" or "fail" or a function'
} as const satisfies Shape

/** The options of a wait. */
export const ofWait = {
  ...ofBoth,
  signal: "a Stream",
  push: "a Stream",
  behind: ofBoth.strategy,
  deadline: limit,
  name: "a non-empty string",
  maxHint: nonNegative,
  since: "{ run } or { generation }",
  gate: "{ ask() }",
  onTimeout: leave,
  onInterrupt: leave,
  onClose: leave,
  cancelTimeout: positive,
  observers: "an array of { observe() }",
  history: "a boolean"
} satisfies Shape

/** The options that `Poll.run` has besides. */
export const ofSubmit: Shape = { submitTimeout: limit, receiptTimeout: limit, onReceipt: "a function" }

/** The fields of `PollDefaults`. */
export const ofDefaults: Shape = {
  strategy: ofBoth.strategy,
  checkTimeout: limit,
  maxHint: nonNegative,
  cancelTimeout: positive,
  checkErrors: ["an object", checkErrors],
  zeroDelay: nonNegative,
  span: "a boolean",
  logs: "a boolean or a string",
  observers: "an array of { observe() }"
}
