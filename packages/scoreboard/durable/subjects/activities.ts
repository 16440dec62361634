// Workflows of effect on a cluster of one, with an Activity for each check: with a durable clock that suspends the workflow,
// with one that waits in memory, with a plain sleep, and a workflow whose only Activity is the loop.
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import * as SingleRunner from "effect/cluster/SingleRunner"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Activity from "effect/workflow/Activity"
import * as DurableClock from "effect/workflow/DurableClock"
import * as Workflow from "effect/workflow/Workflow"
import type { WorkflowEngine, WorkflowInstance } from "effect/workflow/WorkflowEngine"
import type { Server, Subject, World } from "../work.ts"

export const suspending: Subject = {
  start: (url, world) =>
    start(url, (key) =>
      checks(world, key, (name, duration) => DurableClock.sleep({ name, duration, inMemoryThreshold: Duration.zero }))
    )
}

export const inMemory: Subject = {
  start: (url, world) =>
    start(url, (key) => checks(world, key, (name, duration) => DurableClock.sleep({ name, duration })))
}

export const plainSleep: Subject = {
  start: (url, world) => start(url, (key) => checks(world, key, (_, duration) => Effect.sleep(duration)))
}

export const oneStep: Subject = {
  start: (url, world) =>
    start(url, (key) =>
      Activity.make({
        name: "wait",
        execute: Effect.gen(function* () {
          while (!world.check(key)) yield* Effect.sleep(world.work.intervalMillis)
        })
      })
    )
}

// ---- internal ----

type Run<A> = Effect.Effect<A, never, WorkflowEngine | WorkflowInstance>

const checks = Effect.fnUntraced(function* (
  world: World,
  key: string,
  sleep: (name: string, duration: Duration.Duration) => Run<void>
) {
  for (let at = 1; ; at++) {
    const done = yield* Activity.make({
      name: `check-${at}`,
      success: Schema.Boolean,
      execute: Effect.sync(() => world.check(key))
    })
    if (done) return
    yield* sleep(`wait-${at}`, Duration.millis(world.work.intervalMillis))
  }
})

const start = async (url: string, run: (key: string) => Run<void>) => {
  const wait = Workflow.make("Wait", { payload: { key: Schema.String }, idempotencyKey: ({ key }) => key })
  const engine = ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(
      SingleRunner.layer({
        // The defaults make clocks late by up to ten seconds.
        shardingConfig: { entityMessagePollInterval: 1_000, refreshAssignmentsInterval: 500 }
      })
    ),
    Layer.provide([PgClient.layer({ url: Redacted.make(url), maxConnections: 20 }), NodeCrypto.layerDigest])
  )
  const runtime = ManagedRuntime.make(
    Layer.provideMerge(
      wait.toLayer(({ key }) => run(key)),
      engine
    )
  )
  await runtime.context()
  return {
    run: (server: Server) =>
      runtime.runPromise(
        Effect.forEach(server.keys, (key) => wait.execute({ key }), { concurrency: "unbounded", discard: true })
      )
  }
}
