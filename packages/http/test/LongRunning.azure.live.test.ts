import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { complaint, ours, scenarios, server } from "./LongRunningAzure.ts"

const rows = scenarios()
if (rows === undefined) {
  console.warn("LongRunning: the table ../shared/data/azure-lro-scenarios.json is not here, so its rows are SKIPPED")
}

describe("LongRunning", () => {
  it.live.skipIf(rows === undefined)(
    "every operation of Azure's test server ends as the table says",
    () =>
      Effect.gen(function* () {
        const base = yield* server
        const complaints = yield* Effect.forEach(
          rows!,
          (row) => Effect.map(ours(base, row), (outcome) => [row.name, complaint(row, outcome)] as const),
          { concurrency: 4 }
        )
        assert.deepStrictEqual(
          complaints.filter(([, what]) => what !== undefined),
          []
        )
        assert.strictEqual(complaints.length, 83)
      }).pipe(
        Effect.scoped,
        Effect.provide(NodeHttpClient.layerUndici),
        Effect.provideService(References.MinimumLogLevel, "None")
      ),
    30_000
  )
})
