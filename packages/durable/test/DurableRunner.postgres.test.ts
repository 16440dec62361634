import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { DurableStore } from "@effect-poll/durable/DurableStore"
import * as DurableRunner from "@effect-poll/durable/DurableRunner"
import * as Ownership from "@effect-poll/durable/Ownership"
import * as postgres from "./postgres.ts"
import { openerOf } from "./postgresStore.ts"
import { insertOf, kindOf, Server } from "./runner/world.ts"

const { open, prefix: nextPrefix } = openerOf("runner_postgres")

/** Repeats an effect until it holds. */
const until = (holds: () => boolean) =>
  Effect.sync(holds).pipe(
    Effect.repeat({ until: (is) => is, schedule: Schedule.spaced(10) }),
    Effect.timeout("30 seconds")
  )

describe.skipIf(postgres.isMissing)("DurableRunner on PostgreSQL, told by another process", () => {
  it.live("checks a job that was submitted, and stops when it is settled, without a scan", () =>
    Effect.gen(function* () {
      const prefix = nextPrefix()
      const { store } = yield* open({ prefix })
      const { store: other } = yield* open({ prefix, migrate: false })
      const server = new Server()
      const around = Layer.merge(Layer.succeed(DurableStore, store), Ownership.layerLocal)
      const context = yield* Layer.build(
        // Whatever is noticed within a minute was told.
        Layer.provide(DurableRunner.layer({ scanInterval: "1 hour", horizon: "1 day" }), around)
      )
      const runner = yield* Effect.provide(DurableRunner.DurableRunner, context)
      yield* runner.register(kindOf(server, "job", {}, 20))
      const scanned = Effect.map(runner.stats, ({ scannedAt }) => scannedAt)
      yield* Effect.repeat(scanned, { until: (at) => at !== undefined, schedule: Schedule.spaced(10) })
      // The listener is up once a notification has arrived.
      yield* other.insert([insertOf("first")])
      yield* until(() => server.checksOf("first") > 0)

      // Of submits within a short time only the first one is announced.
      yield* Effect.sleep("200 millis")
      yield* other.insert([insertOf("a"), insertOf("b")])
      yield* until(() => server.checksOf("a") > 2 && server.checksOf("b") > 2)
      yield* other.finish("job", [
        { id: "a", round: 1, claim: undefined, outcome: "Succeeded", ending: "1", attempts: undefined }
      ])
      // The audit comes after half a minute.
      yield* Effect.repeat(
        Effect.map(runner.stats, ({ waits }) => waits),
        { until: (waits) => waits === 2, schedule: Schedule.spaced(5) }
      ).pipe(Effect.timeout("15 seconds"))
      const [checks, others] = [server.checksOf("a"), server.checksOf("b")]
      yield* until(() => server.checksOf("b") > others + 20)
      assert.strictEqual(server.checksOf("a"), checks)
    })
  )
})
