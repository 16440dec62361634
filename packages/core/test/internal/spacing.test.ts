import { assert, describe, it } from "@effect/vitest"

interface Spacing {
  readonly size: number
  readonly extend: (minInterval: number) => void
  readonly note: (key: string, at: number) => void
  readonly of: (key: string) => number
}

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/poller/queue/spacing.ts"
const { Spacing } = (await import(path)) as { readonly Spacing: new () => Spacing }

describe("Spacing", () => {
  it("note - keeps nothing before a wait has a minInterval", () => {
    const spacing = new Spacing()
    spacing.note("a", 5)
    assert.strictEqual(spacing.size, 0)
  })

  it("note - keeps the newest start of a key, for the longest minInterval", () => {
    const spacing = new Spacing()
    spacing.extend(100)
    spacing.extend(10)
    spacing.note("a", 5)
    spacing.note("b", 6)
    spacing.note("a", 7)
    spacing.note("a", 1)
    assert.deepStrictEqual([spacing.of("a"), spacing.of("b"), spacing.size], [7, 6, 2])
    spacing.note("c", 106)
    assert.deepStrictEqual([spacing.of("a"), spacing.of("b") < 0, spacing.size], [7, true, 2])
  })

  it("note - keeps 65,536 starts at most, the newest ones", () => {
    const spacing = new Spacing()
    spacing.extend(1_000_000)
    for (let at = 0; at < 70_000; at++) spacing.note(`k${at}`, at)
    assert.strictEqual(spacing.size, 65_536)
    assert.strictEqual(spacing.of("k69999"), 69_999)
    assert.isBelow(spacing.of("k0"), 0)
  })
})
