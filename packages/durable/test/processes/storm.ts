/**
 * The long tests with processes: many kills during many jobs, and how long it takes until a job is checked again after its
 * runner has died.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type DatabaseMissing, startDatabase, until } from "./database.ts"
import { says, type Worker, type WorkerOptions } from "./fleet.ts"
import type { Jobs } from "./jobs.ts"
import { makeWorld, type World } from "./world.ts"

/** What became of jobs whose runners were killed. */
export interface Storm {
  /** The number of signals sent. */
  readonly runs: number
  /** The number of jobs that were submitted. */
  readonly jobs: number
  /** Jobs that ended at the server, but not in the store. */
  readonly lost: number
  /** Jobs that ended more than once in the store, or of which an entity per job was told two outcomes. */
  readonly double: number
  /** Jobs that ended in another way, or earlier, than at the server. */
  readonly wrong: number
  /** Jobs of whose end no hook was told, or no entity by such a hook. */
  readonly untold: number
  readonly seconds: number
}

export interface StormOptions {
  /** Default 10,000. */
  readonly jobs?: number
  /** Default 30: a third each of `SIGKILL`, `SIGTERM`, and `SIGSTOP` for longer than the locks last. */
  readonly kills?: number
  /** Default 3. */
  readonly runners?: number
  /** How long the first stopped process stands still; default 45,000 milliseconds. */
  readonly firstStillMillis?: number
  readonly log?: (line: string) => void
}

const signals = ["SIGKILL", "SIGTERM", "SIGSTOP"] as const

/** Milliseconds between two kills. */
const pause = 6_000

/** How long a stopped process stands still: longer than `shardLockExpiration`; and how long the first one does. */
const still = 13_000
const firstStill = 45_000

export const storm = (options: StormOptions = {}): Effect.Effect<Storm, DatabaseMissing> =>
  Effect.gen(function* () {
    const { firstStillMillis = firstStill, jobs = 10_000, kills = 30, log = () => {}, runners = 3 } = options
    const startedAt = Date.now()
    const world = yield* makeWorld(yield* startDatabase, "storm")
    const workerOptions: Partial<WorkerOptions> = { oracle: true, intervalMillis: 500 }
    const slots: Array<Worker> = []
    for (let slot = 0; slot < runners; slot++) slots.push(yield* world.worker(`r${slot}`, workerOptions))
    yield* Effect.forEach(slots, (worker) => says(worker, "UP"), { discard: true })
    const frozen = new Set<number>()
    for (let kill = 0; kill < kills; kill++) {
      const from = Math.floor((jobs * kill) / kills)
      const count = Math.floor((jobs * (kill + 1)) / kills) - from
      yield* world.submit(`storm-${kill}`, count, 300, 15_000)
      // At least one runner is neither dead nor still.
      const slot = Array.from(
        { length: runners },
        (_, index) => (kill + Math.floor(kill / signals.length) + index) % runners
      ).find((one) => !frozen.has(one))
      const signal = signals[kill % signals.length]
      const victim = slot === undefined ? undefined : slots[slot]
      if (slot === undefined || victim === undefined || signal === undefined) continue
      yield* Effect.sleep((kill * 701) % 2000)
      log(`${signal} ${victim.name}`)
      yield* victim.signal(signal)
      if (signal === "SIGSTOP") {
        frozen.add(slot)
        yield* victim
          .signal("SIGCONT")
          .pipe(
            Effect.andThen(Effect.sync(() => frozen.delete(slot))),
            Effect.delay(kill < signals.length ? firstStillMillis : still),
            Effect.forkScoped
          )
      } else {
        yield* Effect.sleep((kill * 389) % 1500)
        slots[slot] = yield* world.worker(`r${slot}.${kill}`, workerOptions)
      }
      yield* Effect.sleep(pause)
    }
    const verdict = yield* world.judge("5 minutes")
    const heard = yield* until(
      "the entities have heard of all ends",
      world.query("SELECT count(DISTINCT id) FROM oracle"),
      (rows) => Number(rows[0]?.[0]) === jobs,
      "3 minutes",
      "500 millis"
    ).pipe(Effect.catchCause(() => world.query("SELECT count(DISTINCT id) FROM oracle")))
    const twoOutcomes = yield* world.query("SELECT id FROM oracle GROUP BY id HAVING count(DISTINCT outcome) > 1")
    for (const list of [verdict.lost, verdict.double, verdict.wrong, verdict.untold]) {
      if (list.length > 0) log(list.slice(0, 20).join("\n"))
    }
    return {
      runs: kills,
      jobs: verdict.jobs,
      lost: verdict.lost.length,
      double: verdict.double.length + twoOutcomes.length,
      wrong: verdict.wrong.length,
      untold: Math.max(verdict.untold.length, jobs - Number(heard[0]?.[0])),
      seconds: (Date.now() - startedAt) / 1000
    }
  }).pipe(Effect.scoped)

/** The shard of the singleton that checks the health of runners, with the hash of effect's cluster. */
const healthShard = (shards: number): number => {
  const name = "effect/cluster/Sharding/RunnerHealth"
  let hash = 5381
  for (let index = name.length; index > 0;) hash = (hash * 33) ^ name.charCodeAt(--index)
  return Math.abs(((hash & 0xbfffffff) | ((hash >>> 1) & 0x40000000)) % shards) + 1
}

/** The name of the runner that checks the health of the others. */
const healthHolder = ({ query }: World): Effect.Effect<string> =>
  Effect.map(
    until(
      "a runner checks the health of the others",
      query(
        `SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
         WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND objid = ${1_000_000 + healthShard(128)}`
      ),
      (rows) => rows.length > 0
    ),
    (rows) => rows[0]?.[0] ?? ""
  )

const lastBy = (jobs: Jobs, name: string) => [...jobs.all.values()].filter((job) => job.workers.at(-1)?.worker === name)

/** Seconds from the signal until another runner has checked each job of the runner. */
const secondsUntilMoved = (world: World, victim: Worker, signal: NodeJS.Signals) =>
  Effect.gen(function* () {
    const its = lastBy(world.jobs, victim.name)
    const at = Date.now()
    yield* victim.signal(signal)
    yield* until(
      `the jobs of ${victim.name} have moved`,
      Effect.sync(() => its.filter((job) => job.workers.at(-1)?.worker === victim.name).length),
      (left) => left === 0,
      "2 minutes",
      "20 millis"
    )
    return Math.max(...its.map((job) => (job.workers.at(-1)?.at ?? Number.NaN) - at)) / 1000
  })

const settled = (world: World, workers: ReadonlyArray<Worker>) =>
  Effect.andThen(
    until(
      "the jobs are spread",
      Effect.sync(() => workers.map((worker) => lastBy(world.jobs, worker.name).length)),
      (counts) => counts.every((count) => count > 0),
      "1 minute"
    ),
    Effect.sleep("3 seconds")
  )

export interface Failover {
  readonly healthIntervalSeconds: number
  readonly lockExpirationSeconds: number
  /** Seconds from kill -9 until each job of the runner was checked by another one; a runner that checks nobody's health. */
  readonly seconds: ReadonlyArray<number>
  /** The same for the runner that checks the health of the others. */
  readonly holderSeconds: ReadonlyArray<number>
  /** The same for `SIGTERM`. */
  readonly leaveSeconds: ReadonlyArray<number>
}

export const failover = (
  options: { readonly rounds?: number; readonly log?: (line: string) => void } = {}
): Effect.Effect<Failover, DatabaseMissing> =>
  Effect.gen(function* () {
    const { log = () => {}, rounds = 3 } = options
    const world = yield* makeWorld(yield* startDatabase, "failover")
    const start = (name: string) => world.worker(name, { intervalMillis: 200, messages: "sql" })
    let workers = yield* Effect.forEach(["a", "b", "c"], start)
    yield* world.submit("long", 150, 3_600_000, 3_600_000)
    const found = { other: new Array<number>(), holder: new Array<number>(), leave: new Array<number>() }
    for (let round = 0; round < rounds * 3; round++) {
      yield* settled(world, workers)
      const holder = yield* healthHolder(world)
      const what = (["other", "holder", "leave"] as const)[round % 3] ?? "other"
      const victim = workers.find((worker) => (worker.name === holder) === (what === "holder"))
      if (victim === undefined) continue
      const seconds = yield* secondsUntilMoved(world, victim, what === "leave" ? "SIGTERM" : "SIGKILL")
      log(`${what} ${victim.name}: ${seconds} s`)
      found[what].push(seconds)
      workers = [...workers.filter((worker) => worker !== victim), yield* start(`${victim.name}${round}`)]
    }
    return {
      healthIntervalSeconds: 2,
      lockExpirationSeconds: 10,
      seconds: found.other,
      holderSeconds: found.holder,
      leaveSeconds: found.leave
    }
  }).pipe(Effect.scoped)

export interface Restart {
  readonly intervalSeconds: number
  /** Seconds from the start of a process until its modules are loaded. */
  readonly bootSeconds: ReadonlyArray<number>
  /** Seconds from the start of a process until it made its first check. */
  readonly firstCheckSeconds: ReadonlyArray<number>
  /** Seconds from the start of a process until it had checked every job. */
  readonly allCheckedSeconds: ReadonlyArray<number>
}

/** One process that owns all buckets is killed, and started again at once. */
export const restart = (
  options: { readonly rounds?: number; readonly intervalSeconds?: number } = {}
): Effect.Effect<Restart, DatabaseMissing> =>
  Effect.gen(function* () {
    const { intervalSeconds = 1, rounds = 5 } = options
    const world = yield* makeWorld(yield* startDatabase, "restart")
    const start = (name: string): Effect.Effect<Worker, never, Scope.Scope> =>
      world.worker(name, { placement: "local", intervalMillis: intervalSeconds * 1000 })
    yield* world.submit("long", 100, 3_600_000, 3_600_000)
    const boots: Array<number> = []
    const firsts: Array<number> = []
    const alls: Array<number> = []
    let worker = yield* start("w0")
    for (let round = 1; round <= rounds; round++) {
      yield* until(
        "all are checked",
        Effect.sync(() => lastBy(world.jobs, worker.name).length),
        (count) => count === 100
      )
      yield* worker.signal("SIGKILL")
      yield* worker.exited
      worker = yield* start(`w${round}`)
      yield* until(
        "all are checked",
        Effect.sync(() => lastBy(world.jobs, worker.name).length),
        (count) => count === 100
      )
      const checks = lastBy(world.jobs, worker.name).map((job) => job.workers.at(-1)?.at ?? Number.NaN)
      boots.push(((yield* worker.bootedAt) - worker.startedAt) / 1000)
      firsts.push((Math.min(...checks) - worker.startedAt) / 1000)
      alls.push((Math.max(...checks) - worker.startedAt) / 1000)
    }
    return { intervalSeconds, bootSeconds: boots, firstCheckSeconds: firsts, allCheckedSeconds: alls }
  }).pipe(Effect.scoped)
