// How long a runner takes to deliver the hooks of jobs that ended together.
// DATABASE_URL=postgres://... node packages/durable/bench/hooks.ts [jobs] [milliseconds of each delivery]
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { SqlClient } from "effect/sql/SqlClient"
import * as DurableRunner from "@effect-poll/durable/DurableRunner"
import { DurableStore } from "@effect-poll/durable/DurableStore"
import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
import { layerLocal } from "@effect-poll/durable/Ownership"

const [jobs = "5000", millis = "5"] = process.argv.slice(2)
const count = Number(jobs)

const program = Effect.gen(function* () {
  const store = yield* DurableStore
  const sql = yield* SqlClient
  const runner = yield* DurableRunner.DurableRunner
  const ids = Array.from({ length: count }, (_, at) => `${Date.now().toString(16)}-${at}`)
  const none = { token: null, input: null, idempotencyKey: null, tags: [], delayMillis: 0, deadlineMillis: 3_600_000 }
  for (let from = 0; from < count; from += 1000) {
    const some = ids.slice(from, from + 1000)
    yield* store.insert(
      some.map((id, at) => ({
        ...none,
        id,
        kind: "hooks",
        key: id,
        bucket: at % 128,
        state: "pending",
        hooks: ["onEnded"]
      }))
    )
    yield* store.finish(
      "hooks",
      some.map((id) => ({ id, round: 1, claim: undefined, outcome: "Succeeded", ending: "1", attempts: undefined }))
    )
  }
  const told = new Set<string>()
  const startedAt = Date.now()
  yield* runner.register({
    name: "hooks",
    begin: () => Effect.never,
    encode: () => undefined,
    submit: undefined,
    submitUnknown: undefined,
    onEnded: (row) =>
      Effect.delay(
        Effect.sync(() => void told.add(row.id)),
        Number(millis)
      ),
    retentionMillis: undefined
  })
  let deliveredAt: number | undefined
  while (true) {
    if (told.size === count) deliveredAt ??= Date.now()
    const [left] = yield* sql<{ readonly n: unknown }>`SELECT count(*) AS n FROM effect_poll_hooks`
    if (Number(left?.n) === 0 || Date.now() > startedAt + 400_000) break
    yield* Effect.sleep("50 millis")
  }
  const seconds = (at: number | undefined) => (at === undefined ? null : (at - startedAt) / 1000)
  yield* Effect.log(
    JSON.stringify({ count, told: told.size, delivered: seconds(deliveredAt), removed: seconds(Date.now()) })
  )
}).pipe(
  Effect.scoped,
  Effect.provide(
    DurableRunner.layer().pipe(
      Layer.provideMerge(Layer.merge(DurableStoreSql.layer(), layerLocal)),
      Layer.provideMerge(PgClient.layer({ url: Redacted.make(process.env["DATABASE_URL"] ?? "") }))
    )
  )
)

await Effect.runPromise(program)
