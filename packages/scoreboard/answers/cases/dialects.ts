// B6, B7: device logins and MCP servers with dialects of their own.
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as DeviceFlow from "@effect-poll/http/DeviceFlow"
import * as Interpretation from "@effect-poll/http/Interpretation"
import * as McpTasks from "@effect-poll/http/McpTasks"
import { type Case, equal, type Expected, first, unless, wait } from "../case.ts"
import type { Observed } from "../lab.ts"
import { type Handler, type Reply, routes, script, type Seen } from "../server.ts"
import { base, eachSecond } from "./kit.ts"

const client = { deviceAuthorizationUrl: `${base}/device`, tokenUrl: `${base}/token`, clientId: "tv" }

const codes = (more: object): Reply => ({
  json: { device_code: "device-s3cret", user_code: "WDJB", verification_uri: `${base}/activate`, ...more }
})

const token: Reply = { json: { access_token: "token-s3cret", token_type: "Bearer" } }

const hides = ["device-s3cret", "token-s3cret"]

const login = (
  id: string,
  name: string,
  options: {
    readonly codes?: object
    readonly token: Handler | Reply
    readonly interpret?: DeviceFlow.JobOptions["interpret"]
    readonly ends: Expected
    readonly check?: (seen: Observed) => ReturnType<typeof unless>
  }
): Case =>
  wait(id, name, {
    server: routes({ "/device": codes({ expires_in: 900, interval: 5, ...options.codes }), "/token": options.token }),
    program: () =>
      Effect.map(
        DeviceFlow.run(client, { interpret: options.interpret, onPrompt: () => Effect.void }),
        ({ accessToken }) => Redacted.value(accessToken)
      ),
    ends: { hides, ...options.ends },
    ...(options.check !== undefined && { check: options.check })
  })

const granted = { tag: "Succeeded", value: "token-s3cret" } as const

const pending = (status: number, body: unknown = {}): Reply => ({ status, json: body })

const call = (extra: object = {}) => McpTasks.http({ url: `${base}/mcp`, ...extra })

const tasks = (extra: object = {}) =>
  McpTasks.job("mcp", { dialect: "2025-11-25", call: call(extra), result: Schema.Struct({ text: Schema.String }) })

const rpc = ({ body }: Seen) => JSON.parse(body) as { readonly id?: number; readonly method: string }

const answer = (request: Seen, result: unknown, headers: Record<string, string> = {}): Reply => ({
  json: { jsonrpc: "2.0", id: rpc(request).id, result },
  headers
})

const refuse = (request: Seen, status: number, code: number, message: string): Reply => ({
  status,
  json: { jsonrpc: "2.0", id: rpc(request).id, error: { code, message } }
})

const task = (status: string) => ({
  taskId: "task-1",
  status,
  createdAt: "2026-01-01T00:00:00Z",
  ttl: null,
  pollInterval: 1_000
})

/** A server that forgets its sessions after so many requests about the task; `renewed` says whether new ones are known. */
const restarting = (after: number, status = 404): Handler => {
  let session = 0
  let asked = 0
  return (request) => {
    const { method } = rpc(request)
    if (method === "initialize") {
      session++
      return answer(
        request,
        { protocolVersion: "2025-11-25", capabilities: { tasks: {} }, serverInfo: { name: "s", version: "1" } },
        { "mcp-session-id": `session-${session}` }
      )
    }
    if (method.startsWith("notifications/")) return { status: 202 }
    if (request.headers["mcp-session-id"] !== `session-${session}`)
      return refuse(request, status, -32_600, "no such session")
    asked++
    if (asked === after) {
      session++
      return refuse(request, status, -32_600, "no such session")
    }
    return method === "tasks/result"
      ? answer(request, { text: "done" })
      : answer(request, task(asked > after + 2 ? "completed" : "working"))
  }
}

const initialize = { clientInfo: { name: "board", version: "1" } }

const watch = (extra: object = {}) => Poll.until(tasks(extra), "task-1", eachSecond)

export const dialects: ReadonlyArray<Case> = [
  login("B6.a", "a message says pending", {
    token: script(pending(400, { message: "authorization_pending" }), pending(400, { message: "slow_down" }), token),
    ends: { ...granted, requests: 4, gaps: [5_000, 5_000, 10_000] }
  }),
  login("B6.b", "pending is a bare 400, then a 403, then a 404", {
    token: script({ status: 400 }, { status: 403 }, { status: 404 }, token),
    interpret: Interpretation.rules([{ status: [400, 403, 404] }, Status.pending()]),
    ends: { ...granted, requests: 5, gaps: [5_000, 5_000, 5_000, 5_000] }
  }),
  login("B6.c", "expires_in and interval are texts", {
    codes: { expires_in: "900", interval: "5" },
    token: script(pending(400, { error: "authorization_pending" }), token),
    ends: { ...granted, requests: 3, gaps: [5_000, 5_000] }
  }),
  login("B6.d", "a teapot says that the person has not agreed yet", {
    token: script({ status: 418 }, { status: 418 }, token),
    interpret: Interpretation.rules([{ status: 418 }, Status.pending({ state: "teapot" })]),
    ends: { ...granted, requests: 4 }
  }),
  login("B6.e", "200 with ok: false until the person agrees", {
    token: script(pending(200, { ok: false, reason: "not yet" }), pending(200, { ok: false, reason: "declined" })),
    interpret: Interpretation.rules(
      [{ body: { ok: false, reason: "not yet" } }, Status.pending()],
      [{ body: { ok: false, reason: "declined" } }, Status.canceled({ reason: "declined" })]
    ),
    ends: { tag: "JobCanceled", error: { reason: "declined" }, requests: 3 }
  }),
  login("B6.f", "an interval that is no number", {
    codes: { interval: "soon", expires_in: "900.0" },
    token,
    ends: { ...granted, requests: 2, gaps: [5_000] }
  }),
  login("B6.g", "429 with Retry-After is no refusal", {
    token: script({ status: 429, headers: { "retry-after": "30" } }, token),
    ends: { ...granted, requests: 3, gaps: [5_000, 30_000] }
  }),

  wait("B7.a", "the server was restarted: 400 with an RPC error about the session", {
    server: (request) => refuse(request, 400, -32_000, "Bad Request: no valid session ID provided"),
    program: () => watch(),
    ends: { tag: "CheckRejected", requests: 1, says: "session" }
  }),
  wait("B7.b", "the same, and a new session by initialize", {
    server: restarting(2, 400),
    program: () => watch({ initialize }),
    ends: { tag: "Succeeded", value: { text: "done" } },
    check: ({ server }) =>
      equal("initialize", server.requests.filter((request) => rpc(request).method === "initialize").length, 2)
  }),
  wait("B7.c", "the same with 404, and a session by an Effect", {
    server: restarting(2),
    program: () => {
      let opened = 0
      return watch({ openSession: Effect.sync(() => Redacted.make(`session-${opened++}`)) })
    },
    ends: { tag: "Succeeded", value: { text: "done" } }
  }),
  wait("B7.d", "initialize comes first, and its session is on each request after it", {
    server: restarting(1_000),
    program: () => watch({ initialize }),
    until: 10_000,
    ends: { tag: "no end" },
    check: ({ server }) =>
      first(
        equal("the first request", rpc(server.requests[0]!).method, "initialize"),
        unless(
          server.requests.slice(1).every(({ headers }) => headers["mcp-session-id"] === "session-1"),
          "a request has no session"
        )
      )
  }),
  wait("B7.e", "a server that is down for a while is tolerated", {
    server: (request, n) =>
      n < 3
        ? { status: 503 }
        : rpc(request).method === "tasks/result"
          ? answer(request, { text: "done" })
          : answer(request, task("completed")),
    program: () => watch(),
    ends: { tag: "Succeeded", value: { text: "done" }, requests: 4 }
  }),
  wait("B7.f", "401 is permanent", {
    server: (request) => refuse(request, 401, -32_001, "unauthorized"),
    program: () => watch(),
    ends: { tag: "CheckRejected", requests: 1 }
  })
]
