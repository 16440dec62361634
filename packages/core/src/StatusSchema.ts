/**
 * Schemas that decode the answer of a server into the status of a job.
 *
 * A server reports the state of a job by a word in one field of its answer. `fromField` takes the Schema of the answer,
 * the name of the field, and one case for each word. A word without a case is a compile error. At run time, the field
 * is read before the rest of the answer is decoded, so an unknown state is distinguished from a malformed answer.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as CheckResult from "./CheckResult.ts"
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
 * The state words that a field of the decoded payload `T` can hold.
 *
 * @category type-level
 * @since 0.1.0
 */
export type StateOf<T, Field extends PropertyKey> = T extends { readonly [K in Field]: infer W extends string | number }
  ? W
  : never

/**
 * The members of the union `T` whose field can hold a given state word.
 *
 * @category type-level
 * @since 0.1.0
 */
export type PayloadOf<T, Field extends PropertyKey, Word> = T extends { readonly [K in Field]: infer W }
  ? Word extends W
    ? T
    : never
  : never

/**
 * The status that a state word stands for, or a function that derives it from the decoded payload.
 *
 * @category models
 * @since 0.1.0
 */
export type Case<T> = Status.Status<unknown, unknown> | ((payload: T) => Status.Status<unknown, unknown>)

/**
 * The result type of a case.
 *
 * @category type-level
 * @since 0.1.0
 */
export type ValueOf<C> = StatusOf<C> extends infer S ? (S extends Status.Succeeded<infer A> ? A : never) : never

/**
 * The failure type of a case.
 *
 * @category type-level
 * @since 0.1.0
 */
export type FailureOf<C> = StatusOf<C> extends infer S ? (S extends Status.Failed<infer F> ? F : never) : never

/**
 * Creates a Schema that decodes a payload by the state word in one of its fields, with one case for each word.
 *
 * **Details**
 *
 * - `schema` is the Schema of the payload: a struct whose field is `Schema.Literals([...])`, or a union of structs with
 *   one literal each. With a union, a case receives only the members with its word, so a field can be required in one
 *   state and absent in another.
 * - `cases` maps each word to a status, or to a function from the decoded payload to a status. A missing case is a
 *   compile error, and so is a case for a word that `schema` does not list.
 * - A word that `schema` does not list decodes to `CheckResult.UnknownState`, whatever the rest of the payload is, and
 *   the option `unknownState` of the wait decides what follows. The option `orElse` maps it to a status instead.
 * - A case that throws is a decode error.
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
 * @category constructors
 * @since 0.1.0
 */
export const fromField = <
  S extends Schema.Constraint,
  const Field extends string,
  const Cases extends { readonly [W in StateOf<S["Type"], Field>]: Case<PayloadOf<S["Type"], Field, W>> } & {
    readonly [K in Exclude<keyof Cases, StateOf<S["Type"], Field>>]: never
  },
  OrElse extends Status.Status<unknown, unknown> = never
>(
  schema: S,
  field: Field,
  cases: Cases,
  options?: {
    /** Maps a word that `schema` does not list to a status. Default: it decodes to `CheckResult.UnknownState`. */
    readonly orElse?: ((word: string) => OrElse) | undefined
    /** The name of the field in the encoded payload, if `schema` renames it. Default: `field`. */
    readonly encodedField?: string | undefined
  }
): StatusSchema<
  ValueOf<Cases[keyof Cases]> | ValueOf<OrElse>,
  FailureOf<Cases[keyof Cases]> | FailureOf<OrElse>,
  S["DecodingServices"]
> => {
  const wireField = options?.encodedField ?? field
  const orElse = options?.orElse
  const decodePayload = SchemaParser.decodeUnknownEffect(schema)
  return make((raw, parseOptions) => {
    const word = wordIn(raw, wireField)
    if (word !== undefined && !Object.hasOwn(cases, word)) {
      return guarded(wireField, word, () =>
        orElse === undefined ? CheckResult.unknownState(word) : Status.withState(orElse(word), word)
      )
    }
    return Effect.flatMap(decodePayload(raw, parseOptions), (payload) => {
      const own = word ?? String((payload as Record<string, unknown>)[field])
      const chosen = (cases as unknown as Record<string, Case<unknown>>)[own]!
      return guarded(wireField, own, () =>
        Status.withState(typeof chosen === "function" ? chosen(payload) : chosen, own)
      )
    })
  }) as never
}

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
  S extends Schema.Constraint,
  const Cases extends { readonly [W in StateOf<S["Type"], "_tag">]: Case<PayloadOf<S["Type"], "_tag", W>> } & {
    readonly [K in Exclude<keyof Cases, StateOf<S["Type"], "_tag">>]: never
  },
  OrElse extends Status.Status<unknown, unknown> = never
>(
  schema: S,
  cases: Cases,
  options?: {
    /** Maps a tag that `schema` does not list to a status. Default: it decodes to `CheckResult.UnknownState`. */
    readonly orElse?: ((word: string) => OrElse) | undefined
  }
): StatusSchema<
  ValueOf<Cases[keyof Cases]> | ValueOf<OrElse>,
  FailureOf<Cases[keyof Cases]> | FailureOf<OrElse>,
  S["DecodingServices"]
> => fromField<S, "_tag", Cases, OrElse>(schema, "_tag", cases, options)

/**
 * Creates a Schema that decodes a status nested under one key of an envelope. Other keys are ignored.
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
 * @category combinators
 * @since 0.1.0
 */
export const within: {
  /** Creates a Schema that decodes a status nested under one key of an envelope. Other keys are ignored. */
  (key: string): <A, F, RD>(schema: StatusSchema<A, F, RD>) => StatusSchema<A, F, RD>
  /** Creates a Schema that decodes a status nested under one key of an envelope. Other keys are ignored. */
  <A, F, RD>(schema: StatusSchema<A, F, RD>, key: string): StatusSchema<A, F, RD>
} = dual(2, <A, F, RD>(schema: StatusSchema<A, F, RD>, key: string): StatusSchema<A, F, RD> => {
  const decodeEnvelope = SchemaParser.decodeUnknownEffect(Schema.Struct({ [key]: schema }))
  return make((raw, options) =>
    Effect.map(decodeEnvelope(raw, options), (envelope) => envelope[key] as CheckResult.CheckResult<A, F>)
  )
})

// ---- internal ----

type StatusOf<C> = C extends (payload: never) => infer S ? S : C

const CheckResultSchema = Schema.declare(CheckResult.isCheckResult, { title: "Status" })

const make = <A, F, RD>(
  decode: (
    raw: unknown,
    options: Parameters<ReturnType<typeof SchemaParser.decodeUnknownEffect>>[1] & {}
  ) => Effect.Effect<CheckResult.CheckResult<A, F>, SchemaIssue.Issue, RD>
): StatusSchema<A, F, RD> =>
  Schema.Unknown.pipe(
    Schema.decodeTo(CheckResultSchema, {
      decode: SchemaGetter.transformEffect(decode),
      encode: SchemaGetter.forbidden(() => "a status has no encoded form")
    })
  ) as unknown as StatusSchema<A, F, RD>

const wordIn = (raw: unknown, field: string): string | undefined => {
  if (!hasProperty(raw, field)) return undefined
  const word = raw[field]
  return typeof word === "string" || typeof word === "number" || typeof word === "boolean" ? String(word) : undefined
}

const guarded = <A>(field: string, word: string, run: () => A): Effect.Effect<A, SchemaIssue.Issue> =>
  Effect.try({
    try: run,
    catch: (cause) =>
      new SchemaIssue.Pointer(
        [field],
        new SchemaIssue.InvalidValue({ message: `the case ${JSON.stringify(word)} threw: ${messageOf(cause)}` })
      )
  })

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
