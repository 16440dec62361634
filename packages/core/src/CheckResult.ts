/**
 * The result of one check, that is, of asking once for the status of a job.
 *
 * Every `Status` is a `CheckResult`. A check can also find no job (`Missing`), a state word that the status schema does
 * not list (`UnknownState`), or an end that lacks its result (`ResultMissing`). `withHint`, `withRun`, `withCursor` and
 * `withTimes` annotate a result with what the server said besides: the delay before the next check, the run of the job
 * that the result is about, where the next check is to continue, and when the job started and ended.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual, identity } from "effect/Function"
import * as Option from "effect/Option"
import { hasProperty } from "effect/Predicate"
import type * as Types from "effect/Types"
import * as CheckError from "./CheckError.ts"
import { concealed, fitsInCursor, inspect } from "./internal/concealed.ts"
import * as validate from "./internal/validate.ts"
import { type Failed, failed, isStatus, pending, type Status, type Succeeded, succeeded } from "./Status.ts"

const TypeId = "~effect-poll/CheckResult"

/**
 * The result of one check of a job with results `A` and failures `F`.
 *
 * @category models
 * @since 0.1.0
 */
export type CheckResult<A, F = never> = Unannotated<A, F> | Annotated<A, F>

/**
 * The result of one check, without annotations.
 *
 * @category models
 * @since 0.1.0
 */
export type Unannotated<A, F = never> = Status<A, F> | Missing | UnknownState | ResultMissing

/**
 * The check found no job under its key: a read replica that lags behind the submit, or a record that was deleted. The
 * option `missing` of the `Job` decides what follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface Missing {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Missing"
  /**
   * How many such results in a row mean that the job is missing; an integer >= 1. The `times` of the option `missing`
   * counts if it is larger.
   */
  readonly times: number
}

/**
 * The server reported a state word that the status schema does not list. The option `unknownState` of the wait or of
 * the `Job` decides what follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface UnknownState {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "UnknownState"
  /** The state word, as sent by the server. */
  readonly state: string
}

/**
 * The server reported that the job ended, but not its result: the state and the result of a job are often not written at
 * the same time.
 *
 * **Details**
 *
 * The job is checked again, up to three times in a row, after the delays of the `schedule` of `checkErrors`. Then the
 * wait fails with `PollError.ResultMissing`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResultMissing {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "ResultMissing"
  /** The server's own word for the state, or `undefined` if there is none. */
  readonly state: string | undefined
  /** What the answer lacks, in words, or `undefined`. It is part of the error message. */
  readonly issue: string | undefined
}

/**
 * Identifies a run of a job, where one key is used for several runs.
 *
 * **Details**
 *
 * - `run`: an id. A result with another id is about another run.
 * - `generation`: a number that grows from run to run, such as a version or an update time. A result with a smaller
 *   number is about an earlier run.
 *
 * A `run` id and a `generation` are never treated as the same run.
 *
 * @category models
 * @since 0.1.0
 */
export type Run = { readonly run: string } | { readonly generation: number }

/**
 * The delay that the server requested before the next check, or `"unreadable"` if it sent one that cannot be parsed. An
 * unreadable hint is ignored, and counted in `hints.unreadable` of an error.
 *
 * @category models
 * @since 0.1.0
 */
export type Hint = Duration.Duration | "unreadable"

/**
 * When a job started and ended by the clock of its server, in wall-clock milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Times {
  /** When the job was created or began to run; `undefined` if the server does not say. */
  readonly startedAt?: number | undefined
  /** When the job ended; `undefined` if it has not, or if the server does not say. */
  readonly endedAt?: number | undefined
}

/**
 * A result together with what the server said about the check.
 *
 * @category models
 * @since 0.1.0
 */
export interface Annotated<out A, out F> {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Annotated"
  /** The result without its annotations. */
  readonly result: Unannotated<A, F>
  /** The delay that the server requested before the next check, or `undefined` if it requested none. */
  readonly hint: Hint | undefined
  /** The run of the job that the result is about, or `undefined` if the server does not report it. */
  readonly run: Run | undefined
  /** Where the next check is to continue, or `undefined` if the answer does not say. Confidential. */
  readonly cursor: string | undefined
  /** When the job started and ended, or `undefined` if the server does not say. */
  readonly times: Times | undefined
}

/**
 * Tests whether a value is a `CheckResult`. Every `Status` is.
 *
 * @category guards
 * @since 0.1.0
 */
export const isCheckResult = (u: unknown): u is CheckResult<unknown, unknown> => hasProperty(u, TypeId) || isStatus(u)

/**
 * The result of a check that finds no job under its key. A single one is enough, unless the option `missing` says
 * otherwise.
 *
 * @category constructors
 * @since 0.1.0
 */
export const missing: Missing = { [TypeId]: TypeId, _tag: "Missing", times: 1 }

/**
 * Creates the result of a check that finds no job, for an answer that is doubtful: only `times` of them in a row mean
 * that the job is missing. Until then the job counts as pending. Throws a RangeError unless `times` is an integer >= 1.
 *
 * @category constructors
 * @since 0.1.0
 */
export const missingAfter = (times: number): Missing => ({
  [TypeId]: TypeId,
  _tag: "Missing",
  times: validate.count("CheckResult.missingAfter: times", times, 1)
})

/**
 * Creates the result of a check that finds a state word that the status schema does not list.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unknownState = (state: string): UnknownState => ({ [TypeId]: TypeId, _tag: "UnknownState", state })

/**
 * Creates the result of a check that finds the end of a job without its result, with the server's state word and what
 * the answer lacks.
 *
 * @category constructors
 * @since 0.1.0
 */
export const resultMissing = (state?: string, issue?: string): ResultMissing => ({
  [TypeId]: TypeId,
  _tag: "ResultMissing",
  state,
  issue
})

/**
 * Sets the delay that the server requested before the next check. Replaces an earlier hint.
 *
 * **Details**
 *
 * The delay counts from the end of the check. It is a floor: the next check comes no earlier, whatever the strategy
 * says. A hint longer than the `maxHint` of the wait is clamped to it.
 *
 * **Example** (Passing on a Retry-After)
 *
 * ```ts
 * import * as CheckResult from "effect-poll/CheckResult"
 * import * as Status from "effect-poll/Status"
 *
 * const result = CheckResult.withHint(Status.pending(), "5 seconds")
 * result._tag // => "Annotated"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withHint: {
  /** Sets the delay that the server requested before the next check, or `"unreadable"` if it cannot be parsed. */
  (hint: Duration.Input | "unreadable"): <A = never, F = never>(self: CheckResult<A, F>) => CheckResult<A, F>
  /** Sets the delay that the server requested before the next check, or `"unreadable"` if it cannot be parsed. */
  <A = never, F = never>(self: CheckResult<A, F>, hint: Duration.Input | "unreadable"): CheckResult<A, F>
} = /*#__PURE__*/ dual(2, <A, F>(self: CheckResult<A, F>, hint: Duration.Input | "unreadable"): CheckResult<A, F> =>
  annotate(self, { hint: hint === "unreadable" ? hint : Duration.fromInputUnsafe(hint) })
)

/**
 * Sets the run of the job that the result is about. Replaces an earlier one.
 *
 * **Details**
 *
 * A wait with the option `since` ignores the terminal status of an earlier run and treats the job as pending.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withRun: {
  /** Sets the run of the job that the result is about: a `run` id or a `generation`. */
  (run: Run): <A = never, F = never>(self: CheckResult<A, F>) => CheckResult<A, F>
  /** Sets the run of the job that the result is about: a `run` id or a `generation`. */
  <A = never, F = never>(self: CheckResult<A, F>, run: Run): CheckResult<A, F>
} = /*#__PURE__*/ dual(2, <A, F>(self: CheckResult<A, F>, run: Run): CheckResult<A, F> => annotate(self, { run }))

/**
 * Sets the cursor: where the next check is to continue, such as the offset in a log or the URL that the job has moved
 * to. Replaces an earlier one.
 *
 * **Details**
 *
 * The wait keeps the cursor of the newest answer that has one, passes it to each further check as
 * `CheckContext.cursor`, and writes it into its resume token. All waits for a key in a `Poller` share it. It is never
 * compared: a new cursor is no change of the job. It is confidential, and is in no event, log, span, metric or error.
 *
 * A cursor is at most 8 KiB as JSON in UTF-8, where a control character takes six bytes; a longer one throws a
 * RangeError. Test text from a server with `isCursor`.
 *
 * **Example** (Reading a log from where the last check ended)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as CheckResult from "effect-poll/CheckResult"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const Build = Job.make("build", {
 *   check: (_id: string, { cursor }) => {
 *     const line = Number(cursor ?? 0)
 *     const status = line < 2 ? Status.pending() : Status.succeeded(`${line} lines`)
 *     return Effect.succeed(CheckResult.withCursor(status, String(line + 1)))
 *   },
 *   strategy: Strategy.spaced("1 millis")
 * })
 * await Effect.runPromise(Poll.until(Build, "b-1", { deadline: "1 minute" })) // => "2 lines"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withCursor: {
  /** Sets the cursor for the next check, at most 8 KiB as JSON in UTF-8. A longer one throws a RangeError. */
  (cursor: string): <A = never, F = never>(self: CheckResult<A, F>) => CheckResult<A, F>
  /** Sets the cursor for the next check, at most 8 KiB as JSON in UTF-8. A longer one throws a RangeError. */
  <A = never, F = never>(self: CheckResult<A, F>, cursor: string): CheckResult<A, F>
} = /*#__PURE__*/ dual(2, <A, F>(self: CheckResult<A, F>, cursor: string): CheckResult<A, F> => {
  // The cursor is confidential, so the message does not contain it.
  if (!isCursor(cursor)) {
    throw new RangeError("CheckResult.withCursor: cursor must be a string of at most 8192 bytes as JSON in UTF-8")
  }
  return annotate(self, { cursor })
})

/**
 * Sets when the job started and ended, by the clock of its server. Replaces earlier times.
 *
 * **When to use**
 *
 * Use where the server reports such times, so that strategies know how old a job is that was not submitted by this
 * wait, and observers learn when it ended rather than when a check found that out.
 *
 * **Details**
 *
 * Times are wall-clock milliseconds. One that is not a finite number is ignored, so a date from a server can be passed
 * as `Date.parse` yields it. The wait keeps the newest start that an answer has, and writes it into its resume token.
 * `Observation.ageMillis` counts from it, if it is before the start of the wait.
 *
 * **Example** (Passing on the times of a build)
 *
 * ```ts
 * import * as CheckResult from "effect-poll/CheckResult"
 * import * as Status from "effect-poll/Status"
 *
 * const answer = { state: "DONE", created: "2026-01-01T10:00:00Z", finished: "2026-01-01T10:04:30Z" }
 * const result = CheckResult.withTimes(Status.succeeded("build.zip"), {
 *   startedAt: Date.parse(answer.created),
 *   endedAt: Date.parse(answer.finished)
 * })
 * result._tag === "Annotated" && result.times // => { startedAt: 1767261600000, endedAt: 1767261870000 }
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withTimes: {
  /** Sets when the job started and ended, in wall-clock milliseconds. What is not a finite number is ignored. */
  (times: Times): <A = never, F = never>(self: CheckResult<A, F>) => CheckResult<A, F>
  /** Sets when the job started and ended, in wall-clock milliseconds. What is not a finite number is ignored. */
  <A = never, F = never>(self: CheckResult<A, F>, times: Times): CheckResult<A, F>
} = /*#__PURE__*/ dual(2, <A, F>(self: CheckResult<A, F>, times: Times): CheckResult<A, F> =>
  annotate(self, { times: { startedAt: finite(times.startedAt), endedAt: finite(times.endedAt) } })
)

/**
 * Tests whether a value can be a cursor: a string of at most 8 KiB as JSON in UTF-8.
 *
 * @category guards
 * @since 0.1.0
 */
export const isCursor = (u: unknown): u is string => typeof u === "string" && fitsInCursor(u)

/**
 * The result that a value yields as an answer of `fromEffect`: that of a `CheckResult`, otherwise the value itself.
 *
 * @category types
 * @since 0.1.0
 */
export type ValueOf<A> =
  A extends Succeeded<infer Value>
    ? Value
    : A extends Annotated<infer Value, unknown>
      ? Value
      : A extends CheckResult<unknown, unknown>
        ? never
        : A

/**
 * The failure that a value yields as an answer of `fromEffect`: that of a `CheckResult`, otherwise `never`.
 *
 * @category types
 * @since 0.1.0
 */
export type FailureOf<A> =
  A extends Failed<infer Failure> ? Failure : A extends Annotated<unknown, infer Failure> ? Failure : never

/**
 * The options of `fromEffect`, for an Effect that succeeds with `A` or fails with `E`.
 *
 * @category models
 * @since 0.1.0
 */
export interface FromEffectOptions<
  A,
  E,
  PendingTag extends Types.Tags<E>,
  MissingTag extends Types.Tags<E>,
  SucceededTag extends Types.Tags<E>,
  FailedTag extends Types.Tags<E>,
  Answer,
  Value
> {
  /** The tags of errors that say that the job is pending. */
  readonly pending?: ReadonlyArray<PendingTag> | undefined
  /** The tags of errors that say that there is no such job: `CheckResult.missing`. */
  readonly missing?: ReadonlyArray<MissingTag> | undefined
  /** The tags of errors that say that the job succeeded, such as "not found" for a job that removes something. */
  readonly succeeded?: ReadonlyArray<SucceededTag> | undefined
  /** The tags of errors that say that the job failed. The error is the failure of the job. */
  readonly failed?: ReadonlyArray<FailedTag> | undefined
  /** The tags of errors after which the next check may succeed. They need not be listed: it is the default. */
  readonly transient?: ReadonlyArray<Types.Tags<E>> | undefined
  /** The tags of errors by which the server asks for fewer requests. */
  readonly throttled?: ReadonlyArray<Types.Tags<E>> | undefined
  /** The tags of errors after which no further check can succeed. */
  readonly permanent?: ReadonlyArray<Types.Tags<E>> | undefined
  /**
   * Returns the delay that the server requested with an error, before the next check; `undefined` for none. A value
   * that is not a duration counts as unreadable.
   */
  readonly hint?: ((error: E) => Duration.Input | undefined) | undefined
  /**
   * Returns the answer that a value stands for: a status or another `CheckResult`, or the result of a job that succeeded.
   * Default: the value itself.
   */
  readonly answer?: ((value: A) => Answer) | undefined
  /** Returns the result of the job for an error that is listed in `succeeded`. Default: `undefined`. */
  readonly value?: ((error: Types.ExtractTag<E, SucceededTag>) => Value) | undefined
}

/**
 * Makes a check of an Effect with tagged errors, such as a call of an SDK.
 *
 * **Details**
 *
 * A value is the result of the job, unless it is a `CheckResult` or the option `answer` makes one of it. An error becomes
 * an answer if its tag is listed in `pending`, `missing`, `succeeded` or `failed`; it is then no longer in the error
 * channel. Any other error is an error of the check. Its kind is that of the option that lists its tag, otherwise the one
 * that the error states, otherwise transient.
 *
 * A tag that `E` does not have does not compile. A tag that is listed twice throws a RangeError.
 *
 * **Example** (Waiting for an export of an SDK)
 *
 * ```ts
 * import * as Data from "effect/Data"
 * import * as Effect from "effect/Effect"
 * import * as CheckResult from "effect-poll/CheckResult"
 * import * as Poll from "effect-poll/Poll"
 *
 * class NotReady extends Data.TaggedError("NotReady")<{ readonly seconds: number }> {}
 * class NoSuchExport extends Data.TaggedError("NoSuchExport")<{}> {}
 * class Denied extends Data.TaggedError("Denied")<{}> {}
 *
 * let calls = 0
 * const download = Effect.suspend(
 *   (): Effect.Effect<string, NotReady | NoSuchExport | Denied> =>
 *     ++calls < 3 ? Effect.fail(new NotReady({ seconds: 0.001 })) : Effect.succeed("a,b,c")
 * )
 * const check = CheckResult.fromEffect(download, {
 *   pending: ["NotReady"],
 *   missing: ["NoSuchExport"],
 *   permanent: ["Denied"],
 *   hint: (error) => (error._tag === "NotReady" ? `${error.seconds * 1000} millis` : undefined)
 * })
 * await Effect.runPromise(Poll.until(check, { deadline: "1 minute" })) // => "a,b,c"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromEffect = <
  A,
  E,
  R,
  PendingTag extends Types.Tags<E> = never,
  MissingTag extends Types.Tags<E> = never,
  SucceededTag extends Types.Tags<E> = never,
  FailedTag extends Types.Tags<E> = never,
  Answer = A,
  Value = void
>(
  self: Effect.Effect<A, E, R>,
  options: FromEffectOptions<A, E, PendingTag, MissingTag, SucceededTag, FailedTag, Answer, Value> = {}
): Effect.Effect<
  CheckResult<
    ValueOf<Answer> | ([SucceededTag] extends [never] ? never : Value),
    FailureOf<Answer> | Types.ExtractTag<E, FailedTag>
  >,
  Types.ExcludeTag<E, PendingTag | MissingTag | SucceededTag | FailedTag>,
  R
> => taggedCheck(self, options as AnyFromEffectOptions) as never

/**
 * Removes the annotations from a result.
 *
 * @category destructors
 * @since 0.1.0
 */
export const unannotated = <A, F>(self: CheckResult<A, F>): Unannotated<A, F> =>
  self._tag === "Annotated" ? self.result : self

// ---- internal ----

type AnyCheckResult = CheckResult<unknown, unknown>

const meanings = ["pending", "missing", "succeeded", "failed", "transient", "throttled", "permanent"] as const

type Meaning = (typeof meanings)[number]

type AnyFromEffectOptions = { readonly [M in Meaning]?: ReadonlyArray<string> | undefined } & {
  readonly hint?: (error: unknown) => Duration.Input | undefined
  readonly answer?: (value: unknown) => unknown
  readonly value?: (error: unknown) => unknown
}

const tags = "an array of tags"

const ofFromEffect: validate.Shape = {
  pending: tags,
  missing: tags,
  succeeded: tags,
  failed: tags,
  transient: tags,
  throttled: tags,
  permanent: tags,
  hint: "a function",
  answer: "a function",
  value: "a function"
}

const taggedCheck = (
  self: Effect.Effect<unknown, unknown, unknown>,
  options: AnyFromEffectOptions
): Effect.Effect<AnyCheckResult, unknown, unknown> => {
  validate.fields("CheckResult.fromEffect", options, ofFromEffect)
  const { answer: answerOf = identity, value } = options
  const meaningOf = tagTable(options)
  const hintOf = hintReader(options.hint)
  return Effect.matchEffect(self, {
    onSuccess: (found) =>
      Effect.sync(() => {
        const answer = answerOf(found)
        return isCheckResult(answer) ? answer : succeeded(answer)
      }),
    onFailure: (error) =>
      Effect.suspend(() => {
        const hint = hintOf(error)
        const answer = (result: Unannotated<unknown, unknown>): Effect.Effect<AnyCheckResult> =>
          Effect.succeed(hint === undefined ? result : annotate(result, { hint }))
        const meaning = meaningOf(error)
        switch (meaning) {
          case "pending":
            return answer(pending())
          case "missing":
            return answer(missing)
          case "succeeded":
            return answer(succeeded(value?.(error)))
          case "failed":
            return answer(failed(error))
          default:
            return Effect.fail(withKind(error, meaning, hint))
        }
      })
  })
}

/** The error with its kind, if the options or a hint have something to say of it. */
const withKind = (
  error: unknown,
  meaning: "transient" | "throttled" | "permanent" | undefined,
  retryAfter: Hint | undefined
): unknown => {
  if (meaning === "permanent") return CheckError.withKind(error, CheckError.permanent())
  if (meaning === "throttled") return CheckError.withKind(error, CheckError.throttled({ retryAfter }))
  if (meaning === "transient") return CheckError.withKind(error, CheckError.transient({ retryAfter }))
  const statesKind = hasProperty(error, CheckError.kind)
  return statesKind || retryAfter === undefined
    ? error
    : CheckError.withKind(error, CheckError.transient({ retryAfter }))
}

const tagTable = (options: AnyFromEffectOptions): ((error: unknown) => Meaning | undefined) => {
  const table = new Map<unknown, Meaning>()
  for (const meaning of meanings) {
    const tags = options[meaning] ?? []
    for (const tag of tags) {
      const other = table.get(tag)
      if (other !== undefined) throw new RangeError(`CheckResult.fromEffect: ${tag} is in ${other} and in ${meaning}`)
      table.set(tag, meaning)
    }
  }
  return (error) => (hasProperty(error, "_tag") ? table.get(error._tag) : undefined)
}

const hintReader =
  (hint: AnyFromEffectOptions["hint"]) =>
  (error: unknown): Hint | undefined => {
    const delay = hint?.(error)
    if (delay === undefined) return undefined
    const parsed = Number.isNaN(delay) ? undefined : Option.getOrUndefined(Duration.fromInput(delay))
    return parsed === undefined || Duration.isNegative(parsed) ? "unreadable" : parsed
  }

const finite = (at: number | undefined): number | undefined => (Number.isFinite(at) ? at : undefined)

const annotate = <A, F>(
  self: CheckResult<A, F>,
  some: Partial<Pick<Annotated<A, F>, "hint" | "run" | "cursor" | "times">>
): CheckResult<A, F> => {
  const before = self._tag === "Annotated" ? self : undefined
  const cursor = some.cursor ?? before?.cursor
  const fields = {
    [TypeId]: TypeId,
    _tag: "Annotated" as const,
    result: unannotated(self),
    hint: some.hint ?? before?.hint,
    run: some.run ?? before?.run,
    cursor,
    times: some.times ?? before?.times
  } satisfies Annotated<A, F>
  return cursor === undefined ? fields : Object.assign(Object.create(Concealing), fields)
}

/** Prints an annotated result without its cursor. */
const Concealing = {
  toJSON(this: Annotated<unknown, unknown>): unknown {
    return concealed(this)
  },
  [inspect](this: Annotated<unknown, unknown>): unknown {
    return concealed(this)
  }
}
