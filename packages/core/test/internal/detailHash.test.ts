import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as Option from "effect/Option"
import type * as theDetailHash from "../../src/internal/machine/detailHash.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/machine/detailHash.ts"
const { detailHash, hasHash, isShallow, unhashable } = (await import(path)) as typeof theDetailHash

/** An object of a number of levels, of objects or of arrays. */
const nested = (levels: number, wrap: (inner: object) => object = (object) => ({ object })): object => {
  let object: object = { leaf: 1 }
  for (let level = 1; level < levels; level++) object = wrap(object)
  return object
}

const cycle = (): object => {
  const self: Record<string, unknown> = { name: "a" }
  self["self"] = self
  return self
}

const throwing = (): object => ({
  get frames(): never {
    throw new Error("not yet")
  }
})

const bytes = (...all: ReadonlyArray<number>) => new Uint8Array(all)

describe("detailHash", () => {
  it("no detail - has no hash", () => {
    assert.strictEqual(detailHash(undefined), undefined)
    assert.isTrue(hasHash(undefined, undefined))
    assert.isFalse(hasHash(1, undefined))
    assert.isFalse(hasHash(undefined, detailHash(1)))
  })

  it("hash - is that of the Hash module", () => {
    for (const value of ["", "RENDERING", 0, 1.5, true, null, 10n, [], {}, { a: [1, "b"] }, new Date(5), bytes(1)]) {
      assert.strictEqual(detailHash(value), String(Hash.hash(value)))
    }
  })

  it("equal details - have the same hash", () => {
    const pairs: ReadonlyArray<readonly [unknown, unknown]> = [
      [0, -0],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 }
      ],
      [new Set(["a", "bc"]), new Set(["bc", "a"])],
      [
        new Map([
          ["a", { n: 1 }],
          ["b", { n: 2 }]
        ]),
        new Map([
          ["b", { n: 2 }],
          ["a", { n: 1 }]
        ])
      ],
      [new Date(5), new Date(5)],
      [/a/g, /a/g],
      [bytes(0, 1, 2).subarray(1), bytes(1, 2)],
      [Option.some(1), Option.some(1)],
      [Chunk.make(1, 2), Chunk.make(1, 2)],
      [{ a: [{ b: Option.none() }] }, { a: [{ b: Option.none() }] }],
      [cycle(), cycle()]
    ]
    for (const [at, [a, b]] of pairs.entries()) {
      assert.isTrue(Equal.equals(a, b), `pair ${at}`)
      assert.notStrictEqual(detailHash(a), unhashable, `pair ${at}`)
      assert.strictEqual(detailHash(a), detailHash(b), `pair ${at}`)
      assert.isTrue(hasHash(b, detailHash(a)), `pair ${at}`)
    }
  })

  it("details that differ - have other hashes", () => {
    const values: ReadonlyArray<unknown> = [
      "",
      "1",
      "t",
      "RUNNING",
      "QUEUED",
      1,
      2,
      1.5,
      true,
      false,
      null,
      [],
      [""],
      [1],
      [[1]],
      ["a"],
      ["a", "b"],
      {},
      { a: null },
      { a: 1 },
      { a: 2 },
      { b: 1 },
      { a: "1" },
      { a: { b: 1 } },
      { a: [1] },
      {
        frames: 10,
        of: 100
      },
      {
        frames: 11,
        of: 100
      },
      {
        frames: 10,
        of: 101
      },
      new Date(1),
      new Date(2),
      new Map([["a", 1]]),
      new Map([["a", 2]]),
      new Set(["a"]),
      new Set(["b"]),
      Option.none(),
      Option.some(1),
      Option.some(2),
      nested(511),
      nested(512)
    ]
    assert.strictEqual(new Set(values.map(detailHash)).size, values.length)
    assert.notInclude(values.map(detailHash), unhashable)
    for (const value of values) assert.isTrue(hasHash(value, detailHash(value)))
  })

  it("value with a hash of its own - has that one", () => {
    class Version implements Hash.Hash {
      readonly number: number
      readonly note: string
      constructor(number: number, note: string) {
        this.number = number
        this.note = note
      }
      [Equal.symbol](that: Equal.Equal): boolean {
        return that instanceof Version && that.number === this.number
      }
      [Hash.symbol](): number {
        return Hash.number(this.number)
      }
    }
    assert.strictEqual(detailHash(new Version(1, "a")), detailHash(new Version(1, "b")))
    assert.notStrictEqual(detailHash(new Version(1, "a")), detailHash(new Version(2, "a")))
    assert.strictEqual(detailHash({ version: new Version(1, "a") }), detailHash({ version: new Version(1, "b") }))
  })

  it("what is equal only to itself - has a hash that nothing else has", () => {
    const start = () => 1
    assert.strictEqual(detailHash({ start }), detailHash({ start }))
    assert.notStrictEqual(detailHash({ start }), detailHash({ start: () => 1 }))
  })

  it.each([
    ["nests deeper than 512 levels", () => nested(513)],
    ["nests deeper in arrays", () => nested(513, (inner) => [inner])],
    ["nests too deep for the stack", () => nested(100_000)],
    ["has a getter that throws", throwing],
    ["has one further in", () => ({ a: [{ b: throwing() }] })],
    [
      "throws in its own hash",
      () => ({
        [Equal.symbol]: () => true,
        [Hash.symbol]: () => {
          throw new Error("no hash")
        }
      })
    ]
  ] as ReadonlyArray<readonly [string, () => unknown]>)(
    "detail that %s - is unhashable, and equals nothing",
    (_, make) => {
      assert.strictEqual(detailHash(make()), unhashable)
      const detail = make()
      assert.isFalse(hasHash(detail, unhashable))
      assert.isFalse(hasHash(detail, detailHash(detail)))
      assert.isFalse(hasHash("RUNNING", unhashable))
    }
  )
})

describe("isShallow", () => {
  it("depth - is at most 512 levels, of objects and of arrays", () => {
    for (const wrap of [undefined, (inner: object) => [inner], (inner: object) => ({ b: 1, inner, c: 2 })]) {
      assert.isTrue(isShallow(nested(512, wrap)))
      assert.isFalse(isShallow(nested(513, wrap)))
    }
  })

  it("what is no object - is shallow", () => {
    for (const value of [undefined, null, "x".repeat(1_000_000), 1, 1n, true, Symbol("a"), () => nested(513)]) {
      assert.isTrue(isShallow(value))
    }
  })

  it("cycles, and objects that occur often - are visited once", () => {
    assert.isTrue(isShallow(cycle()))
    let shared: object = { leaf: 1 }
    // Each level has the one below twice: 2 to the power of 200 paths.
    for (let level = 0; level < 200; level++) shared = { left: shared, right: shared }
    assert.isTrue(isShallow(shared))
  })

  it("bytes - are not walked", () => {
    assert.isTrue(isShallow(new Uint8Array(50_000_000)))
  })

  it("getter that throws - throws", () => {
    assert.throws(() => isShallow(throwing()), "not yet")
  })
})
