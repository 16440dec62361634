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
import { cut } from "../text.ts"
import * as validate from "../validate.ts"
import { builtin, builtinErrors, type Defaults } from "./defaults.ts"
import { ofWait } from "./shape.ts"

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
  readonly unknownState?: UnknownStatePolicy<unknown, unknown> | undefined
  readonly confirm?: JobConfirmPolicy<never, unknown, unknown, unknown, unknown> | undefined
}

/** Refuses `"cancelRemote"` for a job without a `cancel`, which would otherwise fail only when it is needed. */
const checkCancel = ({ cancel, job, name, ...options }: Input): void => {
  if (cancel !== undefined) return
  for (const option of ["onTimeout", "onInterrupt", "onClose"] as const) {
    if (options[option] !== "cancelRemote") continue
    throw new RangeError(`${name}: ${option} must not be "cancelRemote", since the job ${job} has no cancel`)
  }
}

/** Validates the options of a wait and fills in the defaults. */
export const compile = (input: Input, defaults: Defaults = builtin): Policy => {
  validate.fields(input.name, input, ofWait)
  checkCancel(input)
  const strategy = stepper(input.strategy ?? defaults.strategy)
  const deadline = validate.millisOrUnbounded(`${input.name}: deadline`, input.deadline)
  const limit = strategy.plan?.maxDuration ?? Number.POSITIVE_INFINITY
  return {
    job: input.job,
    check: input.check,
    show: input.show,
    strategy,
    bound: Math.min(limit, deadline),
    boundedBy: limit < deadline ? "strategy" : "deadline",
    checkTimeout: validate.millisOrUnbounded(
      `${input.name}: checkTimeout`,
      input.checkTimeout ?? defaults.checkTimeout
    ),
    maxHint: validate.millis(`${input.name}: maxHint`, input.maxHint ?? defaults.maxHint, "nonNegative"),
    since: input.since,
    gate: input.gate,
    cancel: input.cancel,
    onTimeout: input.onTimeout ?? "leave",
    onInterrupt: input.onInterrupt ?? "leave",
    onClose: input.onClose ?? "leave",
    cancelTimeout: validate.millis(
      `${input.name}: cancelTimeout`,
      input.cancelTimeout ?? defaults.cancelTimeout,
      "positive"
    ),
    confirm: compileConfirm(input, deadline),
    stateLimits: compileStateLimits(input),
    minInterval: validate.millis(`${input.name}: minInterval`, input.minInterval ?? 0, "nonNegative"),
    zeroDelay: validate.millis(`${input.name}: zeroDelay`, defaults.zeroDelay, "nonNegative"),
    onAction: input.onAction ?? "report",
    stall:
      input.stall === undefined
        ? undefined
        : {
            after: validate.millis(`${input.name}: stall.after`, input.stall.after, "positive"),
            fail: input.stall.onStall !== "report"
          },
    missing: compileMissing(input),
    unknownState: compileUnknownState(input.name, input.unknownState ?? "fail"),
    errors: compileErrors(input.name, input.checkErrors ?? {}, defaults),
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

// ---- internal ----

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
    const option = `${name}: confirm.${end}`
    const confirmed = confirm[end]
    if (confirmed === undefined) return once
    if ("times" in confirmed) return { times: validate.count(`${option}.times`, confirmed.times, 1), millis: 0 }
    const millis = validate.millis(`${option}.for`, confirmed.for, "positive")
    if (millis < deadline) return { times: 1, millis }
    throw new RangeError(`${option}.for must be less than the deadline of ${deadline} ms, got ${millis} ms`)
  }
  return {
    success: of("success"),
    failure: of("failure"),
    check: confirm.check as ((key: unknown, context: CheckContext) => AnyCheck) | undefined
  }
}

const compileStateLimits = ({ name, stateLimits }: Input): Policy["stateLimits"] => {
  if (stateLimits === undefined) return undefined
  const limits = Object.entries(stateLimits).map(
    // A wait keeps the beginning of a state word.
    ([state, limit]) => [cut(state), validate.millis(`${name}: stateLimits.${state}`, limit, "positive")] as const
  )
  return limits.length === 0 ? undefined : new Map(limits)
}

const compileMissing = ({ missing, name }: Input): Policy["missing"] => {
  if (missing === undefined) return noMissing
  const fallback = missing.fallback as Fallback<unknown, unknown, unknown, unknown, unknown> | undefined
  return {
    grace: validate.millis(`${name}: missing.grace`, missing.grace ?? 0, "nonNegative"),
    times: validate.count(`${name}: missing.times`, missing.times ?? 1, 1),
    locate: fallback?.locate,
    checkFallback: fallback?.check,
    gone: missing.gone
  }
}

const compileUnknownState = (name: string, policy: UnknownStatePolicy<unknown, unknown>): Policy["unknownState"] => {
  const unbounded = Number.POSITIVE_INFINITY
  if (policy === "fail") return failOnUnknown
  if (policy === "continue") return { times: unbounded, millis: unbounded, treatAs: undefined }
  if ("treatAs" in policy) return { times: unbounded, millis: unbounded, treatAs: policy.treatAs }
  return "times" in policy
    ? {
        times: validate.count(`${name}: unknownState.times`, policy.times, 1),
        millis: unbounded,
        treatAs: undefined
      }
    : {
        times: unbounded,
        millis: validate.millis(`${name}: unknownState.for`, policy.for, "positive"),
        treatAs: undefined
      }
}

const compileErrors = (
  name: string,
  policy: CheckErrorPolicy<never> | "unbounded",
  defaults: Defaults
): Policy["errors"] => {
  const merged = { ...given(defaults.checkErrors), ...given(checkErrorPolicy(policy)) }
  const isCountGiven =
    checkErrorPolicy(policy).maxConsecutive !== undefined ||
    defaults.checkErrors.maxConsecutive !== builtinErrors.maxConsecutive
  const { kindOf, maxConsecutive, maxThrottled, maxTotal, onExhausted, rejectAfter, retry, schedule } = merged
  const delays = stepper(schedule ?? builtinErrors.schedule!)
  const reject = compileRejectAfter(name, rejectAfter)
  return {
    delays,
    throttledDelays: { ...delays },
    otherDelays: { ...delays },
    retry: retry === undefined ? undefined : stepper(retry),
    maxConsecutive: budget(`${name}: checkErrors.maxConsecutive`, maxConsecutive ?? builtinErrors.maxConsecutive!),
    maxOutage: compileMaxOutage(name, merged, isCountGiven),
    maxTotal: budget(`${name}: checkErrors.maxTotal`, maxTotal ?? "unbounded"),
    skips: onExhausted === "skip",
    rejectTimes: reject.times,
    rejectMillis: reject.millis,
    maxThrottled:
      maxThrottled === undefined
        ? undefined
        : validate.millisOrUnbounded(`${name}: checkErrors.maxThrottled`, maxThrottled),
    kindOf: (kindOf as ((error: unknown) => CheckError.Kind) | undefined) ?? CheckError.kindOf
  }
}

const compileMaxOutage = (
  name: string,
  { maxOutage }: CheckErrorPolicy<never>,
  isCountGiven: boolean
): number | undefined => {
  if (maxOutage === undefined) return isCountGiven ? 0 : undefined
  return maxOutage === "unbounded"
    ? Number.POSITIVE_INFINITY
    : validate.millis(`${name}: checkErrors.maxOutage`, maxOutage, "nonNegative")
}

const compileRejectAfter = (
  name: string,
  rejectAfter: CheckErrorPolicy<never>["rejectAfter"]
): { readonly times: number; readonly millis: number } => {
  const unbounded = Number.POSITIVE_INFINITY
  if (rejectAfter === undefined) return { times: 1, millis: unbounded }
  return "times" in rejectAfter
    ? { times: validate.count(`${name}: checkErrors.rejectAfter.times`, rejectAfter.times, 1), millis: unbounded }
    : { times: unbounded, millis: validate.millis(`${name}: checkErrors.rejectAfter.for`, rejectAfter.for, "positive") }
}

/** The fields that have a value. */
const given = <T extends object>(some: T): Partial<T> =>
  Object.fromEntries(Object.entries(some).filter(([, value]) => value !== undefined)) as Partial<T>

const budget = (option: string, value: number | "unbounded"): number =>
  value === "unbounded" ? Number.POSITIVE_INFINITY : validate.count(option, value, 0)
