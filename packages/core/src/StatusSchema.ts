/**
 * Schemas that decode the answer of a server into the status of a job.
 *
 * A server reports the state of a job by a word in one field of its answer. `fromField` takes the Schema of the answer,
 * the field, and one case for each word. A word without a case is a compile error. At run time, a word that the Schema
 * does not list is distinguished from a malformed answer.
 *
 * | answer                                                            | constructor                          |
 * | ----------------------------------------------------------------- | ------------------------------------ |
 * | a word in a field: `{ state: "done", result }`                    | `fromField(schema, "state", cases)`  |
 * | a word in an inner object: `{ operation: { state }, output }`     | `fromField` with a path as its field |
 * | a tagged union                                                    | `fromTag(schema, cases)`             |
 * | a status that several fields decide: `{ done, error, response }`  | `fromPayload(schema, statusOf)`      |
 * | the result itself, without a word                                 | `succeeded(schema)`                  |
 * | one of these in an envelope: `{ data: job }` or `{ jobs: [job] }` | `within(statusSchema, ["jobs", 0])`  |
 *
 * **Gotchas**
 *
 * - A decode error says where an answer does not fit and what was expected, never what was there. A key that the Schema
 *   does not declare, such as that of a record, is shown as `*`.
 * - A state word is text of a server: one of more than 200 characters is cut.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Schema from "effect/Schema"
import type { ParseOptions } from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as CheckResult from "./CheckResult.ts"
import { type Decode, decoder, threw } from "./internal/schema/decoder.ts"
import * as issues from "./internal/schema/issue.ts"
import { bounded, issueAt, lacksFields } from "./internal/schema/issue.ts"
import * as paths from "./internal/schema/path.ts"
import * as words from "./internal/schema/word.ts"
import * as Status from "./Status.ts"

/**
 * A Schema that decodes a payload into a `CheckResult`. Encoding always fails: a status has no encoded form.
 *
 * @category models
 * @since 0.1.0
 */
export interface StatusSchema<out A, out F = never, out RD = never> extends Schema.Codec<
  CheckResult.CheckResult<A, F>,
  unknown,
  RD
> {}

/**
 * A value that a field can hold as a state word. `undefined` stands for an absent field.
 *
 * @category models
 * @since 0.1.0
 */
export type Word = string | number | bigint | boolean | null | undefined

/**
 * The keys and indexes that lead to a field. A negative index counts from the end of its array.
 *
 * @category models
 * @since 0.1.0
 */
export type Path = readonly [string | number, ...ReadonlyArray<string | number>]

/**
 * What can be given as the field of a payload `T`: one of its keys, or a path.
 *
 * @category type-level
 * @since 0.1.0
 */
export type FieldOf<T> = KeyOf<T> | Path

/**
 * The state words that a field of the decoded payload `T` can hold.
 *
 * @category type-level
 * @since 0.1.0
 */
export type StateOf<T, Field> = [UnknownKey<T, PathOf<Field>>] extends [never]
  ? WordIn<ValueAt<T, PathOf<Field>>>
  : NoField<UnknownKey<T, PathOf<Field>>>

/**
 * The key of the case for a state word: the word as text, `"true"`, `"-1"`, `"null"`, or `"undefined"` for an absent
 * field.
 *
 * @category type-level
 * @since 0.1.0
 */
export type CaseKey<W> = W extends string ? W : W extends Word ? `${W}` : never

/**
 * The members of the union `T` whose field can hold a given state word.
 *
 * @category type-level
 * @since 0.1.0
 */
export type PayloadOf<T, Field, W> = T extends unknown
  ? W extends WordIn<ValueAt<T, PathOf<Field>>>
    ? T
    : never
  : never

/**
 * Any result of a check, without its types. As the expected type of a call such as `CheckResult.withHint(...)`, it leaves
 * the types of the call to its arguments, which `CheckResult<unknown, unknown>` would not.
 *
 * @category type-level
 * @since 0.1.0
 */
export type AnyResult = { readonly "~effect-poll/Status": string } | { readonly "~effect-poll/CheckResult": string }

/**
 * What a state word stands for: a status or any other result of a check, or a function that derives it from the decoded
 * payload.
 *
 * @category models
 * @since 0.1.0
 */
export type Case<T> = AnyResult | ((payload: T) => AnyResult)

/**
 * The cases for a field of the decoded payload `T`, by state word. If the words are finite, each has a case.
 *
 * @category type-level
 * @since 0.1.0
 */
export type CasesOf<T, Field> = {
  readonly [W in StateOf<T, Field> as CaseKey<W>]: Case<PayloadOf<T, Field, W>>
}

/**
 * The error message of each case whose word the payload `T` does not list.
 *
 * @category type-level
 * @since 0.1.0
 */
export type UnlistedCases<T, Field, Cases> = {
  readonly [K in Exclude<keyof Cases, KeyLike<CaseKey<StateOf<T, Field>>>>]: Unlisted<
    StateOf<T, Field>,
    K & (string | number)
  >
}

/**
 * The result type of a case.
 *
 * @category type-level
 * @since 0.1.0
 */
export type ValueOf<C> =
  ResultOf<C> extends infer S
    ? S extends Status.Succeeded<infer A>
      ? A
      : S extends CheckResult.Annotated<infer A, unknown>
        ? A
        : never
    : never

/**
 * The failure type of a case.
 *
 * @category type-level
 * @since 0.1.0
 */
export type FailureOf<C> =
  ResultOf<C> extends infer S
    ? S extends Status.Failed<infer F>
      ? F
      : S extends CheckResult.Annotated<unknown, infer F>
        ? F
        : never
    : never

/**
 * The options of `fromField`.
 *
 * @category models
 * @since 0.1.0
 */
export interface FieldOptions<OrElse> {
  /**
   * Maps a word without a case to a status. The word comes as text of at most 200 characters, an absent one as
   * `"undefined"`. Default: it decodes to `CheckResult.UnknownState`.
   */
  readonly orElse?: ((word: string) => OrElse) | undefined
  /**
   * The name or path of the field in the encoded payload, if `schema` renames or moves it. Default: that of the decoded
   * payload.
   */
  readonly encodedField?: string | Path | undefined
}

/**
 * The options of `fromField` for the state words `W`. `orElse` is required unless the words are finite: no set of cases
 * is complete.
 *
 * @category type-level
 * @since 0.1.0
 */
export type FieldOptionsFor<W, OrElse> =
  IsFinite<W> extends true
    ? FieldOptions<OrElse> | undefined
    : FieldOptions<OrElse> & { readonly orElse: (word: string) => OrElse }

/**
 * The error message of each case if `fromField` has no options: of those whose word the payload `T` does not list, or of
 * all if the words are not finite.
 *
 * @category type-level
 * @since 0.1.0
 */
export type CasesWithoutOrElse<T, Field, Cases> =
  IsFinite<StateOf<T, Field>> extends true
    ? UnlistedCases<T, Field, Cases>
    : { readonly [K in [keyof Cases] extends [never] ? "orElse" : keyof Cases]: NoOrElse<LastOf<PathOf<Field>>> }

/**
 * Creates a Schema that decodes a payload by the state word in one of its fields, with one case for each word.
 *
 * **Details**
 *
 * - `schema` is the Schema of the payload: a struct whose field is `Schema.Literals([...])`, or a union of structs with
 *   one literal each. With a union, a case receives only the members with its word, so a field can be required in one
 *   state and absent in another.
 * - `field` is a key of the decoded payload, or the path to an inner field: `["operation", "state"]`.
 * - `cases` maps each word to a status or another result of a check, or to a function from the decoded payload to one.
 *   A word can be a string, number, boolean, null or absent; its key is its text: `"true"`, `"-1"`, `"null"`,
 *   `"undefined"`. A missing case is a compile error, and so is a case for a word that `schema` does not list.
 * - If the words are not finite, as for `Schema.String`, `options.orElse` is required.
 * - A word that `schema` does not list decodes to `CheckResult.UnknownState`, whatever the rest of the payload is, and
 *   the option `unknownState` of the wait decides what follows. `orElse` maps it to a status instead. An object or array
 *   is no word, but a decode error. So is an absent field or null if `schema` lists strings only.
 * - A payload that lacks a field, or has null in its place, decodes to `CheckResult.ResultMissing` if that is all that
 *   does not fit and its word stands for something other than a pending status: some servers write the word before the
 *   result. Any other misfit is a decode error.
 * - A case that throws is a decode error with the name of the case and of the error. The error itself is in the
 *   annotation `cause` of the issue, as a `Redacted`.
 *
 * **Example** (Decoding a render task)
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 *
 * const Render = Schema.Struct({
 *   status: Schema.Literals(["PENDING", "DONE", "FAILED"]),
 *   urls: Schema.optionalKey(Schema.Array(Schema.String))
 * })
 * const RenderStatus = StatusSchema.fromField(Render, "status", {
 *   PENDING: Status.pending(),
 *   DONE: (render) => Status.succeeded(render.urls ?? []),
 *   FAILED: Status.failed("no reason given")
 * })
 * const found = Schema.decodeSync(RenderStatus)({ status: "DONE", urls: ["a.png"] })
 * found._tag // => "Succeeded"
 * ```
 *
 * **Example** (Decoding a flag in an inner object)
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 *
 * const Export = Schema.Struct({
 *   progress: Schema.Struct({ done: Schema.optionalKey(Schema.Boolean) }),
 *   file: Schema.NullOr(Schema.String)
 * })
 * const ExportStatus = StatusSchema.fromField(Export, ["progress", "done"], {
 *   undefined: Status.pending(),
 *   false: Status.pending(),
 *   true: ({ file }) => Status.succeeded(file)
 * })
 * const found = Schema.decodeSync(ExportStatus)({ progress: { done: true }, file: "a.csv" })
 * found // => Status.succeeded<string | null>("a.csv", { state: "true" })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromField: {
  /**
   * Creates a Schema that decodes a payload by the state word in one of its fields, with one case for each word. A word
   * that `schema` does not list decodes to `CheckResult.UnknownState`.
   */
  <
    S extends Schema.Constraint,
    const Field extends FieldOf<S["Type"]>,
    const Cases extends CasesOf<S["Type"], Field> & CasesWithoutOrElse<S["Type"], Field, Cases>
  >(
    schema: S,
    field: Field,
    cases: Cases
  ): StatusSchema<ValueOf<Cases[keyof Cases]>, FailureOf<Cases[keyof Cases]>, S["DecodingServices"]>
  /**
   * Creates a Schema that decodes a payload by the state word in one of its fields, with one case for each word, and
   * with `options.orElse` for the other words. `orElse` is required if the words are not finite, as for
   * `Schema.String`.
   */
  <
    S extends Schema.Constraint,
    const Field extends FieldOf<S["Type"]>,
    const Cases extends CasesOf<S["Type"], Field> & UnlistedCases<S["Type"], Field, Cases>,
    OrElse extends AnyResult = never
  >(
    schema: S,
    field: Field,
    cases: Cases,
    options: FieldOptionsFor<StateOf<S["Type"], Field>, OrElse>
  ): StatusSchema<
    ValueOf<Cases[keyof Cases]> | ValueOf<OrElse>,
    FailureOf<Cases[keyof Cases]> | FailureOf<OrElse>,
    S["DecodingServices"]
  >
} = (
  schema: Schema.Constraint,
  field: string | Path,
  cases: Readonly<Record<string, Case<never>>>,
  options?: FieldOptions<AnyResult>
): never => make(decodeField(discriminator(schema, field, cases as never, options))) as never

/**
 * Creates a Schema that decodes a tagged union, with one case for each tag: `fromField` with the field `_tag`.
 *
 * **Example** (Decoding a union of tagged structs)
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 *
 * const Build = Schema.Union([
 *   Schema.TaggedStruct("Running", { percent: Schema.Finite }),
 *   Schema.TaggedStruct("Done", { url: Schema.String })
 * ])
 * const BuildStatus = StatusSchema.fromTag(Build, {
 *   Running: (build) => Status.pending({ progress: build.percent / 100 }),
 *   Done: (build) => Status.succeeded(build.url)
 * })
 * const found = Schema.decodeSync(BuildStatus)({ _tag: "Done", url: "a.zip" })
 * found._tag // => "Succeeded"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTag = <
  S extends Schema.Constraint & { readonly Type: { readonly _tag: string } },
  const Cases extends CasesOf<S["Type"], "_tag"> & UnlistedCases<S["Type"], "_tag", Cases>,
  OrElse extends AnyResult = never
>(
  schema: S,
  cases: Cases,
  options?: {
    /**
     * Maps a tag that `schema` does not list to a status. The tag comes as text of at most 200 characters. Default: it
     * decodes to `CheckResult.UnknownState`.
     */
    readonly orElse?: ((word: string) => OrElse) | undefined
  }
): StatusSchema<
  ValueOf<Cases[keyof Cases]> | ValueOf<OrElse>,
  FailureOf<Cases[keyof Cases]> | FailureOf<OrElse>,
  S["DecodingServices"]
> => make(decodeField(discriminator(schema, "_tag", cases as never, options))) as never

/**
 * Creates a Schema that decodes a payload by a function, for a status that several fields decide.
 *
 * **Details**
 *
 * - `statusOf` may return any result of a check: a status, `CheckResult.missing`, `CheckResult.unknownState(word)` for a
 *   word that it does not know, or `CheckResult.resultMissing()` for an end without its result.
 * - A payload that does not fit `schema` is a decode error. So use `Schema.String` for a field that may hold words that
 *   are not documented.
 * - A function that throws is a decode error with the name of the error.
 *
 * **Example** (Decoding a flag, then the results)
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as CheckResult from "effect-poll/CheckResult"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 *
 * const Search = Schema.Struct({ complete: Schema.Boolean, results: Schema.NullOr(Schema.Array(Schema.String)) })
 * const SearchStatus = StatusSchema.fromPayload(Search, ({ complete, results }) => {
 *   if (!complete) return Status.pending()
 *   return results === null ? CheckResult.resultMissing() : Status.succeeded(results)
 * })
 * const found = Schema.decodeSync(SearchStatus)({ complete: true, results: ["a"] })
 * found // => Status.succeeded<ReadonlyArray<string>>(["a"])
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromPayload = <S extends Schema.Constraint, R extends AnyResult>(
  schema: S,
  statusOf: (payload: S["Type"]) => R
): StatusSchema<ValueOf<R>, FailureOf<R>, S["DecodingServices"]> => {
  const decode = decoder(schema)
  const found = (payload: unknown) =>
    guarded(
      () => "the function of the status",
      [],
      undefined,
      () => statusOf(payload)
    )
  return make((raw, options) => {
    const decoded = decode(raw, options)
    if (Exit.isExit(decoded) && Exit.isSuccess(decoded)) return found(decoded.value)
    return Effect.matchEffect(decoded, {
      onFailure: (issue) => Effect.fail(bounded(issue, options)),
      onSuccess: found
    })
  }) as never
}

/**
 * Creates a Schema for a body that is the result itself: each body that fits `schema` decodes to a `Succeeded`.
 *
 * **When to use**
 *
 * Use when the status code of the answer tells that the job has ended, and no field does.
 *
 * **Example** (Decoding a report)
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 *
 * const Report = StatusSchema.succeeded(Schema.Struct({ rows: Schema.Int }))
 * Schema.decodeSync(Report)({ rows: 7 }) // => Status.succeeded({ rows: 7 })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const succeeded = <S extends Schema.Constraint>(
  schema: S
): StatusSchema<S["Type"], never, S["DecodingServices"]> =>
  fromPayload(schema, (value): Status.Succeeded<S["Type"]> => Status.succeeded(value)) as never

/**
 * The options of `within`.
 *
 * @category models
 * @since 0.1.0
 */
export interface WithinOptions<A, F> {
  /**
   * What an envelope decodes to that lacks the status: a key or index of the path is absent, or null stands in its place.
   * Default: a decode error.
   */
  readonly absent?: CheckResult.CheckResult<A, F> | undefined
}

/**
 * Creates a Schema that decodes a status within an envelope, under a key or a path of keys and indexes. The rest of the
 * envelope is ignored and needs no Schema.
 *
 * **Details**
 *
 * - A negative index counts from the end of its array: `["jobs", -1]` is the last job.
 * - Without `absent`, an envelope that lacks the status is a decode error. With it, it decodes to `absent`: if a key or
 *   index of the path is absent, or null stands in its place. `CheckResult.missing` says that the job is not found.
 *   Anything else on the path that is not an object or array, as the path demands, is a decode error.
 *
 * **Example** (Unwrapping an answer in `data`)
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 *
 * const Inner = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "ready"]) }), "state", {
 *   busy: Status.pending(),
 *   ready: Status.succeeded()
 * })
 * const found = Schema.decodeSync(StatusSchema.within(Inner, "data"))({ data: { state: "ready" } })
 * found._tag // => "Succeeded"
 * ```
 *
 * **Example** (Taking the only job of a list)
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as CheckResult from "effect-poll/CheckResult"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 *
 * const JobStatus = StatusSchema.fromField(Schema.Struct({ done: Schema.Boolean }), "done", {
 *   false: Status.pending(),
 *   true: Status.succeeded()
 * }).pipe(StatusSchema.within(["jobs", 0], { absent: CheckResult.missing }))
 * Schema.decodeSync(JobStatus)({ jobs: [] })._tag // => "Missing"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const within: {
  /**
   * Creates a Schema that decodes a status within an envelope, under a key or a path of keys and indexes. A negative
   * index counts from the end. An envelope that lacks the status is a decode error, or `absent`.
   */
  <A2 = never, F2 = never>(
    path: string | Path,
    options?: WithinOptions<A2, F2>
  ): <A, F, RD>(schema: StatusSchema<A, F, RD>) => StatusSchema<A | A2, F | F2, RD>
  /**
   * Creates a Schema that decodes a status within an envelope, under a key or a path of keys and indexes. A negative
   * index counts from the end. An envelope that lacks the status is a decode error, or `absent`.
   */
  <A, F, RD, A2 = never, F2 = never>(
    schema: StatusSchema<A, F, RD>,
    path: string | Path,
    options?: WithinOptions<A2, F2>
  ): StatusSchema<A | A2, F | F2, RD>
} = /*#__PURE__*/ dual(
  (args) => Schema.isSchema(args[0]),
  <A, F, RD, A2, F2>(
    schema: StatusSchema<A, F, RD>,
    given: string | Path,
    options?: WithinOptions<A2, F2>
  ): StatusSchema<A | A2, F | F2, RD> => {
    const path = paths.pathOf("StatusSchema.within: path", given)
    const decode = SchemaParser.decodeUnknownEffect(schema)
    return make<A | A2, F | F2, RD>((raw, parseOptions) => {
      const found = locate(raw, path)
      if (found.absent && options?.absent !== undefined) return Effect.succeed(options.absent)
      if (found.issue !== undefined) return Effect.fail(found.issue)
      return Effect.mapError(
        decode(found.value, parseOptions),
        (issue) => new SchemaIssue.Pointer(paths.resolved(raw, path), issue)
      )
    })
  }
)

/**
 * Tests the issue with which a `StatusSchema` rejected a payload: whether the payload has a word that the Schema knows,
 * so that it is a status with fields that do not match, and not something else.
 *
 * **Details**
 *
 * False for an issue of any other Schema, for a payload without its word, and for a `StatusSchema` without words.
 *
 * **Example** (A status with a result of another type)
 *
 * ```ts
 * import * as Result from "effect/Result"
 * import * as Schema from "effect/Schema"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 *
 * const Task = Schema.Struct({ status: Schema.Literals(["busy", "done"]), size: Schema.Number })
 * const TaskStatus = StatusSchema.fromField(Task, "status", {
 *   busy: Status.pending(),
 *   done: ({ size }) => Status.succeeded(size)
 * })
 * const hasKnownWord = (payload: unknown) =>
 *   Result.match(Schema.decodeUnknownResult(TaskStatus)(payload), {
 *     onFailure: ({ issue }) => StatusSchema.hasKnownWord(issue),
 *     onSuccess: () => undefined
 *   })
 * hasKnownWord({ status: "done", size: "large" }) // => true
 * hasKnownWord({ id: 7 }) // => false
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const hasKnownWord = (issue: SchemaIssue.Issue): boolean => issues.hasKnownWord(issue)

// ---- internal ----

type ResultOf<C> = C extends (payload: never) => infer S ? S : C

type PathOf<Field> = Field extends string ? readonly [Field] : Field

type KeyOf<T> = T extends unknown ? (T extends ReadonlyArray<unknown> ? never : keyof T & string) : never

/** The type of the value at a path; where its container may be absent or null, `undefined` too. */
type ValueAt<T, P> = P extends readonly [infer K, ...infer Rest] ? ValueAt<Get<T, K>, Rest> : T

/** The first key of a path that leads nowhere. */
type UnknownKey<T, P> = P extends readonly [infer K extends string | number, ...infer Rest]
  ? true extends HasKey<T, K>
    ? UnknownKey<Get<T, K>, Rest>
    : K
  : never

type Unlisted<W, K extends string | number> = [W] extends [never]
  ? "an object or array is no state word"
  : W extends NoField<infer N>
    ? NoField<N>
    : `the Schema lists no state ${K}`

type NoOrElse<K extends string | number> = `the words of ${K} are not finite: give the option orElse`

type LastOf<P> = P extends readonly [...ReadonlyArray<string | number>, infer K extends string | number]
  ? K
  : "the field"

type NoField<K extends string | number> = `the payload has no field ${K}`

type Get<T, K> = T extends null | undefined
  ? undefined
  : `${K & (string | number)}` extends keyof T
    ? T[`${K & (string | number)}` & keyof T]
    : T extends ReadonlyArray<infer E>
      ? E | undefined
      : K extends keyof T
        ? T[K]
        : undefined

type HasKey<T, K> = T extends null | undefined
  ? never
  : T extends ReadonlyArray<unknown>
    ? K extends number
      ? true
      : never
    : K extends keyof T
      ? true
      : never

type WordIn<V> = unknown extends V ? string : V extends Word ? V : never

/** The key as `keyof` gives it: a number for a key such as `0`. */
type KeyLike<K> = K extends `${infer N extends number}` ? K | N : K

type IsFinite<W> = [W] extends [never] ? true : {} extends Record<CaseKey<W>, 1> ? false : true

type Decoding<RD> = (
  raw: unknown,
  options: ParseOptions
) => Effect.Effect<CheckResult.CheckResult<unknown, unknown>, SchemaIssue.Issue, RD>

const CheckResultSchema = /*#__PURE__*/ Schema.declare(CheckResult.isCheckResult, { title: "Status" })

const make = <A, F, RD>(
  decode: (raw: unknown, options: ParseOptions) => Effect.Effect<CheckResult.CheckResult<A, F>, SchemaIssue.Issue, RD>
): StatusSchema<A, F, RD> =>
  Schema.Unknown.pipe(
    Schema.decodeTo(CheckResultSchema, {
      decode: SchemaGetter.transformEffect(decode),
      encode: SchemaGetter.forbidden(() => "a status has no encoded form")
    })
  ) as unknown as StatusSchema<A, F, RD>

/** What `fromField` was made with. */
interface Discriminator<RD> {
  readonly path: paths.Path
  /** Where the word is in the encoded payload. */
  readonly encodedPath: paths.Path
  readonly cases: Readonly<Record<string, Case<unknown>>>
  readonly orElse: ((word: string) => AnyResult) | undefined
  readonly decode: Decode<RD>
  /** The words that the encoded payload can hold, if they are known. */
  readonly listed: () => ReadonlySet<Word> | undefined
}

const discriminator = <S extends Schema.Constraint>(
  schema: S,
  field: string | ReadonlyArray<string | number>,
  cases: Readonly<Record<string, Case<unknown>>>,
  options: FieldOptions<AnyResult> | undefined
): Discriminator<S["DecodingServices"]> => {
  for (const [word, chosen] of Object.entries(cases)) {
    if (typeof chosen !== "function" && !CheckResult.isCheckResult(chosen)) {
      throw new RangeError(`StatusSchema.fromField: the case ${words.quoted(word)} must be a status or a function`)
    }
  }
  const path = paths.pathOf("StatusSchema.fromField: field", field)
  const encodedField = options?.encodedField
  const encodedPath =
    encodedField === undefined ? path : paths.pathOf("StatusSchema.fromField: encodedField", encodedField)
  let listed: { readonly words: ReadonlySet<Word> | undefined } | undefined
  return {
    path,
    encodedPath,
    cases,
    orElse: options?.orElse,
    decode: decoder(schema),
    // Not before the first payload: a recursive Schema may refer to what is not defined yet.
    listed: () => (listed ??= { words: words.encodedWords(schema.ast, encodedPath) }).words
  }
}

const decodeField =
  <RD>(self: Discriminator<RD>): Decoding<RD> =>
  (raw, options) => {
    const sent = words.readWord(raw, self.encodedPath)
    const unknown = sent !== undefined && self.listed()?.has(sent.word) === false
    if (unknown && isWordOf(self, sent.word)) return unlisted(self, sent.word)
    const decoded = self.decode(raw, options)
    if (Exit.isExit(decoded) && Exit.isSuccess(decoded)) return choose(self, decoded.value, sent)
    return Effect.matchEffect(decoded, {
      onFailure: (issue) => examine(self, raw, options, issue),
      onSuccess: (payload) => choose(self, payload, sent)
    })
  }

/** Applies the case of the decoded word. The status keeps the word that the server sent. */
const choose = (
  self: Discriminator<unknown>,
  payload: unknown,
  sent: { readonly word: Word } | undefined
): Effect.Effect<CheckResult.CheckResult<unknown, unknown>, SchemaIssue.Issue> => {
  const word = paths.valueAt(payload, self.path)
  if (!words.isWord(word)) return Effect.fail(pointed(self.path, { expected: "a state word" }))
  const key = String(word)
  const shown = sent?.word ?? word
  if (!Object.hasOwn(self.cases, key)) return unlisted(self, shown)
  const chosen = self.cases[key]!
  return guarded(
    () => `the case ${words.quoted(word)}`,
    self.path,
    shown,
    () => (typeof chosen === "function" ? chosen(payload) : chosen)
  )
}

const unlisted = (
  { encodedPath, orElse }: Discriminator<unknown>,
  word: Word
): Effect.Effect<CheckResult.CheckResult<unknown, unknown>, SchemaIssue.Issue> => {
  const text = words.textOf(word)
  if (orElse === undefined) return Effect.succeed(CheckResult.unknownState(text))
  return guarded(
    () => `orElse for ${words.quoted(word)}`,
    encodedPath,
    word,
    () => orElse(text)
  )
}

/** Absent and null are words among flags and numbers, which servers leave out. Among strings they are no word at all. */
const isWordOf = (self: Discriminator<unknown>, word: Word): boolean => {
  if (word !== undefined && word !== null) return true
  const listed = self.listed()
  return listed !== undefined && [...listed].some((each) => typeof each !== "string")
}

/** Decodes once more a payload that does not fit, for all that does not: is it the word, or does it lack its result? */
const examine = <RD>(self: Discriminator<RD>, raw: unknown, options: ParseOptions, first: SchemaIssue.Issue) =>
  Effect.matchEffect(
    self.decode(raw, { ...options, errors: paths.isSmall(raw) ? "all" : options.errors, reportInput: true }),
    {
      onFailure: (issue) => {
        // A Schema that transforms the payload as a whole fails either at its encoded form or at the decoded one.
        const encoded = issue._tag === "Encoding"
        const root = !encoded && SchemaIssue.hasInput(issue) ? issue.input : raw
        const path = paths.resolved(root, encoded ? self.encodedPath : self.path)
        const rejected = issueAt(issue, path)
        const sent = words.readWord(raw, self.encodedPath)?.word
        if (rejected !== undefined) {
          const word = sent ?? (SchemaIssue.hasInput(rejected) ? rejected.input : undefined)
          if (words.isWord(word) && isWordOf(self, word)) return unlisted(self, word)
        }
        const error = bounded(issue, options, path)
        const word = sent ?? words.readWord(root, path)?.word
        if (rejected !== undefined || word === undefined || isPending(self, word) || !lacksFields(issue, path)) {
          return reject(error, rejected === undefined && isKnown(self, word))
        }
        const text = SchemaIssue.makeFormatterDefault()(error)
        return Effect.succeed(CheckResult.resultMissing(words.textOf(word), text.replace(/\s*\n\s*/g, " ")))
      },
      onSuccess: () => Effect.fail(bounded(first, options))
    }
  )

const isKnown = (self: Discriminator<unknown>, word: Word): boolean =>
  word !== undefined && (self.listed()?.has(word) === true || Object.hasOwn(self.cases, String(word)))

/** Tests whether a word has a case that is a pending status, whatever the payload is. */
const isPending = ({ cases }: Discriminator<unknown>, word: Word): boolean => {
  const chosen = Object.hasOwn(cases, String(word)) ? cases[String(word)] : undefined
  return CheckResult.isCheckResult(chosen) && CheckResult.unannotated(chosen)._tag === "Pending"
}

const withState = <A, F>(self: CheckResult.CheckResult<A, F>, state: string): CheckResult.CheckResult<A, F> => {
  if (self._tag === "Annotated") {
    // The prototype conceals a cursor.
    const copy: typeof self = Object.create(Object.getPrototypeOf(self) as object)
    return Object.assign(copy, self, { result: withState(self.result, state) })
  }
  if (self._tag === "ResultMissing") return CheckResult.resultMissing(self.state ?? state, self.issue)
  return Status.isStatus(self) ? Status.withState(self, state) : self
}

/** Where a path leads in an envelope. `absent`: nothing or null is there. */
const locate = (
  raw: unknown,
  path: paths.Path
): { readonly value?: unknown; readonly absent: boolean; readonly issue?: SchemaIssue.Issue } => {
  let value = raw
  for (const [i, key] of path.entries()) {
    const found = paths.read(value, key)
    if (found === undefined) {
      const expected = typeof key === "number" ? "array" : "object"
      return { absent: value === null && i > 0, issue: pointed(path.slice(0, i), { expected }) }
    }
    value = found.value
    if (value === undefined) {
      const issue = new SchemaIssue.Pointer(path.slice(0, i + 1), new SchemaIssue.MissingKey(undefined))
      return { absent: true, issue }
    }
  }
  return { value, absent: value === null }
}

/** Calls a function of the user. What it throws, and a value that is no result of a check, is an issue that names it. */
const guarded = (
  name: () => string,
  path: ReadonlyArray<PropertyKey>,
  word: Word,
  run: () => AnyResult
): Effect.Effect<CheckResult.CheckResult<unknown, unknown>, SchemaIssue.Issue> => {
  try {
    const result = run()
    if (!CheckResult.isCheckResult(result)) {
      return reject(pointed(path, { message: `${name()} yields no status` }), word !== undefined)
    }
    return Effect.succeed(word === undefined ? result : withState(result, words.textOf(word)))
  } catch (cause) {
    const issue = threw(name(), cause)
    return reject(path.length === 0 ? issue : new SchemaIssue.Pointer(path, issue), word !== undefined)
  }
}

const reject = (issue: SchemaIssue.Issue, isWordKnown: boolean): Effect.Effect<never, SchemaIssue.Issue> => {
  if (isWordKnown) issues.withKnownWord.add(issue)
  return Effect.fail(issue)
}

const pointed = (path: ReadonlyArray<PropertyKey>, annotations: Schema.Annotations.Issue): SchemaIssue.Issue => {
  const issue = new SchemaIssue.InvalidValue(annotations)
  return path.length === 0 ? issue : new SchemaIssue.Pointer(path, issue)
}
