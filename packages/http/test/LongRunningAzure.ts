// The public test server of Azure's clients, the table of its long-running operations, and how ours does in it.
// The scoreboard uses this too.
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Cookies from "effect/http/Cookies"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { isDeepStrictEqual } from "node:util"
import type { PollError } from "effect-poll/PollError"
import * as Strategy from "effect-poll/Strategy"
import type { SubmitError } from "effect-poll/SubmitError"
import { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as LongRunning from "@effect-poll/http/LongRunning"
import type { LongRunningFailure } from "@effect-poll/http/LongRunningFailure"
import * as LongRunningProtocol from "@effect-poll/http/LongRunningProtocol"

/** A row of the table. */
export interface Scenario {
  readonly name: string
  readonly method: "PUT" | "PATCH" | "POST" | "DELETE"
  /** A path. */
  readonly url: string
  readonly expect: Kind
  readonly alsoAccept?: ReadonlyArray<Kind>
  /** What the result holds at least. */
  readonly expectBody?: unknown
  readonly expectStatus?: number
  /** What the failure says, among other things. */
  readonly expectMessage?: string
  readonly finalStateVia?: LongRunningProtocol.FinalState
  readonly requestHeaders?: Readonly<Record<string, string>>
}

export type Kind = "success" | "failed" | "canceled" | "http-error" | "invalid-response"

/** How an operation ended. */
export interface Outcome {
  readonly kind: Kind | "other"
  readonly body?: unknown
  readonly status?: number | undefined
  readonly message?: string | undefined
}

const table = new URL("../../../../shared/data/azure-lro-scenarios.json", import.meta.url)

/** The rows of the table; undefined if it is not here. */
export const scenarios = (): ReadonlyArray<Scenario> | undefined =>
  existsSync(table) ? (JSON.parse(readFileSync(table, "utf8")) as ReadonlyArray<Scenario>) : undefined

/** What is wrong with an outcome; nothing if it is right. */
export const complaint = (row: Scenario, outcome: Outcome): string | undefined => {
  const { kind } = outcome
  if (kind !== row.expect && !row.alsoAccept?.some((other) => other === kind)) {
    return `expected ${row.expect}, got ${kind}: ${outcome.message ?? JSON.stringify(outcome.body)}`
  }
  if (kind !== row.expect) return undefined
  if (row.expectBody !== undefined && !holds(outcome.body, row.expectBody)) {
    return `expected ${JSON.stringify(row.expectBody)}, got ${JSON.stringify(outcome.body)}`
  }
  if (row.expectStatus !== undefined && outcome.status !== row.expectStatus) {
    return `expected the HTTP status ${row.expectStatus}, got ${outcome.status}`
  }
  return row.expectMessage !== undefined && outcome.message?.includes(row.expectMessage) !== true
    ? `expected the message ${row.expectMessage}, got ${outcome.message}`
    : undefined
}

/** Starts the server on a free port of the loopback interface, for as long as the scope lives, and yields its URL. */
export const server: Effect.Effect<string, never, Scope.Scope> = Effect.gen(function* () {
  const coverage = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "testserver-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )
  const cli = createRequire(import.meta.url).resolve("@microsoft.azure/autorest.testserver")
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const options = ["--port", "0", "--level", "error", "--coverageDirectory", coverage]
      return spawn(process.execPath, ["--import", onLoopback, cli, ...options], {
        stdio: ["ignore", "pipe", "inherit"]
      })
    }),
    (process) =>
      Effect.promise(async () => {
        if (process.exitCode !== null) return
        process.kill()
        await once(process, "exit")
      })
  )
  const port = yield* Effect.promise(async () => {
    const lines = createInterface({ input: child.stdout })
    for await (const line of lines) {
      const said = /^listening on (\d+)$/.exec(line)
      if (said !== null) return said[1]!
    }
    throw new Error("the test server did not start")
  })
  // What it prints from here on is of no interest, but must be read.
  child.stdout.resume()
  return `http://127.0.0.1:${port}`
})

/** Runs a row with `LongRunning.run`. */
export const ours = (base: string, row: Scenario): Effect.Effect<Outcome, never, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    // The server keeps the state of a scenario in a cookie.
    const cookies = yield* Ref.make<ReadonlyArray<Cookies.Cookie>>([])
    const checking = (yield* HttpClient.HttpClient).pipe(
      HttpClient.mapRequest(HttpClientRequest.setHeaders(row.requestHeaders ?? {})),
      HttpClient.withCookiesRef(cookies)
    )
    // Some first requests are answered by a 500: whether they may be sent again is for the user of the client to say.
    const submitting = HttpClient.retryTransient(checking, { times: 3, schedule: Schedule.spaced("1 millis") })
    const client = HttpClient.make((request) => (request.method === "GET" ? checking : submitting).execute(request))
    const request = HttpClientRequest.make(row.method)(`${base}${row.url}`)
    const exit = yield* Effect.exit(
      LongRunning.run(row.method === "DELETE" ? request : HttpClientRequest.bodyJsonUnsafe(request, {}), {
        ...(row.finalStateVia === undefined
          ? {}
          : { protocol: LongRunningProtocol.azure({ finalState: row.finalStateVia }) }),
        strategy: Strategy.spaced("1 millis"),
        checkErrors: { schedule: Strategy.spaced("1 millis"), maxConsecutive: 3 },
        maxHint: "10 millis",
        deadline: "20 seconds"
      }).pipe(Effect.provideService(HttpClient.HttpClient, client))
    )
    return outcomeOf(exit)
  })

// ---- internal ----

/** Makes a server listen on the loopback interface only, and say where. */
const onLoopback = `data:text/javascript,${encodeURIComponent(`
  import { Server } from "node:net"
  const { listen } = Server.prototype
  Server.prototype.listen = function (port, done) {
    return listen.call(this, { port, host: "127.0.0.1" }, () => {
      console.log("listening on " + this.address().port)
      done?.()
    })
  }
`)}`

const outcomeOf = (exit: Exit.Exit<unknown, LongRunningError>): Outcome => {
  if (Exit.isSuccess(exit)) return { kind: "success", body: exit.value }
  const error = exit.cause.reasons.find(Cause.isFailReason)?.error
  const message = error?.message
  switch (error?._tag) {
    case "JobFailed":
      return { kind: "failed", message }
    case "JobCanceled":
      return { kind: "canceled", message }
    case "JobNotFound":
      return { kind: "http-error", status: 404, message }
    case "HttpCheckError":
      return refused(error)
    case "CheckRejected":
      return refused(error.error)
    case "CheckErrorsExhausted":
      return error.error instanceof HttpCheckError ? refused(error.error) : { kind: "other", message }
    default:
      return { kind: "other", message: message ?? Cause.pretty(exit.cause) }
  }
}

type LongRunningError = PollError<LongRunningFailure, HttpCheckError> | SubmitError | HttpCheckError

const refused = ({ message, reason }: HttpCheckError): Outcome => {
  switch (reason._tag) {
    case "Status":
      return { kind: "http-error", status: reason.status, message }
    case "NotJson":
    case "Decode":
      return { kind: "invalid-response", message }
    default:
      return { kind: "other", message }
  }
}

/** Whether a value holds all that is expected of it; objects may hold more, arrays may not. */
const holds = (value: unknown, expected: unknown): boolean => {
  if (typeof expected !== "object" || expected === null || typeof value !== "object" || value === null) {
    return isDeepStrictEqual(value, expected)
  }
  if (Array.isArray(expected) && (!Array.isArray(value) || value.length !== expected.length)) return false
  return Object.entries(expected).every(([name, part]) => holds((value as Record<string, unknown>)[name], part))
}
