/**
 * AWS waiters from their definitions: a list of acceptors decides what each outcome of a client call means.
 *
 * A definition is JSON that AWS publishes for its tools. For example, `InstanceRunning` succeeds when every state that
 * `DescribeInstances` returns is `running`, and fails when one is `terminated`. `load` reads a definition, `check`
 * makes a check from any client call, and `job` makes a `Job`. You provide the client.
 *
 * **Details**
 *
 * | outcome | first acceptor that matches | the check |
 * |---|---|---|
 * | value or error | `success` | succeeded, with the value (undefined if it was an error) |
 * | value or error | `failure` | failed, with a `WaiterFailure` |
 * | value or error | `retry` | pending |
 * | value | none | pending |
 * | error | none | fails with the error (see `kindOf`) |
 *
 * There are two forms of definitions, which cannot be mixed:
 *
 * - the older form (`waiters-2.json` of botocore): `delay`, `maxAttempts`, and acceptors with the matchers
 *   `path`, `pathAll`, `pathAny`, `status` and `error`;
 * - the trait `smithy.waiters#waitable`: `minDelay`, `maxDelay`, and acceptors with the matchers `output`,
 *   `inputOutput`, `success` and `errorType` (https://smithy.io/2.0/additional-specs/waiters.html).
 *
 * Values are compared as JSON: `"1"` is not `1`, `"true"` is not `true`. `pathAll` and `pathAny` match only lists that
 * are not empty. A path matcher never matches an error. A path that cannot be applied to a value (`length` of a missing
 * list) does not match.
 *
 * **Gotchas**
 *
 * - A definition is code: its expressions run on every answer, so load only definitions that you trust. As a guard
 *   against mistakes, `load` and `make` reject an expression with a RangeError if it has more than 1,024 characters,
 *   uses functions outside of the JMESPath specification, or could copy its input more than 4,096 times (each join in a
 *   chain doubles it).
 * - By the Smithy specification an unmatched error ends the wait at once. Here it is a check error: a permanent one
 *   ends the wait as `CheckRejected`, after a throttled or transient one the call is made again.
 * - With a definition without a `failure` acceptor, a wait for a failed job continues until its deadline. `load`
 *   accepts such a definition only with `failure: "optional"`.
 * - Values are searched unchanged. An AWS client decodes a time to a `Date` and a blob to bytes, while the Smithy
 *   specification compares numbers and texts: a path to such a value does not match.
 * - Paths are JMESPath. This module is the only one that needs the optional peer `@jmespath-community/jmespath` (about
 *   9 KiB gzipped), so the index of the package does not export it. Import `@effect-poll/http/AwsWaiter`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as Result from "effect/Result"
import type { Schedule } from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Types from "effect/Types"
import * as Job from "effect-poll/Job"
import type * as CheckResult from "effect-poll/CheckResult"
import type { Observation } from "effect-poll/Observation"
import * as CheckError from "effect-poll/CheckError"
import * as Poll from "effect-poll/Poll"
import type { PollError } from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Acceptor, Definition } from "./AwsWaiterDefinition.ts"
import { isTransientStatus } from "./HttpCheckError.ts"
import { carried } from "./internal/carried.ts"
import * as awsOutcome from "./internal/aws/outcome.ts"
import * as jmespath from "./internal/aws/jmespath.ts"

export {
  /**
   * What an outcome of a call means if it matches.
   *
   * @category models
   * @since 0.1.0
   */
  type Acceptor,
  /**
   * A definition, and the Schema that decodes it from either form; see the module `AwsWaiterDefinition`.
   *
   * @category schemas
   * @since 0.1.0
   */
  Definition,
  /**
   * Which outcomes of a call an acceptor matches.
   *
   * @category models
   * @since 0.1.0
   */
  type Matcher
} from "./AwsWaiterDefinition.ts"

const TypeId = "~@effect-poll/http/Waiter"

/**
 * A definition with compiled paths.
 *
 * @category models
 * @since 0.1.0
 */
export interface Waiter extends Definition {
  readonly [TypeId]: unknown
}

/**
 * How to find the code of an error and the HTTP status of an outcome.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reader {
  /** Returns all codes of an error. Default: `errorCodes`. */
  readonly codes?: ((error: unknown) => ReadonlyArray<string>) | undefined
  /** Returns the HTTP status of an outcome. Default: `httpStatus`. */
  readonly status?: ((outcome: Result.Result<unknown, unknown>) => number | undefined) | undefined
}

/**
 * The options of `check` and `judge`.
 *
 * @category models
 * @since 0.1.0
 */
export interface JudgeOptions extends Reader {
  /** The input of the call, for the matcher `inputOutput`. Default: undefined. */
  readonly input?: unknown
}

/**
 * The failure of `JobFailed`: which acceptor with the state `failure` matched, and what it matched.
 *
 * @category models
 * @since 0.1.0
 */
export interface WaiterFailure<out A, out E> {
  readonly waiter: string | undefined
  readonly acceptor: Acceptor
  /** The outcome of the call that matched. */
  readonly outcome: Result.Result<A, E>
  /** The text at the path `message` of the acceptor; undefined if it has no such path. */
  readonly message: string | undefined
  /** The matcher in words, and the `message`; nothing else of the outcome. */
  readonly toString: () => string
}

/**
 * The options of `job`.
 *
 * @category models
 * @since 0.1.0
 */
export interface JobOptions<out A, in out E, out R>
  extends
    Reader,
    Pick<
      Job.Options<string, A | undefined, WaiterFailure<A, E>, E, R>,
      "checkTimeout" | "stall" | "confirm" | "stateLimits" | "minInterval" | "onAction"
    > {
  /** The waiter whose acceptors decide; see `load` and `make`. */
  readonly waiter: Waiter
  /** The call of your client for the resource with this key. Each check makes it once. */
  readonly call: (key: string) => Effect.Effect<A, E, R>
  /** Makes the input of the call from the key, for the matcher `inputOutput`. Default: undefined. */
  readonly input?: ((key: string) => unknown) | undefined
  /** When to check. Default: `fixed` for the older form of definitions, `exponential` for the Smithy form. */
  readonly strategy?: Schedule<unknown, Observation> | undefined
  /**
   * What to do when a call fails with an error that no acceptor matches. Default: see `Job.CheckErrorPolicy`, with the
   * `kindOf` of this module and the `codes` and `status` given here.
   */
  readonly checkErrors?: Job.CheckErrorPolicy<E> | "unbounded" | undefined
}

/**
 * The options of `run`: those of `job`, and those of the wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunOptions<out A, in out E, out R, out RS = never>
  extends Omit<JobOptions<A, E, R>, keyof Poll.Options<E, RS>>, Poll.Options<E, RS> {
  /** The name of the job in errors, logs and metrics. Default: the name of the waiter, or `aws-waiter`. */
  readonly name?: string | undefined
}

/**
 * Tests whether a value is a `Waiter`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isWaiter = (u: unknown): u is Waiter => hasProperty(u, TypeId)

/**
 * The options of `load` and `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoadOptions {
  /** The name of the waiter in failures. Default: the `waiter` of the definition. */
  readonly name?: string | undefined
  /**
   * Whether the definition must have an acceptor with the state `failure`. Without one, a wait for a failed job
   * continues until its deadline; `"optional"` accepts that. Default: `"required"`.
   */
  readonly failure?: "required" | "optional" | undefined
}

/**
 * Loads a waiter from the JSON of its definition, in either form.
 *
 * **Details**
 *
 * Paths are compiled once, here. A definition that is malformed, can never succeed, has an invalid path, or has no
 * `failure` acceptor (see the options) is a RangeError. If a malformed definition should be a typed error, decode it
 * with `Definition` and call `make`.
 *
 * **Example** (Waiting for a table)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as AwsWaiter from "@effect-poll/http/AwsWaiter"
 *
 * const tableExists = AwsWaiter.load(
 *   {
 *     waiter: "TableExists",
 *     delay: 20,
 *     maxAttempts: 25,
 *     acceptors: [
 *       { state: "success", matcher: "path", argument: "Table.TableStatus", expected: "ACTIVE" },
 *       { state: "retry", matcher: "error", expected: "ResourceNotFoundException" }
 *     ]
 *   },
 *   { failure: "optional" }
 * )
 * // In place of client.send(new DescribeTableCommand({ TableName: "users" })).
 * const describeTable = Effect.succeed({ Table: { TableStatus: "ACTIVE", ItemCount: 3 } })
 * const table = Poll.until(AwsWaiter.check(tableExists, describeTable), {
 *   strategy: AwsWaiter.exponential(tableExists),
 *   deadline: "5 minutes"
 * })
 * const found = await Effect.runPromise(table)
 * found?.Table.ItemCount // => 3
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const load = (json: unknown, options?: LoadOptions): Waiter => {
  const decoded = decode(json)
  if (Result.isFailure(decoded)) {
    throw new RangeError(`AwsWaiter.load: not the definition of a waiter: ${oneLine(decoded.failure.message)}`)
  }
  return compileWaiter("AwsWaiter.load", decoded.success, options)
}

/**
 * Makes a waiter from a decoded definition. The RangeErrors are those of `load`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (definition: Definition, options?: LoadOptions): Waiter =>
  compileWaiter("AwsWaiter.make", definition, options)

/**
 * Makes a check from a client call. The first acceptor that matches the outcome decides; see the table of this module.
 *
 * **Details**
 *
 * The state of a pending status is the text that matched, or the text that the first path of the waiter finds in the
 * value, at most 80 characters. So a timeout shows the last state.
 *
 * The result is undefined if an error was the success, as for `TableNotExists`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const check = <A, E, R>(
  waiter: Waiter,
  call: Effect.Effect<A, E, R>,
  options?: JudgeOptions
): Effect.Effect<CheckResult.CheckResult<A | undefined, WaiterFailure<A, E>>, E, R> =>
  Effect.flatMap(
    Effect.result(call),
    (outcome): Effect.Effect<CheckResult.CheckResult<A | undefined, WaiterFailure<A, E>>, E> => {
      const acceptor = judge(waiter, outcome, options)
      switch (acceptor?.state) {
        case "success":
          return Effect.succeed(Status.succeeded<A | undefined>(Result.getOrUndefined(outcome)))
        case "failure":
          return Effect.succeed(Status.failed(failureOf(waiter, acceptor, outcome)))
        case "retry":
          return Effect.succeed(Status.pending({ state: wordOf(waiter, acceptor, outcome) }))
        default:
          return Result.isFailure(outcome)
            ? Effect.fail(outcome.failure)
            : Effect.succeed(Status.pending({ state: wordOf(waiter, undefined, outcome) }))
      }
    }
  )

/**
 * Returns the first acceptor that matches the outcome of a call; undefined if none does.
 *
 * **Example** (An error that is a success)
 *
 * ```ts
 * import * as Result from "effect/Result"
 * import * as AwsWaiter from "@effect-poll/http/AwsWaiter"
 *
 * const deleted = AwsWaiter.load(
 *   {
 *     delay: 20,
 *     maxAttempts: 25,
 *     acceptors: [{ state: "success", matcher: "error", expected: "ResourceNotFoundException" }]
 *   },
 *   { failure: "optional" }
 * )
 * const gone = AwsWaiter.judge(deleted, Result.fail({ name: "ResourceNotFoundException" }))
 * gone?.state // => "success"
 * const there = AwsWaiter.judge(deleted, Result.succeed({ Table: { TableStatus: "DELETING" } }))
 * there // => undefined
 * ```
 *
 * @category destructors
 * @since 0.1.0
 */
export const judge = (
  waiter: Waiter,
  outcome: Result.Result<unknown, unknown>,
  options?: JudgeOptions
): Acceptor | undefined => compiledOf(waiter).find((each) => each.matches(outcome, options))?.acceptor

/**
 * Makes a `Job` of a client call that takes the key of the job.
 *
 * **Details**
 *
 * `run` makes the job and waits for it in one call. Make a job if several waits share it, in a `Poller` or with stored
 * tokens. An empty name is a RangeError.
 *
 * **Example** (A job per bucket)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as AwsWaiter from "@effect-poll/http/AwsWaiter"
 *
 * const bucketExists = AwsWaiter.load(
 *   {
 *     delay: 5,
 *     maxAttempts: 20,
 *     acceptors: [
 *       { state: "success", matcher: "status", expected: 200 },
 *       { state: "retry", matcher: "status", expected: 404 }
 *     ]
 *   },
 *   { failure: "optional" }
 * )
 * const Bucket = AwsWaiter.job("bucket", {
 *   waiter: bucketExists,
 *   // In place of client.send(new HeadBucketCommand({ Bucket: name })).
 *   call: (name) => Effect.succeed({ BucketRegion: `of ${name}`, $metadata: { httpStatusCode: 200 } })
 * })
 * const bucket = await Effect.runPromise(Poll.until(Bucket, "logs", { deadline: "100 seconds" }))
 * bucket?.BucketRegion // => "of logs"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const job = <A, E, R>(
  name: string,
  options: JobOptions<A, E, R>
): Job.Job<string, A | undefined, WaiterFailure<A, E>, E, R> => {
  const { call, checkErrors, input, strategy, waiter } = options
  return Job.make(name, {
    ...carried(options),
    check: (key: string) => check(waiter, call(key), { ...options, input: input?.(key) }),
    strategy: strategy ?? strategyOf(waiter),
    checkErrors: policyOf(checkErrors && Job.checkErrorPolicy(checkErrors), options)
  })
}

/**
 * Waits for the resource with a key: makes the job and waits for it in one call.
 *
 * **Details**
 *
 * Yields the value that the `success` acceptor matched, or undefined if it matched an error. Fails with a `PollError`:
 * a `JobFailed` has the `WaiterFailure`. Out-of-range options are RangeErrors at the call.
 *
 * **Example** (Waiting until a bucket exists)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as AwsWaiter from "@effect-poll/http/AwsWaiter"
 *
 * const bucketExists = AwsWaiter.load(
 *   { delay: 5, maxAttempts: 20, acceptors: [{ state: "success", matcher: "status", expected: 200 }] },
 *   { failure: "optional" }
 * )
 * const bucket = AwsWaiter.run("logs", {
 *   waiter: bucketExists,
 *   // In place of client.send(new HeadBucketCommand({ Bucket: name })).
 *   call: (name) => Effect.succeed({ BucketRegion: `of ${name}`, $metadata: { httpStatusCode: 200 } }),
 *   deadline: "100 seconds"
 * })
 * const found = await Effect.runPromise(bucket)
 * found?.BucketRegion // => "of logs"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A, E, R, RS = never>(
  key: string,
  options: RunOptions<A, E, R, RS>
): Effect.Effect<A | undefined, PollError<WaiterFailure<A, E>, E>, Types.NoInfer<R | RS>> => {
  const { call, checkErrors, codes, input, name, status, strategy, waiter, ...wait } = options
  const reader = { codes, status }
  return Poll.until(job(name ?? waiter.name ?? "aws-waiter", { waiter, call, input, ...reader }), key, {
    ...wait,
    strategy: strategy ?? strategyOf(waiter),
    checkErrors: policyOf(checkErrors && Job.checkErrorPolicy(checkErrors), reader)
  })
}

/**
 * The schedule of the older form: `maxAttempts` checks, one every `delay`.
 *
 * **Details**
 *
 * The first check is immediate. After the last one the wait ends as `PollTimeout` with the reason `strategy`. A waiter
 * of the Smithy form has no `delay` and `maxAttempts`, so it is a RangeError.
 *
 * @category strategies
 * @since 0.1.0
 */
export const fixed = (waiter: Waiter): Strategy.Strategy => {
  if (waiter.fixed === undefined) {
    throw new RangeError(
      `AwsWaiter.fixed: waiter must have a delay and maxAttempts, got ${labelOf(waiter)} of the Smithy form`
    )
  }
  return Strategy.spaced(waiter.fixed.delayMillis).pipe(Strategy.maxAttempts(waiter.fixed.maxAttempts))
}

/**
 * The schedule of the Smithy specification: delays that double from `minDelay` to `maxDelay`, with a jitter that
 * reaches down to `minDelay`, and a last check at the deadline in place of one shortly before it
 * (https://smithy.io/2.0/additional-specs/waiters.html#waiter-retries).
 *
 * **Details**
 *
 * It has no end of its own: the deadline of the wait is the `maxWaitTime` of the specification. The default delays are
 * those of the waiter; for the older form they are those of the specification, 2 and 120 seconds. They must be positive
 * finite durations, and `maxDelay` at least `minDelay`; anything else is a RangeError.
 *
 * **Example** (Its longest delays)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 * import * as AwsWaiter from "@effect-poll/http/AwsWaiter"
 *
 * const waiter = AwsWaiter.load({
 *   minDelay: 5,
 *   maxDelay: 15,
 *   acceptors: [
 *     { state: "success", matcher: { success: true } },
 *     { state: "failure", matcher: { errorType: "NotFound" } }
 *   ]
 * })
 * Strategy.delaysMillis(AwsWaiter.exponential(waiter), 3, { random: () => 1 }) // => [5000, 10_000, 15_000]
 * ```
 *
 * @category strategies
 * @since 0.1.0
 */
export const exponential = (
  waiter: Waiter,
  options?: {
    readonly minDelay?: Duration.Input | undefined
    readonly maxDelay?: Duration.Input | undefined
  }
): Strategy.Strategy => {
  const minDelay = options?.minDelay ?? waiter.minDelayMillis
  return Strategy.exponential({ initial: minDelay, cap: options?.maxDelay ?? waiter.maxDelayMillis }).pipe(
    Strategy.jittered({ atLeast: minDelay }),
    Strategy.skipNearDeadline(minDelay)
  )
}

/**
 * Returns the kind of an error of an AWS client, for the option `kindOf` of `checkErrors`.
 *
 * **Details**
 *
 * The first rule that applies decides:
 *
 * 1. The `CheckError.kind` of the error, if it has one.
 * 2. Throttled, if one of its codes is a throttling code of the AWS SDKs (`ThrottlingException`,
 *    `RequestLimitExceeded`, `SlowDown`, ...), if the client marks it as throttled (`$retryable.throttling`), or if its
 *    HTTP status is 429.
 * 3. Transient, if one of its codes is a timeout code, or if the client marks it as retryable (`$retryable`).
 * 4. Transient or permanent by its HTTP status, see `HttpCheckError.isTransientStatus`.
 * 5. Transient without an HTTP status, as for a network error.
 *
 * So an `AccessDeniedException` ends the wait at once. Codes are compared as whole values, never searched in messages.
 *
 * @category destructors
 * @since 0.1.0
 */
export const kindOf = (error: unknown, reader?: Reader): CheckError.Kind => {
  if (hasProperty(error, CheckError.kind)) return CheckError.kindOf(error)
  const codes = (reader?.codes ?? errorCodes)(error)
  const status = (reader?.status ?? httpStatus)(Result.fail(error))
  const isThrottled = codes.some((code) => awsOutcome.throttlingCodes.has(code)) || awsOutcome.isThrottling(error)
  if (isThrottled || status === 429) return CheckError.throttled()
  if (awsOutcome.isRetryable(error) || codes.some((code) => awsOutcome.transientCodes.has(code))) {
    return CheckError.transient()
  }
  return status === undefined || isTransientStatus(status) ? CheckError.transient() : CheckError.permanent()
}

/**
 * Returns all codes of an error.
 *
 * **Details**
 *
 * The codes are the texts in `name`, `Code`, `code`, `__type`, `_tag` and `Error.Code`, of the error and of its causes
 * up to five deep, so that an error wrapped by `Effect.tryPromise` is recognized. The code of
 * `com.example#NotFound:details` is `NotFound`. An AWS client (v3) has the name of the error class in `name`
 * (`DBInstanceNotFoundFault`) and the code of the server in `Code` (`DBInstanceNotFound`). Definitions use either.
 *
 * **Example** (A code without its namespace)
 *
 * ```ts
 * import * as AwsWaiter from "@effect-poll/http/AwsWaiter"
 *
 * AwsWaiter.errorCodes({ __type: "com.amazonaws.dynamodb#ResourceNotFoundException" }) // => ["ResourceNotFoundException"]
 * ```
 *
 * @category destructors
 * @since 0.1.0
 */
export const errorCodes: (error: unknown) => ReadonlyArray<string> = awsOutcome.errorCodes

/**
 * Returns the HTTP status of an outcome, or undefined. Of a value it is `$metadata.httpStatusCode`, as in AWS clients
 * (v3). Of an error it is the same field, or the status of an `HttpCheckError` or of effect's `HttpClientError`; the
 * causes of the error are searched too, up to five deep.
 *
 * @category destructors
 * @since 0.1.0
 */
export const httpStatus: (outcome: Result.Result<unknown, unknown>) => number | undefined = awsOutcome.httpStatus

/**
 * Returns the condition of an acceptor in words: `any of Stacks[].StackStatus is "CREATE_FAILED"`.
 *
 * @category destructors
 * @since 0.1.0
 */
export const describe = ({ matcher }: Acceptor): string => {
  switch (matcher._tag) {
    case "Path": {
      const of = matcher.comparison === "equals" ? "" : matcher.comparison === "all" ? "all of " : "any of "
      return `${of}${matcher.path} is ${JSON.stringify(matcher.expected)}`
    }
    case "Error":
      return typeof matcher.expected === "string"
        ? `the error is ${matcher.expected}`
        : matcher.expected
          ? "there is an error"
          : "there is no error"
    case "Status":
      return `the status is ${matcher.expected}`
  }
}

// ---- internal ----

const policyOf = <E>(policy: Job.CheckErrorPolicy<E> | undefined, reader: Reader): Job.CheckErrorPolicy<E> => ({
  ...policy,
  kindOf: policy?.kindOf ?? ((error) => kindOf(error, reader))
})

const strategyOf = (waiter: Waiter): Strategy.Strategy =>
  waiter.fixed === undefined ? exponential(waiter) : fixed(waiter)

interface Compiled {
  readonly acceptor: Acceptor
  readonly matches: (outcome: Result.Result<unknown, unknown>, options: JudgeOptions | undefined) => boolean
  /** What the path finds in a value. */
  readonly find: jmespath.Expression | undefined
  readonly message: jmespath.Expression | undefined
}

// Only `compileWaiter` writes under this key, and it writes compiled acceptors.
const compiledOf = (waiter: Waiter): ReadonlyArray<Compiled> => waiter[TypeId] as ReadonlyArray<Compiled>

const decode = /*#__PURE__*/ Schema.decodeUnknownResult(Definition)

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, " ")

const labelOf = ({ name }: Definition): string => (name === undefined ? "a waiter" : JSON.stringify(name))

const compileWaiter = (caller: string, definition: Definition, options: LoadOptions | undefined): Waiter => {
  const named = { ...definition, name: options?.name ?? definition.name }
  if (named.failure === "none" && options?.failure !== "optional") {
    throw new RangeError(
      `${caller}: failure must be "optional" for ${labelOf(named)}, which has no acceptor with the state failure, got ${JSON.stringify(options?.failure ?? "required")}`
    )
  }
  const path = (text: string): jmespath.Expression => {
    try {
      return jmespath.compile(text)
    } catch (cause) {
      const problem = cause instanceof Error ? cause.message : String(cause)
      throw new RangeError(
        `${caller}: a path of ${labelOf(named)} must be JMESPath, got ${JSON.stringify(text.slice(0, 100))}: ${problem}`,
        { cause }
      )
    }
  }
  return { ...named, [TypeId]: named.acceptors.map((acceptor) => compileAcceptor(acceptor, path)) }
}

const compileAcceptor = (acceptor: Acceptor, path: (text: string) => jmespath.Expression): Compiled => {
  const { matcher } = acceptor
  const message = acceptor.message === undefined ? undefined : path(acceptor.message)
  switch (matcher._tag) {
    case "Path": {
      const find = path(matcher.path)
      const holds = comparing[matcher.comparison](matcher.expected)
      return {
        acceptor,
        message,
        find: matcher.on === "output" ? find : undefined,
        matches: (outcome, options) =>
          Result.isSuccess(outcome) &&
          holds(find(matcher.on === "output" ? outcome.success : { input: options?.input, output: outcome.success }))
      }
    }
    case "Error": {
      const { expected } = matcher
      const code = typeof expected === "string" ? awsOutcome.bareCode(expected) : undefined
      return {
        acceptor,
        message,
        find: undefined,
        matches: (outcome, options) =>
          code === undefined
            ? Result.isFailure(outcome) === expected
            : Result.isFailure(outcome) && (options?.codes ?? errorCodes)(outcome.failure).includes(code)
      }
    }
    case "Status":
      return {
        acceptor,
        message,
        find: undefined,
        matches: (outcome, options) => (options?.status ?? httpStatus)(outcome) === matcher.expected
      }
  }
}

const comparing = {
  equals: (expected: unknown) => (found: unknown) => isSameJson(found, expected),
  all: (expected: unknown) => (found: unknown) =>
    Array.isArray(found) && found.length > 0 && found.every((each) => isSameJson(each, expected)),
  any: (expected: unknown) => (found: unknown) =>
    Array.isArray(found) && found.some((each) => isSameJson(each, expected))
}

/** As deep as what is expected, which a definition says; `Equal.equals` hashes all of what was found. */
const isSameJson = (found: unknown, expected: unknown): boolean => {
  if (typeof expected !== "object" || expected === null) return found === expected
  if (typeof found !== "object" || found === null || Array.isArray(found) !== Array.isArray(expected)) return false
  const entries = Object.entries(expected)
  return (
    entries.length === Object.keys(found).length &&
    entries.every(([name, value]) => hasProperty(found, name) && isSameJson(found[name], value))
  )
}

const failureOf = <A, E>(waiter: Waiter, acceptor: Acceptor, outcome: Result.Result<A, E>): WaiterFailure<A, E> => {
  const find = compiledOf(waiter).find((each) => each.acceptor === acceptor)?.message
  const message = find === undefined || Result.isFailure(outcome) ? undefined : textOf(find(outcome.success), 500)
  return {
    waiter: waiter.name,
    acceptor,
    outcome,
    message,
    toString: () => describe(acceptor) + (message === undefined ? "" : `: ${message}`)
  }
}

/** The state of a pending check: the word that matched, or what the first path finds. */
const wordOf = (
  waiter: Waiter,
  acceptor: Acceptor | undefined,
  outcome: Result.Result<unknown, unknown>
): string | undefined => {
  const matcher = acceptor?.matcher
  if (matcher?._tag === "Status" || typeof matcher?.expected === "string") return String(matcher.expected)
  const find = compiledOf(waiter).find((each) => each.find !== undefined)?.find
  return find === undefined || Result.isFailure(outcome) ? undefined : textOf(find(outcome.success), 80)
}

/** A text, or the different texts of a list; nothing else. */
const textOf = (found: unknown, atMost: number): string | undefined => {
  const texts = (Array.isArray(found) ? found : [found]).filter((each) => typeof each === "string")
  return texts.length === 0 ? undefined : [...new Set(texts)].join(", ").slice(0, atMost)
}
