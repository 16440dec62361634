import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as Poll from "effect-poll/Poll"
import * as CheckError from "effect-poll/CheckError"
import * as PollError from "effect-poll/PollError"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as McpTaskError from "@effect-poll/http/McpTaskError"
import * as McpTasks from "@effect-poll/http/McpTasks"

type Params = Readonly<Record<string, unknown>>

interface Sent {
  readonly method: string
  readonly params: Params
  readonly at: number
}

const rpcError = (code: number, description = "", data?: unknown) =>
  new McpTaskError.JsonRpcError({ method: "test", code, description, data })

/** Answers each method in turn, the last answer for ever; an Error is failed with. Notes what was sent, in seconds. */
const server = (script: Readonly<Record<string, ReadonlyArray<unknown>>>) => {
  const sent: Array<Sent> = []
  const call = (method: string, params: Params): Effect.Effect<unknown, Error> =>
    Effect.gen(function* () {
      const at = (yield* Clock.currentTimeMillis) / 1000
      sent.push({ method, params, at })
      const answers = script[method] ?? []
      const times = sent.filter((each) => each.method === method).length
      const given = answers[Math.min(times, answers.length) - 1]
      return given instanceof Error ? yield* Effect.fail(given) : given
    })
  const times = (method: string) => sent.filter((each) => each.method === method).map((each) => each.at)
  return { call, sent, times }
}

/** A task as 2025-11-25 has it. */
const old = (status: string, more: object = {}) => ({
  taskId: "t1",
  status,
  createdAt: "2025-11-25T10:30:00Z",
  lastUpdatedAt: "2025-11-25T10:40:00Z",
  ttl: 60_000,
  pollInterval: 5000,
  ...more
})

/** A task as the extension has it. */
const ext = (status: string, more: object = {}) => ({
  resultType: "complete",
  taskId: "t1",
  status,
  createdAt: "2025-11-25T10:30:00Z",
  lastUpdatedAt: "2025-11-25T10:40:00Z",
  ttlMs: 60_000,
  pollIntervalMs: 5000,
  ...more
})

const content = { content: [{ type: "text", text: "Hello" }], isError: false }
const toolError = {
  content: [
    { type: "text", text: "no such" },
    { type: "text", text: "city" }
  ],
  isError: true
}

const capable = {
  "io.modelcontextprotocol/clientCapabilities": { extensions: { "io.modelcontextprotocol/tasks": {} } }
}

const dialects = {
  "2025-11-25": { task: old, dialect: "2025-11-25" },
  extension: { task: ext, dialect: "extension" }
} as const

/** Runs to the end on the test clock; says how it ended and when, in seconds. */
const ran = <A, E, R>(effect: Effect.Effect<A, E, R>, within: Duration.Input = "1 hour") =>
  Effect.gen(function* () {
    yield* TestClock.setTime(0)
    const fiber = yield* Effect.forkChild(
      Effect.flatMap(Effect.exit(effect), (exit) =>
        Effect.map(Clock.currentTimeMillis, (now) => ({ exit, at: now / 1000 }))
      )
    )
    yield* TestClock.adjust(within)
    return yield* Fiber.join(fiber)
  })

const errorOf = <E>(exit: Exit.Exit<unknown, E>): E | undefined => {
  const found = Exit.findErrorOption(exit)
  return found._tag === "Some" ? found.value : undefined
}

const rejectedWith = (exit: Exit.Exit<unknown, unknown>): unknown => {
  const failed = errorOf(exit)
  return failed instanceof PollError.CheckRejected ? failed.error : failed
}

const jobFailure = (exit: Exit.Exit<unknown, unknown>): McpTaskError.Failure | undefined => {
  const failed = errorOf(exit)
  return failed instanceof PollError.JobFailed ? (failed.failure as McpTaskError.Failure) : undefined
}

/** What kind of failure it is and what it holds, without its `toString`. */
const plain = (failure: McpTaskError.Failure | undefined): unknown => JSON.parse(JSON.stringify(failure ?? null))

const wait = { deadline: "1 hour" } as const

describe("McpTasks", () => {
  describe("both dialects", () => {
    for (const { dialect, task } of Object.values(dialects)) {
      describe(dialect, () => {
        const done = dialect === "extension" ? task("completed", { result: content }) : task("completed")

        it.effect("waits as long as the server wishes, and yields the result", () =>
          Effect.gen(function* () {
            const { call, sent, times } = server({
              "tasks/get": [task("working"), task("working", { pollInterval: 9000, pollIntervalMs: 9000 }), done],
              "tasks/result": [content]
            })
            const { at, exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect, call }), "t1", wait))
            assert.deepStrictEqual(exit, Exit.succeed(content))
            assert.strictEqual(at, 14)
            assert.deepStrictEqual(times("tasks/get"), [0, 5, 14])
            assert.deepStrictEqual(times("tasks/result"), dialect === "extension" ? [] : [14])
            assert.deepStrictEqual(
              sent[0]!.params,
              dialect === "extension" ? { taskId: "t1", _meta: capable } : { taskId: "t1" }
            )
          })
        )

        it.effect("without a wish, the strategy of the job; an unreadable one is counted", () =>
          Effect.gen(function* () {
            const none = { pollInterval: undefined, pollIntervalMs: undefined }
            const odd = { pollInterval: "5s", pollIntervalMs: "5s" }
            const { call, times } = server({
              "tasks/get": [task("working", none), task("working", odd), task("working", odd), task("cancelled")]
            })
            const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect, call }), "t1", wait))
            const failed = errorOf(exit)
            assert.strictEqual(failed?._tag, "JobCanceled")
            assert.deepStrictEqual(times("tasks/get"), [0, 1, 4, 9])
            assert.strictEqual(failed?._tag === "JobCanceled" && failed.hints.unreadable, 2)
          })
        )

        it.effect("a wish for no pause at all is no hot loop", () =>
          Effect.gen(function* () {
            const none = { pollInterval: 0, pollIntervalMs: 0 }
            const { call, times } = server({ "tasks/get": [task("working", none), task("working", none), done] })
            yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect, call }), "t1", wait))
            assert.deepStrictEqual(times("tasks/get"), [0, 0.1, 0.2])
          })
        )

        it.effect("decodes the result, and says what does not fit", () =>
          Effect.gen(function* () {
            const result = Schema.Struct({ content: Schema.Array(Schema.Struct({ text: Schema.String })) })
            const check = (given: unknown) => {
              const { call } = server({
                "tasks/get": [dialect === "extension" ? task("completed", { result: given }) : task("completed")],
                "tasks/result": [given]
              })
              return ran(Poll.until(McpTasks.job("mcp-task", { dialect, call, result }), "t1", wait))
            }
            assert.deepStrictEqual((yield* check(content)).exit, Exit.succeed({ content: [{ text: "Hello" }] }))
            const error = rejectedWith((yield* check({ content: "SECRET" })).exit)
            assert.instanceOf(error, McpTaskError.InvalidAnswer)
            if (!(error instanceof McpTaskError.InvalidAnswer)) return
            assert.strictEqual(error.kind, "malformed")
            assert.include(error.message, '["content"]')
            assert.notInclude(error.message, "SECRET")
          })
        )

        it.effect("a tool error is a failure, or a result if that is wished", () =>
          Effect.gen(function* () {
            const { call } = server({
              "tasks/get": [dialect === "extension" ? task("completed", { result: toolError }) : task("completed")],
              "tasks/result": [toolError]
            })
            const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect, call }), "t1", wait))
            const failure = jobFailure(exit)
            assert.deepStrictEqual(plain(failure), { _tag: "ToolError", result: toolError })
            assert.strictEqual(String(failure), "no such city")
            const handed = yield* ran(
              Poll.until(McpTasks.job("mcp-task", { dialect, call, toolErrors: "succeed" }), "t1", wait)
            )
            assert.deepStrictEqual(handed.exit, Exit.succeed(toolError))
          })
        )

        it.effect("a failed request says its error", () =>
          Effect.gen(function* () {
            const rpc = { code: -32603, message: "API rate limit exceeded", data: { limit: 3 } }
            const statusMessage = "Tool execution failed"
            const { call } = server({
              "tasks/get": [
                task("failed", dialect === "extension" ? { error: rpc, statusMessage } : { statusMessage })
              ],
              "tasks/result": [rpcError(rpc.code, rpc.message, rpc.data)]
            })
            const { at, exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect, call }), "t1", wait))
            assert.strictEqual(at, 0)
            const failure = jobFailure(exit)
            assert.deepStrictEqual(plain(failure), {
              _tag: "RequestError",
              code: -32603,
              description: "API rate limit exceeded",
              data: { limit: 3 },
              message: statusMessage
            })
            assert.strictEqual(String(failure), "Tool execution failed (code -32603)")
            assert.include((errorOf(exit) as Error).message, "Tool execution failed (code -32603)")
          })
        )

        it.effect("an unknown task is missing", () =>
          Effect.gen(function* () {
            const { call, times } = server({
              "tasks/get": [task("working"), rpcError(-32602, "Failed to retrieve task: Task not found")]
            })
            const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect, call }), "t1", wait))
            assert.strictEqual(errorOf(exit)?._tag, "JobNotFound")
            assert.deepStrictEqual(times("tasks/get"), [0, 5])
          })
        )

        it.effect("transport errors and internal errors are borne, others end the wait", () =>
          Effect.gen(function* () {
            const { call, times } = server({
              "tasks/get": [new Error("socket"), rpcError(-32603), rpcError(-32000), rpcError(-32001), done],
              "tasks/result": [content]
            })
            const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect, call }), "t1", wait))
            assert.isTrue(Exit.isSuccess(exit))
            assert.deepStrictEqual(times("tasks/get"), [0, 1, 3, 7, 15])
            for (const code of [-32700, -32600, -32601, -32021, -32042, -1, 7]) {
              const error = rpcError(code)
              const refused = server({ "tasks/get": [error] })
              const ended = yield* ran(
                Poll.until(McpTasks.job("mcp-task", { dialect, call: refused.call }), "t1", wait)
              )
              assert.strictEqual(rejectedWith(ended.exit), error)
              assert.strictEqual(refused.sent.length, 1)
            }
          })
        )

        it.effect("the codes of another client count too", () =>
          Effect.gen(function* () {
            const foreign = (code: unknown) => Object.assign(new Error("MCP error"), { code })
            for (const [error, expected] of [
              [foreign(-32602), "JobNotFound"],
              [Object.assign(new Error("x"), { reason: { code: -32602 } }), "JobNotFound"],
              [foreign(-32601), "CheckRejected"],
              [foreign("ECONNRESET"), "CheckErrorsExhausted"],
              [foreign(-32603), "CheckErrorsExhausted"],
              [foreign(-1.5), "CheckErrorsExhausted"],
              // An HTTP status, as the transport of the MCP SDK has it.
              [foreign(500), "CheckErrorsExhausted"],
              [foreign(20), "CheckErrorsExhausted"]
            ] as const) {
              const { call } = server({ "tasks/get": [error] })
              const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect, call }), "t1", wait))
              assert.strictEqual((errorOf(exit) as { readonly _tag: string })._tag, expected, String(error))
            }
          })
        )

        it.effect("an unknown state and what is no task", () =>
          Effect.gen(function* () {
            for (const [answer, expected] of [
              [task("paused"), "UnknownState"],
              ["<html>", "CheckRejected"],
              [undefined, "CheckRejected"],
              [{ taskId: "t1", status: 3 }, "CheckRejected"]
            ] as const) {
              const { call } = server({ "tasks/get": [answer] })
              const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect, call }), "t1", wait))
              assert.strictEqual(errorOf(exit)?._tag, expected)
            }
          })
        )

        it.effect("the time to live ends the wait, with a last check", () =>
          Effect.gen(function* () {
            const short = { ttl: 12_000, ttlMs: 12_000, pollInterval: 4000, pollIntervalMs: 4000 }
            const { call, times } = server({ "tasks/get": [task("working", short)] })
            const slow = McpTasks.withinTtl(Strategy.spaced("10 seconds"))
            const { at, exit } = yield* ran(
              Poll.until(McpTasks.job("mcp-task", { dialect, call, strategy: slow }), "t1", { deadline: "unbounded" })
            )
            const failed = errorOf(exit)
            assert.strictEqual(failed?._tag === "PollTimeout" && failed.reason, "strategy")
            assert.deepStrictEqual([at, times("tasks/get")], [14, [0, 10, 14]])
          })
        )

        it.effect("a time to live that is unlimited or odd bounds nothing", () =>
          Effect.gen(function* () {
            for (const ttl of [null, undefined, 0, -1, "1 hour"]) {
              const { call, times } = server({
                "tasks/get": [
                  task("working", { ttl, ttlMs: ttl }),
                  task("working", { ttl, ttlMs: ttl }),
                  task("cancelled")
                ]
              })
              yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect, call }), "t1", wait))
              assert.deepStrictEqual(times("tasks/get"), [0, 5, 10], String(ttl))
            }
          })
        )

        it.effect("cancel - asks once, and a task that has ended is no error", () =>
          Effect.gen(function* () {
            for (const [answer, expected] of [
              [task("cancelled"), "canceled"],
              [rpcError(-32602, "already in terminal status"), "canceled"],
              [rpcError(-32601), "CancelFailed"]
            ] as const) {
              const { call, sent } = server({
                "tasks/get": [task("working"), task("cancelled")],
                "tasks/cancel": [answer]
              })
              const asked = yield* Effect.scoped(
                Effect.gen(function* () {
                  const handle = yield* Poll.start(McpTasks.job("mcp-task", { dialect, call }), "t1", wait)
                  yield* TestClock.adjust("1 second")
                  return yield* Effect.match(handle.cancel, {
                    onSuccess: () => "canceled",
                    onFailure: (error) => error._tag
                  })
                })
              )
              assert.strictEqual(asked, expected)
              assert.deepStrictEqual(
                sent.find((each) => each.method === "tasks/cancel")?.params,
                dialect === "extension" ? { taskId: "t1", _meta: capable } : { taskId: "t1" }
              )
            }
          })
        )

        it.effect("input that nobody gives is a typed end by default", () =>
          Effect.gen(function* () {
            const { call, times } = server({
              "tasks/get": [
                task("working"),
                task("input_required", {
                  statusMessage: "Your name?",
                  inputRequests: { name: { method: "elicitation/create", params: { message: "name" } } }
                })
              ]
            })
            const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect, call }), "t1", wait))
            const error = rejectedWith(exit)
            assert.instanceOf(error, McpTaskError.InputRequired)
            if (!(error instanceof McpTaskError.InputRequired)) return
            assert.strictEqual(error.taskId, "t1")
            assert.deepStrictEqual(error.requests, [
              dialect === "extension"
                ? {
                    taskId: "t1",
                    message: "Your name?",
                    key: "name",
                    method: "elicitation/create",
                    params: { message: "name" }
                  }
                : { taskId: "t1", message: "Your name?", key: undefined, method: undefined, params: undefined }
            ])
            assert.strictEqual(
              error.message,
              dialect === "extension" ? "the task asks for input: name (elicitation/create)" : "the task asks for input"
            )
            assert.deepStrictEqual(times("tasks/get"), [0, 5])
          })
        )

        it.effect("input that is only reported is an event, and the wait goes on", () =>
          Effect.gen(function* () {
            const { call } = server({
              "tasks/get": [
                task("working", { statusMessage: "busy" }),
                task("input_required", { inputRequests: { a: { method: "elicitation/create" } } }),
                task("working"),
                done
              ],
              "tasks/result": [content]
            })
            const fiber = yield* Effect.forkChild(
              Stream.runCollect(Poll.events(McpTasks.job("mcp-task", { dialect, call, input: "report" }), "t1", wait))
            )
            yield* TestClock.adjust("1 hour")
            const seen = [...(yield* Fiber.join(fiber))].flatMap((each) =>
              each._tag === "Changed" ? [each.status] : []
            )
            assert.deepStrictEqual(seen.map(Status.describe), [
              "Pending working",
              "Pending input_required",
              "Pending working",
              "Succeeded completed"
            ])
            assert.deepStrictEqual(McpTasks.detail(seen[0]!), {
              message: "busy",
              ttlMillis: 60_000,
              pollIntervalMillis: 5000,
              input: undefined
            })
            assert.deepStrictEqual(
              McpTasks.detail(seen[1]!)?.input?.map((each) => each.key),
              [dialect === "extension" ? "a" : undefined]
            )
            assert.strictEqual(McpTasks.detail(seen[3]!), undefined)
            assert.strictEqual(McpTasks.detail(Status.pending({ detail: { ttlMillis: 3 } })), undefined)
          })
        )

        it.effect("input - is an action of the status, and other requests are another action (R38)", () =>
          Effect.gen(function* () {
            const asks = (key: string, at: string) =>
              task("input_required", { inputRequests: { [key]: { method: "elicitation/create" } }, lastUpdatedAt: at })
            const { call } = server({
              "tasks/get": [task("working"), asks("a", "1"), asks("a", "1"), task("working"), asks("b", "2"), done],
              "tasks/result": [content]
            })
            const actions: Array<Status.Action> = []
            const Tasks = McpTasks.job("mcp-task", { dialect, call, input: "report" })
            const onAction = (action: Status.Action) => Effect.sync(() => actions.push(action))
            const fiber = yield* Effect.forkChild(Poll.until(Tasks, "t1", { ...wait, onAction }))
            yield* TestClock.adjust("1 hour")
            yield* Fiber.join(fiber)
            const isNew = dialect === "extension"
            assert.deepStrictEqual(
              actions.map(({ detail, id, kind }) => [id, kind, (detail as ReadonlyArray<{ key?: string }>)[0]!.key]),
              isNew
                ? [
                    ['["a"]', "elicitation/create", "a"],
                    ['["b"]', "elicitation/create", "b"]
                  ]
                : [
                    ['["1",null]', undefined, undefined],
                    ['["2",null]', undefined, undefined]
                  ]
            )
          })
        )

        it.effect("resume - another process goes on with the id alone", () =>
          Effect.gen(function* () {
            const { call, times } = server({ "tasks/get": [task("working"), done], "tasks/result": [content] })
            const Tasks = McpTasks.job("mcp-task", { dialect, call })
            const token = yield* Effect.scoped(
              Effect.gen(function* () {
                const handle = yield* Poll.start(Tasks, "t1", wait)
                yield* TestClock.adjust("1 second")
                return ResumeToken.toJson(yield* handle.token)
              })
            )
            const fiber = yield* Effect.forkChild(
              Effect.flatMap(ResumeToken.fromJson(token), (from) => Poll.resume(Tasks, from))
            )
            yield* TestClock.adjust("1 hour")
            assert.deepStrictEqual(yield* Fiber.join(fiber), content)
            assert.deepStrictEqual(times("tasks/get"), [0, 5])
          })
        )
      })
    }
  })

  describe("2025-11-25", () => {
    it.effect("a task that is deleted between status and result is missing", () =>
      Effect.gen(function* () {
        const { call } = server({
          "tasks/get": [old("completed")],
          "tasks/result": [rpcError(-32602, "Task not found")]
        })
        const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect: "2025-11-25", call }), "t1", wait))
        assert.strictEqual(errorOf(exit)?._tag, "JobNotFound")
      })
    )

    it.effect("a result that cannot be fetched is fetched again", () =>
      Effect.gen(function* () {
        for (const status of ["completed", "failed"]) {
          const { call, times } = server({
            "tasks/get": [old(status)],
            "tasks/result": [Object.assign(new Error("bad gateway"), { code: 502 }), toolError]
          })
          const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect: "2025-11-25", call }), "t1", wait))
          assert.strictEqual(jobFailure(exit)?._tag, "ToolError")
          assert.deepStrictEqual(times("tasks/get"), [0, 1])
          assert.deepStrictEqual(times("tasks/result"), [0, 1])
        }
      })
    )
  })

  describe("extension", () => {
    it.effect("a completed task whose result is not there yet is checked again", () =>
      Effect.gen(function* () {
        const { call, times } = server({ "tasks/get": [ext("completed"), ext("completed", { result: content })] })
        const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect: "extension", call }), "t1", wait))
        assert.deepStrictEqual(exit, Exit.succeed(content))
        // The poll interval of the server holds.
        assert.deepStrictEqual(times("tasks/get"), [0, 5])
      })
    )

    it.effect("a failed task with a code of its own", () =>
      Effect.gen(function* () {
        const { call } = server({ "tasks/get": [ext("failed", { error: { code: 7, message: "no" } })] })
        const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect: "extension", call }), "t1", wait))
        assert.deepStrictEqual(plain(jobFailure(exit)), { _tag: "RequestError", code: 7, description: "no" })
        assert.strictEqual(String(jobFailure(exit)), "no (code 7)")
      })
    )

    it.effect("a failed task without its error", () =>
      Effect.gen(function* () {
        for (const [more, said] of [
          [{ statusMessage: "out of luck" }, "out of luck"],
          [{}, "no reason given"]
        ] as const) {
          const { call } = server({ "tasks/get": [ext("failed", more)] })
          const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect: "extension", call }), "t1", wait))
          assert.strictEqual(jobFailure(exit)?._tag, "Unexplained")
          assert.strictEqual(String(jobFailure(exit)), said)
        }
      })
    )

    it.effect("a task that asks for input without a request is malformed", () =>
      Effect.gen(function* () {
        for (const more of [{}, { inputRequests: ["a"] }, { inputRequests: null }]) {
          const { call } = server({ "tasks/get": [ext("input_required", more)] })
          const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect: "extension", call }), "t1", wait))
          assert.instanceOf(rejectedWith(exit), McpTaskError.InvalidAnswer)
        }
      })
    )
  })

  describe("submit and run", () => {
    const request = { params: { name: "render", arguments: { scene: "forest" } } }

    it.effect("2025-11-25 - asks for a task, and watches it", () =>
      Effect.gen(function* () {
        const { call, sent, times } = server({
          "tools/call": [{ task: old("working", { pollInterval: 7000 }) }],
          "tasks/get": [old("working"), old("completed")],
          "tasks/result": [content]
        })
        const stored: Array<string> = []
        const { exit } = yield* ran(
          McpTasks.run(
            { ...request, ttl: "1 minute" },
            {
              dialect: "2025-11-25",
              call,
              ...wait,
              onReceipt: (token) => Effect.sync(() => stored.push(token.key))
            }
          )
        )
        assert.deepStrictEqual(exit, Exit.succeed(content))
        assert.deepStrictEqual(sent[0], {
          method: "tools/call",
          params: { ...request.params, task: { ttl: 60_000 } },
          at: 0
        })
        assert.deepStrictEqual(times("tasks/get"), [7, 12])
        assert.deepStrictEqual(stored, ["t1"])
      })
    )

    it.effect("extension - says that it knows of tasks, and watches the one it is given", () =>
      Effect.gen(function* () {
        const { call, sent, times } = server({
          "tools/call": [ext("working", { resultType: "task" })],
          "tasks/get": [ext("completed", { result: content })]
        })
        const asked = { params: { ...request.params, _meta: { progressToken: 1 } }, ttl: "1 minute" } as const
        const { exit } = yield* ran(McpTasks.run(asked, { dialect: "extension", call, ...wait }))
        assert.deepStrictEqual(exit, Exit.succeed(content))
        assert.deepStrictEqual(sent[0]!.params, { ...request.params, _meta: { progressToken: 1, ...capable } })
        assert.deepStrictEqual(times("tasks/get"), [5])
      })
    )

    it.effect("an answer without a task is the result", () =>
      Effect.gen(function* () {
        for (const [dialect, answer] of [
          ["2025-11-25", content],
          ["extension", content],
          ["extension", { resultType: "complete", ...content }]
        ] as const) {
          const { call, sent } = server({ "tools/call": [answer] })
          const { exit } = yield* ran(McpTasks.run(request, { dialect, call, ...wait }))
          assert.deepStrictEqual(exit, Exit.succeed(answer))
          assert.strictEqual(sent.length, 1)
          const direct = yield* ran(Poll.run(McpTasks.job("mcp-task", { dialect, call }), request, wait))
          assert.deepStrictEqual(direct.exit, Exit.succeed(answer))
          assert.strictEqual(sent.length, 2)
        }
      })
    )

    it.effect("what else a server may answer", () =>
      Effect.gen(function* () {
        const result = Schema.Struct({ content: Schema.Array(Schema.Unknown) })
        for (const [dialect, answer, expected] of [
          ["extension", toolError, "JobFailed"],
          ["2025-11-25", toolError, "JobFailed"],
          ["extension", { resultType: "input_required", inputRequests: {} }, "InvalidAnswer"],
          ["extension", { resultType: "task", status: "working" }, "InvalidAnswer"],
          ["2025-11-25", { task: { taskId: "" } }, "InvalidAnswer"],
          ["2025-11-25", { task: { taskId: "", status: "working" } }, "InvalidAnswer"],
          ["2025-11-25", { content: 3 }, "InvalidAnswer"],
          ["extension", rpcError(-32021), "JsonRpcError"]
        ] as const) {
          const { call, sent } = server({ "tools/call": [answer] })
          const { exit } = yield* ran(McpTasks.run(request, { dialect, call, result, ...wait }))
          assert.strictEqual((errorOf(exit) as { readonly _tag: string })._tag, expected)
          assert.strictEqual(sent.length, 1)
        }
      })
    )

    it.effect("another method than tools/call", () =>
      Effect.gen(function* () {
        const { call, sent } = server({ "sampling/createMessage": [{ model: "x" }] })
        yield* ran(
          McpTasks.run({ method: "sampling/createMessage", params: {} }, { dialect: "2025-11-25", call, ...wait })
        )
        assert.deepStrictEqual(sent[0]!.params, { task: {} })
      })
    )

    it("bad options are RangeErrors at the call", () => {
      const { call } = server({})
      const options = { dialect: "2025-11-25", call, onInput: () => Effect.void } as const
      assert.throws(() => McpTasks.run(request, { ...options, deadline: -1 }), RangeError, "deadline")
      assert.throws(
        () => McpTasks.run({ ...request, ttl: 0 }, { ...options, ...wait }),
        RangeError,
        "McpTasks.run: ttl must be"
      )
      assert.throws(() => McpTasks.job("", options), RangeError, "name")
      assert.throws(() => McpTasks.http({ url: " " }), RangeError, "McpTasks.http: url")
    })
  })

  describe("answering", () => {
    const asks = (...keys: ReadonlyArray<string>) =>
      ext("input_required", {
        inputRequests: Object.fromEntries(keys.map((key) => [key, { method: "elicitation/create", params: { key } }]))
      })

    it.effect("answers each request once, beside the wait, however long it takes", () =>
      Effect.gen(function* () {
        const { call, sent, times } = server({
          "tools/call": [ext("working", { resultType: "task" })],
          "tasks/get": [
            asks("a"),
            asks("a", "b"),
            asks("a", "b"),
            asks("a"),
            asks("a"),
            ext("completed", { result: content })
          ],
          "tasks/update": [{ resultType: "complete" }]
        })
        const prompts: Array<string> = []
        const { exit } = yield* ran(
          McpTasks.run(
            { params: { name: "greet" } },
            {
              dialect: "extension",
              call,
              onInput: (request) =>
                Effect.gen(function* () {
                  prompts.push(`${request.key} ${(yield* Clock.currentTimeMillis) / 1000}`)
                  // Longer than a check may take.
                  yield* Effect.sleep(request.key === "a" ? "12 seconds" : "1 second")
                  return { action: "accept", content: request.params }
                }),
              ...wait,
              checkTimeout: "2 seconds"
            }
          )
        )
        assert.deepStrictEqual(exit, Exit.succeed(content))
        assert.deepStrictEqual(prompts, ["a 5", "b 10"])
        assert.deepStrictEqual(times("tasks/get"), [5, 10, 15, 20, 25, 30])
        assert.deepStrictEqual(
          sent.filter((each) => each.method === "tasks/update"),
          [
            {
              method: "tasks/update",
              params: {
                taskId: "t1",
                inputResponses: { b: { action: "accept", content: { key: "b" } } },
                _meta: capable
              },
              at: 15
            },
            {
              method: "tasks/update",
              params: {
                taskId: "t1",
                inputResponses: { a: { action: "accept", content: { key: "a" } } },
                _meta: capable
              },
              at: 20
            }
          ]
        )
      })
    )

    it.effect("an answer that could not be sent is sent again, without asking again", () =>
      Effect.gen(function* () {
        const { call, times } = server({
          "tasks/get": [asks("a"), asks("a"), asks("a"), ext("completed", { result: content })],
          "tasks/update": [new Error("socket"), {}]
        })
        let prompts = 0
        const { exit } = yield* ran(
          Effect.scoped(
            Effect.flatMap(
              McpTasks.answering("mcp-task", {
                dialect: "extension",
                call,
                onInput: () => Effect.sync(() => ++prompts)
              }),
              (Tasks) => Poll.until(Tasks, "t1", wait)
            )
          )
        )
        assert.isTrue(Exit.isSuccess(exit))
        assert.strictEqual(prompts, 1)
        assert.deepStrictEqual(times("tasks/update"), [5, 6])
      })
    )

    it.effect("a handler that fails ends the wait with its error, and one that dies with its defect", () =>
      Effect.gen(function* () {
        const { call, times } = server({ "tasks/get": [asks("a")] })
        const run = <E>(onInput: () => Effect.Effect<unknown, E>) =>
          ran(
            Effect.scoped(
              Effect.flatMap(McpTasks.answering("mcp-task", { dialect: "extension", call, onInput }), (Tasks) =>
                Poll.until(Tasks, "t1", wait)
              )
            )
          )
        const { at, exit } = yield* run(() => Effect.fail("no screen" as const))
        const error = rejectedWith(exit)
        assert.instanceOf(error, McpTaskError.InputFailed)
        if (!(error instanceof McpTaskError.InputFailed)) return
        assert.strictEqual(error.error, "no screen")
        assert.strictEqual(error.request.key, "a")
        assert.strictEqual(error.message, "the input that the task asks for could not be given: no screen")
        assert.strictEqual(at, 5)
        assert.deepStrictEqual(times("tasks/update"), [])
        const died = yield* run(() => Effect.die("bug"))
        assert.isTrue(Exit.hasDies(died.exit))
      })
    )

    it.effect("the end of the task, or of the wait, closes what is being asked", () =>
      Effect.gen(function* () {
        const closings = (answers: ReadonlyArray<unknown>, interruptAt: Duration.Input) =>
          Effect.gen(function* () {
            yield* TestClock.setTime(0)
            const closed = yield* Deferred.make<number>()
            const { call } = server({ "tools/call": [ext("working", { resultType: "task" })], "tasks/get": answers })
            const onInput = () =>
              Effect.onInterrupt(Effect.never, () =>
                Effect.flatMap(Clock.currentTimeMillis, (now) => Deferred.succeed(closed, now / 1000))
              )
            const fiber = yield* Effect.forkChild(
              McpTasks.run({ params: {} }, { dialect: "extension", call, onInput, ...wait })
            )
            yield* TestClock.adjust(interruptAt)
            yield* Fiber.interrupt(fiber)
            return yield* Deferred.await(closed)
          })
        assert.strictEqual(yield* closings([asks("a"), ext("cancelled")], "1 minute"), 10)
        assert.strictEqual(yield* closings([asks("a")], "17 seconds"), 17)
      })
    )

    it.effect("a job that is answered can be checked by many waits, and closes each task's questions alone", () =>
      Effect.gen(function* () {
        const closed: Array<string> = []
        const call = (method: string, params: Params): Effect.Effect<unknown, Error> =>
          Effect.map(Clock.currentTimeMillis, (now) =>
            method === "tasks/get" && params["taskId"] === "t1" && now >= 5000 ? ext("cancelled") : asks("a")
          )
        const fiber = yield* Effect.forkChild(
          Effect.scoped(
            Effect.gen(function* () {
              const Tasks = yield* McpTasks.answering("mcp-task", {
                dialect: "extension",
                call,
                onInput: ({ taskId }) => Effect.onInterrupt(Effect.never, () => Effect.sync(() => closed.push(taskId)))
              })
              const both = yield* Effect.forEach(["t1", "t2"], (id) => Poll.start(Tasks, id, wait))
              yield* Effect.exit(both[0]!.await)
              yield* Effect.sleep("1 second")
              return [...closed]
            })
          )
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Fiber.join(fiber), ["t1"])
        assert.deepStrictEqual(closed, ["t1", "t2"])
      })
    )

    it.effect("2025-11-25 - the handler runs once each time the task asks, and nothing is sent for it", () =>
      Effect.gen(function* () {
        const { call, sent } = server({
          "tasks/get": [
            old("input_required"),
            old("input_required"),
            old("working"),
            old("input_required", { statusMessage: "again" }),
            old("input_required", { statusMessage: "again" }),
            old("completed")
          ],
          "tasks/result": [content]
        })
        const prompts: Array<string | undefined> = []
        const { exit } = yield* ran(
          Effect.scoped(
            Effect.flatMap(
              McpTasks.answering("mcp-task", {
                dialect: "2025-11-25",
                call,
                onInput: ({ message }) => Effect.sync(() => prompts.push(message))
              }),
              (Tasks) => Poll.until(Tasks, "t1", wait)
            )
          )
        )
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual(prompts, [undefined, "again"])
        assert.isFalse(sent.some((each) => each.method === "tasks/update"))
      })
    )

    it.effect("2025-11-25 - a handler may hold the stream of tasks/result open while the wait goes on", () =>
      Effect.gen(function* () {
        const { call, times } = server({
          "tasks/get": [old("input_required"), old("working"), old("input_required"), old("completed")],
          "tasks/result": [content]
        })
        let opened = 0
        const { exit } = yield* ran(
          Effect.scoped(
            Effect.flatMap(
              McpTasks.answering("mcp-task", {
                dialect: "2025-11-25",
                call,
                onInput: () =>
                  Effect.andThen(
                    Effect.sync(() => ++opened),
                    Effect.never
                  )
              }),
              (Tasks) => Poll.until(Tasks, "t1", wait)
            )
          )
        )
        assert.isTrue(Exit.isSuccess(exit))
        assert.strictEqual(opened, 1)
        assert.deepStrictEqual(times("tasks/get"), [0, 5, 10, 15])
      })
    )
  })

  it("withinTtl - keeps the parts of its strategy", () => {
    const strategy = Strategy.spaced("4 seconds").pipe(
      Strategy.withFirstWait("3 seconds"),
      Strategy.maxAttempts(5),
      Strategy.jittered({ atLeast: "1 second" })
    )
    const bounded = McpTasks.withinTtl(strategy)
    const status = Status.pending({
      detail: { message: undefined, ttlMillis: 9500, pollIntervalMillis: undefined, input: undefined }
    })
    assert.strictEqual(Strategy.firstWaitMillis(bounded), 3000)
    assert.deepStrictEqual(Strategy.delaysMillis(bounded, 9, { random: () => 1 }), [4000, 4000, 4000, 4000])
    assert.deepStrictEqual(Strategy.delaysMillis(bounded, 9, { random: () => 0 }), [1000, 1000, 1000, 1000])
    assert.deepStrictEqual(Strategy.delaysMillis(bounded, 9, { random: () => 1, status }), [4000, 2500])
    const limited = McpTasks.withinTtl(Strategy.maxDuration(Strategy.spaced("4 seconds"), "6 seconds"))
    assert.deepStrictEqual(Strategy.delaysMillis(limited, 9, { status }), [4000, 2000])
    // The loop places the last check by the bound itself: its length before it, and a quarter of what is left as a margin.
    assert.strictEqual(Strategy.explain(limited, { elapsedMillis: 5000, checkDuration: 500 }).delayMillis, 375)
  })

  describe("http", () => {
    interface Posted {
      readonly headers: Readonly<Record<string, string | undefined>>
      readonly body: {
        readonly jsonrpc: string
        readonly id: number
        readonly method: string
        readonly params: Params
      }
    }

    const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest): Posted["body"] =>
      JSON.parse(body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : "{}")

    const posting = (answer: (body: Posted["body"]) => Response) => {
      const posted: Array<Posted> = []
      const client = HttpClient.make((request) => {
        const body = bodyOf(request)
        posted.push({ headers: request.headers, body })
        return Effect.succeed(HttpClientResponse.fromWeb(request, answer(body)))
      })
      return { posted, provide: Effect.provideService(HttpClient.HttpClient, client) }
    }

    const json = (body: unknown, init: ResponseInit = {}) => new Response(JSON.stringify(body), init)
    const result = (id: number, value: unknown) => ({ jsonrpc: "2.0", id, result: value })
    const url = "https://mcp.example/mcp?key=SECRET"

    it.effect("posts requests with their headers and ids, and yields the results", () =>
      Effect.gen(function* () {
        const { posted, provide } = posting(({ id }) => json(result(id, { at: id })))
        const call = McpTasks.http({
          url,
          protocolVersion: "2026-07-28",
          sessionId: Redacted.make("SECRET-session"),
          meta: { "io.modelcontextprotocol/clientInfo": { name: "x" }, ...withCapabilities({ other: {} }) }
        })
        assert.deepStrictEqual(yield* provide(call("tasks/get", { taskId: "t1", _meta: capable })), { at: 1 })
        assert.deepStrictEqual(yield* provide(call("tools/call", { name: " größe" })), { at: 2 })
        const [first, second] = posted
        assert.deepStrictEqual(first!.body, {
          jsonrpc: "2.0",
          id: 1,
          method: "tasks/get",
          params: {
            taskId: "t1",
            _meta: {
              "io.modelcontextprotocol/protocolVersion": "2026-07-28",
              "io.modelcontextprotocol/clientInfo": { name: "x" },
              ...withCapabilities({ other: {}, "io.modelcontextprotocol/tasks": {} })
            }
          }
        })
        assert.strictEqual(first!.headers["accept"], "application/json, text/event-stream")
        assert.strictEqual(first!.headers["content-type"], "application/json")
        assert.strictEqual(first!.headers["mcp-protocol-version"], "2026-07-28")
        assert.strictEqual(first!.headers["mcp-session-id"], "SECRET-session")
        assert.strictEqual(first!.headers["mcp-method"], "tasks/get")
        assert.strictEqual(first!.headers["mcp-name"], "t1")
        assert.strictEqual(second!.headers["mcp-name"], `=?base64?${Buffer.from(" größe").toString("base64")}?=`)
      })
    )

    it.effect("says no version that it was not told, and adds no _meta for an old one", () =>
      Effect.gen(function* () {
        const { posted, provide } = posting(({ id }) => json(result(id, 1)))
        yield* provide(McpTasks.http({ url })("ping", {}))
        yield* provide(McpTasks.http({ url, protocolVersion: "2025-11-25" })("ping", {}))
        assert.deepStrictEqual(
          posted.map((each) => each.body.params),
          [{}, {}]
        )
        assert.deepStrictEqual(
          posted.map((each) => each.headers["mcp-protocol-version"]),
          [undefined, "2025-11-25"]
        )
        assert.strictEqual(posted[0]!.headers["mcp-name"], undefined)
      })
    )

    it.effect("encodes the values of headers as the specification does", () =>
      Effect.gen(function* () {
        const { posted, provide } = posting(({ id }) => json(result(id, 1)))
        const names = ["us-west1", "a b", "Hello, 世界", " padded ", "line1\nline2", "=?base64?literal?=", ""]
        for (const name of names) yield* provide(McpTasks.http({ url })("tools/call", { name }))
        assert.deepStrictEqual(
          posted.map((each) => each.headers["mcp-name"]),
          [
            "us-west1",
            "a b",
            "=?base64?SGVsbG8sIOS4lueVjA==?=",
            "=?base64?IHBhZGRlZCA=?=",
            "=?base64?bGluZTEKbGluZTI=?=",
            "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=",
            "=?base64??="
          ]
        )
      })
    )

    it.effect("reads the answer out of an event stream, and does not wait for its end", () =>
      Effect.gen(function* () {
        const { provide } = posting(({ id }) => {
          const events = [
            ": keep-alive\n\n",
            'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\n',
            'data: {"jsonrpc":"2.0","id":1,"method":"elicitation/create"}\n\n',
            "data: no JSON\n\n",
            `data: ${JSON.stringify(result(id + 1, "another"))}\n\n`,
            `event: message\ndata: ${JSON.stringify(result(id, "mine")).slice(0, 20)}`,
            `${JSON.stringify(result(id, "mine")).slice(20)}\n\n`
          ]
          const body = new ReadableStream<Uint8Array>({
            start: (controller) => {
              for (const each of events) controller.enqueue(new TextEncoder().encode(each))
            }
          })
          return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } })
        })
        assert.strictEqual(yield* provide(McpTasks.http({ url })("ping", {})), "mine")
      })
    )

    it.effect("what is no result is typed", () =>
      Effect.gen(function* () {
        const rpc = (code: number, id: unknown) => ({ jsonrpc: "2.0", id, error: { code, message: "no", data: 1 } })
        const stream = { headers: { "content-type": "text/event-stream" } }
        const rows: ReadonlyArray<readonly [(id: number) => Response, string, string]> = [
          [(id) => json(rpc(-32602, id)), "JsonRpcError -32602 no 1", "Permanent"],
          [(id) => json(rpc(-32603, id)), "JsonRpcError -32603 no 1", "Transient"],
          [() => json(rpc(-32600, null), { status: 400 }), "JsonRpcError -32600 no 1", "Permanent"],
          [(id) => json(rpc(-32601, id), { status: 404 }), "JsonRpcError -32601 no 1", "Permanent"],
          [
            (id) => new Response(`data: ${JSON.stringify(rpc(-32602, id))}\n\n`, stream),
            "JsonRpcError -32602 no 1",
            "Permanent"
          ],
          [
            () => new Response(`data: ${JSON.stringify(rpc(-32700, null))}\n\n`, stream),
            "JsonRpcError -32700 no 1",
            "Permanent"
          ],
          [
            (id) => json(rpc(-32600, id), { status: 429, headers: { "retry-after": "7" } }),
            "HttpCheckError Status",
            "Throttled 7000"
          ],
          [() => json({}, { status: 404 }), "HttpCheckError Status", "Permanent"],
          [() => new Response("<html>", { status: 502 }), "HttpCheckError Status", "Transient"],
          [() => new Response("<html>"), "HttpCheckError NotJson", "Transient"],
          [() => new Response(null, { status: 202 }), "HttpCheckError NotJson", "Transient"],
          [() => new Response("data: {}\n\n", stream), "HttpCheckError NotJson", "Transient"],
          [() => json({ jsonrpc: "2.0" }), "HttpCheckError Decode", "Permanent"],
          [(id) => json(result(id + 1, 1)), "HttpCheckError Decode", "Permanent"],
          [(id) => json({ id, error: "text" }), "HttpCheckError Decode", "Permanent"]
        ]
        for (const [answer, expected, kind] of rows) {
          const { provide } = posting(({ id }) => answer(id))
          const failed: McpTaskError.JsonRpcError | HttpCheckError = yield* Effect.flip(
            provide(McpTasks.http({ url })("tasks/get", { taskId: "t1" }))
          )
          const said =
            failed._tag === "JsonRpcError"
              ? `${failed._tag} ${failed.code} ${failed.description} ${String(failed.data)}`
              : `${failed._tag} ${failed.reason._tag}`
          const classified = CheckError.kindOf(failed)
          const after = classified._tag === "Permanent" ? undefined : classified.retryAfter
          assert.strictEqual(said, expected)
          assert.strictEqual(
            [
              classified._tag,
              ...(after === undefined || after === "unreadable" ? [] : [Duration.toMillis(after)])
            ].join(" "),
            kind,
            expected
          )
          assert.notInclude(failed.message, "SECRET")
        }
        assert.strictEqual(rpcError(-32603).message, "test: an error (code -32603)")
        assert.strictEqual(rpcError(-1, "bad").message, "test: bad (code -1)")
      })
    )

    it.effect("drives a wait", () =>
      Effect.gen(function* () {
        const { provide, posted } = posting(({ id, method }) =>
          method === "tools/call"
            ? json(result(id, ext("working", { resultType: "task" })))
            : json(result(id, id < 3 ? ext("working") : ext("completed", { result: content })))
        )
        const { exit } = yield* ran(
          provide(
            McpTasks.run({ params: { name: "x" } }, { dialect: "extension", call: McpTasks.http({ url }), ...wait })
          )
        )
        assert.deepStrictEqual(exit, Exit.succeed(content))
        assert.deepStrictEqual(
          posted.map((each) => each.headers["mcp-name"]),
          ["x", "t1", "t1"]
        )
      })
    )

    it.effect("session and task id are in no span, and redacted in what a client logs", () =>
      Effect.gen(function* () {
        const spoken: Array<string> = []
        const tracer = Tracer.make({
          span: (options) => {
            const span = new Tracer.NativeSpan(options)
            span.attributes.forEach((value, key) => spoken.push(`${key}=${String(value)}`))
            const attribute = span.attribute.bind(span)
            span.attribute = (key, value) => {
              spoken.push(`${key}=${String(value)}`)
              attribute(key, value)
            }
            return span
          }
        })
        const { provide } = posting(({ id }) => json(result(id, 1)))
        const call = McpTasks.http({ url: "https://mcp.example/mcp", sessionId: Redacted.make("SECRET-session") })
        const logging = HttpClient.tapRequest((request) =>
          Effect.sync(() => spoken.push(JSON.stringify(request.headers)))
        )
        yield* call("tasks/get", { taskId: "SECRET-task" }).pipe(
          Effect.updateService(HttpClient.HttpClient, logging),
          provide,
          Effect.provideService(Tracer.Tracer, tracer)
        )
        assert.include(spoken.join("\n"), "http.response.status_code=200")
        assert.include(spoken.join("\n"), '"mcp-session-id":"<redacted>"')
        assert.include(spoken.join("\n"), '"mcp-name":"<redacted>"')
        assert.notInclude(spoken.join("\n"), "SECRET")
      })
    )
  })
})

// ---- internal ----

function withCapabilities(extensions: object) {
  return { "io.modelcontextprotocol/clientCapabilities": { extensions } }
}
