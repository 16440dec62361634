import { assert, describe, it } from "@effect/vitest"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { type OwnServer, parse } from "../cli.ts"
import * as Own from "../ownServer.ts"

const command = (...args: ReadonlyArray<string>): OwnServer => {
  const command = parse(args)
  if (command._tag !== "OwnServer") throw new Error("not an OwnServer command")
  return command
}

const options = ["--succeeded", "completed,success", "--failed", "failed", "--interval", "10ms"]

const run = (command: OwnServer) => {
  const lines: Array<string> = []
  return Own.run(command, (result) => lines.push(Own.line(result))).pipe(
    Effect.provide(Logger.layer([])),
    Effect.map((report) => ({ report, lines }))
  )
}

describe("ownServer", () => {
  it.live("run - waits for the end of every job", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const done = yield* server.create("JobStatus", "job", JobScript.succeeded("30 millis", { result: 7 }))
      const lost = yield* server.create("JobStatus", "job", JobScript.failed("30 millis"))
      const url = `${server.urls.JobStatus}/api/job-status/?of=mine`
      const { lines, report } = yield* run(
        command("--url", url, "--field", "status", ...options, done.id, lost.id, "unknown")
      )
      assert.deepStrictEqual(
        report.results.map(({ ending }) => ending),
        ["succeeded", "failed", "notFound"]
      )
      assert.strictEqual(report.requests, yield* server.requests)
      assert.deepInclude(report.results[0]?.response, { status: "completed", result: 7 })
      assert.deepStrictEqual(
        lines.map((line) => line.split(",")[0]!).toSorted(),
        [`${done.id}: succeeded`, `${lost.id}: failed`, "unknown: notFound"].toSorted()
      )
    })
  )

  it.live("--field - reads a nested field", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const { id } = yield* server.create("GenerationApi", "flux-2", JobScript.succeeded("30 millis"))
      const url = `${server.urls.GenerationApi}/generateTask/flux-2`
      const { report } = yield* run(command("--url", url, "--field", "data.state", ...options, id))
      assert.strictEqual(report.outcomes.succeeded, 1)
    })
  )

  it.live("--pending - rejects all other states, which otherwise are pending", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const { id } = yield* server.create("JobStatus", "job", JobScript.succeeded("60 millis", { pendingState: "odd" }))
      const args = ["--url", `${server.urls.JobStatus}/api/job-status`, "--field", "status", ...options, id]
      const strict = yield* run(command(...args, "--pending", "processing"))
      assert.include(strict.report.results[0]?.message, 'unknown state "odd"')
      const { report } = yield* run(command(...args))
      assert.strictEqual(report.outcomes.succeeded, 1)
    })
  )

  it.live("--field - is named in the error when a response lacks it", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const { id } = yield* server.create("JobStatus", "job")
      const { report } = yield* run(
        command("--url", `${server.urls.JobStatus}/api/job-status`, "--field", "state", ...options, id)
      )
      assert.strictEqual(report.outcomes.rejected, 1)
      assert.include(report.results[0]?.message, 'Missing key at ["state"]')
    })
  )
})
