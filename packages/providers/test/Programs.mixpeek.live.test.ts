import { assert, describe } from "@effect/vitest"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"
import * as Wakes from "effect-poll/Wakes"
import { documents } from "./programs/mixpeek.ts"
import { live } from "./programs/running.ts"
import { eventually, listen, receive } from "./programs/serving.ts"

const hookSecret = "5ecret-of-the-path-01"
const seldom = Strategy.spaced("10 minutes")

const setUp = Effect.fnUntraced(function* (script: JobScript.Options, options: { readonly lost?: boolean } = {}) {
  const at = yield* listen
  const path = `/hooks/mixpeek/${hookSecret}`
  const server = yield* JobServer.make({
    script: () => JobScript.make(script),
    documentsWrittenUrl: options.lost === true ? undefined : `${at.url}${path}`
  })
  const { mixpeek, write, written } = documents({ apiUrl: server.urls.Mixpeek, hookSecret })
  const wakes = Layer.succeed(Wakes.Wakes, yield* Wakes.make())
  const { log } = yield* receive([written], wakes, at)
  const start = <A, E, R>(wait: Effect.Effect<A, E, R>) =>
    Effect.forkScoped(Effect.provide(wait, wakes), { startImmediately: true })
  const post = (body: unknown, to = path) =>
    Effect.map(
      HttpClient.execute(HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(`${at.url}${to}`), body)),
      ({ status }) => status
    )
  /** How often each batch was checked, in the order of submission. */
  const checks = Effect.map(server.truth, (all) =>
    all.filter(({ kind }) => kind === "batch").map(({ requests }) => requests)
  )
  const seen = (count: number) =>
    eventually(Effect.map(checks, (all) => all.length === count && all.every((each) => each > 0)))
  return { checks, log, mixpeek, post, seen, server, start, write }
})

const event = "collection.documents.written"

describe("Mixpeek with its webhook", () => {
  live("documents written - wakes the waits of that collection, and their checks find the end", () =>
    Effect.gen(function* () {
      const { checks, seen, start, write } = yield* setUp({ duration: "400 millis", result: ["doc"] })
      const mine = yield* start(write("bkt_products", "col_1", seldom))
      const other = yield* start(write("bkt_products", "col_2", seldom))
      yield* seen(2)
      yield* Fiber.join(mine)
      assert.strictEqual(other.pollUnsafe(), undefined)
      assert.strictEqual((yield* checks)[1], 1, "the task of another collection is not asked about")
    })
  )

  live("documents written, forged or duplicate - a check each, and never an end", () =>
    Effect.gen(function* () {
      const { checks, post, seen, start, write } = yield* setUp({ duration: "Infinity" })
      const wait = yield* start(write("bkt_products", "col_1", seldom))
      yield* seen(1)
      assert.strictEqual(yield* post({ event, collection_id: "col_1" }, "/hooks/mixpeek/guess"), 404)
      assert.strictEqual(yield* post({ event: "another" }), 400)
      assert.strictEqual(yield* post({ event, collection_id: "col_2" }), 200)
      assert.deepStrictEqual(yield* checks, [1])
      for (const body of [
        { event, collection_id: "col_1" },
        { event, collection_id: "col_1", status: "COMPLETED" },
        { event }
      ]) {
        const [before = 0] = yield* checks
        assert.strictEqual(yield* post(body), 200)
        yield* eventually(Effect.map(checks, ([now]) => now === before + 1))
      }
      assert.strictEqual(wait.pollUnsafe(), undefined)
    })
  )

  live("lost - polling finds the end", () =>
    Effect.gen(function* () {
      const { log, start, write } = yield* setUp({ duration: "300 millis", result: ["doc"] }, { lost: true })
      yield* Fiber.join(yield* start(write("bkt_products", "col_1", Strategy.spaced("50 millis"))))
      assert.deepStrictEqual(yield* log.entries, [])
    })
  )

  live("a type of task that a user adds - its resource is checked once the record is gone", () =>
    Effect.gen(function* () {
      const { mixpeek, server, start } = yield* setUp({
        duration: "400 millis",
        result: ["doc"],
        recordTtl: "150 millis",
        recordTtlFrom: "submission"
      })
      const { key } = yield* mixpeek.tasks.submit!({ kind: "taxonomy" })
      const options = { deadline: "1 minute", strategy: Strategy.spaced("50 millis") } as const
      yield* Fiber.join(yield* start(Poll.until(mixpeek.tasks, key, options)))
      assert.strictEqual((yield* server.truthOf(key.taskId)).outcome, "succeeded")
    })
  )
})
