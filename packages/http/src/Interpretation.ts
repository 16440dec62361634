/**
 * What an answer means, by its status code, headers, URL and body.
 *
 * **Details**
 *
 * Servers use different codes. An unknown job may be a 404, a 400 with a code, a 500 with an error number, or a 200
 * with the text "unknown". A running job may be a 409 or a 470, and a failed one a 422 with a message. The option
 * `interpret` of a check decides what such an answer means, before the default table of `HttpCheck`. It returns one of
 * these verdicts:
 *
 * | verdict | the check |
 * |---|---|
 * | a `Status` or another `CheckResult` | yields it: `Status.pending({ state: "queued" })`, `CheckResult.missing` |
 * | `succeeded(schema)`, `failed(schema)` | yields this ending, with a value that the Schema decodes from the body |
 * | `canceled(schema)`, `expired(schema)` | yields this ending, with the decoded value as its `partial` result |
 * | `decode` | reads the body as a status, whatever the status code |
 * | `throttled()` | fails; the job is checked again later, in no error budget |
 * | `transient()` | fails; the next check may succeed |
 * | `permanent()` | fails, which ends the wait |
 * | `undefined` | follows the default table |
 *
 * An `Interpret` is a function, a table made by `rules`, or a function that returns an Effect of a verdict. The error
 * of that Effect is the error of the check.
 *
 * **Gotchas**
 *
 * - If an `interpret` throws, dies or returns something other than a verdict, the check fails with a permanent
 *   `HttpCheckError` with the reason `Reader`, never with a defect.
 * - The hint of a verdict takes precedence over the option `hint` and the headers. Without it, these count.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import type { HttpAnswer } from "./HttpAnswer.ts"
import * as pattern from "./internal/answer/pattern.ts"
import * as reason from "./internal/answer/reason.ts"
import { decoderOf } from "./internal/answer/decoder.ts"

/**
 * What an answer means: a result of the check, an ending that is decoded from the answer, or an error of the check.
 *
 * @category models
 * @since 0.1.0
 */
export type Verdict<A, F = never, RD = never> =
  | CheckResult.CheckResult<A, F>
  | As<A, F, RD>
  | Decode
  | Throttled
  | Transient
  | Permanent

/**
 * Decides what an answer means. `undefined` leaves the answer to the default table. Both may be in an Effect.
 *
 * @category models
 * @since 0.1.0
 */
export interface Interpret<out A = never, out F = never, out E = never, out R = never> {
  (answer: HttpAnswer): Verdict<A, F, R> | undefined | Effect.Effect<Verdict<A, F, R> | undefined, E, R>
}

/**
 * The verdict that the job has ended, with a value decoded from the answer. Made by `succeeded`, `failed`, `canceled`
 * and `expired`.
 *
 * @category models
 * @since 0.1.0
 */
export interface As<out A, out F, out RD> {
  readonly _tag: "As"
  /** How the job ended. */
  readonly ending: "Succeeded" | "Failed" | "Canceled" | "Expired"
  /** Reads the ending. `content` is what the Schema decodes: the body, in the form of the option `as` of the check. */
  readonly read: (answer: HttpAnswer, content: unknown) => Effect.Effect<Ending<A, F>, Schema.SchemaError, RD>
}

/**
 * A status that ends a wait.
 *
 * @category models
 * @since 0.1.0
 */
export type Ending<A, F> = Status.Terminal<A, F>

/**
 * The verdict that the body is a status, whatever the status code.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decode {
  readonly _tag: "Decode"
}

/**
 * The verdict that the server limits the rate. The check fails with an error of the kind `Throttled`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Throttled {
  readonly _tag: "Throttled"
  /** The delay before the next check, or `"unreadable"`. Default: the hint of the answer. */
  readonly hint?: Duration.Input | "unreadable" | undefined
  /** What the error shows as `detail`. Default: see the option `reason` of the check. */
  readonly reason?: string | undefined
}

/**
 * The verdict that the next check may succeed. The check fails with an error of the kind `Transient`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transient {
  readonly _tag: "Transient"
  /** The delay before the next check, or `"unreadable"`. Default: the hint of the answer. */
  readonly hint?: Duration.Input | "unreadable" | undefined
  /** What the error shows as `detail`. Default: see the option `reason` of the check. */
  readonly reason?: string | undefined
}

/**
 * The verdict that no further check can succeed. The check fails with an error of the kind `Permanent`, which ends the
 * wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface Permanent {
  readonly _tag: "Permanent"
  /** What the error shows as `detail`. Default: see the option `reason` of the check. */
  readonly reason?: string | undefined
}

/**
 * The condition of a row of `rules`. All of its properties must match the answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pattern {
  /** The status code, or a list of status codes of which one must match. */
  readonly status?: number | ReadonlyArray<number> | undefined
  /**
   * Headers by name, in upper or lower case. A string is the whole value, except for surrounding blanks; a regular
   * expression matches a part of it.
   */
  readonly headers?: Readonly<Record<string, string | RegExp>> | undefined
  /**
   * A part of the parsed body. An object may have more properties than its pattern. Each element of an array pattern
   * must match some element of the array, in any order. A regular expression matches a part of a string. Other values
   * must be equal.
   */
  readonly body?: unknown
  /** A text that the body contains: a non-empty string, or a regular expression. */
  readonly text?: string | RegExp | undefined
  /** A text that the final URL contains: a non-empty string, or a regular expression. */
  readonly url?: string | RegExp | undefined
}

/**
 * Options of an ending that is decoded from an answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface AsOptions {
  /** The server's own word for the state, or a function that reads it from the answer. Default: none. */
  readonly state?: string | ((answer: HttpAnswer) => string | undefined) | undefined
  /** What the Schema decodes. Default: the body, in the form that the option `as` of the check names. */
  readonly from?: ((answer: HttpAnswer) => unknown) | undefined
}

/**
 * Options of an ending that has a reason.
 *
 * @category models
 * @since 0.1.0
 */
export interface AsReasonOptions extends AsOptions {
  /**
   * Why the job ended so, or a function that reads it from the answer. At most 1,000 characters of it are kept, and
   * control characters are escaped. Default: see the option `reason` of the check.
   */
  readonly reason?: string | ((answer: HttpAnswer) => string | undefined) | undefined
}

/**
 * The verdict that the body is a status, whatever the status code.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const decode: Decode = { _tag: "Decode" }

/**
 * Creates the verdict that the server limits the rate: the job is checked again later, in no error budget.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const throttled = (options?: Omit<Throttled, "_tag">): Throttled => ({ ...options, _tag: "Throttled" })

/**
 * Creates the verdict that the check failed, but that the next one may succeed.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const transient = (options?: Omit<Transient, "_tag">): Transient => ({ ...options, _tag: "Transient" })

/**
 * Creates the verdict that no further check can succeed.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const permanent = (options?: Omit<Permanent, "_tag">): Permanent => ({ ...options, _tag: "Permanent" })

/**
 * Creates the verdict that the job succeeded, with the value that a Schema decodes from the body.
 *
 * **Details**
 *
 * A body that the Schema rejects is a permanent `HttpCheckError` with the reason `Decode`, which names this verdict.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const succeeded = <A, RD = never>(
  schema: Schema.Codec<A, unknown, RD>,
  options?: AsOptions
): As<A, never, RD> => {
  const decodeValue = decoderOf(schema)
  return as("Succeeded", options, (answer, content) =>
    Effect.map(decodeValue(content), (value) => Status.succeeded(value, { state: textOf(options?.state, answer) }))
  )
}

/**
 * Creates the verdict that the job failed, with the failure that a Schema decodes from the body.
 *
 * **Details**
 *
 * A body that the Schema rejects is a permanent `HttpCheckError` with the reason `Decode`, which names this verdict.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const failed = <F, RD = never>(schema: Schema.Codec<F, unknown, RD>, options?: AsOptions): As<never, F, RD> => {
  const decodeFailure = decoderOf(schema)
  return as("Failed", options, (answer, content) =>
    Effect.map(decodeFailure(content), (failure) => Status.failed(failure, { state: textOf(options?.state, answer) }))
  )
}

/**
 * Creates the verdict that the job was canceled on the server. With a Schema, the value that it decodes from the body
 * is the `partial` result.
 *
 * **Details**
 *
 * A body that the Schema rejects is a permanent `HttpCheckError` with the reason `Decode`, which names this verdict.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const canceled: {
  /** Creates the verdict that the job was canceled on the server. */
  (options?: AsReasonOptions): As<never, never, never>
  /** Creates the verdict that the job was canceled on the server, with a `partial` result decoded from the body. */
  <A, RD = never>(schema: Schema.Codec<A, unknown, RD>, options?: AsReasonOptions): As<never, never, RD>
} = (
  first?: Schema.Codec<unknown, unknown, unknown> | AsReasonOptions,
  second?: AsReasonOptions
): As<never, never, never> => endedEarly("Canceled", Status.canceled, first, second)

/**
 * Creates the verdict that the job exceeded a time limit of the server. With a Schema, the value that it decodes from
 * the body is the `partial` result.
 *
 * **Details**
 *
 * A body that the Schema rejects is a permanent `HttpCheckError` with the reason `Decode`, which names this verdict.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const expired: {
  /** Creates the verdict that the job exceeded a time limit of the server. */
  (options?: AsReasonOptions): As<never, never, never>
  /** Creates the verdict that the job exceeded a time limit of the server, with a `partial` result from the body. */
  <A, RD = never>(schema: Schema.Codec<A, unknown, RD>, options?: AsReasonOptions): As<never, never, RD>
} = (
  first?: Schema.Codec<unknown, unknown, unknown> | AsReasonOptions,
  second?: AsReasonOptions
): As<never, never, never> => endedEarly("Expired", Status.expired, first, second)

/**
 * Creates an `Interpret` from a table. The first row whose pattern matches the answer gives the verdict.
 *
 * **Details**
 *
 * - A row is a pattern and a verdict, or a pattern and a function from the answer to a verdict. If the function returns
 *   `undefined`, the next rows are tried.
 * - Rows may have different types; the result has the union of them.
 * - A pattern without a condition, an empty text, an empty list of status codes, an unknown property and something that
 *   is no verdict are RangeErrors at the call, which name the row, from 1.
 *
 * **Example** (A server with codes of its own)
 *
 * ```ts
 * import * as Headers from "effect/http/Headers"
 * import * as Schema from "effect/Schema"
 * import * as CheckResult from "effect-poll/CheckResult"
 * import * as Status from "effect-poll/Status"
 * import * as Interpretation from "@effect-poll/http/Interpretation"
 *
 * const interpret = Interpretation.rules(
 *   [{ status: [409, 470] }, Status.pending({ state: "running" })],
 *   [{ status: 400, body: { errors: [{ code: "NO_TASK" }] } }, CheckResult.missing],
 *   [{ status: 422 }, Interpretation.failed(Schema.Struct({ message: Schema.String }))],
 *   [{ status: 500, text: /\bquota\b/ }, Interpretation.throttled({ hint: "1 minute" })]
 * )
 * const answer = { headers: Headers.empty, url: "https://api.example.com/tasks/1", text: "", context: undefined }
 * const tagOf = (verdict: unknown) => (verdict as { readonly _tag: string } | undefined)?._tag
 * tagOf(interpret({ ...answer, status: 470, body: undefined })) // => "Pending"
 * tagOf(interpret({ ...answer, status: 400, body: { errors: [{ code: "OLD" }, { code: "NO_TASK", at: 7 }] } })) // => "Missing"
 * tagOf(interpret({ ...answer, status: 422, body: { message: "bad input" } })) // => "As"
 * tagOf(interpret({ ...answer, status: 500, body: undefined })) // => undefined
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const rules = <const Rows extends ReadonlyArray<Row>>(
  ...rows: Rows
): Interpret<AOf<SaidOf<Rows>>, FOf<SaidOf<Rows>>, never, ROf<SaidOf<Rows>>> => {
  const compiled = rows.map(([condition, said], index) => {
    const where = `Interpretation.rules: row ${index + 1}`
    if (typeof said !== "function" && !isVerdict(said)) {
      throw new RangeError(
        `${where}: verdict must be a verdict or a function that yields one, got ${pattern.show(said)}`
      )
    }
    return { matches: pattern.compile(where, condition), said }
  })
  return (answer) => {
    for (const { matches, said } of compiled) {
      if (!matches(answer)) continue
      const verdict = typeof said === "function" ? said(answer) : said
      // The types of the rows stand in the signature.
      if (verdict !== undefined) return verdict as never
    }
    return undefined
  }
}

/**
 * Combines several. They are tried in order, and the first that returns a verdict decides.
 *
 * @category combinators
 * @since 0.1.0
 */
export const firstOf = <const All extends ReadonlyArray<AnyInterpret>>(
  ...all: All
): Interpret<
  AOf<ValueOf<ReturnType<All[number]>>>,
  FOf<ValueOf<ReturnType<All[number]>>>,
  ErrorOf<ReturnType<All[number]>>,
  ROf<ValueOf<ReturnType<All[number]>>> | ServicesOf<ReturnType<All[number]>>
> => {
  const from = (index: number, answer: HttpAnswer): ReturnType<AnyInterpret> => {
    for (let at = index; at < all.length; at++) {
      const said = all[at]!(answer)
      if (Effect.isEffect(said)) {
        return Effect.flatMap(said, (verdict) => {
          const next = verdict ?? from(at + 1, answer)
          return Effect.isEffect(next) ? next : Effect.succeed(next)
        })
      }
      if (said !== undefined) return said
    }
    return undefined
  }
  // The types of all of them stand in the signature.
  return (answer) => from(0, answer) as never
}

/**
 * Tests whether a value is a `Verdict`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isVerdict = (u: unknown): u is Verdict<unknown, unknown, unknown> => {
  if (CheckResult.isCheckResult(u)) return true
  if (!hasProperty(u, "_tag")) return false
  switch (u._tag) {
    case "As":
      return hasProperty(u, "read") && typeof u.read === "function"
    case "Decode":
    case "Throttled":
    case "Transient":
    case "Permanent":
      return true
    default:
      return false
  }
}

/**
 * A `Verdict` of any type.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnyVerdict {
  readonly _tag: Verdict<unknown, unknown, unknown>["_tag"]
}

/**
 * An `Interpret` of any type.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnyInterpret {
  (answer: HttpAnswer): AnyVerdict | undefined | Effect.Effect<AnyVerdict | undefined, unknown, unknown>
}

/**
 * A row of `rules`: a pattern, and the verdict on the answers that match it.
 *
 * @category models
 * @since 0.1.0
 */
export type Row = readonly [pattern: Pattern, verdict: AnyVerdict | ((answer: HttpAnswer) => AnyVerdict | undefined)]

/**
 * The verdicts that the rows of a table give.
 *
 * @category utility types
 * @since 0.1.0
 */
export type SaidOf<Rows extends ReadonlyArray<Row>> = Rows[number][1] extends infer V
  ? V extends (answer: HttpAnswer) => infer S
    ? S
    : V
  : never

/**
 * The type of the results in a verdict.
 *
 * @category utility types
 * @since 0.1.0
 */
export type AOf<V> =
  V extends As<infer A, unknown, unknown>
    ? A
    : V extends Status.Succeeded<infer A>
      ? A
      : V extends CheckResult.Annotated<infer A, unknown>
        ? A
        : never

/**
 * The type of the failures in a verdict.
 *
 * @category utility types
 * @since 0.1.0
 */
export type FOf<V> =
  V extends As<unknown, infer F, unknown>
    ? F
    : V extends Status.Failed<infer F>
      ? F
      : V extends CheckResult.Annotated<unknown, infer F>
        ? F
        : never

/**
 * The services that the Schemas in a verdict need.
 *
 * @category utility types
 * @since 0.1.0
 */
export type ROf<V> = V extends As<unknown, unknown, infer RD> ? RD : never

// ---- internal ----

type ValueOf<S> = S extends Effect.Effect<infer V, infer _E, infer _R> ? V : S

type ErrorOf<S> = S extends Effect.Effect<infer _V, infer E, infer _R> ? E : never

type ServicesOf<S> = S extends Effect.Effect<infer _V, infer _E, infer R> ? R : never

/** Reads an ending of the answer: what throws does so when the Effect runs. */
const as = <A, F, RD>(
  ending: As<A, F, RD>["ending"],
  options: AsOptions | undefined,
  read: As<A, F, RD>["read"]
): As<A, F, RD> => ({
  _tag: "As",
  ending,
  read: (answer, content) =>
    Effect.suspend(() => read(answer, options?.from === undefined ? content : options.from(answer)))
})

/** The services of the Schema stand in the signatures of the two verdicts. */
const endedEarly = (
  ending: "Canceled" | "Expired",
  make: (options: {
    readonly state?: string | undefined
    readonly reason?: string | undefined
    readonly partial?: unknown
  }) => Ending<never, never>,
  first: Schema.Codec<unknown, unknown, unknown> | AsReasonOptions | undefined,
  second: AsReasonOptions | undefined
): As<never, never, never> => {
  const schema = Schema.isSchema(first) ? (first as Schema.Codec<unknown>) : undefined
  const options = schema === undefined ? (first as AsReasonOptions | undefined) : second
  const decodePartial = schema === undefined ? () => Effect.undefined : decoderOf(schema)
  return as<never, never, never>(ending, options, (answer, content) =>
    Effect.map(decodePartial(content), (partial) =>
      make({ state: textOf(options?.state, answer), reason: reason.bounded(textOf(options?.reason, answer)), partial })
    )
  )
}

const textOf = (
  text: string | ((answer: HttpAnswer) => string | undefined) | undefined,
  answer: HttpAnswer
): string | undefined => (typeof text === "function" ? text(answer) : text)
