import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Gate from "effect-poll/Gate"

describe("Gate", () => {
  it.effect("all - stops at the first gate that postpones and does not ask the ones after it", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const named = (name: string, answer: Gate.Answer) =>
        Gate.make(() => Effect.sync(() => (asked.push(name), answer)))
      const gate = Gate.all([
        named("a", Gate.open),
        named("b", Gate.postponed("1 second", "b is closed")),
        named("c", Gate.open)
      ])
      const answer = yield* gate.ask({ job: "j", key: "k" })
      assert.deepStrictEqual([answer._tag, asked], ["Postponed", ["a", "b"]])
    })
  )

  it("postponed - throws a RangeError for a delay that is not positive", () => {
    assert.throws(() => Gate.postponed(0, "never"), RangeError, /Gate\.postponed: delay/)
  })
})
