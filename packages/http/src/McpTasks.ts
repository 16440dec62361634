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
 * - Other JSON-RPC errors are check errors. -32603 and the codes from -32000 to -32099 that MCP has no meaning for are
 *   transient, all others permanent. An error without a code is classified by `CheckError.kind`: transient, unless it
 *   says otherwise.
 * - `isError` in the result of a tool is a failure in both dialects. Only in 2025-11-25 the status says so too
 *   (`failed`); the extension calls such a task `completed`. `toolErrors: "succeed"` hands the result out instead.
 *
 * **Input.** A task in `input_required` goes on only when somebody answers. Nobody does in a plain `job`, and the task
 * would sit there until its time is over; so by default the check fails with `InputRequired`, which holds the requests
 * and ends the wait as `CheckRejected` (the task itself goes on: answer it and wait again). With `input: "report"` the
 * task is pending in that state, with the requests in the detail: for when another part of the program answers.
 * `answering` and `run` take a handler, `onInput`.
 *
 * **Gotchas**
 *
 * The key of a wait is the task id, which stands in its errors, logs and spans. Where a server has no authorization,
 * its task ids are credentials.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Scope } from "effect/Scope"
import type * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type * as PollError from "effect-poll/PollError"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { HttpCheckError } from "./HttpCheckError.ts"
import * as jsonRpc from "./internal/jsonRpc.ts"
import * as mcpInput from "./internal/mcpInput.ts"
import * as mcpJob from "./internal/mcpJob.ts"
import { withMeta } from "./internal/mcpTask.ts"
import * as validate from "./internal/validate.ts"
import {
  AnsweredAtOnce,
  type FailedAtOnce,
  type Failure,
  type InputFailed,
  type InputRequest,
  type InputRequired,
  type InvalidAnswer,
  JsonRpcError
} from "./McpTaskError.ts"
import type { Call, Options, TaskDetail, TaskJob, TaskRequest } from "./McpTaskJob.ts"

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
   * The options of a job of MCP tasks, see the module `McpTaskJob`. `ED` are the errors of requests for input.
   *
   * @category models
   * @since 0.1.0
   */
  Options,
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
 * - A submit that the server answers without a task fails with `AnsweredAtOnce` or `FailedAtOnce`: no job is there to
 *   be watched. `run` handles the first.
 * - `cancel` asks the server to stop the task. Both dialects call that cooperative; a task that is unknown or has ended
 *   already (-32602) is no error then.
 *
 * **Example** (A task that is done at the second check)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as McpTasks from "@effect-poll/http/McpTasks"
 *
 * let checks = 0
 * const Tasks = McpTasks.job({
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
export const job = <A = unknown, E = never, R = never>(options: Options<A, E, R>): TaskJob<A, E, R> =>
  mcpJob.make(
    { ...options, strategy: options.strategy ?? defaultStrategy },
    mcpInput.withoutHandler(options.input ?? "fail")
  )

/**
 * Makes a job whose tasks are given the input that they ask for, for as long as the scope lives.
 *
 * **Details**
 *
 * `onInput` runs beside the wait, once per request, and may take as long as a person does; what it yields is sent with
 * the next check. If it fails, the next check ends the wait as `CheckRejected` with `InputFailed`. When the task ends,
 * or the scope closes, it is interrupted.
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
 *   const Tasks = yield* McpTasks.answering({
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
  options: Omit<Options<A, E, R, InputFailed<EI>>, "input"> & {
    readonly onInput: (request: InputRequest) => Effect.Effect<unknown, EI, RI>
  }
): Effect.Effect<TaskJob<A, E, R, InputFailed<EI>>, never, RI | Scope> =>
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
    return mcpJob.make({ ...options, strategy: options.strategy ?? defaultStrategy }, input)
  })

/**
 * Sends a request and yields its result, whether the server makes a task of it or not.
 *
 * **Details**
 *
 * - `onInput` is as for `answering`; without it, `input` says what a task that asks for input is.
 * - `wait` are the options of the wait, and may hold an `onReceipt` as for `Poll.run`: task ids should be stored, so
 *   that another process can go on with the task.
 * - Bad options are RangeErrors at the call.
 *
 * **Example** (A server that answers at once)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as McpTasks from "@effect-poll/http/McpTasks"
 *
 * const answer = McpTasks.run(
 *   { dialect: "extension", call: () => Effect.succeed({ resultType: "complete", content: [] }) },
 *   { params: { name: "render", arguments: { scene: "forest" } } },
 *   { deadline: "10 minutes" }
 * )
 * await Effect.runPromise(answer) // => { resultType: "complete", content: [] }
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A = unknown, E = never, R = never, EI = never, RI = never, RS = never, E2 = never, R2 = never>(
  options: Options<A, E, R, InputRequired | InputFailed<EI>> & {
    readonly onInput?: ((request: InputRequest) => Effect.Effect<unknown, EI, RI>) | undefined
  },
  request: TaskRequest,
  wait: Poll.Options<E | InvalidAnswer | InputRequired | InputFailed<EI>, RS> & {
    readonly onReceipt?:
      | ((token: ResumeToken, receipt: Job.Receipt<string, A, Failure>) => Effect.Effect<unknown, E2, R2>)
      | undefined
  }
): Effect.Effect<
  A,
  | PollError.PollError<Failure, E | InvalidAnswer | InputRequired | InputFailed<EI>>
  | E
  | InvalidAnswer
  | FailedAtOnce
  | E2,
  R | RI | RS | R2
> => {
  mcpJob.checkTtl("McpTasks.run", request)
  type Watched = TaskJob<A, E, R, InputRequired | InputFailed<EI>>
  const watch = (tasks: Watched) => Poll.run(tasks, request, wait)
  // Without a handler this is the wait; with one it says at the call what is wrong with the options.
  const plain = watch(job<A, E, R>(options) as Watched)
  const { onInput } = options
  const answered =
    onInput === undefined
      ? plain
      : Effect.scoped(
          Effect.flatMap(answering<A, E, R, EI, RI>({ ...options, onInput }), (tasks) => watch(tasks as Watched))
        )
  return Effect.catchIf(answered as typeof plain, isAnsweredAtOnce<A>, ({ value }) => Effect.succeed(value))
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
 *   server on that stream are passed over.
 * - It knows no `initialize`: for a server of 2025-11-25 with sessions, give the `sessionId` that one yielded.
 * - `protocolVersion` goes into the header `MCP-Protocol-Version`, and for versions after 2025-11-25 into `_meta` as
 *   well. The headers `Mcp-Method` and `Mcp-Name`, which the extension prescribes (with the task id as the name), are
 *   always set. `meta` is added to the `_meta` of each request.
 * - An answer outside of 200..299 is a `JsonRpcError` if it holds one, unless its status may pass (408, 425, 429, 5xx):
 *   those, and everything else, are an `HttpCheckError`.
 * - Session id and task id are redacted in what a client logs of the headers of a request.
 *
 * An empty URL is a RangeError.
 *
 * @category constructors
 * @since 0.1.0
 */
export const http = (options: {
  readonly url: string
  /** As `2025-11-25`; default: none is said. */
  readonly protocolVersion?: string | undefined
  readonly sessionId?: Redacted.Redacted | undefined
  readonly meta?: Readonly<Record<string, unknown>> | undefined
}): Call<JsonRpcError | HttpCheckError, HttpClient.HttpClient> => {
  const { meta, protocolVersion, sessionId } = options
  const url = validate.nonEmpty("McpTasks.http: url", options.url)
  const base = HttpClientRequest.post(url).pipe(
    HttpClientRequest.setHeaders({
      ...(protocolVersion === undefined ? {} : { "mcp-protocol-version": protocolVersion }),
      ...(sessionId === undefined ? {} : { "mcp-session-id": Redacted.value(sessionId) })
    })
  )
  const version =
    protocolVersion === undefined || protocolVersion <= "2025-11-25"
      ? undefined
      : { "io.modelcontextprotocol/protocolVersion": protocolVersion }
  const always = version === undefined && meta === undefined ? undefined : { ...version, ...meta }
  let sent = 0
  return (method, params) =>
    Effect.suspend(() => {
      const name = [params["taskId"], params["name"], params["uri"]].find((each) => typeof each === "string")
      const request = HttpClientRequest.setHeaders(base, {
        "mcp-method": jsonRpc.headerValue(method),
        ...(name === undefined ? {} : { "mcp-name": jsonRpc.headerValue(name) })
      })
      return jsonRpc.call(request, ++sent, method, always === undefined ? params : withMeta(params, always))
    }).pipe(
      Effect.flatMap((answer): Effect.Effect<unknown, JsonRpcError> =>
        "error" in answer ? Effect.fail(new JsonRpcError({ method, ...answer.error })) : Effect.succeed(answer.result)
      ),
      Effect.updateService(Headers.CurrentRedactedNames, (names) => [...names, "mcp-session-id", "mcp-name"])
    )
}

// ---- internal ----

const isAnsweredAtOnce = <A>(u: unknown): u is AnsweredAtOnce<A> => u instanceof AnsweredAtOnce

/** The least delay where a server requests less, 0 for instance. */
const minIntervalMillis = 100

const defaultStrategy = /*#__PURE__*/ withinTtl(
  /*#__PURE__*/ Strategy.modify(
    /*#__PURE__*/ Strategy.linear({ initial: "1 second", increment: "2 seconds" }),
    (decision, observation) => {
      const requested = detail(observation.status)?.pollIntervalMillis
      return requested === undefined ? decision : Math.max(minIntervalMillis, requested)
    }
  )
)
