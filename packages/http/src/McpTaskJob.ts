/**
 * The models of a job of MCP tasks: its options, the request that starts a task, the detail of a pending task.
 *
 * `McpTasks` exports these types too, and makes such jobs.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { Schedule } from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type * as Job from "effect-poll/Job"
import type { Observation } from "effect-poll/Observation"
import type {
  AnsweredAtOnce,
  FailedAtOnce,
  Failure,
  InputRequest,
  InputRequired,
  InvalidAnswer
} from "./McpTaskError.ts"

/**
 * Which tasks a server has: those of the specification of that date, or those of the extension (SEP-2663).
 *
 * @category models
 * @since 0.1.0
 */
export type Dialect = "2025-11-25" | "extension"

/**
 * Sends a JSON-RPC request and yields the `result` of its answer: `McpTasks.http`, or any client.
 *
 * **Details**
 *
 * It fails with a transport error or with a JSON-RPC error. JSON-RPC errors are `JsonRpcError`, and any error with a
 * negative whole number in its `code` or in the `code` of its `reason`: those of effect's `McpClient` and of the MCP
 * SDK, which keeps an HTTP status in `code` where the transport fails.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call<out E = never, out R = never> {
  (method: string, params: Readonly<Record<string, unknown>>): Effect.Effect<unknown, E, R>
}

/**
 * The options of a job of MCP tasks. `ED` are the errors of requests for input.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out A, in out E, out R, in out ED = InputRequired> {
  /** Which tasks the server has. */
  readonly dialect: Dialect
  /** Sends the requests: `McpTasks.http`, or a client of your own. */
  readonly call: Call<E, R>
  /** The Schema of the result of the request, mostly a `CallToolResult`. Default: anything. */
  readonly result?: Schema.Codec<A, unknown> | undefined
  /** The name of the job in errors, logs and metrics. Default: `mcp-task`. */
  readonly name?: string | undefined
  /**
   * What becomes of a task that asks for input, where there is no `onInput`: `"fail"` with `InputRequired`, or
   * `"report"` it as a pending status with the requests in its detail. Default: `"fail"`, so that no wait hangs
   * unnoticed.
   */
  readonly input?: "fail" | "report" | undefined
  /** Whether a result with `isError` makes the job fail or succeed. Default: `"fail"`. */
  readonly toolErrors?: "fail" | "succeed" | undefined
  /**
   * When to check. Default: after the requested delay, at least 100 milliseconds; without one, linear from 1 second by
   * 2 seconds. Both end with the time to live of the task, see `McpTasks.withinTtl`.
   */
  readonly strategy?: Schedule<unknown, Observation> | undefined
  /**
   * What follows a failed check. Default: the codes decide what is transient (see `McpTasks`), as for any job
   * otherwise.
   */
  readonly checkErrors?: Job.CheckErrorPolicy<E | ED | InvalidAnswer> | undefined
}

/**
 * A request that may be answered with a task.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskRequest {
  /** The JSON-RPC method. Default: `tools/call`, the only one of the extension. */
  readonly method?: string | undefined
  /** The parameters of the method, as they are sent. */
  readonly params: Readonly<Record<string, unknown>>
  /**
   * How long the server is asked to keep the task, a positive finite duration. Default: the server decides, as it
   * always does in the extension.
   */
  readonly ttl?: Duration.Input | undefined
}

/**
 * The detail of the pending status of a task; see `McpTasks.detail`.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskDetail {
  /** The `statusMessage` of the task. */
  readonly message: string | undefined
  /** How long the server keeps the task, in milliseconds from its creation; undefined if it does not say. */
  readonly ttlMillis: number | undefined
  /** The requested delay before the next check, in milliseconds; undefined if there is none. */
  readonly pollIntervalMillis: number | undefined
  /** The requests for input, in the state `input_required`; otherwise undefined. */
  readonly input: ReadonlyArray<InputRequest> | undefined
}

/**
 * A job of MCP tasks: its keys are task ids, its input the request that starts a task.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskJob<out A, in out E, out R, in out ED = InputRequired> extends Job.Job<
  string,
  A,
  Failure,
  E | ED | InvalidAnswer,
  R,
  TaskRequest,
  E | InvalidAnswer | AnsweredAtOnce<A> | FailedAtOnce
> {}
