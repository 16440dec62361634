/**
 * Durable waits on many machines, with effect's cluster on PostgreSQL.
 *
 * **When to use**
 *
 * Use when one process is not enough, or when another machine must take over within seconds if one dies.
 *
 * @since 0.1.0
 */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as MessageStorage from "effect/cluster/MessageStorage"
import { RunnerAddress } from "effect/cluster/RunnerAddress"
import type { Runners } from "effect/cluster/Runners"
import { Sharding } from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { SocketServerError } from "effect/socket/SocketServer"
import type { MigrationError } from "effect/sql/Migrator"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { DurableStore } from "./DurableStore.ts"
import * as DurableStoreSql from "./DurableStoreSql.ts"
import { runSingletons, singletonNames } from "./internal/cluster/buckets.ts"
import { layerNeighbor } from "./internal/cluster/health.ts"
import { layerSteady } from "./internal/cluster/storage.ts"
import { layerRunner } from "./internal/cluster/transport.ts"
import * as validate from "./internal/validate.ts"
import { defaultBuckets, Ownership } from "./Ownership.ts"

/**
 * The shard group of the buckets.
 *
 * @category constants
 * @since 0.1.0
 */
export const shardGroup = "effect-poll"

/**
 * A configuration of effect's cluster for durable waits: shorter timings, a shard group for the buckets, and as many shards
 * in each group as there are buckets (128). If a process is killed, others take over its jobs within 1 to 3 seconds; if it
 * hangs, after `shardLockExpiration`. With effect's default timings, taking over after a kill takes 30 to 40 seconds.
 *
 * **Gotchas**
 *
 * All processes of a cluster must have the same shard groups and the same number of shards.
 *
 * @category constants
 * @since 0.1.0
 */
export const preset: Omit<ShardingConfig.ShardingConfig["Service"], "runnerAddress" | "runnerListenAddress"> = {
  ...ShardingConfig.defaults,
  availableShardGroups: ["default", shardGroup],
  assignedShardGroups: ["default", shardGroup],
  shardsPerGroup: defaultBuckets,
  entityMessagePollInterval: Duration.seconds(1),
  runnerHealthCheckInterval: Duration.seconds(2),
  refreshAssignmentsInterval: Duration.millis(500),
  shardLockExpiration: Duration.seconds(10),
  maxResidentEntities: 100_000
}

/**
 * The options of `layerOwnership`.
 *
 * @category models
 * @since 0.1.0
 */
export interface OwnershipOptions {
  /**
   * The number of buckets, the same in all processes; an integer >= 1, default 128. The `shardsPerGroup` of the cluster must
   * not be smaller.
   */
  readonly buckets?: number | undefined
  /** The shard group of the buckets, one of the `availableShardGroups` of the cluster. Default `"effect-poll"`. */
  readonly shardGroup?: string | undefined
  /**
   * How long to wait before claiming a bucket again, if another process has claimed it although its shard is still assigned
   * to this one; a positive finite duration. It should be longer than the `shardLockExpiration` of the cluster. Default 12
   * seconds.
   */
  readonly reclaimAfter?: Duration.Input | undefined
}

/**
 * Lets a cluster that the program already has decide which process owns which bucket: each bucket is a Singleton, in a shard
 * group of its own. Throws a RangeError at the call for an option that is out of range.
 *
 * **When to use**
 *
 * Use with a cluster that also has entities or workflows, or that has another transport. Its `ShardingConfig` should be
 * based on the `preset`.
 *
 * **Gotchas**
 *
 * If the cluster has fewer shards in a group than there are buckets, the layer fails with a defect. If the group is not
 * among the `assignedShardGroups` of this process, it owns no bucket.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOwnership = (options: OwnershipOptions = {}): Layer.Layer<Ownership, never, Sharding> => {
  const buckets = validate.count("DurableCluster.layerOwnership: buckets", options.buckets ?? defaultBuckets, 1)
  const group = validate.nonEmpty("DurableCluster.layerOwnership: shardGroup", options.shardGroup ?? shardGroup)
  const reclaimAfter = Duration.millis(
    validate.millis("DurableCluster.layerOwnership: reclaimAfter", options.reclaimAfter ?? "12 seconds")
  )
  return Layer.effect(
    Ownership,
    Effect.gen(function* () {
      const sharding = yield* Sharding
      const names = singletonNames(sharding, buckets, group)
      if (names === undefined) {
        return yield* Effect.die(
          new RangeError(
            `DurableCluster.layerOwnership: buckets must be at most the shardsPerGroup of the cluster, got ${buckets}`
          )
        )
      }
      return { buckets, reclaimAfter, run: (hold) => runSingletons(sharding, names, group, hold) }
    })
  )
}

/**
 * The options of `layerCluster`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClusterOptions {
  /** The address at which the other processes reach this one. */
  readonly address: { readonly host: string; readonly port: number }
  /** The address on which this process listens. Default: `address`. */
  readonly listen?: { readonly host: string; readonly port: number } | undefined
  /** How the processes communicate: over TCP sockets, or by HTTP requests. Default `"socket"`. */
  readonly transport?: "socket" | "http" | undefined
  /** Settings that replace those of the `preset`. Default: none. */
  readonly config?: Partial<typeof preset> | undefined
  /** The prefix of the cluster's table names; a non-empty string, default `"effect_poll_cluster"`. */
  readonly prefix?: string | undefined
  /**
   * Whether messages between entities are stored: `"none"` for a cluster that only has durable waits, `"sql"` for one that
   * also runs entities or workflows, which costs a query every second. With `"none"` this process is not assigned the default
   * shard group. Default `"none"`.
   */
  readonly messages?: "none" | "sql" | undefined
}

/**
 * Joins a cluster that is kept in a PostgreSQL database, and owns buckets in it. Throws a RangeError at the call for an
 * option that is out of range.
 *
 * **When to use**
 *
 * Use when another layer provides the store of durable waits. `layer` provides both.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerCluster = (
  options: ClusterOptions
): Layer.Layer<
  Ownership | Sharding | Runners | MessageStorage.MessageStorage,
  SocketServerError | ServeError,
  SqlClient
> => {
  // Without messages nothing runs on the default group, and each of its shards has a lock as well.
  const groups = options.messages === "sql" ? {} : { assignedShardGroups: [shardGroup] }
  const config = { ...preset, ...groups, ...options.config }
  const prefix = validate.nonEmpty("DurableCluster.layer: prefix", options.prefix ?? defaultPrefix)
  const expiry = validate.millis("DurableCluster.layer: config.shardLockExpiration", config.shardLockExpiration)
  // A bucket that was lost while its shard was still assigned here is claimed again only once the lock of a process that
  // hangs would have expired.
  const ownership = layerOwnership({ reclaimAfter: Duration.millis(expiry * 1.2) })
  return Layer.merge(ownership, layerNeighbor).pipe(
    Layer.provideMerge(layerRunner(options.transport ?? "socket")),
    Layer.provideMerge(
      options.messages === "sql"
        ? Layer.provide(SqlMessageStorage.layerWith({ prefix }), NodeCrypto.layerDigest)
        : MessageStorage.layerNoop
    ),
    Layer.provide(layerSteady(Layer.orDie(SqlRunnerStorage.layerWith({ prefix })))),
    Layer.provide(
      ShardingConfig.layer({
        ...config,
        runnerAddress: Option.some(RunnerAddress.make(options.address)),
        runnerListenAddress: Option.map(Option.fromNullishOr(options.listen), (listen) => RunnerAddress.make(listen))
      })
    )
  )
}

/**
 * The options of `layer`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends ClusterOptions {
  /** The options of the store of durable waits; see `DurableStoreSql`. */
  readonly store?: DurableStoreSql.Options | undefined
}

/**
 * Keeps durable waits in a PostgreSQL database, and spreads their checks over all processes with this layer. Throws a
 * RangeError at the call for an option that is out of range.
 *
 * **Details**
 *
 * - Each process needs an address of its own that the others can reach. Processes that only submit and await jobs need
 *   neither an address nor this layer: they use `DurableStoreSql.layer`.
 * - You can move from one process (`DurableStoreSql.layer` with `Ownership.layerLocal`) to a cluster on the same database,
 *   and back, without a migration. Stop the old processes before you start the new ones.
 * - A process that gets SIGTERM or SIGINT under `NodeRuntime.runMain` hands its jobs over within about a second. If it is
 *   killed, others check its jobs after 1 to 3 seconds (the `runnerHealthCheckInterval` is 2). If it hangs, they do after
 *   the `shardLockExpiration` (10 seconds); if it continues later, it cannot end jobs that it has lost.
 * - Each process holds one connection of the pool for its locks, and one to listen for notifications.
 *
 * **Gotchas**
 *
 * The database may be far away, but what needs it takes longer then. Two processes with 300 ms for each round trip were
 * seen to check all jobs again 2 to 14 seconds after their connections had been cut; with 50 ms it took 5 to 8. Buckets
 * move one after another, with two round trips for each. The cluster's operations on locks have a third of the
 * `shardLockExpiration`: set a longer one in `config` if the database is still further away.
 *
 * **Example** (Running one of several processes)
 *
 * ```ts no-run
 * import * as PgClient from "@effect/sql-pg/PgClient"
 * import * as Config from "effect/Config"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as DurableCluster from "@effect-poll/durable/DurableCluster"
 *
 * const database = PgClient.layerConfig({ url: Config.Redacted("DATABASE_URL") })
 *
 * export const placement = Layer.unwrap(
 *   Effect.gen(function* () {
 *     const host = yield* Config.String("HOST")
 *     return DurableCluster.layer({ address: { host, port: 34431 }, listen: { host: "0.0.0.0", port: 34431 } })
 *   })
 * ).pipe(Layer.provide(database))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<
  DurableStore | Ownership | Sharding | Runners | MessageStorage.MessageStorage,
  SqlError | MigrationError | SocketServerError | ServeError,
  SqlClient
> => Layer.merge(DurableStoreSql.layer(options.store), layerCluster(options))

// ---- internal ----

const defaultPrefix = "effect_poll_cluster"
