/**
 * The models of a job of MCP tasks: its options and those of its requests, the request that starts a task, the detail of
 * a pending task.
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
 * What a client says of itself when it opens a session, see `McpTasks.http`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Initialize {
  /** The name and version of the program. */
  readonly clientInfo: { readonly name: string; readonly version: string; readonly title?: string | undefined }
  /** What the program can do, as the specification has it. Default: nothing. */
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
   * The version of the protocol, such as `2025-11-25`. With `initialize` it is the version that is proposed, and the
   * server decides. Default: none is sent; with `initialize`, `2025-11-25`.
   */
  readonly protocolVersion?: string | undefined
  /** A session that was opened elsewhere. Default: none. */
  readonly sessionId?: Redacted.Redacted | undefined
  /**
   * Opens a session by `initialize` before the first request, unless there is a `sessionId`, and again when the server
   * has lost it. Default: no session is opened.
   */
  readonly initialize?: Initialize | undefined
  /**
   * Opens a session in a way of your own, at the same times as `initialize` does, and yields its id. Only one of the two
   * may be given. Default: no session is opened.
   */
  readonly openSession?: Effect.Effect<Redacted.Redacted, E, R> | undefined
  /** Added to the `_meta` of each request. Default: nothing. */
  readonly meta?: Readonly<Record<string, unknown>> | undefined
  /**
   * Says what an answer means, before it is read as JSON-RPC. A `CheckResult` is the result of the check (a submit or a
   * cancel has none), `Interpretation.decode` reads the body whatever the status, and transient, throttled and permanent
   * fail the request as an `HttpCheckError`. Default: JSON-RPC alone.
   */
  readonly interpret?: Interpret<never, Failure, EI, RI> | undefined
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
  /**
   * What a task that asks for input is without an `onInput`: `"fail"` ends the wait with `InputRequired`, `"report"`
   * makes it a pending status with the requests in its detail. Default: `"fail"`, so that no wait hangs unnoticed.
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
 * Handles the requests for input of a task.
 *
 * **Details**
 *
 * It runs concurrently with the wait, once per request, for as long as it takes; at most 16 run at once. What it yields
 * is sent with the next check. If it fails, the next check ends the wait as `CheckRejected` with `InputFailed`.
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
    Omit<Options<A, E, R, InputRequired | InputFailed<EI>>, "strategy" | "checkErrors">,
    Poll.Options<E | InvalidAnswer | InputRequired | InputFailed<EI>, RS> {
  /** The name of the job in errors, logs and metrics. Default: `mcp-task`. */
  readonly name?: string | undefined
  /** Handles the requests for input, as for `McpTasks.answering`. Default: the option `input` decides. */
  readonly onInput?: OnInput<EI, RI> | undefined
  /** Stores the token of the wait once the task exists, so that another process can resume it. */
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
  E | InvalidAnswer
> {}
