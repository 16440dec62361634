import { assert, describe, it } from "@effect/vitest"
import * as Status from "effect-poll/Status"
import type * as theSameStatus from "../../src/internal/machine/sameStatus.ts"
import type * as theWords from "../../src/internal/machine/words.ts"
import type * as theDetailHash from "../../src/internal/machine/detailHash.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/machine/sameStatus.ts"
const { sameStatus } = (await import(path)) as typeof theSameStatus

const hashPath: string = "../../src/internal/machine/detailHash.ts"
const { detailHash } = (await import(hashPath)) as typeof theDetailHash

const wordsPath: string = "../../src/internal/machine/words.ts"
const { storedId } = (await import(wordsPath)) as typeof theWords

/** An object of a number of levels, with `leaf` in the deepest. */
const nested = (levels: number, leaf: unknown): object => {
  let object: object = { leaf }
  for (let level = 1; level < levels; level++) object = { object }
  return object
}

const compare = (a: Status.Status<unknown, unknown>, b: Status.Status<unknown, unknown>): boolean =>
  sameStatus(a, b, undefined)

const same = (a: unknown, b: unknown): boolean => compare(Status.pending({ detail: a }), Status.pending({ detail: b }))

describe("sameStatus", () => {
  it("pending statuses - are the same with the same state, progress, action and detail", () => {
    const status = { state: "RENDERING", progress: 0.5, action: { id: "a" }, detail: { frames: [1, 2] } }
    const other = Status.pending({ ...status, action: { id: "a", kind: "approval" }, detail: { frames: [1, 2] } })
    assert.strictEqual(compare(Status.pending(status), other), true)
  })

  it("pending statuses - differ in each of state, progress, action and detail", () => {
    const status = { state: "RENDERING", progress: 0.5, action: { id: "a" }, detail: { frames: [1, 2] } }
    const changes = [{ state: "QUEUED" }, { progress: 0.6 }, { action: { id: "b" } }, { detail: { frames: [1, 3] } }]
    for (const change of changes) {
      const changed = Status.pending({ ...status, ...change })
      assert.strictEqual(compare(Status.pending(status), changed), false, JSON.stringify(change))
    }
  })

  it("ends - never equal a pending status or each other", () => {
    assert.strictEqual(compare(Status.succeeded(1), Status.succeeded(1)), false)
    assert.strictEqual(compare(Status.succeeded(1), Status.pending()), false)
    assert.strictEqual(compare(Status.canceled(), Status.pending()), false)
    assert.strictEqual(compare(Status.pending(), Status.canceled()), false)
  })

  it("action - is compared by the stored form of its id too, since a token has no other", () => {
    const asks = (id: string) => Status.pending({ action: { id } })
    const long = "x".repeat(300)
    assert.strictEqual(compare(asks(storedId(long)), asks(long)), true)
    assert.strictEqual(compare(asks(storedId(long)), asks(`${long}y`)), false)
    assert.strictEqual(compare(asks("a"), Status.pending()), false)
    assert.strictEqual(compare(Status.pending(), asks("a")), false)
  })

  it("detail - is compared by its value", () => {
    assert.strictEqual(same("a", "a"), true)
    assert.strictEqual(same("a", { 0: "a" }), false)
    assert.strictEqual(same(null, {}), false)
    assert.strictEqual(same(new Uint8Array([1, 2]), new Uint8Array([1, 2])), true)
    assert.strictEqual(same(new Uint8Array([1, 2]), new Uint8Array([1, 3])), false)
  })

  it("detail - is compared to a depth of 512 levels", () => {
    assert.strictEqual(same(nested(512, null), nested(512, null)), true)
    assert.strictEqual(same(nested(512, 1), nested(512, 2)), false)
    assert.strictEqual(same(nested(512, 1), nested(512, 1)), true)
    assert.strictEqual(same(nested(513, null), nested(513, null)), false)
    assert.strictEqual(same({}, nested(513, null)), false)
  })

  it("detail - is the same as itself, however deep it nests", () => {
    const deep = nested(100_000, null)
    assert.strictEqual(same(deep, deep), true)
    const status = Status.pending({ detail: deep })
    assert.strictEqual(compare(status, status), true)
  })

  it("detail - equals no other if one of its getters throws", () => {
    const throws = () => ({
      get frames(): never {
        throw new Error("not yet")
      }
    })
    assert.strictEqual(same(throws(), throws()), false)
  })

  it("detail - is compared by its hash if only the hash of the last one is known", () => {
    const status = Status.pending({ state: "RENDERING" })
    const next = Status.pending({ state: "RENDERING", detail: { frames: 1 } })
    assert.strictEqual(sameStatus(status, next, detailHash({ frames: 1 })), true)
    assert.strictEqual(sameStatus(status, next, detailHash({ frames: 2 })), false)
    assert.strictEqual(
      sameStatus(
        status,
        next,
        detailHash(() => {})
      ),
      false
    )
    const other = Status.pending({ state: "QUEUED", detail: { frames: 1 } })
    assert.strictEqual(sameStatus(status, other, detailHash({ frames: 1 })), false)
  })

  it("detail - may have cycles and shared parts", () => {
    const cycle = (name: string) => {
      const object: Record<string, unknown> = { name, tail: nested(100, null) }
      object["back"] = { object }
      return object
    }
    assert.strictEqual(same(cycle("a"), cycle("a")), true)
    assert.strictEqual(same(cycle("a"), cycle("b")), false)
    // Each level refers to the next one twice: without a record of what was visited, 2^40 visits.
    const shared = (levels: number): object => {
      let object: object = {}
      for (let level = 1; level < levels; level++) object = { left: object, right: object }
      return object
    }
    assert.strictEqual(same(shared(40), {}), false)
  })

  it("detail - counts the levels of an object from its first occurrence", () => {
    const twice = () => {
      const object: Record<string, unknown> = {}
      object["first"] = { back: object }
      object["second"] = nested(511, null)
      return object
    }
    assert.strictEqual(same(twice(), twice()), true)
  })
})
