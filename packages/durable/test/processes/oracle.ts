/** An entity for each job, which records how it was told that the job ended. */
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as Entity from "effect/cluster/Entity"
import type { Sharding } from "effect/cluster/Sharding"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"

const Ended = Entity.make("OracleOfEnds", [
  Rpc.make("Ended", {
    payload: { outcome: Schema.String },
    primaryKey: ({ outcome }) => outcome
  }).annotate(ClusterSchema.Persisted, true)
])

export class Oracle extends Context.Service<
  Oracle,
  { readonly record: (id: string, outcome: string) => Effect.Effect<void, unknown> }
>()("effect-poll/test/Oracle") {}

const entity = Ended.toLayer(
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const address = yield* Entity.CurrentAddress
    return {
      Ended: ({ payload }) =>
        Effect.asVoid(
          Effect.orDie(sql`INSERT INTO oracle (id, outcome) VALUES (${address.entityId}, ${payload.outcome})`)
        )
    }
  })
)

/** Writes to the table `oracle`: a message for each outcome of a job that was told. */
export const layerOracle: Layer.Layer<Oracle, never, Sharding | SqlClient> = Layer.effect(
  Oracle,
  Effect.map(Ended.client, (client) => ({
    record: (id: string, outcome: string) => client(id).Ended({ outcome }, { discard: true })
  }))
).pipe(Layer.provideMerge(entity))
