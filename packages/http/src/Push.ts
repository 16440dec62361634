/**
 * Schemas that decode the body of a webhook to the key of a job and its status.
 *
 * They decode to the same statuses as checks do. They only decode: `Webhook` receives the requests and verifies them.
 *
 * **Details**
 *
 * A push is a reason to check: it may arrive late, twice, never, or from somebody other than the service. Only a route
 * of `Webhook` that trusts verified pushes lets its result count as the answer to a check. A push without a key
 * concerns every wait of the jobs of its route, or those that `isAbout` of the route accepts.
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
 * The decoded body of a webhook.
 *
 * @category models
 * @since 0.1.0
 */
export interface Push<out K, out A, out F = never> {
  /** The key of the job; undefined if the body names no job. */
  readonly key: K | undefined
  /** What a check would have found; undefined if the body only says that something happened. */
  readonly result: CheckResult.CheckResult<A, F> | undefined
}

/**
 * A Schema that decodes the body of a webhook. Encoding is a Schema error.
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
 * Options of `make`: what to read from the body besides the status.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out K> {
  /** Reads the key of the job from the body; undefined if the body names no job. */
  readonly key: (body: unknown) => K | undefined
  /** Reads which run of the job the body is about, for keys that are used for many runs. Default: none. */
  readonly run?: ((body: unknown) => CheckResult.Run | undefined) | undefined
}

/**
 * Creates the Schema of a webhook that carries a status, from the Schema of the status.
 *
 * **Details**
 *
 * A body that does not fit, and an option that throws, are Schema errors. A state that the Schema does not list decodes
 * to `CheckResult.UnknownState`, as it does in a check.
 *
 * **Example** (A webhook agreed on with the service)
 *
 * ```ts
 * import { hasProperty } from "effect/Predicate"
 * import * as Schema from "effect/Schema"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 * import * as Push from "@effect-poll/http/Push"
 *
 * const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["running", "completed"]) }), "state", {
 *   running: Status.pending(),
 *   completed: Status.succeeded()
 * })
 * const TaskChanged = Push.make(StatusSchema.within(TaskStatus, "task"), {
 *   key: (body) => (hasProperty(body, "task_ref") && typeof body.task_ref === "string" ? body.task_ref : undefined)
 * })
 * const { key, result } = Schema.decodeSync(TaskChanged)({ task_ref: "t1", task: { state: "completed" } })
 * key // => "t1"
 * result?._tag // => "Succeeded"
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
    Effect.flatMap(decode(body, parseOptions), (result) =>
      guarded((): Push<K, A, F> => {
        const run = options.run?.(body)
        return { key: options.key(body), result: run === undefined ? result : CheckResult.withRun(result, run) }
      })
    )
  )
}

/**
 * Creates the Schema of a webhook from the Schema of its body and a function from the decoded body to a push.
 *
 * **Details**
 *
 * A function that throws is a Schema error.
 *
 * @category constructors
 * @since 0.1.0
 */
export const from = <A, P extends Push<unknown, unknown, unknown>, RD = never>(
  body: Schema.Codec<A, unknown, RD>,
  toPush: (body: A) => P
): Schema.Codec<P, unknown, RD> => {
  const decode = SchemaParser.decodeUnknownEffect(body)
  return pushSchema((raw, options) => Effect.flatMap(decode(raw, options), (value) => guarded(() => toPush(value))))
}

/**
 * Creates the Schema of a webhook that carries neither a key nor a status: it only says that something happened.
 *
 * @category constructors
 * @since 0.1.0
 */
export const wake = <A, RD = never>(body: Schema.Codec<A, unknown, RD>): PushSchema<never, never, never, RD> =>
  from(body, (): Push<never, never> => ({ key: undefined, result: undefined }))

// ---- internal ----

const AnyPush = /*#__PURE__*/ Schema.declare(
  (u: unknown): u is Push<unknown, unknown, unknown> => hasProperty(u, "key") && hasProperty(u, "result"),
  { title: "Push" }
)

/** The cast restores the type that `decode` yields: a declaration has no type parameters. */
const pushSchema = <P, RD>(
  decode: (
    body: unknown,
    options: Parameters<ReturnType<typeof SchemaParser.decodeUnknownEffect>>[1] & {}
  ) => Effect.Effect<P & Push<unknown, unknown, unknown>, SchemaIssue.Issue, RD>
): Schema.Codec<P, unknown, RD> =>
  Schema.Unknown.pipe(
    Schema.decodeTo(AnyPush, {
      decode: SchemaGetter.transformEffect(decode),
      encode: SchemaGetter.forbidden(() => "a push cannot be encoded")
    })
  ) as unknown as Schema.Codec<P, unknown, RD>

const guarded = <A>(read: () => A): Effect.Effect<A, SchemaIssue.Issue> =>
  Effect.try({
    try: read,
    catch: (cause) =>
      new SchemaIssue.InvalidValue({
        message: `reading the body threw: ${cause instanceof Error ? cause.message : String(cause)}`
      })
  })
