import type * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import type { Codec } from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Run } from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import { defaultBuckets } from "../../Ownership.ts"
import * as validate from "../validate.ts"

// The options of a durable poll, validated once. Invalid ones throw a RangeError that names them.

/** What a durable poll is made of, with the types of its options erased. */
export interface Settings {
  /** In milliseconds; `null` if it is unbounded. */
  readonly deadlineMillis: number | null
  /** In milliseconds; `undefined`: for ever. */
  readonly retentionMillis: number | undefined
  /** The options that waits are resumed with, always the same object, so that waits share what is made of them. */
  readonly wait: object
  /** The same with streams that tell nothing: for the token of a wait, and for its submit. */
  readonly untold: object
  readonly signal: ((key: never) => Stream.Stream<never, unknown, unknown>) | undefined
  readonly push: ((key: never) => Stream.Stream<never, unknown, unknown>) | undefined
  readonly cancelTimeoutMillis: number
  /** The number of buckets, unless an `Ownership` says it. */
  readonly buckets: number
  readonly affinity: ((key: never) => string) | undefined
  readonly input: InputSettings | undefined
}

export interface InputSettings {
  readonly schema: Codec<unknown, unknown>
  readonly withIdempotencyKey: (input: unknown, idempotencyKey: string) => unknown
  readonly onUnknown: "submitAgain" | "fail"
  readonly submitTimeout: Duration.Input | "unbounded" | undefined
  readonly affinity: ((input: unknown) => string) | undefined
}

/** `Options` of `DurablePoll`, as callers without types may give them. */
interface AnyOptions {
  readonly deadline: Duration.Input | "unbounded"
  readonly retention?: Duration.Input | "forever" | undefined
  readonly buckets?: number | undefined
  readonly affinity?: ((key: never) => string) | undefined
  readonly wait?: AnyWait | undefined
  readonly input?: AnyInput | undefined
  readonly onEnded?: unknown
}

interface AnyWait {
  readonly signal?: Settings["signal"]
  readonly push?: Settings["push"]
  readonly cancelTimeout?: Duration.Input | undefined
}

interface AnyInput {
  readonly schema: unknown
  readonly withIdempotencyKey: unknown
  readonly onUnknown?: unknown
  readonly submitTimeout?: Duration.Input | "unbounded" | undefined
  readonly affinity?: unknown
}

/** Reads the options of `make`. */
export const settingsOf = (job: Job.Any, options: AnyOptions): Settings => {
  if (!Job.isJob(job) || !hasProperty(job, "codecs")) {
    throw new RangeError(`${make}: the job must be a Job with Schemas (Job.withCodecs), got ${validate.show(job)}`)
  }
  const { affinity, buckets, deadline, input, onEnded, retention, wait, ...others } = options
  only(make, "", others, [])
  aFunction(`${make}: onEnded`, onEnded)
  aFunction(`${make}: affinity`, affinity)
  const { push, signal, ...shared } = waitOf(wait ?? {})
  const untold = { ...shared, ...(signal && { signal: Stream.never }), ...(push && { push: Stream.never }) }
  checkWait(job, untold)
  return {
    deadlineMillis: validate.millisOr(`${make}: deadline`, deadline, "unbounded") ?? null,
    retentionMillis: validate.millisOr(`${make}: retention`, retention ?? "30 days", "forever"),
    wait: shared,
    untold,
    signal,
    push,
    cancelTimeoutMillis: validate.millis(`${make}: wait.cancelTimeout`, shared.cancelTimeout ?? "10 seconds"),
    buckets: validate.count(`${make}: buckets`, buckets ?? defaultBuckets, 1),
    affinity,
    input: input && inputOf(job, input)
  }
}

/** A deadline in milliseconds, by default `orElse`; `null` if it is unbounded. */
export const deadlineMillis = (
  option: string,
  deadline: Duration.Input | "unbounded" | undefined,
  orElse: number | null
): number | null => (deadline === undefined ? orElse : (validate.millisOr(option, deadline, "unbounded") ?? null))

/** A non-empty text, such as an encoded key. */
export const text = (option: string, value: string): string =>
  typeof value === "string" && value !== "" ? value : refuse(option, "a non-empty string", value)

/** The run to wait for, as a row holds it. */
export const sinceOf = (option: string, since: Run | undefined): string | null => {
  if (since === undefined) return null
  if (hasProperty(since, "run") && typeof since.run === "string") return JSON.stringify({ run: since.run })
  if (hasProperty(since, "generation") && Number.isFinite(since.generation)) {
    return JSON.stringify({ generation: since.generation })
  }
  return refuse(option, "a run id, { run }, or a finite { generation }", JSON.stringify(since))
}

/** The position after which ends are read. */
export const positionOf = (option: string, after: number | "now" | undefined): number | "now" =>
  after === "now" ? after : validate.count(option, after ?? 0, 0)

/** A status that is an end. */
export const terminal = <A, F>(option: string, status: Status.Terminal<A, F>): Status.Terminal<A, F> =>
  Status.isStatus(status) && Status.isTerminal(status) ? status : refuse(option, "a terminal status", status)

/** The tags of a submit. */
export const tagsOf = (name: string, tags: ReadonlyArray<string> | undefined): ReadonlyArray<string> => {
  if (tags === undefined) return []
  if (!Array.isArray(tags) || tags.length > mostTags) {
    refuse(`${name}: tags`, `an array of at most ${mostTags} strings`, tags)
  }
  for (const tag of tags) {
    if (typeof tag !== "string" || tag === "" || tag.length > longestTag) {
      refuse(`${name}: tags`, `non-empty strings of at most ${longestTag} characters`, tag)
    }
  }
  return [...new Set(tags)]
}

/** How long to wait before the first check, in milliseconds. */
export const delayMillis = (option: string, delay: Duration.Input | undefined): number => {
  const millis = delay === undefined ? 0 : validate.toMillis(delay)
  return millis !== undefined && millis >= 0 && Number.isFinite(millis)
    ? millis
    : refuse(option, "a non-negative finite duration", delay)
}

/** Refuses an option that there is not. */
export const only = (name: string, path: string, options: object, known: ReadonlyArray<string>): void => {
  const unknown = Object.keys(options).find((option) => !known.includes(option))
  if (unknown !== undefined) throw new RangeError(`${name}: there is no option ${path}${unknown}`)
}

/** Throws the RangeError for an option. */
export const refuse = (option: string, rule: string, value: unknown): never => {
  throw new RangeError(`${option} must be ${rule}, got ${validate.show(value)}`)
}

// ---- internal ----

const aFunction = (option: string, value: unknown): void => {
  if (value !== undefined && typeof value !== "function") refuse(option, "a function", value)
}

const make = "DurablePoll.make"

const mostTags = 16

const longestTag = 200

/** What a durable wait has by other means, or must not have: its runner leaves it, and another one goes on. */
const foreign = ["deadline", "since", "name", "onInterrupt", "onClose"]

const waitOf = (wait: AnyWait): AnyWait => {
  if (typeof wait !== "object" || wait === null) refuse(`${make}: wait`, "an object", wait)
  for (const option of foreign) {
    if (hasProperty(wait, option)) throw new RangeError(`${make}: there is no option wait.${option}`)
  }
  aFunction(`${make}: wait.signal`, wait.signal)
  aFunction(`${make}: wait.push`, wait.push)
  return wait
}

/** Lets the core validate the options of waits. Nothing runs. */
const checkWait = (job: Job.Any, untold: object): void => {
  try {
    void Poll.resume(job, someToken(job.name), untold)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new RangeError(error.message.replace(/^Poll\.resume: /, `${make}: wait.`), { cause: error })
  }
}

const someToken = (job: string): ResumeToken => ({
  version: 1,
  job,
  key: "any",
  attempts: 0,
  strategySteps: 0,
  strategyStartedAt: 0,
  totalErrors: 0,
  dueAt: 0,
  floorAt: 0,
  startedAt: 0,
  deadlineAt: "unbounded",
  boundedBy: "deadline"
})

const inputOf = (job: Job.Any, input: AnyInput): InputSettings => {
  if (job.submit === undefined) throw new RangeError(`${make}: input needs a job with a submit`)
  const { affinity, onUnknown = "submitAgain", schema, submitTimeout, withIdempotencyKey, ...others } = input
  only(make, "input.", others, [])
  if (!hasProperty(schema, "ast")) refuse(`${make}: input.schema`, "a Schema", schema)
  aFunction(`${make}: input.withIdempotencyKey`, withIdempotencyKey ?? null)
  aFunction(`${make}: input.affinity`, affinity)
  if (onUnknown !== "submitAgain" && onUnknown !== "fail") {
    refuse(`${make}: input.onUnknown`, '"submitAgain" or "fail"', onUnknown)
  }
  if (submitTimeout !== undefined) validate.millisOrUnbounded(`${make}: input.submitTimeout`, submitTimeout)
  // They have been checked.
  return { schema, withIdempotencyKey, onUnknown, submitTimeout, affinity } as InputSettings
}
