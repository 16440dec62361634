import * as Effect from "effect/Effect"
import type { CheckResult } from "../../CheckResult.ts"
import { type Any, isJob, type Job, type Watchable } from "../../Job.ts"
import { ResumeTokenError } from "../../PollError.ts"
import type { PollOptions } from "../../PollOptions.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import { type Lease, leaseOf } from "../lease.ts"
import { printed } from "../text.ts"
import type { Listened, Split } from "../told/loaded.ts"
import { unknownVersion } from "../tokenVersion.ts"
import * as validate from "../validate.ts"
import { builtin, type Defaults } from "./defaults.ts"
import { compile, given, type Input, type Policy } from "./policy.ts"
import { ofWait } from "./shape.ts"
import { split } from "./sources.ts"

/** A wait that can be run: its options are validated, and compiled again under other defaults. */
export interface Request extends Listened {
  readonly policy: (defaults: Defaults) => Policy
  /** Keeps the services that the job provides to its calls. */
  readonly lease: Lease | undefined
}

type AnyOptions = PollOptions<never, unknown>
type AnyCheck = Effect.Effect<CheckResult<unknown, unknown>, unknown, unknown>

/** Makes an entry point that can be called in three ways: (options), (job, key, options) and (check, options). */
export const entryPoint = (name: string, run: (request: Request) => unknown): never =>
  ((...args: ReadonlyArray<unknown>) => {
    if (args.length === 1 && !Effect.isEffect(args[0]) && !isJob(args[0])) {
      return (check: AnyCheck) => run(ofCheck(name, check, args[0] as AnyOptions))
    }
    return isJob(args[0])
      ? run(ofAny(name, args[0], args[1], args[2] as AnyOptions))
      : run(ofCheck(name, args[0], args[1] as AnyOptions))
  }) as never

/** A wait for one key of a job. */
export const ofJob = <K, A, F, E, R, RS>(
  name: string,
  job: Watchable<K, A, F, E, R>,
  key: K,
  options: PollOptions<E, RS>
): Request => ofAny(name, job as unknown as Any, key, options)

/** The same with the types of the job erased. */
export const ofAny = (
  name: string,
  job: Any,
  key: unknown,
  options: AnyOptions = noOptions,
  isByKey = false
): Request => {
  aJob(name, job)
  const parts = split(name, job, options, () => strategyFor(job, key), isByKey)
  return {
    key: validate.nonEmpty(`${name}: key`, job.key.encode(key)),
    rawKey: key,
    policy: policyOf(name, job, parts),
    sources: parts.sources,
    isOfJob: true,
    lease: leaseOf(job)
  }
}

/** Waits for many keys of a job: what does not depend on the key is made once. */
export const ofKeys = (name: string, job: Any, options: AnyOptions): ((key: unknown) => Request) => {
  aJob(name, job)
  const { strategy } = job
  if (typeof strategy === "function" && options.strategy === undefined) {
    return (key) => ofAny(name, job, key, options, true)
  }
  const parts = split(name, job, options, () => strategyFor(job, undefined), true)
  const policy = policyOf(name, job, parts)
  const lease = leaseOf(job)
  return (key) => ({
    key: validate.nonEmpty(`${name}: key`, job.key.encode(key)),
    rawKey: key,
    policy,
    sources: parts.sources,
    isOfJob: true,
    lease
  })
}

/** A wait without a job: the check is its own raw key, and `call` makes an effect of it. */
export const ofCheck = (
  name: string,
  check: unknown,
  options: AnyOptions = noOptions,
  call: Policy["check"] = checkOfKey
): Request => {
  const parts = split(name, undefined, options, () => undefined, false)
  const policy = policyOf(name, undefined, parts, call)
  if (call === checkOfKey && !Effect.isEffect(check)) {
    validate.refuse(`${name}: the check`, "an Effect that yields a status", check)
  }
  const { sources } = parts
  return { key: options.name ?? "check", rawKey: check, policy, sources, isOfJob: false, lease: undefined }
}

/**
 * Validates the options of a wait for a job before there is a key: throws a RangeError. So does what it returns, for
 * defaults out of range.
 */
export const checkOfJob = <K, A, F, E, R, I, ES, RS>(
  name: string,
  job: Job<K, A, F, E, R, I, ES>,
  options: PollOptions<E, RS>
): Request["policy"] => checkOfAny(name, job as unknown as Any, options)

/** The same with the types of the job erased. */
export const checkOfAny = (name: string, job: Any, options: AnyOptions = noOptions): Request["policy"] => {
  const { strategy } = job
  return policyOf(
    name,
    job,
    split(name, job, options, () => (typeof strategy === "function" ? undefined : strategy), false)
  )
}

/**
 * The options of a wait that a token continues, which has the deadline and the run. Options that `until` and `run` take
 * may be given to `resume` too.
 */
export const resuming = (options: object | undefined, { since }: ResumeToken): AnyOptions => {
  const { onReceipt: _, receiptTimeout: _1, submitTimeout: _2, ...rest } = (options ?? {}) as Record<string, unknown>
  return { ...rest, deadline: "unbounded", since }
}

/** The key of a token, or why the token is not one of this job. */
export const keyOfToken = <K, A, F, E, R>(job: Watchable<K, A, F, E, R>, token: ResumeToken): K | ResumeTokenError => {
  const version = unknownVersion(token.version)
  if (version !== undefined) return version
  if (token.job !== job.name) {
    return new ResumeTokenError({
      reason: "job",
      detail: `it is of the job ${printed(token.job)}, not ${printed(job.name)}`
    })
  }
  try {
    return job.key.decode(token.key)
  } catch {
    return new ResumeTokenError({ reason: "malformed", detail: `its key does not fit the job ${printed(job.name)}` })
  }
}

/** Throws a RangeError unless a value is a job. */
export const aJob = (name: string, job: unknown): void => {
  if (!isJob(job)) validate.refuse(`${name}: the job`, "a Job", job)
}

// ---- internal ----

/** What a caller without types may have left out; the deadline is missing. */
const noOptions = {} as AnyOptions

type PolicyOf = Request["policy"]

/** What a policy is made of. */
interface Parts extends Omit<Split, "sources"> {
  readonly name: string
  readonly check: Policy["check"]
}

const strategyFor = ({ strategy }: Any, key: unknown): AnyOptions["strategy"] =>
  typeof strategy === "function" ? strategy(key) : strategy

/** The newest policy of a job, or of a strategy where there is no job, for waits with the same options to share. */
const compiled = new WeakMap<object, Parts & { readonly policy: PolicyOf }>()

const policyOf = (
  name: string,
  job: Any | undefined,
  { expects, options, strategy }: Split,
  check: Policy["check"] = job?.check ?? checkOfKey
): PolicyOf => {
  const owner = job ?? strategy ?? builtin
  const last = compiled.get(owner)
  if (
    last !== undefined &&
    last.name === name &&
    last.strategy === strategy &&
    last.expects === expects &&
    last.check === check &&
    isSame(last.options, options)
  ) {
    return last.policy
  }
  validate.fields(name, options, ofWait)
  validate.option(`${name}: strategy`, strategy, "a Schedule")
  validate.option(`${name}: deadline`, options.deadline ?? null, ofWait.deadline)
  const policy = compileOnce(inputOf(name, job, { expects, options, strategy }, check))
  // The caller may change its options.
  compiled.set(owner, { name, strategy, expects, check, options: { ...options }, policy })
  return policy
}

const inputOf = (
  name: string,
  job: Any | undefined,
  { expects, options, strategy }: Omit<Split, "sources">,
  check: Policy["check"]
): Input => ({
  ...options,
  name,
  job: job?.name ?? options.name ?? "check",
  check,
  show: job?.key.show,
  cancel: job?.cancel,
  expects,
  strategy,
  missing: job?.missing,
  unknownState: options.unknownState ?? job?.unknownState,
  checkErrors: options.checkErrors ?? job?.checkErrors,
  checkTimeout: options.checkTimeout ?? job?.checkTimeout,
  stall: options.stall ?? job?.stall,
  confirm: options.confirm === undefined ? job?.confirm : { ...job?.confirm, ...given(options.confirm) },
  stateLimits: options.stateLimits ?? job?.stateLimits,
  minInterval: options.minInterval ?? job?.minInterval,
  onAction: options.onAction ?? job?.onAction
})

/** Compiles at once, so that bad options throw at the call, and again for other defaults than the built-in ones. */
const compileOnce = (input: Input): PolicyOf => {
  let last = { defaults: builtin, policy: compile(input) }
  return (defaults) => {
    if (defaults !== last.defaults) last = { defaults, policy: compile(input, defaults) }
    return last.policy
  }
}

const isSame = (a: AnyOptions, b: AnyOptions): boolean => {
  const keys = Object.keys(a) as Array<keyof AnyOptions>
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}

const checkOfKey = (key: unknown): AnyCheck => key as AnyCheck
