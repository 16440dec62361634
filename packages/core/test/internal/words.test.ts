import { assert, describe, it } from "@effect/vitest"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import type * as theWords from "../../src/internal/machine/words.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/machine/words.ts"
const { bounded, storedId } = (await import(path)) as typeof theWords

const word = (length: number) => "x".repeat(length)

/** A word that was cut to a length. */
const cut = (length: number) => `${word(length - 1)}…`

describe("words", () => {
  it("short words - are left as they are", () => {
    const all = [
      Status.pending(),
      Status.pending({ state: word(200) }),
      Status.canceled({ reason: word(1_000) }),
      CheckResult.resultMissing(word(200), word(1_000))
    ]
    for (const one of all) assert.strictEqual(bounded(one), one)
  })

  it("state, reason and issue - are cut", () => {
    const pending = Status.pending({ state: word(201), progress: 0.5 })
    assert.deepStrictEqual(bounded(pending), Status.pending({ state: cut(200), progress: 0.5 }))
    const canceled = Status.withState(Status.canceled({ reason: word(1_001), partial: 1 }), "STOPPED")
    assert.deepStrictEqual(
      bounded(canceled),
      Status.withState(Status.canceled({ reason: cut(1_000), partial: 1 }), "STOPPED")
    )
    const lacking = CheckResult.resultMissing("DONE", word(1_001))
    assert.deepStrictEqual(bounded(lacking), CheckResult.resultMissing("DONE", cut(1_000)))
  })

  it("ids of actions - are the beginning and a hash if they are long", () => {
    assert.strictEqual(storedId(word(200)), word(200))
    assert.match(storedId(word(201)), /^x{99}…#-?\d+$/)
    assert.notStrictEqual(storedId(word(201)), storedId(word(202)))
  })
})
