import { assert, describe, it } from "@effect/vitest"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as DurableCluster from "@effect-poll/durable/DurableCluster"
import { Ownership } from "@effect-poll/durable/Ownership"
import { isMissing, port as postgresPort } from "./postgres.ts"
import { databaseAt, freePort, until } from "./processes/database.ts"

/** A runner of a cluster in this process. */
const join = (url: string, transport: "socket" | "http", scope: Scope.Scope) =>
  Effect.gen(function* () {
    const held = new Set<number>()
    const port = yield* freePort
    const layer = DurableCluster.layerCluster({ address: { host: "127.0.0.1", port }, transport }).pipe(
      Layer.provide(PgClient.layer({ url: Redacted.make(url) })),
      Layer.provide(Logger.layer([])),
      Layer.fresh
    )
    const services = yield* Layer.buildWithScope(layer, scope)
    yield* Ownership.pipe(
      Effect.flatMap((ownership) =>
        ownership.run((bucket) =>
          Effect.acquireUseRelease(
            Effect.sync(() => held.add(bucket)),
            () => Effect.never,
            () => Effect.sync(() => held.delete(bucket))
          )
        )
      ),
      Effect.provideContext(services),
      Effect.forkIn(scope)
    )
    return held
  })

describe("DurableCluster on PostgreSQL", () => {
  for (const transport of ["socket", "http"] as const) {
    it.live.skipIf(isMissing)(
      `spreads the buckets evenly, and moves them when a runner leaves (${transport})`,
      () =>
        Effect.gen(function* () {
          const database = databaseAt(postgresPort)
          const url = yield* database.create(`spread_${transport}`)
          const scopes = yield* Effect.forEach([1, 2, 3], () =>
            Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
          )
          const runners = yield* Effect.forEach(scopes, (scope) => join(url, transport, scope))
          const sizes = Effect.sync(() => runners.map((held) => held.size))
          const spread = yield* until(
            "all buckets are held, evenly",
            sizes,
            (all) => all.every((size) => size >= 0.3 * 128) && all.reduce((a, b) => a + b) === 128
          )
          assert.strictEqual(new Set(runners.flatMap((held) => Array.from(held))).size, 128, String(spread))

          yield* Scope.close(scopes[0]!, Exit.void)
          const moved = yield* until(
            "two runners hold all buckets",
            sizes,
            (all) => all[0] === 0 && all.reduce((a, b) => a + b) === 128
          )
          assert.isTrue(moved.every((size, index) => index === 0 || size > 50))
        }).pipe(Effect.scoped),
      60_000
    )
  }
})
