import { assert, describe, it } from "@effect/vitest"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { type OwnServer, parse } from "../cli.ts"
import * as Own from "../ownServer.ts"

const command = (...args: ReadonlyArray<string>): OwnServer => {
  const command = parse(args)
  if (command._tag !== "OwnServer") throw new Error("not a command for a server of one's own")
  return command
}

const words = ["--succeeded", "completed,success", "--failed", "failed", "--interval", "10ms"]

const run = (command: OwnServer) => {
  const told: Array<string> = []
  return Own.run(command, (result) => told.push(Own.line(result))).pipe(
    Effect.provide(Logger.layer([])),
    Effect.map((report) => ({ report, told }))
  )
}

describe("ownServer", () => {
  it.live("watches jobs to their ends", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const done = yield* server.create("JobStatus", "job", JobScript.succeeded("30 millis", { result: 7 }))
      const lost = yield* server.create("JobStatus", "job", JobScript.failed("30 millis"))
      const url = `${server.urls.JobStatus}/api/job-status/?of=mine`
      const { report, told } = yield* run(
        command("--url", url, "--field", "status", ...words, done.id, lost.id, "nobody")
      )
      assert.deepStrictEqual(
        report.results.map(({ ending }) => ending),
        ["succeeded", "failed", "notFound"]
      )
      assert.strictEqual(report.requests, yield* server.requests)
      assert.deepInclude(report.results[0]?.answer, { status: "completed", result: 7 })
      assert.deepStrictEqual(
        told.map((line) => line.split(",")[0]!).toSorted(),
        [`${done.id}: succeeded`, `${lost.id}: failed`, "nobody: notFound"].toSorted()
      )
    })
  )

  it.live("follows a dotted field", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const { id } = yield* server.create("GenerationApi", "flux-2", JobScript.succeeded("30 millis"))
      const url = `${server.urls.GenerationApi}/generateTask/flux-2`
      const { report } = yield* run(command("--url", url, "--field", "data.state", ...words, id))
      assert.strictEqual(report.outcomes.succeeded, 1)
    })
  )

  it.live("takes an unknown state as pending, unless the pending ones are listed", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const { id } = yield* server.create("JobStatus", "job", JobScript.succeeded("60 millis", { pendingState: "odd" }))
      const args = ["--url", `${server.urls.JobStatus}/api/job-status`, "--field", "status", ...words, id]
      const strict = yield* run(command(...args, "--pending", "processing"))
      assert.include(strict.report.results[0]?.message, 'unknown state "odd"')
      const { report } = yield* run(command(...args))
      assert.strictEqual(report.outcomes.succeeded, 1)
    })
  )

  it.live("says which field an answer lacks", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const { id } = yield* server.create("JobStatus", "job")
      const { report } = yield* run(
        command("--url", `${server.urls.JobStatus}/api/job-status`, "--field", "state", ...words, id)
      )
      assert.strictEqual(report.outcomes.rejected, 1)
      assert.include(report.results[0]?.message, 'Missing key at ["state"]')
    })
  )
})
