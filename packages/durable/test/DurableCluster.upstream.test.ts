import { assert, describe, it } from "@effect/vitest"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import * as Workflow from "effect/workflow/Workflow"
import * as DurableCluster from "@effect-poll/durable/DurableCluster"
import { isMissing, port as postgresPort } from "./postgres.ts"
import { databaseAt, freePort, until } from "./processes/database.ts"

// Two defects of earlier versions of effect, which would keep workflows from going on that wait for a durable job.

const First = DurableDeferred.make("first", { success: Schema.Finite })
const Second = DurableDeferred.make("second", { success: Schema.Finite })
const Sum = Workflow.make("Sum", {
  payload: { id: Schema.String },
  success: Schema.Finite,
  idempotencyKey: ({ id }) => id
})

const sum = Sum.toLayer(() =>
  Effect.gen(function* () {
    const first = yield* DurableDeferred.await(First)
    // A run that was suspended once is reset for this second wait.
    return first + (yield* DurableDeferred.await(Second))
  })
)

describe("workflows on the cluster", () => {
  it.live.skipIf(isMissing)(
    "continue soon after each of their deferreds is completed, even if they were executed with discard",
    () =>
      Effect.gen(function* () {
        const database = databaseAt(postgresPort)
        const url = yield* database.create("upstream")
        const port = yield* freePort
        const ids = Array.from({ length: 30 }, (_, index) => `sum-${index}`)
        yield* Effect.gen(function* () {
          const executions = yield* Effect.forEach(ids, (id) => Sum.execute({ id }, { discard: true }), {
            concurrency: 10
          })
          const finish = (deferred: typeof First, some: ReadonlyArray<string>) =>
            Effect.forEach(
              some,
              (executionId) =>
                DurableDeferred.succeed(deferred, {
                  token: DurableDeferred.tokenFromExecutionId(deferred, { workflow: Sum, executionId }),
                  value: 1
                }),
              { concurrency: 10, discard: true }
            )
          const polled = Effect.forEach(executions, (executionId) => Sum.poll(executionId), { concurrency: 10 })
          const half = executions.slice(0, executions.length / 2)
          const others = executions.slice(executions.length / 2)
          // Half of them are not suspended yet, the others are.
          yield* finish(First, half)
          yield* until(
            "the others are suspended",
            polled,
            (all) => all.slice(half.length).every((result) => result._tag === "Some"),
            "30 seconds"
          )
          yield* finish(First, others)
          yield* finish(Second, half)
          // Time to be suspended again.
          yield* Effect.sleep("1 second")
          yield* finish(Second, others)
          const results = yield* until(
            "all workflows have ended",
            polled,
            (all) => all.every((result) => result._tag === "Some" && result.value._tag === "Complete"),
            "30 seconds",
            "500 millis"
          )
          assert.strictEqual(results.length, ids.length)
        }).pipe(
          Effect.provide(
            sum.pipe(
              Layer.provideMerge(ClusterWorkflowEngine.layer),
              Layer.provideMerge(
                DurableCluster.layerCluster({ address: { host: "127.0.0.1", port }, messages: "sql" })
              ),
              Layer.provide(PgClient.layer({ url: Redacted.make(url) })),
              Layer.provide(Logger.layer([]))
            )
          )
        )
      }).pipe(Effect.scoped),
    60_000
  )
})
