/**
 * How a wait ended, as a value that can be stored or sent to another process.
 *
 * **Details**
 *
 * Results and failures are encoded with the Schemas of their job (`Job.withCodecs`). Without Schemas they must be plain data,
 * which means that JSON preserves them. Of an error, the parts that have a Schema or are plain data are kept:
 *
 * - The error of a check has no Schema. If it is not plain data, its text is kept: at most 2,000 characters of what the
 *   message of the `PollError` shows. With `checkErrors: "refuse"`, encoding fails instead.
 * - The detail of a status, the detail of an action and a partial result are left out if they are not plain data.
 * - A defect is kept as text.
 *
 * **Gotchas**
 *
 * An encoded ending contains the result, the failure and the errors. It is as confidential as they are.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { hasProperty } from "effect/Predicate"
import * as Result from "effect/Result"
import { decodeError, encodeError } from "./internal/ending/errors.ts"
import * as statuses from "./internal/ending/statuses.ts"
import * as values from "./internal/ending/values.ts"
import { printed } from "./internal/text.ts"
import type { Codecs } from "./Job.ts"
import type { PollError } from "./PollError.ts"
import type { Status } from "./Status.ts"

/**
 * How a wait ended: `"Success"` with the result of the job, `"Failure"` with the error that ended the wait, or `"Defect"`
 * with what a bug threw.
 *
 * @category models
 * @since 0.1.0
 */
export type Ending<A, F = never, E = never> =
  | { readonly _tag: "Success"; readonly value: A }
  | { readonly _tag: "Failure"; readonly error: PollError<F, E> }
  | { readonly _tag: "Defect"; readonly defect: unknown }

/**
 * An ending as plain data, which JSON preserves.
 *
 * @category models
 * @since 0.1.0
 */
export type Encoded =
  | { readonly version: 1; readonly _tag: "Success"; readonly value: unknown }
  | { readonly version: 1; readonly _tag: "Failure"; readonly error: Readonly<Record<string, unknown>> }
  | { readonly version: 1; readonly _tag: "Defect"; readonly defect: string }

/**
 * The parts of a job that are needed to encode and decode its endings. Every `Job` has them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Source<out A, out F = never> {
  /** The name of the job. */
  readonly name: string
  /** The Schemas of its results and failures. Without them, results and failures must be plain data. */
  readonly codecs?: Codecs<A, F> | undefined
}

/**
 * An ending or a status cannot be encoded or decoded, for example because a value does not match the Schema of the job, or is
 * not plain data. The error does not contain the value itself.
 *
 * @category errors
 * @since 0.1.0
 */
export class EndingError
  extends /*#__PURE__*/ Data.TaggedError("EndingError")<{
    /** The name of the job. */
    readonly job: string
    /** What failed. */
    readonly operation: "encode" | "decode"
    /** A human-readable description. */
    readonly issue: string
  }>
{
  override get message(): string {
    return `the ending of ${printed(this.job)} cannot be ${this.operation}d: ${this.issue}`
  }
}

/**
 * Returns the ending for the exit of a wait; `undefined` if the wait was interrupted, which is not an ending.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromExit = <A, F, E>(exit: Exit.Exit<A, PollError<F, E>>): Ending<A, F, E> | undefined => {
  if (exit._tag === "Success") return { _tag: "Success", value: exit.value }
  const { cause } = exit
  const defect = cause.reasons.find(Cause.isDieReason)
  if (defect !== undefined) return { _tag: "Defect", defect: defect.defect }
  const failure = cause.reasons.find(Cause.isFailReason)
  return failure === undefined ? undefined : { _tag: "Failure", error: failure.error }
}

/**
 * Yields the result of an ending, fails with its error, or dies with its defect.
 *
 * @category destructors
 * @since 0.1.0
 */
export const toEffect = <A, F, E>(ending: Ending<A, F, E>): Effect.Effect<A, PollError<F, E>> => {
  switch (ending._tag) {
    case "Success":
      return Effect.succeed(ending.value)
    case "Failure":
      return Effect.fail(ending.error)
    case "Defect":
      return Effect.die(ending.defect)
  }
}

/**
 * Encodes an ending with the Schemas of its job. Fails with an `EndingError` if its result or failure cannot be encoded.
 *
 * **Example** (Storing how a wait ended)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Result from "effect/Result"
 * import * as Schema from "effect/Schema"
 * import * as Ending from "effect-poll/Ending"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 *
 * const Due = Job.make("due", {
 *   check: (_id: string) => Effect.succeed(Status.succeeded(new Date("2030-01-31T00:00:00Z")))
 * }).pipe(Job.withCodecs({ success: Schema.Date }))
 *
 * const exit = await Effect.runPromiseExit(Poll.until(Due, "a", { deadline: "1 minute" }))
 * const ending = Ending.fromExit(exit)!
 * const json = JSON.stringify(Result.getOrThrow(Ending.encode(Due, ending)))
 * json // => '{"version":1,"_tag":"Success","value":"2030-01-31T00:00:00.000Z"}'
 *
 * const read = Result.getOrThrow(Ending.decode(Due, JSON.parse(json)))
 * await Effect.runPromise(Ending.toEffect(read)) // => new Date("2030-01-31T00:00:00Z")
 * ```
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = <A, F, E>(
  job: Source<A, F>,
  ending: Ending<NoInfer<A>, NoInfer<F>, E>,
  options?: {
    /**
     * What to do if the error of a check that ended the wait is not plain data: `"text"` keeps its text (the default),
     * `"refuse"` fails. With `"refuse"`, any other errors that are not plain data, such as `lastCheckError`, are left out.
     */
    readonly checkErrors?: "text" | "refuse" | undefined
  }
): Result.Result<Encoded, EndingError> =>
  attempt(job, "encode", (described): Encoded => {
    switch (ending._tag) {
      case "Success":
        return { version, _tag: "Success", value: values.encodeValue(described, "success", ending.value) }
      case "Failure":
        return { version, _tag: "Failure", error: encodeError(described, ending.error, options?.checkErrors ?? "text") }
      case "Defect":
        return { version, _tag: "Defect", defect: values.textOf(ending.defect) }
    }
  })

/**
 * Decodes an ending with the Schemas of its job. The error of a check is what was encoded of it: plain data, or its text.
 * Fails with an `EndingError` for anything that is not an encoded ending of the job.
 *
 * @category encoding
 * @since 0.1.0
 */
export const decode = <A, F>(job: Source<A, F>, encoded: unknown): Result.Result<Ending<A, F, unknown>, EndingError> =>
  attempt(job, "decode", (described): Ending<A, F, unknown> => {
    if (!hasProperty(encoded, "version") || encoded.version !== version) throw new Error("it is of another version")
    if (!hasProperty(encoded, "_tag")) throw new Error("it is no ending")
    const { _tag, defect, error, value }: Partial<Record<string, unknown>> = { ...encoded }
    switch (_tag) {
      case "Success":
        return { _tag: "Success", value: values.decodeValue(described, "success", value) }
      case "Failure":
        return { _tag: "Failure", error: decodeError(described, error) }
      case "Defect":
        return { _tag: "Defect", defect }
      default:
        throw new Error("it is no ending")
    }
  })

/**
 * Encodes a status as plain data, with the Schemas of its job. Fails with an `EndingError` if its result or failure cannot be
 * encoded.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeStatus = <A, F>(
  job: Source<A, F>,
  status: Status<NoInfer<A>, NoInfer<F>>
): Result.Result<Readonly<Record<string, unknown>>, EndingError> =>
  attempt(job, "encode", (described) => statuses.encodeStatus(described, status))

/**
 * Decodes a status with the Schemas of its job. Fails with an `EndingError` for anything that is not an encoded status.
 *
 * @category encoding
 * @since 0.1.0
 */
export const decodeStatus = <A, F>(job: Source<A, F>, encoded: unknown): Result.Result<Status<A, F>, EndingError> =>
  attempt(job, "decode", (described) => statuses.decodeStatus<A, F>(described, encoded))

/**
 * Returns whether a value is plain data, which means that JSON preserves it. `undefined` counts as plain data, except inside
 * an array.
 *
 * @category guards
 * @since 0.1.0
 */
export const isPlain = (u: unknown): boolean => values.isPlain(u)

// ---- internal ----

const version = 1

const attempt = <B>(
  job: Source<unknown, unknown>,
  operation: "encode" | "decode",
  make: (described: values.Described) => B
): Result.Result<B, EndingError> =>
  Result.try({
    try: () => make(job),
    catch: (error) => new EndingError({ job: job.name, operation, issue: values.textOf(error) })
  })
