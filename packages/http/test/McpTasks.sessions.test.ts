import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as Poll from "effect-poll/Poll"
import * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Interpretation from "@effect-poll/http/Interpretation"
import * as McpTaskError from "@effect-poll/http/McpTaskError"
import * as McpTasks from "@effect-poll/http/McpTasks"

const url = "https://mcp.example/mcp"
const wait = { deadline: "1 hour" } as const
const clientInfo = { name: "tests", version: "1.0.0" }
const content = { content: [{ type: "text", text: "Hello" }] }

interface Rpc {
  readonly id?: number
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

interface Seen {
  readonly method: string
  readonly session: string | undefined
  readonly version: string | undefined
  readonly at: number
}

const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest): Rpc =>
  JSON.parse(body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : "{}")

const json = (body: unknown, init: ResponseInit = {}) => new Response(JSON.stringify(body), init)

const rpcError = (code: number, message: string, status: number, id: number | null = null) =>
  json({ jsonrpc: "2.0", id, error: { code, message } }, { status })

/** How servers word that a session is gone. */
const lost: Readonly<Record<string, () => Response>> = {
  "404 of the TypeScript SDK": () => rpcError(-32_001, "Session not found", 404),
  "400 of the TypeScript SDK": () => rpcError(-32_000, "Bad Request: Server not initialized", 400),
  "400 without a session id": () => rpcError(-32_000, "Bad Request: Mcp-Session-Id header is required", 400),
  "400 of the Python SDK": () => rpcError(-32_600, "Bad Request: No valid session ID provided", 400),
  "404 with an empty body": () => new Response(null, { status: 404 }),
  "404 with a page": () => new Response("<html>", { status: 404 }),
  "404 with another code": () => rpcError(-32_600, "gone", 404),
  "404 of an event stream": () =>
    new Response('data: {"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}\n\n', {
      status: 404,
      headers: { "content-type": "text/event-stream" }
    })
}

/** A server with sessions, which loses them and perhaps its tasks at some second. */
const server = (options: {
  readonly restartsAt?: ReadonlyArray<number>
  readonly keepsTasks?: boolean
  readonly sayLost?: () => Response
  readonly doneAt?: number
  readonly initialize?: () => Response | undefined
}) => {
  const {
    doneAt = 20,
    initialize,
    keepsTasks = true,
    restartsAt = [],
    sayLost = lost["404 of the TypeScript SDK"]!
  } = options
  const seen: Array<Seen> = []
  let opened = 0
  let sessions = new Map<string, { initialized: boolean }>()
  let tasks = new Set(["t1"])
  const pendingRestarts = [...restartsAt]
  const client = HttpClient.make((request) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const at = now / 1000
      const { id, method, params } = bodyOf(request)
      const { "mcp-protocol-version": version, "mcp-session-id": session } = request.headers
      seen.push({ method, session, version, at })
      while (pendingRestarts.length > 0 && at >= pendingRestarts[0]!) {
        pendingRestarts.shift()
        sessions = new Map()
        if (!keepsTasks) tasks = new Set()
      }
      return HttpClientResponse.fromWeb(request, answer(method, params, session, id, at))
    })
  )
  const answer = (
    method: string,
    params: Rpc["params"],
    session: string | undefined,
    id: number | undefined,
    at: number
  ): Response => {
    if (method === "initialize") {
      const own = initialize?.()
      if (own !== undefined) return own
      const name = `SECRET-${++opened}`
      sessions.set(name, { initialized: false })
      return json(
        { jsonrpc: "2.0", id, result: { protocolVersion: "2025-06-18", capabilities: {}, serverInfo: {} } },
        { headers: { "mcp-session-id": name } }
      )
    }
    const known = session === undefined ? undefined : sessions.get(session)
    if (known === undefined) return sayLost()
    if (method === "notifications/initialized") {
      known.initialized = true
      return new Response(null, { status: 202 })
    }
    if (!known.initialized) return rpcError(-32_000, "not initialized", 400)
    const result = (value: unknown) => json({ jsonrpc: "2.0", id, result: value })
    if (method === "tools/call") {
      tasks.add("t1")
      return result({ task: { taskId: "t1", status: "working", pollInterval: 5_000 } })
    }
    if (!tasks.has(String(params["taskId"]))) return rpcError(-32_602, "Task not found", 200, id)
    if (method === "tasks/result") return result(content)
    return result({ taskId: "t1", status: at >= doneAt ? "completed" : "working", pollInterval: 5_000 })
  }
  const methods = () => seen.map(({ method }) => method)
  return { seen, methods, provide: Effect.provideService(HttpClient.HttpClient, client) }
}

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

const errorOf = (exit: Exit.Exit<unknown, unknown>): unknown => {
  const found = Exit.findErrorOption(exit)
  return found._tag === "Some" ? found.value : undefined
}

const endOf = (exit: Exit.Exit<unknown, unknown>): string => {
  const failed = errorOf(exit)
  if (failed === undefined) return Exit.isSuccess(exit) ? "succeeded" : "a defect"
  if (failed instanceof PollError.CheckRejected) return `CheckRejected ${reasonOf(failed.error)}`
  return (failed as { readonly _tag: string })._tag
}

const reasonOf = (error: unknown): string =>
  error instanceof McpTaskError.JsonRpcError
    ? `JsonRpcError ${error.code} ${error.status}`
    : String((error as { readonly reason?: { readonly _tag: string } }).reason?._tag)

const tasks = (options: Omit<McpTasks.HttpOptions, "url"> = { initialize: { clientInfo } }) =>
  McpTasks.job("mcp-task", { dialect: "2025-11-25", call: McpTasks.http({ url, ...options }) })

describe("McpTasks", () => {
  describe("sessions", () => {
    it.effect("initialize - opens one session before the first request, and names it from then on", () =>
      Effect.gen(function* () {
        const { provide, seen } = server({})
        const { at, exit } = yield* ran(provide(Poll.until(tasks(), "t1", wait)))
        assert.deepStrictEqual(exit, Exit.succeed(content))
        assert.strictEqual(at, 20)
        const within = { session: "SECRET-1", version: "2025-06-18" }
        assert.deepStrictEqual(seen, [
          { method: "initialize", session: undefined, version: undefined, at: 0 },
          { method: "notifications/initialized", ...within, at: 0 },
          ...[0, 5, 10, 15, 20].map((at) => ({
            method: "tasks/get",
            session: within.session,
            version: within.version,
            at
          })),
          { method: "tasks/result", ...within, at: 20 }
        ])
      })
    )

    it.effect("initialize - sends the protocol version and the client info", () =>
      Effect.gen(function* () {
        const bodies: Array<Rpc> = []
        const client = HttpClient.make((request) =>
          Effect.sync(() => {
            const body = bodyOf(request)
            bodies.push(body)
            return HttpClientResponse.fromWeb(request, json({ jsonrpc: "2.0", id: body.id, result: {} }))
          })
        )
        const call = McpTasks.http({
          url,
          protocolVersion: "2025-06-18",
          initialize: { clientInfo, capabilities: { elicitation: {} } }
        })
        yield* Effect.provideService(call("ping", {}), HttpClient.HttpClient, client)
        yield* Effect.provideService(call("ping", {}), HttpClient.HttpClient, client)
        assert.deepStrictEqual(bodies, [
          {
            jsonrpc: "2.0",
            id: 1,
            method: "initialize",
            params: { protocolVersion: "2025-06-18", capabilities: { elicitation: {} }, clientInfo }
          },
          { jsonrpc: "2.0", method: "notifications/initialized" },
          { jsonrpc: "2.0", id: 2, method: "ping", params: {} },
          { jsonrpc: "2.0", id: 3, method: "ping", params: {} }
        ] as ReadonlyArray<unknown>)
      })
    )

    for (const [name, sayLost] of Object.entries(lost)) {
      it.effect(`a restarted server - a new session, and the task is asked for again (${name})`, () =>
        Effect.gen(function* () {
          const { methods, provide, seen } = server({ restartsAt: [7], sayLost })
          const { at, exit } = yield* ran(provide(Poll.until(tasks(), "t1", wait)))
          assert.deepStrictEqual(exit, Exit.succeed(content))
          // No check is lost to it.
          assert.strictEqual(at, 20)
          assert.deepStrictEqual(methods().slice(2, 8), [
            "tasks/get",
            "tasks/get",
            "tasks/get",
            "initialize",
            "notifications/initialized",
            "tasks/get"
          ])
          assert.strictEqual(seen.at(-1)?.session, "SECRET-2")
        })
      )

      it.effect(`a restarted server that lost its tasks - the task is missing (${name})`, () =>
        Effect.gen(function* () {
          const { provide } = server({ restartsAt: [7], keepsTasks: false, sayLost })
          const { at, exit } = yield* ran(provide(Poll.until(tasks(), "t1", wait)))
          assert.deepStrictEqual([endOf(exit), at], ["JobNotFound", 10])
        })
      )

      it.effect(`without a way to open another, a lost session is permanent (${name})`, () =>
        Effect.gen(function* () {
          const { provide, seen } = server({ sayLost })
          const { at, exit } = yield* ran(
            provide(Poll.until(tasks({ sessionId: Redacted.make("SECRET-0") }), "t1", wait))
          )
          assert.match(endOf(exit), /^CheckRejected /)
          assert.deepStrictEqual([at, seen.length], [0, 1])
          assert.notInclude(String(errorOf(exit)), "SECRET")
        })
      )
    }

    it.effect("openSession - an Effect yields the session, once for all requests", () =>
      Effect.gen(function* () {
        let opened = 0
        const openSession = Effect.sync(() => Redacted.make(`SECRET-${++opened}`))
        const seen: Array<string | undefined> = []
        const client = HttpClient.make((request) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            const session = request.headers["mcp-session-id"]
            seen.push(session)
            const known = session === (now < 7_000 ? "SECRET-1" : "SECRET-2")
            const { id } = bodyOf(request)
            return HttpClientResponse.fromWeb(
              request,
              known
                ? json({
                    jsonrpc: "2.0",
                    id,
                    result: { taskId: "t1", status: now < 15_000 ? "working" : "cancelled", pollInterval: 5_000 }
                  })
                : lost["404 of the TypeScript SDK"]!()
            )
          })
        )
        const Tasks = tasks({ openSession })
        const both = Effect.forEach(["t1", "t2"], (id) => Effect.exit(Poll.until(Tasks, id, wait)), {
          concurrency: "unbounded"
        })
        yield* ran(Effect.provideService(both, HttpClient.HttpClient, client))
        assert.strictEqual(opened, 2)
        assert.deepStrictEqual(
          seen.filter((each) => each === "SECRET-1").length + seen.filter((each) => each === "SECRET-2").length,
          seen.length
        )
      })
    )

    it.effect("requests in flight that find one session lost open one new session", () =>
      Effect.gen(function* () {
        let opened = 0
        const openSession = Effect.delay(
          Effect.sync(() => Redacted.make(`SECRET-${++opened}`)),
          "1 second"
        )
        const client = HttpClient.make((request) =>
          Effect.gen(function* () {
            const { id, params } = bodyOf(request)
            const known = request.headers["mcp-session-id"] === "SECRET-1"
            // One learns of it at once, one while the new session is opened, one when it is there.
            yield* Effect.sleep(Number(params["after"]))
            return HttpClientResponse.fromWeb(
              request,
              known ? json({ jsonrpc: "2.0", id, result: 1 }) : lost["404 of the TypeScript SDK"]!()
            )
          })
        )
        const call = McpTasks.http({ url, openSession, sessionId: Redacted.make("SECRET-0") })
        const all = Effect.forEach([1, 500, 5_000], (after) => call("ping", { after }), { concurrency: "unbounded" })
        const { exit } = yield* ran(Effect.provideService(all, HttpClient.HttpClient, client))
        assert.deepStrictEqual([exit, opened], [Exit.succeed([1, 1, 1]), 1])
      })
    )

    it.effect("openSession - what it fails with is the error of the check, and it is run again", () =>
      Effect.gen(function* () {
        let tries = 0
        const openSession = Effect.suspend(() =>
          ++tries < 3 ? Effect.fail("no key" as const) : Effect.succeed(Redacted.make("SECRET-1"))
        )
        const client = HttpClient.make((request) =>
          Effect.sync(() =>
            HttpClientResponse.fromWeb(
              request,
              json({ jsonrpc: "2.0", id: bodyOf(request).id, result: { taskId: "t1", status: "cancelled" } })
            )
          )
        )
        const Tasks = McpTasks.job("mcp-task", { dialect: "2025-11-25", call: McpTasks.http({ url, openSession }) })
        const { exit } = yield* ran(Effect.provideService(Poll.until(Tasks, "t1", wait), HttpClient.HttpClient, client))
        assert.deepStrictEqual([endOf(exit), tries], ["JobCanceled", 3])
      })
    )

    it.effect("a server that never knows a session ends the wait, without a loop", () =>
      Effect.gen(function* () {
        const { methods, provide } = server({ restartsAt: [0, 0.001] })
        const forgetful = McpTasks.http({ url, openSession: Effect.succeed(Redacted.make("SECRET-0")) })
        const Tasks = McpTasks.job("mcp-task", { dialect: "2025-11-25", call: forgetful })
        const { at, exit } = yield* ran(provide(Poll.until(Tasks, "t1", wait)))
        assert.deepStrictEqual([endOf(exit), at], ["CheckRejected JsonRpcError -32001 404", 0])
        assert.deepStrictEqual(methods(), ["tasks/get", "tasks/get"])
      })
    )

    it.effect("what a server answers to initialize is typed, whatever it is", () =>
      Effect.gen(function* () {
        const huge = "x".repeat(100_000)
        for (const [initialize, expected] of [
          [() => rpcError(-32_602, "Unsupported protocol version", 400), "CheckRejected JsonRpcError -32602 400"],
          [() => rpcError(-32_603, huge, 200), "CheckErrorsExhausted"],
          [() => new Response(null, { status: 401 }), "CheckRejected Status"],
          [() => new Response(null, { status: 503 }), "CheckErrorsExhausted"],
          [() => new Response("<html>"), "CheckErrorsExhausted"],
          [() => json({ jsonrpc: "2.0", id: 99, result: {} }), "CheckRejected Decode"],
          [() => json([]), "CheckRejected Decode"]
        ] as const) {
          const { provide } = server({ initialize })
          const { exit } = yield* ran(provide(Poll.until(tasks(), "t1", wait)))
          assert.strictEqual(endOf(exit), expected)
          assert.isBelow(String(errorOf(exit)).length, 3_000)
        }
      })
    )

    it.effect("a session id or version that no header can hold is not sent", () =>
      Effect.gen(function* () {
        for (const [id, version] of [
          ["x".repeat(5_000), "v".repeat(100)],
          ["with space", "a\u0001b"],
          ["ü", 3]
        ] as const) {
          const headers: Array<readonly [string | undefined, string | undefined]> = []
          const client = HttpClient.make((request) =>
            Effect.sync(() => {
              const body = bodyOf(request)
              headers.push([request.headers["mcp-session-id"], request.headers["mcp-protocol-version"]])
              const result = body.method === "initialize" ? { protocolVersion: version } : 1
              return HttpClientResponse.fromWeb(
                request,
                json({ jsonrpc: "2.0", id: body.id, result }, { headers: { "mcp-session-id": id } })
              )
            })
          )
          const call = McpTasks.http({ url, initialize: { clientInfo } })
          yield* Effect.provideService(call("ping", {}), HttpClient.HttpClient, client)
          assert.deepStrictEqual(headers.slice(1), [
            [undefined, "2025-11-25"],
            [undefined, "2025-11-25"]
          ])
        }
      })
    )

    it.effect("a submit that finds its session lost is sent once more", () =>
      Effect.gen(function* () {
        const { methods, provide } = server({ restartsAt: [0], doneAt: 5 })
        const call = McpTasks.http({ url, initialize: { clientInfo }, sessionId: Redacted.make("SECRET-0") })
        const run = McpTasks.run({ params: { name: "render" } }, { dialect: "2025-11-25", call, ...wait })
        const { exit } = yield* ran(provide(run))
        assert.deepStrictEqual(exit, Exit.succeed(content))
        assert.strictEqual(methods().filter((each) => each === "tools/call").length, 2)
      })
    )

    it.effect("an unknown task is missing, also with a 404: no session is opened for it", () =>
      Effect.gen(function* () {
        for (const status of [200, 400, 404]) {
          const client = HttpClient.make((request) =>
            Effect.sync(() => {
              const { id, method } = bodyOf(request)
              assert.notStrictEqual(method, "initialize")
              return HttpClientResponse.fromWeb(request, rpcError(-32_602, "no such task in this session", status, id))
            })
          )
          const Tasks = tasks({ initialize: { clientInfo }, sessionId: Redacted.make("SECRET-0") })
          const { exit } = yield* ran(
            Effect.provideService(Poll.until(Tasks, "t1", wait), HttpClient.HttpClient, client)
          )
          assert.strictEqual(endOf(exit), "JobNotFound")
        }
      })
    )

    it("bad options are RangeErrors at the call", () => {
      const openSession = Effect.succeed(Redacted.make("SECRET"))
      for (const [options, said] of [
        [{ initialize: { clientInfo }, openSession }, "initialize must be left out"],
        [{ initialize: { clientInfo: { name: "", version: "1" } } }, "initialize.clientInfo.name must be"],
        [{ initialize: { clientInfo: { name: "a", version: " " } } }, "initialize.clientInfo.version must be"],
        [{ maxBody: 0 }, "McpTasks.http: maxBody must be"],
        [{ allowedOrigins: ["x"] }, "McpTasks.http: allowedOrigins must"]
      ] as const) {
        assert.throws(() => McpTasks.http({ url, ...options }), RangeError, said)
      }
    })
  })

  describe("4xx", () => {
    const answering = (answer: () => Response) => {
      let asked = 0
      const client = HttpClient.make((request) =>
        Effect.sync(() => {
          asked++
          return HttpClientResponse.fromWeb(request, answer())
        })
      )
      return { asked: () => asked, provide: Effect.provideService(HttpClient.HttpClient, client) }
    }

    it.effect("is permanent whatever the code of its error; 408, 425 and 5xx are transient", () =>
      Effect.gen(function* () {
        for (const [status, code, expected] of [
          [400, -32_000, "CheckRejected JsonRpcError -32000 400"],
          [400, -32_603, "CheckRejected JsonRpcError -32603 400"],
          [401, -32_001, "CheckRejected JsonRpcError -32001 401"],
          [403, -32_050, "CheckRejected JsonRpcError -32050 403"],
          [404, -32_603, "CheckRejected JsonRpcError -32603 404"],
          [409, -32_000, "CheckRejected JsonRpcError -32000 409"],
          [408, -32_000, "CheckErrorsExhausted"],
          [425, -32_000, "CheckErrorsExhausted"],
          [500, -32_600, "CheckErrorsExhausted"],
          [502, -32_000, "CheckErrorsExhausted"],
          [200, -32_603, "CheckErrorsExhausted"],
          [200, -32_600, "CheckRejected JsonRpcError -32600 200"]
        ] as const) {
          const { asked, provide } = answering(() => rpcError(code, "no", status))
          const { at, exit } = yield* ran(provide(Poll.until(tasks({}), "t1", wait)))
          assert.strictEqual(endOf(exit), expected, `${status} ${code}`)
          assert.strictEqual(asked() === 1, expected.startsWith("CheckRejected"))
          assert.strictEqual(at === 0, expected.startsWith("CheckRejected"))
        }
      })
    )
  })

  it.effect("429 is throttled: no end, however often", () =>
    Effect.gen(function* () {
      let asked = 0
      const client = HttpClient.make((request) =>
        Effect.sync(() =>
          HttpClientResponse.fromWeb(
            request,
            ++asked <= 12
              ? new Response(null, { status: 429, headers: { "retry-after": "20" } })
              : json({ jsonrpc: "2.0", id: asked, result: { taskId: "t1", status: "cancelled" } })
          )
        )
      )
      const { at, exit } = yield* ran(
        Effect.provideService(Poll.until(tasks({}), "t1", wait), HttpClient.HttpClient, client)
      )
      assert.deepStrictEqual([endOf(exit), asked, at], ["JobCanceled", 13, 240])
    })
  )

  describe("interpret", () => {
    const over = (
      interpret: NonNullable<McpTasks.HttpOptions["interpret"]>,
      ...answers: ReadonlyArray<() => Response>
    ) =>
      Effect.gen(function* () {
        let asked = 0
        const client = HttpClient.make((request) =>
          Effect.sync(() => {
            const answer = answers[Math.min(asked++, answers.length - 1)]!()
            return HttpClientResponse.fromWeb(request, answer)
          })
        )
        const Tasks = McpTasks.job("mcp-task", { dialect: "extension", call: McpTasks.http({ url, interpret }) })
        const { exit } = yield* ran(Effect.provideService(Poll.until(Tasks, "t1", wait), HttpClient.HttpClient, client))
        return { end: endOf(exit), asked }
      })

    const done = (id: number) => () =>
      json({ jsonrpc: "2.0", id, result: { taskId: "t1", status: "completed", result: 1 } })

    it.effect("says what an answer means before it is read as JSON-RPC", () =>
      Effect.gen(function* () {
        const interpret = Interpretation.rules(
          [{ status: 470 }, Status.pending({ state: "queued" })],
          [{ status: 471 }, Status.canceled()],
          [{ status: 472 }, Interpretation.decode],
          [{ status: 473 }, Interpretation.transient()],
          [{ status: 474 }, Interpretation.permanent()],
          [
            { status: 475 },
            Status.failed<McpTaskError.Failure>({ _tag: "Unexplained", message: "no", toString: () => "no" })
          ]
        )
        const bare = (status: number) => () => new Response(null, { status })
        assert.deepStrictEqual(yield* over(interpret, bare(470), bare(470), done(3)), { end: "succeeded", asked: 3 })
        assert.deepStrictEqual(yield* over(interpret, bare(471)), { end: "JobCanceled", asked: 1 })
        assert.deepStrictEqual(
          yield* over(interpret, () =>
            json({ jsonrpc: "2.0", id: 1, result: { taskId: "t1", status: "cancelled" } }, { status: 472 })
          ),
          { end: "JobCanceled", asked: 1 }
        )
        assert.deepStrictEqual(yield* over(interpret, bare(473), done(2)), { end: "succeeded", asked: 2 })
        assert.deepStrictEqual(yield* over(interpret, bare(474)), { end: "CheckRejected Status", asked: 1 })
        assert.deepStrictEqual(yield* over(interpret, bare(475)), { end: "JobFailed", asked: 1 })
        assert.deepStrictEqual(yield* over(interpret, bare(476)), { end: "CheckRejected Status", asked: 1 })
      })
    )

    it.effect("a submit has no check, so a status for it is an invalid answer", () =>
      Effect.gen(function* () {
        const client = HttpClient.make((request) =>
          Effect.succeed(HttpClientResponse.fromWeb(request, new Response(null, { status: 202 })))
        )
        const call = McpTasks.http({ url, interpret: () => Status.pending() })
        const { exit } = yield* ran(
          Effect.provideService(
            McpTasks.run({ params: {} }, { dialect: "extension", call, ...wait }),
            HttpClient.HttpClient,
            client
          )
        )
        assert.strictEqual(endOf(exit), "InvalidAnswer")
      })
    )
  })

  describe("hostile answers", () => {
    const asking = (inputRequests: Readonly<Record<string, unknown>>) => ({
      taskId: "t1",
      status: "input_required",
      pollIntervalMs: 1_000,
      inputRequests
    })
    const keys = (from: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${from + at}`, { method: "elicitation/create" }]))

    const handled = (answer: (check: number) => unknown) =>
      Effect.gen(function* () {
        let checks = 0
        let running = 0
        let most = 0
        const call = () => Effect.sync(() => answer(++checks))
        const { exit } = yield* ran(
          McpTasks.run(
            { params: {} },
            {
              dialect: "extension",
              call: (method) =>
                method === "tools/call"
                  ? Effect.succeed({ resultType: "task", taskId: "t1", status: "working" })
                  : method === "tasks/update"
                    ? Effect.succeed({})
                    : call(),
              onInput: () =>
                Effect.suspend(() => {
                  most = Math.max(most, ++running)
                  return Effect.ensuring(
                    Effect.never,
                    Effect.sync(() => running--)
                  )
                }),
              ...wait
            }
          )
        )
        const failed = errorOf(exit)
        const error = failed instanceof PollError.CheckRejected ? failed.error : failed
        return { error, most, running, checks }
      })

    it.effect("more than 16 requests for input at once are refused, typed, and no handler starts", () =>
      Effect.gen(function* () {
        for (const count of [17, 50_000]) {
          const { error, most } = yield* handled(() => asking(keys(0, count)))
          assert.instanceOf(error, McpTaskError.InvalidAnswer)
          if (!(error instanceof McpTaskError.InvalidAnswer)) return
          assert.deepStrictEqual(
            [error.kind, error.issue, most],
            ["excessive", `Expected at most 16 inputRequests, got ${count}`, 0]
          )
        }
        const fine = yield* handled((check) =>
          check < 5 ? asking(keys(0, 16)) : { taskId: "t1", status: "cancelled" }
        )
        assert.deepStrictEqual([fine.most, fine.running], [16, 0])
        assert.instanceOf(fine.error, PollError.JobCanceled)
      })
    )

    it.effect("other requests at each check do not start handlers without end", () =>
      Effect.gen(function* () {
        const { checks, error, most, running } = yield* handled((check) => asking(keys(check * 10, 10)))
        assert.instanceOf(error, McpTaskError.InvalidAnswer)
        assert.deepStrictEqual([most, running, checks], [10, 0, 2])
      })
    )

    it.effect("without a handler it is refused too", () =>
      Effect.gen(function* () {
        for (const input of ["fail", "report"] as const) {
          const Tasks = McpTasks.job("mcp-task", {
            dialect: "extension",
            input,
            call: () => Effect.succeed(asking(keys(0, 1_000)))
          })
          const failed = errorOf((yield* ran(Poll.until(Tasks, "t1", wait))).exit)
          assert.isTrue(
            failed instanceof PollError.CheckRejected &&
              failed.error instanceof McpTaskError.InvalidAnswer &&
              failed.error.kind === "excessive"
          )
        }
      })
    )

    it.effect("texts of the server are cut, wherever they end up", () =>
      Effect.gen(function* () {
        const long = "x".repeat(1_000_000)
        for (const answer of [
          { taskId: "t1", status: "failed", statusMessage: long, error: { code: -1, message: long } },
          { taskId: "t1", status: "failed", error: { code: -1, message: long } },
          { taskId: "t1", status: "cancelled", statusMessage: long },
          { taskId: "t1", status: long },
          { taskId: "t1", status: "completed", result: { isError: true, content: [{ text: long }, { text: long }] } },
          asking({ [long]: { method: long } }),
          asking({ a: { method: long } })
        ]) {
          const Tasks = McpTasks.job("mcp-task", { dialect: "extension", call: () => Effect.succeed(answer) })
          const failed = errorOf((yield* ran(Poll.until(Tasks, "t1", wait))).exit)
          assert.isBelow(String(failed).length, 3_000)
        }
        const client = HttpClient.make((request) =>
          Effect.succeed(HttpClientResponse.fromWeb(request, rpcError(-32_600, long, 400)))
        )
        const failed = errorOf(
          (yield* ran(Effect.provideService(Poll.until(tasks({}), "t1", wait), HttpClient.HttpClient, client))).exit
        )
        assert.isBelow(String(failed).length, 3_000)
        assert.isTrue(
          failed instanceof PollError.CheckRejected &&
            failed.error instanceof McpTaskError.JsonRpcError &&
            failed.error.description.length === 1_000
        )
      })
    )

    it.effect("texts of the server forge no lines", () =>
      Effect.gen(function* () {
        const forged = "no\n2026-01-01 ERROR all is lost\u001b[2J\u202e"
        const messages = [
          new McpTaskError.JsonRpcError({ method: "tasks/get", code: -1, description: forged, data: undefined })
            .message,
          new McpTaskError.InvalidAnswer({ method: "tasks/get", kind: "malformed", issue: forged }).message,
          new McpTaskError.InputRequired({
            taskId: "t1",
            requests: [{ taskId: "t1", message: undefined, key: forged, method: forged, params: undefined }]
          }).message
        ]
        for (const more of [
          { statusMessage: forged },
          { error: { code: -1, message: forged } },
          { statusMessage: forged, error: { code: -1 } }
        ]) {
          const call = () => Effect.succeed({ taskId: "t1", status: "failed", ...more })
          const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", { dialect: "extension", call }), "t1", wait))
          const failed = errorOf(exit)
          messages.push(failed instanceof PollError.JobFailed ? String(failed.failure) : "")
        }
        for (const message of messages) {
          assert.include(message, "all is lost")
          assert.notMatch(message, /[\n\p{Cc}\u202e]/u)
        }
      })
    )

    it.effect("numbers that are no delays are clamped, and texts are read", () =>
      Effect.gen(function* () {
        for (const [interval, second] of [
          ["5000", 5],
          [5_000, 5],
          [1e308, 3_600],
          ["9".repeat(400), 1],
          [86_400_000, 3_600],
          [-5, 1],
          ["soon", 1],
          [null, 1],
          [{}, 1],
          [0, 0.1],
          [0.4, 0.1]
        ] as const) {
          for (const dialect of ["2025-11-25", "extension"] as const) {
            const at: Array<number> = []
            const Tasks = McpTasks.job("mcp-task", {
              dialect,
              call: () =>
                Effect.map(Clock.currentTimeMillis, (now) => {
                  at.push(now / 1000)
                  return {
                    taskId: "t1",
                    status: at.length < 2 ? "working" : "cancelled",
                    pollInterval: interval,
                    pollIntervalMs: interval,
                    ttl: 1e308,
                    ttlMs: "1e308"
                  }
                })
            })
            const { exit } = yield* ran(Poll.until(Tasks, "t1", { deadline: "1 day" }), "1 day")
            assert.strictEqual(endOf(exit), "JobCanceled")
            assert.deepStrictEqual(at, [0, second], JSON.stringify(interval))
          }
        }
      })
    )

    it.effect("ttl - a text is read, and 1e308 does not end a wait", () =>
      Effect.gen(function* () {
        for (const [ttl, expected] of [
          ["12000", 12],
          [12_000, 12],
          [1e308, 3_600],
          ["-1", 3_600]
        ] as const) {
          const Tasks = McpTasks.job("mcp-task", {
            dialect: "extension",
            call: () => Effect.succeed({ taskId: "t1", status: "working", ttlMs: ttl, pollIntervalMs: 4_000 })
          })
          const { at, exit } = yield* ran(Poll.until(Tasks, "t1", wait), "2 hours")
          assert.deepStrictEqual([endOf(exit), at], ["PollTimeout", expected])
        }
      })
    )

    it.effect("answers nested a hundred thousand deep are no defect", () =>
      Effect.gen(function* () {
        let deep: unknown = 1
        for (let at = 0; at < 100_000; at++) deep = [deep]
        for (const answer of [
          deep,
          { taskId: "t1", status: "completed", result: deep },
          { taskId: "t1", status: "working", statusMessage: deep },
          { taskId: deep, status: "failed", error: deep },
          asking({ a: deep }),
          { resultType: deep }
        ]) {
          for (const dialect of ["2025-11-25", "extension"] as const) {
            const options = { dialect, call: () => Effect.succeed(answer) }
            const { exit } = yield* ran(Poll.until(McpTasks.job("mcp-task", options), "t1", wait), "2 hours")
            assert.notStrictEqual(endOf(exit), "a defect")
            const run = yield* ran(McpTasks.run({ params: {} }, { ...options, ...wait }), "2 hours")
            assert.notStrictEqual(endOf(run.exit), "a defect")
          }
        }
      })
    )
  })
})
