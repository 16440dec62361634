import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type { Severity } from "effect/LogLevel"
import type { Schedule } from "effect/Schedule"
import type { CheckErrorPolicy } from "../../Job.ts"
import type { Observation } from "../../Observation.ts"
import type { Observer } from "../../Observer.ts"
import * as Strategy from "../../Strategy.ts"

/** See `PollDefaults`, which documents the fields. */
export interface Defaults {
  readonly strategy: Schedule<unknown, Observation>
  readonly checkTimeout: Duration.Input | "unbounded"
  readonly maxHint: Duration.Input
  readonly cancelTimeout: Duration.Input
  readonly checkErrors: CheckErrorPolicy<unknown>
  readonly zeroDelay: Duration.Input
  readonly span: boolean
  readonly logs: boolean | Severity
  readonly observers: ReadonlyArray<Observer>
}

export const builtinErrors: CheckErrorPolicy<unknown> = {
  schedule: /*#__PURE__*/ Strategy.exponential({ initial: "1 second", factor: 2, cap: "30 seconds" }),
  maxConsecutive: 5
}

export const builtin: Defaults = {
  strategy: /*#__PURE__*/ Strategy.linear({ initial: "1 second", increment: "2 seconds" }),
  // In milliseconds, since every wait reads them: 1 minute, 1 hour, 10 seconds.
  checkTimeout: 60_000,
  maxHint: 3_600_000,
  cancelTimeout: 10_000,
  checkErrors: builtinErrors,
  zeroDelay: 10,
  span: true,
  logs: true,
  observers: []
}

export const Reference: Context.Reference<Defaults> = /*#__PURE__*/ Context.Reference("effect-poll/PollDefaults", {
  defaultValue: () => builtin
})
