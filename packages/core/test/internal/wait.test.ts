import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

type Wait = object

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/machine/wait.ts"
const wait = (await import(path)) as {
  readonly make: (setting: object, key: string, rawKey: unknown, holder: unknown) => Wait
  readonly recordDuration: (wait: Wait, millis: number) => void
  readonly longestCheck: (wait: Wait) => number
}

const make = () => wait.make({ policy: { history: false } }, "a", "a", undefined)

/** Short checks, checks about as long as fit into ten bits, long ones, and a clock that counts fractions. */
const Length = Schema.Union([
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000 })),
  Schema.Int.check(Schema.isBetween({ minimum: 1_022, maximum: 1_025 })),
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_000_000_000 })),
  Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 10 }))
])

describe("Wait", () => {
  it("longestCheck - is 0 before the first check", () => {
    assert.strictEqual(wait.longestCheck(make()), 0)
  })

  it.effect.prop(
    "longestCheck - is the longest of the newest three checks",
    [Schema.Array(Length)],
    ([lengths]) =>
      Effect.sync(() => {
        const self = make()
        for (const [at, length] of lengths.entries()) {
          wait.recordDuration(self, length)
          assert.strictEqual(wait.longestCheck(self), Math.max(...lengths.slice(Math.max(0, at - 2), at + 1)))
        }
      }),
    { arbitrary: { runs: 500 } }
  )
})
