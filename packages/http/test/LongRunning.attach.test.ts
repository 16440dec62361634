import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Interpretation from "@effect-poll/http/Interpretation"
import { play } from "./LongRunningRuns.ts"

describe("LongRunning", () => {
  it.effect(
    "first request that a 409 refuses - attaches to the operation that it names, if interpret reads it [R34]",
    () =>
      Effect.gen(function* () {
        const attached: Array<boolean | undefined> = []
        const routes = (status: number) => ({
          "POST /exports": [{ status, headers: { location: "/operations/1" } }],
          "GET /operations/1": [{ json: { status: "running" } }, { json: { rows: 7 } }]
        })
        const options = {
          interpret: Interpretation.rules([{ status: 409 }, Interpretation.decode]),
          onReceipt: (_: unknown, receipt: { readonly attached?: boolean | undefined }) =>
            Effect.sync(() => void attached.push(receipt.attached))
        }
        const conflict = yield* play(routes(409), options)
        const accepted = yield* play(routes(202), options)
        const refused = yield* play(routes(409))
        assert.deepStrictEqual(
          [conflict.end, accepted.end, refused.end, attached],
          ['result {"rows":7}', 'result {"rows":7}', "refused Status", [true, undefined]]
        )
      })
  )
})
