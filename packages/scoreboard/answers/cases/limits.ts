// S6-S9: secrets in keys, and absurd amounts.
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as AwsWaiter from "@effect-poll/http/AwsWaiter"
import * as DeviceFlow from "@effect-poll/http/DeviceFlow"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as LongRunning from "@effect-poll/http/LongRunning"
import * as McpTasks from "@effect-poll/http/McpTasks"
import { type Case, unless, wait } from "../case.ts"
import type { Program } from "../lab.ts"
import { type Handler, type Reply, routes, script, type Seen } from "../server.ts"
import { base, done, eachSecond, JobStatus, running, url } from "./kit.ts"

const poll = () => Poll.until(HttpCheck.get(url, JobStatus), eachSecond)

/** Long enough for the longest delay that a server can request. */
const patient = () => Poll.until(HttpCheck.get(url, JobStatus), { ...eachSecond, deadline: "3 hours" })

const sealed = "c2VhbGVk".repeat(30)

const tokens: Array<string> = []

/** An operation whose tokens are kept for the check of the case. */
const kept =
  (program: (store: (token: unknown) => Effect.Effect<void>) => Program): (() => Program) =>
  () => {
    tokens.length = 0
    return program((token) => Effect.sync(() => void tokens.push(JSON.stringify(token))))
  }

const submit = HttpClientRequest.post(`${base}/exports`)

const runKept = kept((store) => LongRunning.run(submit, { ...eachSecond, onReceipt: store }))

/** Processor seconds, in real time: the virtual clock does not move while a header is parsed. */
const processor =
  (program: () => Program, most: number): (() => Program) =>
  () =>
    Effect.suspend(() => {
      const before = process.cpuUsage()
      return Effect.ensuring(
        program(),
        Effect.suspend(() => {
          const { user } = process.cpuUsage(before)
          return user / 1e6 > most ? Effect.die(new Error(`it took ${user / 1e6} s of the processor`)) : Effect.void
        })
      )
    })

const header = (id: string, name: string, headers: Record<string, string>): Case =>
  wait(id, name, {
    server: script({ status: 429, headers }, done),
    program: processor(patient, 2),
    ends: { tag: "Succeeded", requests: 2 }
  })

const device = (codes: object, token: Handler | Reply) =>
  routes({
    "/device": { json: { device_code: "d", user_code: "WDJB", verification_uri: `${base}/a`, interval: 5, ...codes } },
    "/token": token
  })

const login = (): Program =>
  DeviceFlow.run(
    { deviceAuthorizationUrl: `${base}/device`, tokenUrl: `${base}/token`, clientId: "tv" },
    { onPrompt: () => Effect.void }
  )

const id = ({ body }: Seen): number => (JSON.parse(body) as { readonly id: number }).id

let atOnce = 0
let mostAtOnce = 0

/** Runs a task whose requests for input are handled, and counts the handlers that run together. */
const inputs = (): Program => {
  atOnce = mostAtOnce = 0
  return McpTasks.run(
    { params: { name: "ask" } },
    {
      ...eachSecond,
      deadline: "2 minutes",
      dialect: "extension",
      call: McpTasks.http({ url: `${base}/mcp`, protocolVersion: "2026-07-28" }),
      onInput: () =>
        Effect.sync(() => void (mostAtOnce = Math.max(mostAtOnce, ++atOnce))).pipe(
          Effect.andThen(Effect.sleep("5 minutes"))
        )
    }
  )
}

const asking =
  (count: number): Handler =>
  (request) => ({
    json: {
      jsonrpc: "2.0",
      id: id(request),
      result: {
        resultType: "task",
        taskId: "t1",
        status: "input_required",
        createdAt: "2026-01-01T00:00:00Z",
        lastUpdatedAt: "2026-01-01T00:00:00Z",
        ttlMs: null,
        pollIntervalMs: 1_000,
        inputRequests: Object.fromEntries(
          Array.from({ length: count }, (_, index) => [`k${index}`, { method: "elicitation/create", params: {} }])
        )
      }
    }
  })

const Thrower = StatusSchema.fromField(
  Schema.Struct({ status: Schema.Literals(["boom"]), note: Schema.String }),
  "status",
  {
    boom: ({ note }): Status.Status<never> => {
      throw new Error(`cannot read ${note}`)
    }
  }
)

const Keyed = StatusSchema.fromField(
  Schema.Struct({ status: Schema.Literals(["done"]), users: Schema.Record(Schema.String, Schema.Int) }),
  "status",
  { done: ({ users }) => Status.succeeded(users) }
)

const waiter = (path: string) => ({
  version: 2,
  waiters: {},
  delay: 1,
  maxAttempts: 5,
  operation: "Describe",
  acceptors: [
    { matcher: "path", argument: path, expected: "x", state: "success" },
    { matcher: "error", expected: "Gone", state: "failure" }
  ]
})

/** Loads a definition and judges an answer by it: a RangeError, or little memory. */
const judged = (caseId: string, name: string, path: string): Case =>
  wait(caseId, name, {
    server: script(done),
    program: () =>
      Effect.sync(() => {
        const before = process.memoryUsage().heapUsed
        try {
          const loaded = AwsWaiter.load(waiter(path))
          return Effect.runSync(
            Effect.as(AwsWaiter.check(loaded, Effect.succeed({ a: ["x".repeat(64)] })), grown(before))
          )
        } catch (error) {
          return error instanceof RangeError ? grown(before) : String(error)
        }
      }),
    ends: { tag: "Succeeded", value: (mebibytes: unknown) => typeof mebibytes === "number" && mebibytes < 100 }
  })

const grown = (before: number): number => (process.memoryUsage().heapUsed - before) / 1_048_576

const joins = (count: number): string => {
  let path = "join('', a)"
  for (let n = 0; n < count; n++)
    path = `[${path}, ${path.length < 400 ? "@" : "''"}] | join('', [to_string(@), to_string(@)])`
  return path
}

const doubling = (count: number): string =>
  ["to_string(@)", ...Array.from({ length: count }, () => "join('', [@, @])")].join(" | ")

export const limits: ReadonlyArray<Case> = [
  wait("S6.a", "an operation that ended in its first answer keeps its result out of keys and tokens", {
    server: routes({
      "POST /exports": { json: { name: "operations/1", done: true, response: { secret: "res-s3cret" } } }
    }),
    program: runKept,
    ends: { tag: "Succeeded", value: { secret: "res-s3cret" }, hides: "res-s3cret" },
    check: () =>
      unless(
        !tokens.join().includes("res-s3cret") && !decoded(tokens.join()).includes("res-s3cret"),
        "the result is in the token"
      )
  }),
  wait("S6.b", "a signature in the operation's URL is in the token only", {
    server: routes({
      "POST /exports": { status: 202, headers: { location: `/operations/1?sig=${sealed}` } },
      "/operations/1": script({ status: 202 }, { json: { pages: 1 } })
    }),
    program: runKept,
    ends: { tag: "Succeeded", hides: sealed },
    check: () => unless(tokens.length === 1 && decoded(tokens[0]!).includes(sealed), "the token lacks the URL")
  }),
  wait("S6.c", "the query of the first request is shown nowhere", {
    server: routes({
      "POST /exports": { status: 202, headers: { location: "/operations/1" } },
      "/operations/1": { status: 500 }
    }),
    program: () => LongRunning.run(HttpClientRequest.setUrlParam(submit, "code", sealed), eachSecond),
    ends: { tag: "CheckErrorsExhausted", hides: sealed }
  }),
  wait("S6.d", "a failed operation's words are in its error, and its URL's secrets are not", {
    server: routes({
      "POST /exports": { status: 202, headers: { "operation-location": `/operations/1?sig=${sealed}` } },
      "/operations/1": { json: { status: "Failed", error: { code: "Bad", message: "no rows" } } }
    }),
    program: runKept,
    ends: { tag: "JobFailed", says: "no rows", hides: sealed }
  }),

  header("S7.a", "a RateLimit header of 16 KB with unclosed quotes", { ratelimit: `"${'"a;r=0;t=1,'.repeat(1_500)}` }),
  header("S7.b", "a Retry-After of 60 KB", { "retry-after": "9".repeat(60_000) }),
  header("S7.c", "a RateLimit header with 6,000 policies", { ratelimit: '"p";r=0;t=1,'.repeat(6_000) }),
  header("S7.d", "a reset with a fraction of 60 KB", {
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": `1.${"0".repeat(60_000)}`
  }),
  header("S7.e", "a RateLimit header of 60 KB of backslashes", { ratelimit: `"${"\\".repeat(60_000)}` }),

  wait("S8.a", "device codes that expire in 1e308 seconds", {
    server: device(
      { expires_in: 1e308, interval: 1e308 },
      { json: { access_token: "t", token_type: "Bearer", expires_in: 1e308 } }
    ),
    program: login,
    ends: { tag: "Succeeded|PollTimeout" }
  }),
  wait("S8.b", "50,000 requests for input of one task", {
    server: asking(50_000),
    program: inputs,
    ends: { tag: "CheckRejected|PollTimeout|JobExpired|InvalidAnswer" },
    check: () => unless(mostAtOnce <= 16, `${mostAtOnce} handlers ran at once`)
  }),
  wait("S8.c", "a case that throws with a text of the server", {
    server: script({ json: { status: "boom", note: "n0te-s3cret" } }),
    program: () => Poll.until(HttpCheck.get(url, Thrower), eachSecond),
    ends: { tag: "CheckRejected", hides: "n0te-s3cret" }
  }),
  wait("S8.d", "keys of a Record in a decode error", {
    server: script({ json: { status: "done", users: { "ms.miller@mail.example": "x" } } }),
    program: () => Poll.until(HttpCheck.get(url, Keyed), eachSecond),
    ends: { tag: "CheckRejected", hides: "ms.miller" }
  }),
  wait("S8.e", "a state word of 4 MB", {
    server: script(running, { json: { status: "w".repeat(4_000_000) } }),
    program: poll,
    ends: { tag: "UnknownState", error: { state: (word: string) => word.length <= 300 } },
    check: ({ error }) => unless((error as Error).message.length < 2_000, "the message is long")
  }),
  wait("S8.f", "a hint of 1e300 seconds is clamped", {
    server: script({ json: { status: "running" }, headers: { "retry-after": `1${"0".repeat(300)}` } }, done),
    program: () => Poll.until(HttpCheck.get(url, JobStatus), { ...eachSecond, deadline: "3 hours" }),
    ends: { tag: "Succeeded", times: [0, 3_600_000] }
  }),
  wait("S8.g", "a progress of -1e308 and of 1e308 percent", {
    server: script(
      { json: { status: "running", percent: -1e308 } },
      { json: { status: "running", percent: 1e308 } },
      { json: { status: "done", percent: 0 } }
    ),
    program: () =>
      Poll.until(
        HttpCheck.get(
          url,
          StatusSchema.fromField(
            Schema.Struct({ status: Schema.Literals(["running", "done"]), percent: Schema.Finite }),
            "status",
            { running: ({ percent }) => Status.pending({ progress: percent / 100 }), done: Status.succeeded("x") }
          )
        ),
        eachSecond
      ),
    ends: { tag: "Succeeded", requests: 3 }
  }),

  judged("S9.a", "22 joins in a chain", doubling(22)),
  judged("S9.b", "an expression of 100,000 characters", `a${".a".repeat(50_000)}`),
  judged("S9.c", "5,000 brackets", `${"[".repeat(5_000)}@${"]".repeat(5_000)}`),
  judged("S9.d", "joins of joins", joins(12)),
  wait("S9.e", "an expression as AWS publishes them is read", {
    server: script(done),
    program: () =>
      Effect.map(
        AwsWaiter.check(
          AwsWaiter.load(waiter("Reservations[].Instances[].State.Name | [0]")),
          Effect.succeed({ Reservations: [{ Instances: [{ State: { Name: "x" } }] }] })
        ),
        (found) => found._tag
      ),
    ends: { tag: "Succeeded", value: "Succeeded" }
  })
]

/** What base64 in a text holds. */
const decoded = (text: string): string =>
  (text.match(/[\w-]{16,}/g) ?? []).map((part) => Buffer.from(part, "base64url").toString()).join("\n")
