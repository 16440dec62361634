import { RunnerHealth } from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import { RunnerStorage } from "effect/cluster/RunnerStorage"
import type { RunnerAddress } from "effect/cluster/RunnerAddress"
import { ShardingConfig } from "effect/cluster/ShardingConfig"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"

/** A process that has ended refuses connections at once; one that only is busy gets three times this long. */
const pingTimeout = Duration.seconds(2)

/**
 * Whether a runner answers. The layer of effect asks for up to a minute, which is longer than it takes until the locks of
 * a dead runner expire.
 */
export const layerPing: Layer.Layer<RunnerHealth, never, Runners.Runners> = Layer.effect(
  RunnerHealth,
  Effect.map(Runners.Runners, (runners) => ({
    isAlive: (address: RunnerAddress) =>
      runners
        .ping(address)
        .pipe(
          Effect.timeout(pingTimeout),
          Effect.retry({ times: 2, schedule: Schedule.spaced("200 millis") }),
          Effect.isSuccess
        )
  }))
)

const textOf = (address: RunnerAddress) => `${address.host}:${address.port}`

/**
 * Asks the runners after this one, in the order of addresses, up to the first that is healthy and answers. Reports the
 * first that does not answer any more, or does again.
 */
const checkNext = Effect.fnUntraced(function* (self: RunnerAddress) {
  const storage = yield* RunnerStorage
  const health = yield* RunnerHealth
  const runners = new Map<string, { readonly address: RunnerAddress; readonly healthy: boolean }>()
  for (const [{ address }, healthy] of yield* storage.getRunners) runners.set(textOf(address), { address, healthy })
  // A runner that others take for dead does not judge them.
  if (runners.get(textOf(self))?.healthy !== true) return
  const order = [...runners.keys()].toSorted()
  const at = order.indexOf(textOf(self))
  for (const text of [...order.slice(at + 1), ...order.slice(0, at)]) {
    const next = runners.get(text)
    if (next === undefined) continue
    const isAlive = yield* health.isAlive(next.address)
    if (isAlive && next.healthy) return
    if (isAlive === next.healthy) continue
    yield* Effect.logWarning(
      isAlive ? "A runner answers again, and gets shards" : "A runner does not answer, and loses its shards"
    ).pipe(Effect.annotateLogs({ runner: text }))
    return yield* storage.setRunnerHealth(next.address, isAlive)
  }
})

/**
 * Each runner checks the next one. The cluster has one runner check all others, if it has the default shard group; if that
 * runner dies, nobody notices before its lock expires.
 */
export const layerNeighbor: Layer.Layer<never, never, RunnerStorage | RunnerHealth | ShardingConfig> =
  Layer.effectDiscard(
    Effect.gen(function* () {
      const config = yield* ShardingConfig
      if (Option.isNone(config.runnerAddress)) return
      yield* checkNext(config.runnerAddress.value).pipe(
        Effect.ignoreCause,
        Effect.delay(config.runnerHealthCheckInterval),
        Effect.forever,
        Effect.forkScoped
      )
    })
  )
