/**
 * The job of an MCP server that has tasks: its options, what starts a task, and what a pending task says.
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
 * It fails with a transport error, or with a JSON-RPC error. A `JsonRpcError` is one, and so is any error with a negative
 * whole number as its `code`, or as the `code` of its `reason`: those of effect's `McpClient` and of the MCP SDK. (That
 * SDK keeps an HTTP status in `code` where the transport fails.)
 *
 * @category models
 * @since 0.1.0
 */
export interface Call<out E = never, out R = never> {
  (method: string, params: Readonly<Record<string, unknown>>): Effect.Effect<unknown, E, R>
}

/**
 * The options of a job. `ED` is what goes wrong with requests for input.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out A, in out E, out R, in out ED = InputRequired> {
  readonly dialect: Dialect
  readonly call: Call<E, R>
  /** The Schema of the result of the request (of a `CallToolResult`, mostly); default: anything. */
  readonly result?: Schema.Codec<A, unknown> | undefined
  /** What the job is called; default `mcp-task`. */
  readonly name?: string | undefined
  /**
   * What a task that asks for input is, where nobody here answers: `"fail"` with `InputRequired` (the default, so that no
   * wait goes on in silence), or `"report"` it as a pending status.
   */
  readonly input?: "fail" | "report" | undefined
  /** What a result with `isError` is; default `"fail"`. */
  readonly toolErrors?: "fail" | "succeed" | undefined
  /**
   * When to check. Default: as the server wishes, but with at least 100 milliseconds between checks; linear from 1 second by
   * 2 seconds where it says nothing; `McpTasks.withinTtl`.
   */
  readonly strategy?: Schedule<unknown, Observation> | undefined
  /** What follows when a check fails; default: by the codes as `McpTasks` says, otherwise as for any job. */
  readonly checkErrors?: Job.CheckErrorPolicy<E | ED | InvalidAnswer> | undefined
}

/**
 * A request that may be answered with a task.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskRequest {
  /** Default `tools/call`, the only one of the extension. */
  readonly method?: string | undefined
  readonly params: Readonly<Record<string, unknown>>
  /**
   * How long the server is asked to keep the task, a positive finite duration; default: as long as it wishes. The
   * extension has no such wish, and leaves it out.
   */
  readonly ttl?: Duration.Input | undefined
}

/**
 * The detail of a pending status.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskDetail {
  /** The `statusMessage`. */
  readonly message: string | undefined
  /** How long the server keeps the task, in milliseconds from its creation; undefined if it does not say. */
  readonly ttlMillis: number | undefined
  /** The requested delay before the next check, in milliseconds; undefined if there is none. */
  readonly pollIntervalMillis: number | undefined
  /** What it asks for, in the state `input_required`. */
  readonly input: ReadonlyArray<InputRequest> | undefined
}

/**
 * The job of an MCP server, by task id.
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
