/**
 * What a webhook tells: of which job, and how it is.
 *
 * The Schemas here decode the body of a webhook to the same statuses as checks are decoded to. They receive nothing: there
 * is no server in this package.
 *
 * **Details**
 *
 * A push is a reason to check, and never an end by itself: it may be late, doubled, lost, or not from the service at all.
 * Find the wait by the key and wake it (`checkNow`); the check then says how the job is. A push without a key wakes all
 * waits that it may concern.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as CheckResult from "effect-poll/CheckResult"
import type { StatusSchema } from "effect-poll/StatusSchema"

/**
 * What a webhook tells.
 *
 * @category models
 * @since 0.1.0
 */
export interface Push<out K, out A, out F = never> {
  /** The job; undefined if the body names none. */
  readonly key: K | undefined
  /** How it is, as a check would say; undefined if the body says only that something happened. */
  readonly check: CheckResult.CheckResult<A, F> | undefined
}

/**
 * A Schema that decodes the body of a webhook. It only decodes.
 *
 * @category models
 * @since 0.1.0
 */
export interface PushSchema<out K, out A, out F = never, out RD = never> extends Schema.Codec<
  Push<K, A, F>,
  unknown,
  RD
> {}

/**
 * What a body tells beside the status.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out K> {
  /** Takes the key out of the body; undefined if it names none. */
  readonly key: (body: unknown) => K | undefined
  /** Takes out of it which run of the job it speaks of, where one key is used for many runs. Default: it does not say. */
  readonly run?: ((body: unknown) => CheckResult.Run | undefined) | undefined
}

/**
 * Creates the Schema of a webhook that tells how a job is, from the Schema of its checks.
 *
 * **Details**
 *
 * A function that throws is a decode error. A word that nobody lists is `CheckResult.UnknownState`, as it is for a check.
 *
 * **Example** (A webhook by contract)
 *
 * ```ts
 * import { hasProperty } from "effect/Predicate"
 * import * as Schema from "effect/Schema"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 * import * as EventPlatform from "@effect-poll/providers/EventPlatform"
 * import * as Push from "@effect-poll/providers/Push"
 *
 * const TaskChanged = Push.make(StatusSchema.within(EventPlatform.TaskStatus, "task"), {
 *   key: (body) => (hasProperty(body, "task_ref") && typeof body.task_ref === "string" ? body.task_ref : undefined)
 * })
 * const { key, check } = Schema.decodeSync(TaskChanged)({ task_ref: "t1", task: { state: "completed" } })
 * key // => "t1"
 * check?._tag // => "Succeeded"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <K, A, F = never, RD = never>(
  status: StatusSchema<A, F, RD>,
  options: Options<K>
): PushSchema<K, A, F, RD> => {
  const decode = SchemaParser.decodeUnknownEffect(status)
  return pushSchema((body, parseOptions) =>
    Effect.flatMap(decode(body, parseOptions), (found) =>
      guarded((): Push<K, A, F> => {
        const run = options.run?.(body)
        return { key: options.key(body), check: run === undefined ? found : CheckResult.withRun(found, run) }
      })
    )
  )
}

/**
 * Creates the Schema of a webhook from the Schema of its body and what that tells.
 *
 * **Details**
 *
 * A function that throws is a decode error.
 *
 * @category constructors
 * @since 0.1.0
 */
export const from = <A, P extends Push<unknown, unknown, unknown>, RD = never>(
  body: Schema.Codec<A, unknown, RD>,
  told: (body: A) => P
): Schema.Codec<P, unknown, RD> => {
  const decode = SchemaParser.decodeUnknownEffect(body)
  return pushSchema((raw, options) => Effect.flatMap(decode(raw, options), (value) => guarded(() => told(value))))
}

/**
 * Creates the Schema of a webhook that says only that something happened: it names no job and tells no status.
 *
 * @category constructors
 * @since 0.1.0
 */
export const wake = <A, RD = never>(body: Schema.Codec<A, unknown, RD>): PushSchema<never, never, never, RD> =>
  from(body, (): Push<never, never> => ({ key: undefined, check: undefined }))

// ---- internal ----

const AnyPush = /*#__PURE__*/ Schema.declare(
  (u: unknown): u is Push<unknown, unknown, unknown> => hasProperty(u, "key") && hasProperty(u, "check"),
  { title: "Push" }
)

/** The cast names what `decode` yields; a declaration cannot. */
const pushSchema = <P, RD>(
  decode: (
    body: unknown,
    options: Parameters<ReturnType<typeof SchemaParser.decodeUnknownEffect>>[1] & {}
  ) => Effect.Effect<P & Push<unknown, unknown, unknown>, SchemaIssue.Issue, RD>
): Schema.Codec<P, unknown, RD> =>
  Schema.Unknown.pipe(
    Schema.decodeTo(AnyPush, {
      decode: SchemaGetter.transformEffect(decode),
      encode: SchemaGetter.forbidden(() => "a push is only received")
    })
  ) as unknown as Schema.Codec<P, unknown, RD>

const guarded = <A>(run: () => A): Effect.Effect<A, SchemaIssue.Issue> =>
  Effect.try({
    try: run,
    catch: (cause) =>
      new SchemaIssue.InvalidValue({
        message: `reading the body threw: ${cause instanceof Error ? cause.message : String(cause)}`
      })
  })
