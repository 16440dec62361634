/**
 * Tasks of the Model Context Protocol: long requests that a server answers with a task, to be polled.
 *
 * There are two incompatible dialects:
 *
 * - `"2025-11-25"`: the tasks of that version of the specification, experimental there
 *   (https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks). The request asks for a task;
 *   `tasks/get` returns its status, and `tasks/result` its result.
 * - `"extension"`: the extension `io.modelcontextprotocol/tasks`, for versions of the protocol after 2025-11-25, which
 *   no longer have the other tasks (SEP-2663, https://modelcontextprotocol.io/seps/2663-tasks-extension). The server
 *   decides whether there is a task; `tasks/get` returns the result as well, and `tasks/update` takes input.
 *
 * **Details**
 *
 * | `status` | the check |
 * |---|---|
 * | `working` | pending; `statusMessage` is in its detail |
 * | `input_required` | see below |
 * | `completed` | succeeded with the result, or failed with a `ToolError` if the result has `isError` |
 * | `failed` | failed with a `RequestError`, a `ToolError` or, if no more is known, `Unexplained` |
 * | `cancelled` | canceled |
 * | any other | `CheckResult.unknownState`: by default the wait fails with `UnknownState` |
 *
 * - In 2025-11-25 the check that finds a task `completed` or `failed` also requests `tasks/result`. If the task failed,
 *   the JSON-RPC error of that request is the failure of the task.
 * - The poll interval of the server (`pollInterval`, `pollIntervalMs`) is the floor of the next check, and by default
 *   its time. Both dialects ask clients to respect it.
 * - The time to live (`ttl`, `ttlMs`) bounds the strategy of the job: see `withinTtl`.
 * - An unknown task id (the code -32602 in both dialects, also for a task that was deleted after its time to live) is
 *   `CheckResult.missing`: by default `JobNotFound`.
 * - A completed task of the extension without its result is `CheckResult.resultMissing`: it is checked again.
 * - Other JSON-RPC errors are check errors. With an HTTP status of 400..499, except 408, 425 and 429, they are
 *   permanent. Otherwise -32603 and the codes from -32000 to -32099 that MCP does not define are transient, all others
 *   permanent. An error without a code has the kind of `CheckError.kind`, by default transient.
 * - Texts of the server are cut at 1,000 characters, and delays are at most a day. A task may have at most 16 open
 *   requests for input. More are an `InvalidAnswer` of the kind `excessive`, which ends the wait.
 * - `isError` in the result of a tool is a failure in both dialects. In 2025-11-25 such a task has the status `failed`,
 *   in the extension `completed`. With `toolErrors: "succeed"` that result is a success.
 *
 * **Input.** A task in `input_required` continues only when its requests are answered. A plain `job` cannot answer them. So
 * by default the check fails with `InputRequired`, which has the requests and ends the wait as `CheckRejected`. The
 * task keeps running: answer its requests and wait again. With `input: "report"` the task is pending in that state,
 * with the requests in its detail, and another part of the program answers them. `answering` and `run` take a handler,
 * `onInput`. With `input: "report"` and with `onInput` the pending status has an `action`, so there is an event
 * `ActionRequired`, and the option `onAction` of the wait applies. The detail of the action is the requests; its kind is
 * their method, if all have the same one. Other requests are another action.
 *
 * **Sessions.** A server of 2025-11-25 may use sessions, and loses them when it restarts. With the option `initialize` or
 * `openSession` of `http`, a check whose session is lost opens a new one and sends its request again. The wait
 * continues if the server still has the task; otherwise the task is missing. Without these options a lost session is a
 * permanent error.
 *
 * **Gotchas**
 *
 * The key of a wait is the task id, which is in its errors, logs and spans. If a server has no authorization, its task
 * ids are credentials.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import { hasProperty } from "effect/Predicate"
import type { Scope } from "effect/Scope"
import type * as Types from "effect/Types"
import { checkErrorPolicy } from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type * as PollError from "effect-poll/PollError"
import type * as Status from "effect-poll/Status"
import type { SubmitError } from "effect-poll/SubmitError"
import * as Strategy from "effect-poll/Strategy"
import type { HttpCheckError } from "./HttpCheckError.ts"
import * as mcpHttp from "./internal/mcp/http.ts"
import * as mcpInput from "./internal/mcp/input.ts"
import * as mcpJob from "./internal/mcp/job.ts"
import type { Failure, InputFailed, InputRequired, InvalidAnswer, JsonRpcError } from "./McpTaskError.ts"
import type { Call, HttpOptions, OnInput, Options, RunOptions, TaskDetail, TaskJob, TaskRequest } from "./McpTaskJob.ts"

export type {
  /**
   * Sends a JSON-RPC request and yields the `result` of its answer: `http` of this module, or any client. Its errors:
   * see the module `McpTaskJob`.
   *
   * @category models
   * @since 0.1.0
   */
  Call,
  /**
   * The dialect of a server: the specification of that date, or the extension (SEP-2663).
   *
   * @category models
   * @since 0.1.0
   */
  Dialect,
  /**
   * The options of `http`, see the module `McpTaskJob`.
   *
   * @category models
   * @since 0.1.0
   */
  HttpOptions,
  /**
   * How a client introduces itself when it opens a session; see the module `McpTaskJob`.
   *
   * @category models
   * @since 0.1.0
   */
  Initialize,
  /**
   * Handles the requests for input of a task, see the module `McpTaskJob`.
   *
   * @category models
   * @since 0.1.0
   */
  OnInput,
  /**
   * The options of a job of MCP tasks; see the module `McpTaskJob`. `ED` is the type of the errors of requests for
   * input.
   *
   * @category models
   * @since 0.1.0
   */
  Options,
  /**
   * The options of `run`: those of the job, and those of the wait. See the module `McpTaskJob`.
   *
   * @category models
   * @since 0.1.0
   */
  RunOptions,
  /**
   * The detail of the pending status of a task.
   *
   * @category models
   * @since 0.1.0
   */
  TaskDetail,
  /**
   * A job of MCP tasks: its keys are task ids, its input the request that starts a task.
   *
   * @category models
   * @since 0.1.0
   */
  TaskJob,
  /**
   * A request that may be answered with a task.
   *
   * @category models
   * @since 0.1.0
   */
  TaskRequest
} from "./McpTaskJob.ts"

/**
 * Creates the `Job` of a server. It submits requests (`Poll.run`), checks tasks and cancels them.
 *
 * **Details**
 *
 * - If the server answers a submit without a task, the job has already ended (`Receipt.ended`): `Poll.run` yields the
 *   result, or fails with `JobFailed`, without a check. The key of that receipt is `(no task)`.
 * - `cancel` asks the server to stop the task; the task may end otherwise. For `cancel`, a task that is unknown or has
 *   already ended (-32602) is no error.
 *
 * An empty name is a RangeError.
 *
 * **Example** (A task that is done at the second check)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as McpTasks from "@effect-poll/http/McpTasks"
 *
 * let checks = 0
 * const Tasks = McpTasks.job("mcp-task", {
 *   dialect: "extension",
 *   // In place of McpTasks.http({ url: "https://mcp.example.com" }), or of any client.
 *   call: (_method, { taskId }) =>
 *     Effect.sync(() =>
 *       ++checks < 2
 *         ? { taskId, status: "working", ttlMs: 60_000, pollIntervalMs: 1 }
 *         : { taskId, status: "completed", ttlMs: 60_000, result: { content: [{ type: "text", text: "done" }] } }
 *     )
 * })
 * const result = await Effect.runPromise(Poll.until(Tasks, "t1", { deadline: "1 minute" }))
 * result // => { content: [{ type: "text", text: "done" }] }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const job = <A = unknown, E = never, R = never>(
  name: string,
  options: Options<A, E, R>
): TaskJob<Types.NoInfer<A>, Types.NoInfer<E>, Types.NoInfer<R>> =>
  mcpJob.make(
    name,
    { ...options, strategy: options.strategy ?? defaultStrategy },
    mcpInput.withoutHandler(options.input ?? "fail")
  )

/**
 * Creates a job that answers the requests of its tasks for input, as long as the scope lives.
 *
 * **Details**
 *
 * `onInput` runs concurrently with the wait, once per request, without a time limit. Its value is sent with the next
 * check. If it fails, the next check ends the wait as `CheckRejected` with `InputFailed`. When the task ends or the
 * scope closes, it is interrupted. At most 16 handlers run at once for a task.
 *
 * - Extension: it yields the response to the request, for example an `ElicitResult`, which is sent with `tasks/update`.
 *   Requests are identified by their key, and each is handled once.
 * - 2025-11-25: its value is not sent, because that dialect has no request for it. There the client must call
 *   `tasks/result` and answer the requests that arrive on its stream. With a client that does this, use
 *   `onInput: ({ taskId }) => call("tasks/result", { taskId })`. `http` of this module cannot do it.
 *
 * The option `input` has no meaning here.
 *
 * **Example** (A task that asks for a name)
 *
 * ```ts no-run
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as McpTasks from "@effect-poll/http/McpTasks"
 *
 * export const greeting = Effect.gen(function* () {
 *   const Tasks = yield* McpTasks.answering("greeting", {
 *     dialect: "extension",
 *     call: McpTasks.http({ url: "https://mcp.example.com", protocolVersion: "2026-07-28" }),
 *     onInput: (request) => Effect.succeed({ action: "accept", content: { [request.key ?? "name"]: "Ada" } })
 *   })
 *   return yield* Poll.until(Tasks, "task-1", { deadline: "1 hour" })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const answering = <A = unknown, E = never, R = never, EI = never, RI = never>(
  name: string,
  options: Omit<Options<A, E, R, InputFailed<EI>>, "input"> & {
    /** Handles the requests for input: see `OnInput`. */
    readonly onInput: OnInput<EI, RI>
  }
): Effect.Effect<TaskJob<Types.NoInfer<A>, E, R, InputFailed<EI>>, never, Types.NoInfer<RI> | Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const context = yield* Effect.context<RI>()
    const input = mcpInput.withHandler((request) =>
      Effect.forkIn(
        Effect.provideContext(
          Effect.suspend(() => options.onInput(request)),
          context
        ),
        scope
      )
    )
    return mcpJob.make(name, { ...options, strategy: options.strategy ?? defaultStrategy }, input)
  })

/**
 * Sends a request and yields its result, whether or not the server creates a task.
 *
 * **Details**
 *
 * - Without `onInput` the option `input` decides what happens when a task asks for input.
 * - `onReceipt` is that of `Poll.run`: store the token, so that another process can resume the wait.
 * - A tool that fails is a `JobFailed`, also if the server created no task.
 * - Out-of-range options are RangeErrors at the call.
 *
 * **Example** (A server that answers at once)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as McpTasks from "@effect-poll/http/McpTasks"
 *
 * const answer = McpTasks.run(
 *   { params: { name: "render", arguments: { scene: "forest" } } },
 *   {
 *     dialect: "extension",
 *     call: () => Effect.succeed({ resultType: "complete", content: [] }),
 *     deadline: "10 minutes"
 *   }
 * )
 * await Effect.runPromise(answer) // => { resultType: "complete", content: [] }
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A = unknown, E = never, R = never, EI = never, RI = never, RS = never, E2 = never, R2 = never>(
  request: TaskRequest,
  options: RunOptions<A, E, R, EI, RI, RS, E2, R2>
): Effect.Effect<
  Types.NoInfer<A>,
  | PollError.PollError<Failure, E | InvalidAnswer | InputRequired | InputFailed<EI>>
  | SubmitError
  | InvalidAnswer
  | Types.NoInfer<E | E2>,
  Types.NoInfer<R | RI | RS | R2>
> => {
  mcpJob.checkTtl("McpTasks.run", request)
  const { call, dialect, input, name = "mcp-task", onInput, result, toolErrors, ...rest } = options
  const ofJob = { call, dialect, result, toolErrors }
  const tolerance = rest.checkErrors && checkErrorPolicy(rest.checkErrors)
  const wait = { ...rest, checkErrors: { ...tolerance, kindOf: tolerance?.kindOf ?? mcpJob.kindOf } }
  type Watched = TaskJob<A, E, R, InputRequired | InputFailed<EI>>
  const watch = (tasks: Watched) => Poll.run(tasks, request, wait)
  // With a handler, this validates the options of the wait at the call.
  const plain = watch(job<A, E, R>(name, { ...ofJob, input }) as Watched)
  return onInput === undefined
    ? plain
    : Effect.scoped(
        Effect.flatMap(answering<A, E, R, EI, RI>(name, { ...ofJob, onInput }), (tasks) => watch(tasks as Watched))
      )
}

/**
 * Ends a strategy when the time to live of the task is over, counted from the start of the wait.
 *
 * **Details**
 *
 * Both dialects count the time to live from the creation of the task, by the clock of the server. A wait starts later
 * than that, so its strategy never ends too early. The last check is made at that time. After it the server may delete
 * the task and its result, so the wait ends as `PollTimeout` with the reason `strategy`. A task without a time to live
 * leaves the strategy unchanged. The time to live may change while the task runs; the last value counts.
 *
 * @category strategies
 * @since 0.1.0
 */
export const withinTtl = (self: Strategy.Strategy): Strategy.Strategy =>
  Strategy.modify(self, (decision, observation) => {
    const ttlMillis = detail(observation.status)?.ttlMillis
    if (ttlMillis === undefined || decision === "end") return decision
    return observation.elapsedMillis >= ttlMillis ? "end" : Math.min(decision, ttlMillis - observation.elapsedMillis)
  })

/**
 * Returns the detail of a task from its pending status; undefined for any other status.
 *
 * @category destructors
 * @since 0.1.0
 */
export const detail = (status: Status.Status<unknown, unknown>): TaskDetail | undefined =>
  status._tag === "Pending" && hasProperty(status.detail, "ttlMillis") && hasProperty(status.detail, "input")
    ? (status.detail as unknown as TaskDetail)
    : undefined

/**
 * Creates a `Call` that sends JSON-RPC requests over HTTP, by the transport Streamable HTTP of MCP.
 *
 * **Details**
 *
 * - An answer is JSON, or an event stream, which is read until it contains the answer. Requests and notifications of
 *   the server on that stream are skipped. `maxBody` (8 MiB) limits a JSON answer and each event.
 * - `initialize` opens a session with the request of that name and `notifications/initialized`. Every later request has
 *   the header `Mcp-Session-Id`. One session serves all requests of the `Call`. A session is lost if a request with it
 *   is answered with 404, or with 400 or 404 and a JSON-RPC error about the session. Then another session is opened and
 *   the request sent once more; if that session is lost too, the error is permanent.
 * - `protocolVersion` is sent in the header `MCP-Protocol-Version`, and for versions after 2025-11-25 in `_meta` as
 *   well. The headers `Mcp-Method` and `Mcp-Name`, which the extension requires (with the task id as the name), are
 *   always set.
 * - An answer outside of 200..299 that contains a JSON-RPC error is a `JsonRpcError`, unless it is transient (408, 425,
 *   5xx) or throttled (429; 503 with a hint; 400 or 403 with rate-limit headers or a throttling code). Every other
 *   answer outside of 200..299 is an `HttpCheckError`.
 * - Where a client logs the headers of a request, session id and task id are redacted.
 *
 * An empty URL, an empty name or version in `initialize`, and `initialize` together with `openSession` are RangeErrors.
 *
 * **Example** (A server that has restarted)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Redacted from "effect/Redacted"
 * import * as McpTasks from "@effect-poll/http/McpTasks"
 *
 * // The server has lost the session "s-0", and opens "s-1".
 * const server = HttpClient.make((request) => {
 *   const { "mcp-method": method, "mcp-session-id": session } = request.headers
 *   const answer =
 *     method === "initialize"
 *       ? Response.json(
 *           { jsonrpc: "2.0", id: 2, result: { protocolVersion: "2025-11-25" } },
 *           { headers: { "mcp-session-id": "s-1" } }
 *         )
 *       : session === "s-1"
 *         ? Response.json({ jsonrpc: "2.0", id: 3, result: { taskId: "t1", status: "working" } })
 *         : new Response(null, { status: 404 })
 *   return Effect.succeed(HttpClientResponse.fromWeb(request, answer))
 * })
 * const call = McpTasks.http({
 *   url: "https://mcp.example.com",
 *   sessionId: Redacted.make("s-0"),
 *   initialize: { clientInfo: { name: "example", version: "1.0.0" } }
 * })
 * const task = call("tasks/get", { taskId: "t1" })
 * await Effect.runPromise(Effect.provideService(task, HttpClient.HttpClient, server)) // => { taskId: "t1", status: "working" }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const http = <E = never, R = never, EI = never, RI = never>(
  options: HttpOptions<E, R, EI, RI>
): Call<JsonRpcError | HttpCheckError | E | EI, HttpClient.HttpClient | R | RI> => mcpHttp.make(options)

// ---- internal ----

/** The bounds of the requested delay; the upper one is the default `maxHint` of a wait. */
const minIntervalMillis = 100
const maxIntervalMillis = 3_600_000

const defaultStrategy = /*#__PURE__*/ withinTtl(
  /*#__PURE__*/ Strategy.modify(
    /*#__PURE__*/ Strategy.linear({ initial: "1 second", increment: "2 seconds" }),
    (decision, observation) => {
      const requested = detail(observation.status)?.pollIntervalMillis
      return requested === undefined ? decision : Math.min(maxIntervalMillis, Math.max(minIntervalMillis, requested))
    }
  )
)
