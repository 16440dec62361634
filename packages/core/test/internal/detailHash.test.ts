import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Option from "effect/Option"
import type * as theDetailHash from "../../src/internal/machine/detailHash.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/machine/detailHash.ts"
const { detailHash, hasHash, unhashable } = (await import(path)) as typeof theDetailHash

/** An object of a number of levels. */
const nested = (levels: number): object => {
  let object: object = { leaf: 1 }
  for (let level = 1; level < levels; level++) object = { object }
  return object
}

const bytes = (...all: ReadonlyArray<number>) => new Uint8Array(all)

describe("detailHash", () => {
  it("hash - is the same in every release", () => {
    assert.deepStrictEqual(["", "RENDERING", 0, 1.5, true, false, null, 10n, [], {}, { a: [1, "b"] }].map(detailHash), [
      "9ba09df075ee85c5",
      "6333b7c0f81efa27",
      "13eb9db11a2a719d",
      "49265f34642580f3",
      "8c0a9dba9e623728",
      "c68766340f251d09",
      "eb2b2475ab050fb7",
      "13fa0172b6eb85dd",
      "5b82d6f42831223c",
      "7994518c53ed2cdb",
      "8737fa13880d1cf0"
    ])
  })

  it("hash of a structure - is the same in every release", () => {
    const all: ReadonlyArray<unknown> = [
      new Date(5),
      /a/g,
      new Map([["a", { b: 1 }]]),
      new Set(["a", { b: 1 }]),
      bytes(1, 255),
      Option.some(1),
      Option.none()
    ]
    assert.deepStrictEqual(all.map(detailHash), [
      "a65dc4628bce0b15",
      "2ec20dae73fe3414",
      "901a7024cf166d17",
      "999bc8d56d9fd40a",
      "76afbe11be2625eb",
      "5e5b6c7fda07d381",
      "e367ae664ad53105"
    ])
  })

  it("bytes - differ by their content", () => {
    assert.notStrictEqual(detailHash(bytes(1).buffer), detailHash(bytes(2).buffer))
  })

  it("no detail - has no hash", () => {
    assert.strictEqual(detailHash(undefined), undefined)
    assert.isTrue(hasHash(undefined, undefined))
    assert.isFalse(hasHash(1, undefined))
  })

  it("equal values - have the same hash", () => {
    const pairs: ReadonlyArray<readonly [unknown, unknown]> = [
      [0, -0],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 }
      ],
      [new Set(["a", "bc"]), new Set(["bc", "a"])],
      [
        new Map([
          ["a", 1],
          ["b", 2]
        ]),
        new Map([
          ["b", 2],
          ["a", 1]
        ])
      ],
      [new Date(5), new Date(5)],
      [/a/g, /a/g],
      [bytes(1, 2).buffer, bytes(1, 2).buffer],
      [bytes(0, 1, 2).subarray(1), bytes(1, 2)],
      [Option.some(1), Option.some(1)],
      [Chunk.make(1, 2), Chunk.make(1, 2)]
    ]
    for (const [a, b] of pairs) {
      assert.notStrictEqual(detailHash(a), unhashable, String(a))
      assert.strictEqual(detailHash(a), detailHash(b), String(a))
    }
  })

  it("different values - have different hashes", () => {
    const values: ReadonlyArray<unknown> = [
      "",
      "1",
      "t",
      1,
      1n,
      2,
      true,
      false,
      null,
      [],
      [""],
      ["", ""],
      [undefined],
      [null],
      [1],
      [[1]],
      ["ab", "c"],
      ["a", "bc"],
      {},
      { a: undefined },
      { a: null },
      { a: 1 },
      { a: "1" },
      { b: 1 },
      { _tag: "a" },
      { a: { b: 1 } },
      { "a:1": 1 },
      new Date(1),
      new Date(2),
      /1/,
      /1/g,
      "/1/",
      Object.create({ _tag: "a" }),
      Object.create({ _tag: "b" }),
      new Map(),
      new Map([["a", 1]]),
      new Map([["a", 2]]),
      new Set(),
      new Set(["a"]),
      new Set(["a", "b"]),
      new Set([["a", 1]]),
      new Set(["ab"]),
      bytes(),
      bytes(1),
      bytes(1, 2),
      bytes(255),
      Option.none(),
      Option.some(1),
      Option.some(2)
    ]
    assert.strictEqual(new Set(values.map(detailHash)).size, values.length)
    assert.notInclude(values.map(detailHash), unhashable)
  })

  it("hash - is 16 hexadecimal digits", () => {
    for (let n = 0; n < 300; n++) assert.match(detailHash(n) ?? "", /^[0-9a-f]{16}$/)
  })

  it("errors - are compared without their stacks", () => {
    const one = new Error("reset")
    const other = new Error("reset")
    other.stack = "elsewhere"
    assert.strictEqual(detailHash(one), detailHash(other))
    assert.notStrictEqual(detailHash(one), detailHash(new Error("timeout")))
    assert.notStrictEqual(detailHash({ stack: "a" }), detailHash({ stack: "b" }))
  })

  it("what has no stable form - has no hash, and equals nothing", () => {
    const cycle: Record<string, unknown> = {}
    cycle["self"] = cycle
    const throws = {
      get frames(): never {
        throw new Error("not yet")
      }
    }
    class Secret {
      readonly ["~effect/interfaces/Equal"] = () => true
      readonly ["~effect/interfaces/Hash"] = () => 0
    }
    class Shown extends Secret {
      readonly toJSON = () => ({ shown: true })
    }
    const values: ReadonlyArray<unknown> = [
      () => 1,
      Symbol("a"),
      { a: () => 1 },
      { [Symbol("a")]: 1 },
      [() => 1],
      [1, Symbol("a")],
      new Map([["a", () => 1]]),
      new Set([() => 1]),
      new Secret(),
      new Shown(),
      cycle,
      throws
    ]
    for (const [at, value] of values.entries()) {
      assert.strictEqual(detailHash(value), unhashable, `value ${at}`)
      assert.isFalse(hasHash(value, unhashable))
    }
  })

  it("depth - is at most 128 levels", () => {
    assert.notStrictEqual(detailHash(nested(128)), unhashable)
    assert.strictEqual(detailHash(nested(129)), unhashable)
  })

  it("size - is at most a million characters", () => {
    // The length of a text comes before it: "s999993:".
    assert.strictEqual(detailHash("x".repeat(999_993)), unhashable)
    assert.strictEqual(detailHash(new Uint8Array(999_993)), unhashable)
    // Two characters are left, and the object needs three.
    assert.strictEqual(detailHash(["x".repeat(999_987), { a: 1 }]), unhashable)
    const half = "x".repeat(600_000)
    for (const twice of [[half, half], { a: half, b: half }, new Set([half, `${half}x`])]) {
      assert.strictEqual(detailHash(twice), unhashable)
    }
  })

  it("size - is measured before a value is read", () => {
    let read = 0
    const counting = new Proxy([] as Array<number>, {
      get: (target, key) => {
        if (key === "length") return 2_000_000
        read++
        return Reflect.get(target, key) as unknown
      }
    })
    assert.strictEqual(detailHash(counting), unhashable)
    assert.strictEqual(read, 0)
  })
})
