/** A process whose checks share a budget with those of other processes. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redacted from "effect/Redacted"
import { createInterface } from "node:readline"
import * as RateLimiterStoreSql from "@effect-poll/durable/RateLimiterStoreSql"
import * as RateLimitGate from "@effect-poll/http/RateLimitGate"
import type { BudgetWorker } from "./budget.ts"

const config = JSON.parse(process.argv[2]!) as BudgetWorker

const store: Layer.Layer<RateLimiter.RateLimiterStore, unknown> =
  config.store === "redis"
    ? RateLimiter.layerStoreRedis().pipe(Layer.provide(NodeRedis.layer({ url: config.url })))
    : RateLimiterStoreSql.layer({ lease: config.lease }).pipe(
        Layer.provide(PgClient.layer({ url: Redacted.make(config.url), maxConnections: 4 }))
      )

const started = Effect.callback<number>((resume) => {
  createInterface({ input: process.stdin }).once("line", (line) => resume(Effect.succeed(Number(line))))
})

const program = Effect.gen(function* () {
  const gate = yield* RateLimitGate.make({ ...config.budget, budget: config.name })
  const limiter = yield* RateLimiter.RateLimiter
  // The first statement also opens the connection.
  yield* limiter.consume({ key: "warm", limit: 1_000, window: "1 second", onExceeded: "delay" })
  console.log("ready")
  const startAt = yield* started
  const endAt = startAt + config.runMillis
  const used: Array<number> = []
  yield* Effect.sleep(Math.max(0, startAt - Date.now()))
  const check = Effect.fnUntraced(function* (key: string) {
    while (Date.now() < endAt) {
      const answer = yield* gate.ask({ job: "task", key })
      if (answer._tag === "Postponed") yield* Effect.sleep(answer.delay)
      else if (Date.now() < endAt) used.push(Date.now())
    }
  })
  const keys = Array.from({ length: config.checks }, (_, at) => `${process.pid}-${at}`)
  yield* Effect.forEach(keys, check, { concurrency: "unbounded", discard: true }).pipe(
    Effect.timeout(endAt - Date.now() + 100),
    Effect.ignore
  )
  console.log(`used ${JSON.stringify(used)}`)
})

await Effect.runPromise(program.pipe(Effect.provide(RateLimiter.layer.pipe(Layer.provideMerge(store)))))
process.exit(0)
