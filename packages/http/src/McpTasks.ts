/**
 * Tasks of the Model Context Protocol: long requests that a server answers with a handle, to be polled.
 *
 * There are two dialects, and they do not understand each other:
 *
 * - `"2025-11-25"`: the tasks of that version of the specification, experimental there
 *   (https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks). The request says that it wants a
 *   task; `tasks/get` tells its status, and `tasks/result` its result.
 * - `"extension"`: the extension `io.modelcontextprotocol/tasks`, for versions of the protocol after 2025-11-25, which
 *   have the other tasks no more (SEP-2663, https://modelcontextprotocol.io/seps/2663-tasks-extension). The server
 *   decides whether there is a task; `tasks/get` holds the result as well, and `tasks/update` takes input.
 *
 * **Details**
 *
 * | `status` | the check |
 * |---|---|
 * | `working` | pending; `statusMessage` is in its detail |
 * | `input_required` | see below |
 * | `completed` | succeeded with the result, or failed with a `ToolError` if it says `isError` |
 * | `failed` | failed with a `RequestError`, a `ToolError` or, where no more is known, `Unexplained` |
 * | `cancelled` | canceled |
 * | any other | `CheckResult.unknownState`: by default the wait fails with `UnknownState` |
 *
 * - In 2025-11-25 the check that finds a task `completed` or `failed` asks for `tasks/result` as well: one request
 *   more, whose JSON-RPC error is that of the task, if it failed.
 * - The poll interval of the server (`pollInterval`, `pollIntervalMs`) is the floor of the next check, and by default
 *   its time. Both dialects say that it should be kept to.
 * - The time to live (`ttl`, `ttlMs`) bounds the strategy of the job: see `withinTtl`.
 * - An unknown task id (the code -32602, which both dialects prescribe; so do tasks that were deleted after their time)
 *   is `CheckResult.missing`: by default `JobNotFound`.
 * - A completed task of the extension without its result is `CheckResult.resultMissing`: it is checked again.
 * - Other JSON-RPC errors are check errors. With an HTTP status of 400..499 they are permanent. Otherwise -32603 and the
 *   codes from -32000 to -32099 that MCP has no meaning for are transient, all others permanent. An error without a code
 *   is classified by `CheckError.kind`: transient, unless it says otherwise.
 * - Texts of the server are cut at 1,000 characters, delays are at most a day, and a task may have at most 16 requests
 *   for input open at once: more are an `InvalidAnswer` of the kind `excessive`, which ends the wait.
 * - `isError` in the result of a tool is a failure in both dialects. Only in 2025-11-25 the status says so too
 *   (`failed`); the extension calls such a task `completed`. `toolErrors: "succeed"` hands the result out instead.
 *
 * **Input.** A task in `input_required` continues only when its requests are answered. A plain `job` answers none, and
 * the task would stay there until its time is over. So by default the check fails with `InputRequired`, which holds the
 * requests and ends the wait as `CheckRejected`; the task itself keeps running, so answer it and wait again. With
 * `input: "report"` the task is pending in that state, with the requests in the detail: for when another part of the
 * program answers. `answering` and `run` take a handler, `onInput`.
 *
 * **Sessions.** A server of 2025-11-25 may have sessions, and loses them when it restarts. With the option `initialize`
 * or `openSession` of `http` the check that finds its session lost opens a new one and asks for the task again. The wait
 * continues if the server has kept the task; otherwise the task is missing. Without these options a lost session is a
 * permanent error.
 *
 * **Gotchas**
 *
 * The key of a wait is the task id, which stands in its errors, logs and spans. Where a server has no authorization,
 * its task ids are credentials.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import { hasProperty } from "effect/Predicate"
import type { Scope } from "effect/Scope"
import type * as Types from "effect/Types"
import * as Poll from "effect-poll/Poll"
import type * as PollError from "effect-poll/PollError"
import type * as Status from "effect-poll/Status"
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
   * Which tasks a server has: those of the specification of that date, or those of the extension (SEP-2663).
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
   * What a client says of itself when it opens a session, see the module `McpTaskJob`.
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
   * The options of a job of MCP tasks, see the module `McpTaskJob`. `ED` are the errors of requests for input.
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
 * Makes the `Job` of a server: it checks a task, submits a request (`Poll.run`) and cancels a task.
 *
 * **Details**
 *
 * - A submit that the server answers without a task has ended at once (`Receipt.ended`): `Poll.run` yields its result,
 *   or fails with `JobFailed`, and no check is made. As there is no task id, the key of that receipt is `(no task)`.
 * - `cancel` asks the server to stop the task. Both dialects call that cooperative; a task that is unknown or has ended
 *   already (-32602) is no error then.
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
 *   // Stands for McpTasks.http({ url: "https://mcp.example.com" }), or any client.
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
 * Makes a job whose tasks are given the input that they ask for, for as long as the scope lives.
 *
 * **Details**
 *
 * `onInput` runs concurrently with the wait, once per request, and may take as long as a person does; what it yields is
 * sent with the next check. If it fails, the next check ends the wait as `CheckRejected` with `InputFailed`. When the
 * task ends, or the scope closes, it is interrupted. At most 16 handlers run at once for a task.
 *
 * - Extension: it yields the response of the request (an `ElicitResult`, say), which goes to the server by
 *   `tasks/update`. Requests are identified by their key, and one that was answered is not asked again.
 * - 2025-11-25: what it yields is not sent, as that dialect has no request for it. The specification asks to call
 *   `tasks/result` then, whose stream brings the requests of the server to the client: with a client that handles
 *   those, `onInput: ({ taskId }) => call("tasks/result", { taskId })` does it. `http` of this module cannot.
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
 * Sends a request and yields its result, whether the server makes a task of it or not.
 *
 * **Details**
 *
 * - Without `onInput` the option `input` decides what a task that asks for input is.
 * - `onReceipt` is as for `Poll.run`: store the token, so that another process can resume the wait.
 * - A tool that fails is a `JobFailed`, also where the server made no task of the request.
 * - Bad options are RangeErrors at the call.
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
  | InvalidAnswer
  | Types.NoInfer<E | E2>,
  Types.NoInfer<R | RI | RS | R2>
> => {
  mcpJob.checkTtl("McpTasks.run", request)
  const { call, dialect, input, name = "mcp-task", onInput, result, toolErrors, ...rest } = options
  const ofJob = { call, dialect, result, toolErrors }
  const wait = { ...rest, checkErrors: { ...rest.checkErrors, kindOf: rest.checkErrors?.kindOf ?? mcpJob.kindOf } }
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
 * Ends a strategy when the time to live of a task is over, counted from the start of the wait.
 *
 * **Details**
 *
 * Both dialects count it from the creation of the task, by the server's clock; as the wait never starts before that,
 * this end never comes too early, whatever the clocks say. The last check comes at that time. After it a server may
 * delete the task and its result, so that there is nothing to wait for: the wait ends as `PollTimeout` with the reason
 * `strategy`. A task that is unlimited, or does not say, leaves the strategy as it is. The time may change while the
 * task runs; the last one counts.
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
 * The detail of a task from its status; undefined unless that is the pending status of a task.
 *
 * @category destructors
 * @since 0.1.0
 */
export const detail = (status: Status.Status<unknown, unknown>): TaskDetail | undefined =>
  status._tag === "Pending" && hasProperty(status.detail, "ttlMillis") && hasProperty(status.detail, "input")
    ? (status.detail as unknown as TaskDetail)
    : undefined

/**
 * Sends JSON-RPC requests over HTTP, as the transport Streamable HTTP of MCP has it.
 *
 * **Details**
 *
 * - An answer in JSON is read, and so is an event stream, until it holds the answer. Requests and notifications of the
 *   server on that stream are skipped. One event is bounded by `maxBody` (8 MiB), as any other answer is.
 * - `initialize` opens a session: the request of that name and `notifications/initialized`, then the header
 *   `Mcp-Session-Id` on every request. The session is opened once for all requests of the `Call`, and anew when the
 *   server has lost it: 404 to a request with a session, or 400 or 404 with a JSON-RPC error about the session. The
 *   request is then sent once more; if that finds no session either, its error is permanent.
 * - `protocolVersion` goes into the header `MCP-Protocol-Version`, and for versions after 2025-11-25 into `_meta` as
 *   well. The headers `Mcp-Method` and `Mcp-Name`, which the extension prescribes (with the task id as the name), are
 *   always set.
 * - An answer outside of 200..299 is a `JsonRpcError` if it holds one, unless it is transient (408, 425, 5xx) or
 *   throttled (429; 503 with a hint; 400 or 403 with rate-limit headers or a throttling code): those, and everything else,
 *   are an `HttpCheckError`.
 * - Session id and task id are redacted in what a client logs of the headers of a request.
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
 * // It has forgotten the session "s-0", and opens "s-1".
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

/** The least delay where a server requests less, 0 for instance, and the longest, the default `maxHint` of a wait. */
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
