import { assert, describe, it } from "@effect/vitest"

interface KeyedOf<A> {
  readonly size: number
  readonly get: (key: string) => A | undefined
  readonly set: (key: string, value: A) => void
  readonly delete: (key: string) => void
  readonly values: () => Iterable<A>
  readonly shards: ReadonlyArray<ReadonlyMap<string, A>> | undefined
}

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/poller/keyed.ts"
const { Keyed } = (await import(path)) as { readonly Keyed: new <A>() => KeyedOf<A> }

const count = 40_000

describe("Keyed", () => {
  for (const [kind, keyOf] of [
    ["numbers", (index: number) => String(index)],
    ["numbers of one length", (index: number) => String(index).padStart(12, "0")],
    ["multiples", (index: number) => String(index * 1_024)],
    ["hexadecimal numbers", (index: number) => index.toString(16)],
    ["paths with one end", (index: number) => `${index}/jobs/render/result`],
    [
      "long addresses",
      (index: number) => `https://api.example.com/v1/projects/some-project/jobs/${index}/status?full=1`
    ],
    ["characters beyond Latin", (index: number) => `作业-${index}-é`]
  ] as const) {
    it(`${kind} - behaves as a Map, and divides many keys evenly`, () => {
      const keyed = new Keyed<number>()
      for (let index = 0; index < count; index++) keyed.set(keyOf(index), index)
      for (let index = 0; index < count; index += 2) keyed.set(keyOf(index), -index)
      assert.strictEqual(keyed.size, count)
      const sizes = keyed.shards!.map(({ size }) => size)
      assert.isAtMost(Math.max(...sizes), (1.5 * count) / sizes.length)
      assert.strictEqual(new Set(keyed.values()).size, count)
      for (let index = 0; index < count; index++) {
        assert.strictEqual(keyed.get(keyOf(index)), index % 2 === 0 ? -index : index)
        keyed.delete(keyOf(index))
        keyed.delete(keyOf(index))
        if (keyed.get(keyOf(index)) !== undefined) assert.fail("it is still there")
      }
      assert.deepStrictEqual([keyed.size, [...keyed.values()]], [0, []])
      keyed.set("a", 1)
      assert.deepStrictEqual([keyed.size, [...keyed.values()], keyed.get("a"), keyed.get("b")], [1, [1], 1, undefined])
    })
  }

  it("few keys - keep the order in which they came", () => {
    const keyed = new Keyed<number>()
    for (let index = 0; index < 8_000; index++) keyed.set(String(8_000 - index), index)
    assert.deepStrictEqual(
      [...keyed.values()],
      Array.from({ length: 8_000 }, (_, index) => index)
    )
  })
})
