import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"

const main = new URL("../main.ts", import.meta.url).pathname

interface Child {
  readonly process: ChildProcess
  readonly output: () => string
  readonly errors: () => string
  readonly code: Effect.Effect<number | null>
}

/** Starts the app as a child process, which is killed when the scope closes. */
const start = (...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync((): Child => {
      const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] })
      const texts = { output: "", errors: "" }
      child.stdout.on("data", (text) => (texts.output += String(text)))
      child.stderr.on("data", (text) => (texts.errors += String(text)))
      const closed = once(child, "close")
      return {
        process: child,
        output: () => texts.output,
        errors: () => texts.errors,
        code: Effect.promise(async () => {
          const [code] = (await closed) as [number | null]
          return code
        })
      }
    }),
    (child) => Effect.sync(() => child.process.kill("SIGKILL"))
  )

/** Listens on a port that the system chooses until the scope closes. */
const takenPort = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer().listen(0, "127.0.0.1")
      await once(server, "listening")
      return server
    }),
    (server) => Effect.sync(() => server.close())
  ),
  (server) => (server.address() as { readonly port: number }).port
)

const freePort = Effect.scoped(takenPort)

/** Waits until the app has printed its URL, and returns it. */
const urlOf = (child: Child) =>
  Poll.until(
    Effect.sync(() => {
      const url = /http:\S+/.exec(child.output())?.[0]
      return url === undefined ? Status.pending() : Status.succeeded(url)
    }),
    { strategy: Strategy.spaced("50 millis"), deadline: "40 seconds" }
  )

const fetchJson = (url: string, init?: RequestInit) =>
  Effect.promise(async (): Promise<unknown> => (await fetch(url, init)).json())

describe("main", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it.live(
      `${signal} - stops the page and the jobs, without an error`,
      () =>
        Effect.gen(function* () {
          const child = yield* start("--port", String(yield* freePort))
          const url = yield* urlOf(child)
          assert.include(yield* Effect.promise(async () => (await fetch(url)).text()), '<div id="root">')
          child.process.kill(signal)
          assert.strictEqual(yield* child.code, 0)
          assert.strictEqual(child.errors(), "")
          assert.isTrue(
            yield* Effect.promise(() =>
              fetch(url).then(
                () => false,
                () => true
              )
            )
          )
        }),
      60_000
    )
  }

  it.live(
    "a page and its API - have one origin",
    () =>
      Effect.gen(function* () {
        const child = yield* start("--port", String(yield* freePort))
        const url = yield* urlOf(child)
        const body = JSON.stringify({ script: "slow" })
        const headers = { "content-type": "application/json" }
        const started = yield* fetchJson(`${url}/api/start-async-job`, { method: "POST", headers, body })
        assert.deepEqual(started, { jobId: "job_1" })
        assert.deepInclude(yield* fetchJson(`${url}/api/job-status/job_1`), { jobId: "job_1", status: "pending" })
        for (const path of ["notifications/stats", "messages/unread"]) {
          assert.hasAllKeys(yield* fetchJson(`${url}/${path}`), ["unread"])
        }
        // An address of a page is none of the API.
        for (const path of ["builder", "builder/pkg_1", "live"]) {
          const answer = yield* Effect.promise(() => fetch(`${url}/${path}`, { headers: { accept: "text/html" } }))
          assert.include(yield* Effect.promise(() => answer.text()), '<div id="root">')
        }
      }),
    60_000
  )

  it.live(
    "a port in use - is named, and the exit code is 1",
    () =>
      Effect.gen(function* () {
        const port = yield* takenPort
        const child = yield* start("--port", String(port))
        assert.strictEqual(yield* child.code, 1)
        assert.strictEqual(
          child.errors(),
          `port ${port} cannot be used (it is already in use): choose another one with --port\n`
        )
        assert.strictEqual(child.output(), "")
      }),
    60_000
  )

  it.live(
    "invalid arguments - print one line to stderr, and the exit code is 2",
    () =>
      Effect.gen(function* () {
        const child = yield* start("--port", "0")
        assert.strictEqual(yield* child.code, 2)
        assert.strictEqual(child.output(), "")
        assert.strictEqual(child.errors(), '--port must be an integer from 1 to 65535, got "0"; see --help\n')
      }),
    60_000
  )

  it.live(
    "--help - prints to stdout",
    () =>
      Effect.gen(function* () {
        const child = yield* start("--help")
        assert.strictEqual(yield* child.code, 0)
        assert.include(child.output(), "pnpm app [--port N]")
      }),
    60_000
  )
})
