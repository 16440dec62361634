/**
 * The models of a job of MCP tasks: its options and those of its requests, the request that starts a task, the detail
 * of a pending task.
 *
 * `McpTasks` exports these types too, and makes such jobs.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { Schedule } from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type * as Job from "effect-poll/Job"
import type { Observation } from "effect-poll/Observation"
import type * as Poll from "effect-poll/Poll"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type { Failure, InputFailed, InputRequest, InputRequired, InvalidAnswer } from "./McpTaskError.ts"
import type { Interpret } from "./Interpretation.ts"
import type { RequestOptions } from "./RequestOptions.ts"

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
 * It fails with a transport error or with a JSON-RPC error. A JSON-RPC error is a `JsonRpcError`, or any error with a
 * negative integer in its `code` or in the `code` of its `reason`, as in effect's `McpClient` and in the MCP SDK. (For
 * a transport error the MCP SDK has the HTTP status in `code`, which is positive.)
 *
 * @category models
 * @since 0.1.0
 */
export interface Call<out E = never, out R = never> {
  (method: string, params: Readonly<Record<string, unknown>>): Effect.Effect<unknown, E, R>
}

/**
 * How a client introduces itself when it opens a session; see `McpTasks.http`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Initialize {
  /** The name and version of the program. */
  readonly clientInfo: { readonly name: string; readonly version: string; readonly title?: string | undefined }
  /** The `capabilities` of the program, as in the specification. Default: none. */
  readonly capabilities?: Readonly<Record<string, unknown>> | undefined
}

/**
 * The options of `McpTasks.http`.
 *
 * @category models
 * @since 0.1.0
 */
export interface HttpOptions<
  out E = never,
  out R = never,
  in out EI = never,
  in out RI = never
> extends RequestOptions {
  /** The endpoint of the server. */
  readonly url: string
  /**
   * The version of the protocol, such as `2025-11-25`. With `initialize` it is the proposed version, and the server
   * decides. Default: none is sent; with `initialize`, `2025-11-25`.
   */
  readonly protocolVersion?: string | undefined
  /** The id of a session that was opened elsewhere. Default: none. */
  readonly sessionId?: Redacted.Redacted | undefined
  /**
   * Opens a session with the request `initialize`: before the first request unless there is a `sessionId`, and again
   * when the server has lost it. Default: no session is opened.
   */
  readonly initialize?: Initialize | undefined
  /**
   * Opens a session in another way than `initialize`, at the same times, and yields its id. Only one of the two may be
   * given. Default: no session is opened.
   */
  readonly openSession?: Effect.Effect<Redacted.Redacted, E, R> | undefined
  /** Added to the `_meta` of each request. Default: nothing. */
  readonly meta?: Readonly<Record<string, unknown>> | undefined
  /**
   * Decides what an answer means, before it is read as JSON-RPC. A `CheckResult` is the result of the check, and not
   * allowed for a submit or cancel. `Interpretation.decode` reads the body whatever the status code. Transient,
   * throttled and permanent fail the request with an `HttpCheckError`. Default: every answer is read as JSON-RPC.
   */
  readonly interpret?: Interpret<never, Failure, EI, RI> | undefined
}

/**
 * The options of a job of MCP tasks. `ED` is the type of the errors of requests for input.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out A, in out E, out R, in out ED = InputRequired> extends Pick<
  Job.Options<string, A, Failure, E | ED | InvalidAnswer, R>,
  "checkTimeout" | "stall" | "confirm" | "stateLimits" | "minInterval" | "onAction"
> {
  /** The dialect of the server. */
  readonly dialect: Dialect
  /** Sends the requests: `McpTasks.http`, or a client of your own. */
  readonly call: Call<E, R>
  /** The Schema of the result of the request, mostly a `CallToolResult`. Default: anything. */
  readonly result?: Schema.Codec<A, unknown> | undefined
  /**
   * What happens without an `onInput` when a task asks for input: `"fail"` ends the wait with `InputRequired`,
   * `"report"` makes it a pending status with the requests in its detail. Default: `"fail"`, so that no wait hangs
   * unnoticed.
   */
  readonly input?: "fail" | "report" | undefined
  /** Whether a result with `isError` makes the job fail or succeed. Default: `"fail"`. */
  readonly toolErrors?: "fail" | "succeed" | undefined
  /**
   * When to check. Default: after the requested delay, from 100 milliseconds to 1 hour; without one, linear from 1
   * second by 2 seconds. Both end with the time to live of the task, see `McpTasks.withinTtl`.
   */
  readonly strategy?: Schedule<unknown, Observation> | undefined
  /**
   * What to do when a check fails. Default: see `Job.CheckErrorPolicy`; the codes decide which errors are transient
   * (see `McpTasks`).
   */
  readonly checkErrors?: Job.CheckErrorPolicy<E | ED | InvalidAnswer> | "unbounded" | undefined
}

/**
 * Handles the requests for input of a task.
 *
 * **Details**
 *
 * It runs concurrently with the wait, once per request, without a time limit; at most 16 run at once. Its value is sent
 * with the next check. If it fails, the next check ends the wait as `CheckRejected` with `InputFailed`.
 *
 * @category models
 * @since 0.1.0
 */
export interface OnInput<out E = never, out R = never> {
  (request: InputRequest): Effect.Effect<unknown, E, R>
}

/**
 * The options of `McpTasks.run`: those of the job, and those of the wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunOptions<A, E, R, EI = never, RI = never, RS = never, E2 = never, R2 = never>
  extends
    Omit<Options<A, E, R, InputRequired | InputFailed<EI>>, keyof Poll.Options<unknown>>,
    Poll.Options<E | InvalidAnswer | InputRequired | InputFailed<EI>, RS>,
    Poll.SubmitOptions {
  /** The name of the job in errors, logs and metrics. Default: `mcp-task`. */
  readonly name?: string | undefined
  /** Handles the requests for input, as for `McpTasks.answering`. Default: the option `input` decides. */
  readonly onInput?: OnInput<EI, RI> | undefined
  /** Receives the token of the wait and the receipt before the first check. See `Poll.run`. Default: nothing does. */
  readonly onReceipt?:
    | ((token: ResumeToken, receipt: Job.Receipt<string, A, Failure>) => Effect.Effect<unknown, E2, R2>)
    | undefined
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
  /** The parameters of the method, sent unchanged. */
  readonly params: Readonly<Record<string, unknown>>
  /**
   * The requested time to live of the task; a positive finite duration. Not part of the extension, where the server
   * decides. Default: the server decides.
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
  E | InvalidAnswer
> {}
