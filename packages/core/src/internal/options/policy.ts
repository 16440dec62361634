import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { Schedule } from "effect/Schedule"
import type { CheckContext } from "../../CheckContext.ts"
import * as CheckError from "../../CheckError.ts"
import type { CheckResult, Run } from "../../CheckResult.ts"
import type * as Gate from "../../Gate.ts"
import {
  type CheckErrorPolicy,
  checkErrorPolicy,
  type Fallback,
  type JobConfirmPolicy,
  type MissingPolicy,
  type OnAction,
  type UnknownStatePolicy
} from "../../Job.ts"
import type { Observation } from "../../Observation.ts"
import type { Observer } from "../../Observer.ts"
import type { PollOptions } from "../../PollOptions.ts"
import type { Status } from "../../Status.ts"
import { type Plan, planOf } from "../strategyPlan.ts"
import { cut, printed } from "../text.ts"
import type { Split } from "../told/loaded.ts"
import * as validate from "../validate.ts"
import { builtin, builtinErrors, type Defaults } from "./defaults.ts"
import { ofDefaults } from "./shape.ts"

/** A schedule as the machine steps it: by its plan if it has one, otherwise by the host. */
export interface Stepper {
  readonly schedule: Schedule<unknown, Observation, never, unknown>
  readonly plan: Plan | undefined
}

/**
 * The options of a wait, validated and in milliseconds: everything the machine decides by. It has no key, so that waits
 * with the same options share it.
 */
export interface Policy {
  readonly job: string
  readonly check: (key: unknown, context: CheckContext) => AnyCheck
  readonly show: ((key: unknown) => string) | undefined
  readonly strategy: Stepper
  /** The sooner of the deadline and the limit of the strategy, and which of them it is. */
  readonly bound: number
  readonly boundedBy: "deadline" | "strategy"
  readonly checkTimeout: number
  readonly maxHint: number
  readonly since: Run | undefined
  /** Reports that a check found the end which a stream could have told; undefined if none could. */
  readonly expects: Split["expects"]
  readonly gate: Gate.Gate<unknown> | undefined
  readonly cancel: ((key: unknown) => Effect.Effect<void, unknown, unknown>) | undefined
  readonly onTimeout: "leave" | "cancelRemote"
  readonly onInterrupt: "leave" | "cancelRemote"
  readonly onClose: "leave" | "cancelRemote"
  readonly cancelTimeout: number
  /** What an end needs before it counts; undefined if the first one does. */
  readonly confirm:
    | {
        readonly success: Confirmed
        readonly failure: Confirmed
        readonly check: ((key: unknown, context: CheckContext) => AnyCheck) | undefined
      }
    | undefined
  /** In milliseconds, by state word; undefined if there are none. */
  readonly stateLimits: ReadonlyMap<string, number> | undefined
  /** In milliseconds. */
  readonly minInterval: number
  /** In milliseconds. */
  readonly zeroDelay: number
  readonly onAction: OnAction<unknown>
  readonly stall: { readonly after: number; readonly fail: boolean } | undefined
  readonly missing: {
    readonly grace: number
    readonly times: number
    readonly locate: ((key: unknown, last: Status<unknown, unknown> | undefined) => string | undefined) | undefined
    readonly checkFallback: ((fallbackKey: string, context: CheckContext) => AnyCheck) | undefined
    readonly gone: (() => Status<unknown, unknown>) | undefined
  }
  readonly unknownState: {
    readonly times: number
    readonly millis: number
    readonly treatAs: ((word: string) => Status<unknown, unknown>) | undefined
  }
  readonly errors: {
    readonly delays: Stepper
    /** The same schedule for throttled checks: a foreign one has a state of its own for them. */
    readonly throttledDelays: Stepper
    /** The same for permanent errors that are tolerated, and for ends without a result. */
    readonly otherDelays: Stepper
    readonly retry: Stepper | undefined
    readonly maxConsecutive: number
    /** How long a row of transient errors is tolerated at least, in milliseconds; undefined if the deadline decides. */
    readonly maxOutage: number | undefined
    readonly maxTotal: number
    readonly skips: boolean
    /** How many permanent errors in a row, or how many milliseconds of them, end the wait. */
    readonly rejectTimes: number
    readonly rejectMillis: number
    /** In milliseconds; undefined if it was not given. */
    readonly maxThrottled: number | undefined
    readonly kindOf: (error: unknown) => CheckError.Kind
  }
  readonly observers: ReadonlyArray<Observer<unknown>>
  /** Whether errors carry a history. */
  readonly history: boolean
}

/** How often, and for how many milliseconds, an end has to be found. */
export interface Confirmed {
  readonly times: number
  readonly millis: number
}

type AnyCheck = Effect.Effect<CheckResult<unknown, unknown>, unknown, unknown>

/** The options that compile to a policy; `name` is the function that errors name. */
export interface Input extends Omit<PollOptions<never, unknown>, "unknownState" | "confirm" | "name"> {
  readonly name: string
  readonly job: string
  readonly check: Policy["check"]
  readonly show: Policy["show"]
  readonly cancel: Policy["cancel"]
  readonly missing: MissingPolicy<never, unknown, unknown, unknown, unknown> | undefined
  readonly expects?: Policy["expects"]
  readonly unknownState?: UnknownStatePolicy<unknown, unknown> | undefined
  readonly confirm?: JobConfirmPolicy<never, unknown, unknown, unknown, unknown> | undefined
}

/** Refuses `"cancelRemote"` for a job without a `cancel`, which would otherwise fail only when it is needed. */
const checkCancel = ({ cancel, job, name, ...options }: Input): void => {
  if (cancel !== undefined) return
  for (const option of ["onTimeout", "onInterrupt", "onClose"] as const) {
    if (options[option] !== "cancelRemote") continue
    throw new RangeError(`${name}: ${option} must not be "cancelRemote", since the job ${printed(job)} has no cancel`)
  }
}

/** Makes the policy of options that fit their shape, and of defaults. Throws a RangeError for what they are together. */
export const compile = (input: Input, defaults: Defaults = builtin): Policy => {
  if (defaults !== builtin) validate.fields(input.name, defaults, ofDefaults)
  checkCancel(input)
  const strategy = stepper(input.strategy ?? defaults.strategy)
  const deadline = millisOf(input.deadline)
  const limit = strategy.plan?.maxDuration ?? unbounded
  return {
    job: input.job,
    check: input.check,
    show: input.show,
    strategy,
    bound: Math.min(limit, deadline),
    boundedBy: limit < deadline ? "strategy" : "deadline",
    checkTimeout: millisOf(input.checkTimeout ?? defaults.checkTimeout),
    maxHint: millisOf(input.maxHint ?? defaults.maxHint),
    since: input.since,
    expects: input.expects,
    gate: input.gate,
    cancel: input.cancel,
    onTimeout: input.onTimeout ?? "leave",
    onInterrupt: input.onInterrupt ?? "leave",
    onClose: input.onClose ?? "leave",
    cancelTimeout: millisOf(input.cancelTimeout ?? defaults.cancelTimeout),
    confirm: compileConfirm(input, deadline),
    stateLimits: compileStateLimits(input),
    minInterval: millisOf(input.minInterval ?? 0),
    zeroDelay: millisOf(defaults.zeroDelay),
    onAction: input.onAction ?? "report",
    stall:
      input.stall === undefined
        ? undefined
        : { after: millisOf(input.stall.after), fail: input.stall.onStall !== "report" },
    missing: compileMissing(input),
    unknownState: compileUnknownState(input.unknownState ?? "fail"),
    errors: compileErrors(input.checkErrors ?? {}, defaults),
    observers:
      input.observers === undefined && defaults.observers.length === 0
        ? noObservers
        : [...defaults.observers, ...(input.observers ?? [])],
    history: input.history ?? true
  }
}

/**
 * A key as messages, logs and spans show it: by the codec's `show`, otherwise in its encoded form. A `show` that throws
 * hides the key, because its encoded form may hold a secret.
 */
export const shownKey = ({ show }: Policy, key: string, rawKey: unknown): string => {
  if (show === undefined) return key
  try {
    return show(rawKey)
  } catch {
    return "(a key that cannot be shown)"
  }
}

/** The fields that have a value. */
export const given = <T extends object>(some: T): Partial<T> =>
  Object.fromEntries(Object.entries(some).filter(([, value]) => value !== undefined)) as Partial<T>

/** The milliseconds of a duration that was validated. */
export const millisOf = (duration: Duration.Input | "unbounded"): number =>
  duration === "unbounded" ? unbounded : validate.toMillis(duration)

// ---- internal ----

const unbounded = Number.POSITIVE_INFINITY

const stepper = (schedule: Schedule<unknown, Observation, never, unknown>): Stepper => ({
  schedule,
  plan: planOf(schedule)
})

// What most waits leave out is one value for all of them, since waits are many.
const noMissing: Policy["missing"] = {
  grace: 0,
  times: 1,
  locate: undefined,
  checkFallback: undefined,
  gone: undefined
}
const noObservers: Policy["observers"] = []
const failOnUnknown: Policy["unknownState"] = { times: 0, millis: Number.POSITIVE_INFINITY, treatAs: undefined }

const once: Confirmed = { times: 1, millis: 0 }

const compileConfirm = ({ confirm, name }: Input, deadline: number): Policy["confirm"] => {
  if (confirm === undefined) return undefined
  const of = (end: "success" | "failure"): Confirmed => {
    const confirmed = confirm[end]
    if (confirmed === undefined) return once
    const millis = millisOf(confirmed.for ?? 0)
    if (millis < deadline) return { times: confirmed.times ?? 1, millis }
    throw new RangeError(
      `${name}: confirm.${end}.for must be less than the deadline of ${deadline} ms, got ${millis} ms`
    )
  }
  return {
    success: of("success"),
    failure: of("failure"),
    check: confirm.check as ((key: unknown, context: CheckContext) => AnyCheck) | undefined
  }
}

const compileStateLimits = ({ stateLimits }: Input): Policy["stateLimits"] => {
  if (stateLimits === undefined) return undefined
  // A wait keeps the beginning of a state word.
  const limits = Object.entries(stateLimits).map(([state, limit]) => [cut(state), millisOf(limit)] as const)
  return limits.length === 0 ? undefined : new Map(limits)
}

const compileMissing = ({ missing }: Input): Policy["missing"] => {
  if (missing === undefined) return noMissing
  const fallback = missing.fallback as Fallback<unknown, unknown, unknown, unknown, unknown> | undefined
  return {
    grace: millisOf(missing.grace ?? 0),
    times: missing.times ?? 1,
    locate: fallback?.locate,
    checkFallback: fallback?.check,
    gone: missing.gone
  }
}

const compileUnknownState = (policy: UnknownStatePolicy<unknown, unknown>): Policy["unknownState"] => {
  if (policy === "fail") return failOnUnknown
  return policy === "continue"
    ? { ...tolerated({}), treatAs: undefined }
    : { ...tolerated(policy), treatAs: policy.treatAs }
}

const compileErrors = (policy: CheckErrorPolicy<never> | "unbounded", defaults: Defaults): Policy["errors"] => {
  const merged = { ...given(defaults.checkErrors), ...given(checkErrorPolicy(policy)) }
  const isCountGiven =
    checkErrorPolicy(policy).maxConsecutive !== undefined ||
    defaults.checkErrors.maxConsecutive !== builtinErrors.maxConsecutive
  const { kindOf, maxConsecutive, maxThrottled, maxTotal, onExhausted, rejectAfter, retry, schedule } = merged
  const delays = stepper(schedule ?? builtinErrors.schedule!)
  const reject = tolerated(rejectAfter ?? { times: 1 })
  const maxOutage = merged.maxOutage ?? (isCountGiven ? 0 : undefined)
  return {
    delays,
    throttledDelays: { ...delays },
    otherDelays: { ...delays },
    retry: retry === undefined ? undefined : stepper(retry),
    maxConsecutive: budget(maxConsecutive ?? builtinErrors.maxConsecutive!),
    maxOutage: maxOutage === undefined ? undefined : millisOf(maxOutage),
    maxTotal: budget(maxTotal ?? "unbounded"),
    skips: onExhausted === "skip",
    rejectTimes: reject.times,
    rejectMillis: reject.millis,
    maxThrottled: maxThrottled === undefined ? undefined : millisOf(maxThrottled),
    kindOf: (kindOf as ((error: unknown) => CheckError.Kind) | undefined) ?? CheckError.kindOf
  }
}

const budget = (count: number | "unbounded"): number => (count === "unbounded" ? unbounded : count)

/** How often, and for how long, something is tolerated: what is not given sets no bound. */
const tolerated = (some: {
  readonly times?: number | undefined
  readonly for?: Duration.Input | undefined
}): { readonly times: number; readonly millis: number } => ({
  times: some.times ?? unbounded,
  millis: millisOf(some.for ?? "unbounded")
})
