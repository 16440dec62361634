import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
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

/** Starts the demo as a child process, which is killed when the scope closes. */
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

/** Waits until a condition holds. */
const until = (condition: Effect.Effect<boolean>) =>
  Poll.until(
    Effect.map(condition, (holds) => (holds ? Status.succeeded() : Status.pending())),
    {
      strategy: Strategy.spaced("20 millis"),
      deadline: "30 seconds"
    }
  )

const options = ["--field", "status", "--succeeded", "completed", "--failed", "failed", "--interval", "20ms"]

describe("main", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it.live(
      `${signal} - ends the process at once, and no request follows`,
      () =>
        Effect.gen(function* () {
          const server = yield* JobServer.make()
          const { id } = yield* server.create("JobStatus", "job", JobScript.endless())
          const child = yield* start("--url", `${server.urls.JobStatus}/api/job-status`, ...options, id)
          yield* until(Effect.map(server.requests, (requests) => requests >= 3))
          child.process.kill(signal)
          assert.strictEqual(yield* child.code, 130)
          const requests = yield* server.requests
          yield* Effect.sleep("200 millis")
          assert.strictEqual(yield* server.requests, requests)
          assert.strictEqual(child.errors(), "")
        }),
      60_000
    )
  }

  it.live(
    "SIGINT - ends the simulation without a report",
    () =>
      Effect.gen(function* () {
        const child = yield* start("--jobs", "30")
        yield* until(Effect.sync(() => child.output().includes("30 jobs have ended")))
        child.process.kill("SIGINT")
        assert.strictEqual(yield* child.code, 130)
        assert.notInclude(child.output(), "mismatches")
        assert.strictEqual(child.errors(), "")
      }),
    60_000
  )

  it.live(
    "--json - prints one object, and the exit code is 1 when a job did not succeed",
    () =>
      Effect.gen(function* () {
        const server = yield* JobServer.make()
        const { id } = yield* server.create("JobStatus", "job", JobScript.succeeded(0, { result: 7 }))
        const { id: lost } = yield* server.create("JobStatus", "job", JobScript.failed(0))
        const url = `${server.urls.JobStatus}/api/job-status`
        const child = yield* start("--url", url, ...options, "--json", id)
        assert.strictEqual(yield* child.code, 0)
        const report: unknown = JSON.parse(child.output().trimEnd().split("\n").at(-1)!)
        assert.deepInclude(report, { jobs: 1, requests: 1 })
        const other = yield* start("--url", url, ...options, id, lost)
        assert.strictEqual(yield* other.code, 1)
        assert.include(other.output(), `${lost}: failed`)
      }),
    60_000
  )

  it.live(
    "invalid arguments - print one line to stderr, and the exit code is 2",
    () =>
      Effect.gen(function* () {
        const child = yield* start("--jobs", "none")
        assert.strictEqual(yield* child.code, 2)
        assert.strictEqual(child.output(), "")
        assert.strictEqual(child.errors(), '--jobs must be an integer from 1 to 1000, got "none"; see --help\n')
      }),
    60_000
  )

  it.live(
    "--help - prints to stdout",
    () =>
      Effect.gen(function* () {
        const child = yield* start("--help")
        assert.strictEqual(yield* child.code, 0)
        assert.include(child.output(), "pnpm demo --url URL")
      }),
    60_000
  )
})
