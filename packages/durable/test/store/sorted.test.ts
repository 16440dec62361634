import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as theSorted from "../../src/internal/store/sorted.ts"

const path: string = "../../src/internal/store/sorted.ts"
const { merged, order, Sorted }: typeof theSorted = await import(path)

type Place = theSorted.Place

const keyOf = ({ at, id }: Place) => `${at} ${id}`

/** Different places, in any order. */
const places = (count: number) =>
  Effect.map(
    Effect.forEach(Array.from({ length: count }), () =>
      Effect.all({ at: Random.nextIntBetween(0, 60), id: Effect.map(Random.nextIntBetween(0, 60), String) })
    ),
    (list) => Array.from(new Map(list.map((place) => [keyOf(place), place])).values())
  )

describe("Sorted", () => {
  it.effect("add, remove, from - behave like a sorted array", () =>
    Effect.gen(function* () {
      for (const [adds, removes] of [
        [0, 10],
        [1, 0],
        [600, 100],
        [3_000, 20],
        [3_000, 1_500],
        [3_000, 20_000]
      ] as const) {
        const added = yield* places(adds)
        const removed = yield* places(removes)
        const sorted = new Sorted()
        added.forEach((place) => sorted.add(place))
        removed.forEach((place) => sorted.remove(place))
        const gone = new Set(removed.map(keyOf))
        const left = added.filter((place) => !gone.has(keyOf(place))).toSorted(order)
        for (const at of [-1, 0, 17, 59, 60]) {
          assert.deepStrictEqual(
            Array.from(sorted.from({ at, id: "" })),
            left.filter((place) => place.at >= at)
          )
        }
        const middle = left[left.length >> 1]
        if (middle !== undefined) assert.deepStrictEqual(sorted.from(middle).next().value, middle)
      }
    }).pipe(Random.withSeed("sorted"))
  )

  it.effect("merged - yields the entries of all lists in one order", () =>
    Effect.gen(function* () {
      for (const count of [0, 1, 2, 2_000]) {
        const added = yield* places(count)
        const parts = [0, 1, 2].map(() => new Sorted())
        added.forEach((place, index) => parts[index % 3]!.add(place))
        assert.deepStrictEqual(
          Array.from(merged(parts.map((part) => part.from({ at: 0, id: "" })))),
          added.toSorted(order)
        )
      }
    }).pipe(Random.withSeed("merged"))
  )
})
