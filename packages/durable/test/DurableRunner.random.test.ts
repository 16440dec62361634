import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { TestClock } from "effect/testing"
import { layerMemory, type Service } from "@effect-poll/durable/DurableStore"
import {
  bucketCount,
  done,
  Faults,
  faulty,
  insertOf,
  kindOf,
  Owners,
  Server,
  setup,
  startRunner
} from "./runner/world.ts"

/** Counts the outcomes that the store accepted, and every one after the first of a round. */
class Oracle {
  readonly outcomes = new Map<string, number>()
  doubles = 0

  around(store: Service): Service {
    return {
      ...store,
      finish: (kind, batch) =>
        Effect.map(store.finish(kind, batch), (finished) => {
          finished.forEach((how, at) => {
            if (how !== "ended") return
            const key = `${batch[at]!.id} ${batch[at]!.round}`
            const count = (this.outcomes.get(key) ?? 0) + 1
            this.outcomes.set(key, count)
            if (count > 1) this.doubles++
          })
          return finished
        })
    }
  }
}

const names = ["one", "two"] as const

const program = (seed: string) =>
  Effect.gen(function* () {
    const { memory } = yield* setup
    const oracle = new Oracle()
    const counted = oracle.around(memory)
    const server = new Server()
    const owners = new Owners()
    const told = new Map<string, number>()
    const kind = kindOf(server, "job", {
      onEnded: (row) => Effect.sync(() => void told.set(row.id, (told.get(row.id) ?? 0) + 1))
    })
    const faults = { one: new Faults(), two: new Faults() }
    const options = { horizon: "20 seconds", poller: { stagger: false } } as const
    const runners = new Map<string, Effect.Success<ReturnType<typeof startRunner>>>()
    const start = Effect.fnUntraced(function* (name: (typeof names)[number]) {
      const store = faulty(counted, faults[name])
      const reclaim = (yield* Random.nextBoolean) ? Duration.seconds(4) : ("never" as const)
      runners.set(name, yield* startRunner(store, owners.layer(name, reclaim), [kind], options))
    })
    for (const name of names) yield* start(name)
    for (let bucket = 0; bucket < bucketCount; bucket++) owners.give(bucket, names[bucket % 2]!)
    const ids: Array<string> = []
    const anyOf = <A>(items: ReadonlyArray<A>) =>
      Effect.map(Random.nextIntBetween(0, items.length - 1), (at) => items[at]!)

    for (let step = 0; step < 60; step++) {
      const dice = yield* Random.nextIntBetween(0, 100)
      if (dice < 35) {
        const count = yield* Random.nextIntBetween(1, 6)
        const inserts = []
        for (let at = 0; at < count; at++) {
          const id = `${seed}-${ids.length}`
          ids.push(id)
          const delayMillis = (yield* Random.nextBoolean) ? 0 : yield* Random.nextIntBetween(0, 60_000)
          inserts.push(insertOf(id, { delayMillis, deadlineMillis: null, hooks: ["onEnded"] }))
        }
        yield* memory.insert(inserts)
      } else if (dice < 60 && ids.length > 0) {
        const id = yield* anyOf(ids)
        server.statuses.set(id, done(id))
      } else if (dice < 70) owners.give(yield* Random.nextIntBetween(0, bucketCount - 1), yield* anyOf(names))
      else if (dice < 76) {
        // Two processes believe that a bucket is theirs.
        const bucket = yield* Random.nextIntBetween(0, bucketCount - 1)
        yield* memory.claim("stranger", [bucket])
        owners.give(bucket, "nobody")
        yield* TestClock.adjust("1 second")
        owners.give(bucket, yield* anyOf(names))
      } else if (dice < 84) {
        const name = yield* anyOf(names)
        const how = yield* anyOf(["fails", "fails after", "hangs", "dies", 700] as const)
        const rate = yield* anyOf([2, 3, 10])
        faults[name].decide = (_, count) => (count % rate === 0 ? how : "works")
      } else if (dice < 88) for (const name of names) faults[name].decide = () => "works"
      else if (dice < 92 && ids.length > 0) {
        const id = yield* anyOf(ids)
        yield* counted.finish("job", [
          { id, round: 1, claim: undefined, outcome: "Succeeded", ending: "0", attempts: undefined }
        ])
      } else if (dice < 95 && ids.length > 0) yield* memory.nudge("job", yield* anyOf(ids))
      else {
        // A process ends, and another one takes its place.
        const name = yield* anyOf(names)
        yield* Effect.forkChild(runners.get(name)!.stop)
        yield* TestClock.adjust("6 seconds")
        yield* start(name)
      }
      yield* TestClock.adjust(yield* Random.nextIntBetween(0, 3_000))
    }
    for (const name of names) faults[name].decide = () => "works"
    for (let bucket = 0; bucket < bucketCount; bucket++) owners.give(bucket, "nobody")
    yield* TestClock.adjust("40 seconds")
    owners.giveAll("one")
    for (const id of ids) server.statuses.set(id, done(id))
    yield* TestClock.adjust("3 minutes")

    const rows = yield* memory.find("job", ids)
    const open = rows.filter(({ state }) => state !== "ended").map(({ id }) => id)
    assert.deepStrictEqual(open, [], `lost in ${seed} at ${yield* Clock.currentTimeMillis}`)
    assert.strictEqual(oracle.doubles, 0)
    assert.strictEqual(oracle.outcomes.size, ids.length)
    assert.deepStrictEqual(
      ids.filter((id) => !told.has(id)),
      []
    )
    const stats = yield* runners.get("one")!.runner.stats
    assert.deepInclude(stats, { waits: 0, backlog: 0, buckets: 8 })
  }).pipe(Random.withSeed(seed), Effect.provide(layerMemory))

describe("DurableRunner", () => {
  describe("random programs of two processes and a store that fails", () => {
    for (let seed = 0; seed < 12; seed++) {
      it.effect(`lose no job, and end none twice (${seed})`, () => program(`seed${seed}`), 30_000)
    }
  })
})
