import { assert, describe, it } from "@effect/vitest"
import { make as makeRunner } from "effect/cluster/Runner"
import { RunnerAddress } from "effect/cluster/RunnerAddress"
import { RunnerHealth } from "effect/cluster/RunnerHealth"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"

// A path that no rule of imports follows: what is in `internal` has no other way in.
const path: string = "../src/internal/cluster/health.ts"
const { layerNeighbor } = (await import(path)) as {
  readonly layerNeighbor: Layer.Layer<
    never,
    never,
    RunnerStorage.RunnerStorage | RunnerHealth | ShardingConfig.ShardingConfig
  >
}

const address = (host: string) => RunnerAddress.make({ host, port: 1 })

/** The health of runners after each of three intervals, as `self` leaves it. */
const judged = (self: string, dead: ReadonlyArray<string>, unhealthy: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const storage = yield* RunnerStorage.RunnerStorage
    for (const host of ["c", "a", "b"]) {
      yield* storage.register(makeRunner({ address: address(host), groups: [], weight: 1 }), !unhealthy.includes(host))
    }
    const asked: Array<string> = []
    yield* Layer.build(
      layerNeighbor.pipe(
        Layer.provide([
          Layer.succeed(RunnerHealth, {
            isAlive: ({ host }) => Effect.sync(() => (asked.push(host), !dead.includes(host)))
          }),
          ShardingConfig.layer({ runnerAddress: Option.some(address(self)), runnerHealthCheckInterval: "2 seconds" })
        ])
      )
    )
    const seen: Array<string> = []
    for (let round = 0; round < 3; round++) {
      yield* TestClock.adjust("2 seconds")
      const runners = yield* storage.getRunners
      seen.push(
        runners
          .filter(([, healthy]) => !healthy)
          .map(([runner]) => runner.address.host)
          .toSorted()
          .join()
      )
    }
    return { asked: asked.join(), seen }
  }).pipe(Effect.provide(RunnerStorage.layerMemory), Effect.scoped)

describe("the health of runners", () => {
  it.effect.each([
    ["asks the next runner by address", "a", [], [], "b,b,b", ["", "", ""]],
    ["begins again after the last one", "c", [], [], "a,a,a", ["", "", ""]],
    ["reports one that does not answer, and goes on after it", "a", ["b"], [], "b,b,c,b,c", ["b", "b", "b"]],
    ["never reports itself", "a", ["a", "b", "c"], [], "b,b,c,b,c", ["b", "b,c", "b,c"]],
    ["passes over one that is reported already", "a", ["b", "c"], ["b"], "b,c,b,c,b,c", ["b,c", "b,c", "b,c"]],
    ["reports that one answers again", "a", [], ["b"], "b,b,b", ["", "", ""]],
    ["asks those behind one that it reported as well", "a", ["b"], ["b", "c"], "b,c,b,c,b,c", ["b", "b", "b"]],
    ["does not judge while it is reported itself", "a", ["b"], ["a"], "", ["a", "a", "a"]]
  ] as const)("%s", ([, self, dead, unhealthy, asked, seen]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* judged(self, dead, unhealthy), { asked, seen: [...seen] })
    })
  )
})
