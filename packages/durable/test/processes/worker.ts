/** A process that checks durable jobs, for tests that kill it. See `fleet.ts`. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as DurableCluster from "@effect-poll/durable/DurableCluster"
import * as DurableRunner from "@effect-poll/durable/DurableRunner"
import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
import * as Ownership from "@effect-poll/durable/Ownership"
import type { WorkerConfig } from "./fleet.ts"
import { layerOracle, Oracle } from "./oracle.ts"
import { makeWorks } from "./works.ts"

const config = JSON.parse(process.argv[2] ?? "") as WorkerConfig

const say = (word: string) => Effect.sync(() => process.stdout.write(`${word}\n`))

const database = PgClient.layer({
  url: Redacted.make(config.databaseUrl),
  applicationName: config.name,
  connectTimeout: "2 seconds"
})

const cluster = DurableCluster.layer({
  address: { host: "127.0.0.1", port: config.port },
  transport: config.transport,
  messages: config.oracle ? "sql" : config.messages,
  config: {
    shardLockExpiration: Duration.millis(config.lockExpirationMillis),
    runnerHealthCheckInterval: Duration.millis(config.healthIntervalMillis)
  }
})

const local = Layer.merge(DurableStoreSql.layer(), Ownership.layerLocal)

const placement =
  config.placement === "local" ? local : config.oracle ? Layer.provideMerge(layerOracle, cluster) : cluster

const program = Effect.gen(function* () {
  const oracle = yield* Effect.serviceOption(Oracle)
  const works = makeWorks({
    jobsUrl: config.jobsUrl,
    worker: config.name,
    intervalMillis: config.intervalMillis,
    told: oracle._tag === "Some" ? oracle.value.record : undefined
  })
  yield* Layer.build(works.runner)
  yield* say("UP")
  if (config.submits.length > 0) {
    yield* works.submitInputs(
      config.submits.map((name) => ({ name, idempotencyKey: "" })),
      { idempotencyKey: (input) => input.name }
    )
    yield* say("SUBMITTED")
  }
  return yield* Effect.never
}).pipe(
  Effect.scoped,
  Effect.provide(
    DurableRunner.layer().pipe(
      Layer.provideMerge(placement),
      Layer.provideMerge(database),
      Layer.provideMerge(NodeHttpClient.layerUndici)
    )
  )
)

process.stdout.write("BOOT\n")

/** A clock that is ahead of that of the machine, as those of other machines are. */
const shifted = (millis: number): Effect.Effect<Clock.Clock> =>
  Effect.map(Clock.Clock, (clock) => ({
    currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + millis,
    currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + millis),
    currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe() + BigInt(millis) * 1_000_000n,
    currentTimeNanos: Effect.map(clock.currentTimeNanos, (now) => now + BigInt(millis) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }))

NodeRuntime.runMain(
  config.clockOffsetMillis === 0
    ? program
    : Effect.provideServiceEffect(program, Clock.Clock, shifted(config.clockOffsetMillis))
)
