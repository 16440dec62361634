// Ours: keys are submitted, and a runner checks the jobs. Only submits and ends are written.
import * as PgClient from "@effect/sql-pg/PgClient"
import * as DurableCluster from "@effect-poll/durable/DurableCluster"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import * as DurableRunner from "@effect-poll/durable/DurableRunner"
import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
import * as Ownership from "@effect-poll/durable/Ownership"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { freePort } from "../../../durable/test/freePort.ts"
import type { Server, Subject, World } from "../work.ts"
import { jobOf, optionsOf } from "./job.ts"

/** One process, which submits, checks and awaits. */
export const keys: Subject = {
  start: async (url, world) => {
    const durable = durableOf(world)
    const runtime = ManagedRuntime.make(runner(durable).pipe(Layer.provideMerge(local), Layer.provide(database(url))))
    await runtime.context()
    return { run: ({ keys }) => runtime.runPromise(wait(durable, keys)) }
  }
}

/** The same with one stream of all ends, as the plain Poller is used for many jobs. */
export const stream: Subject = {
  start: async (url, world) => {
    const durable = durableOf(world)
    const runtime = ManagedRuntime.make(runner(durable).pipe(Layer.provideMerge(local), Layer.provide(database(url))))
    await runtime.context()
    const waitForAll = Effect.fnUntraced(function* (keys: ReadonlyArray<string>) {
      const ends = durable.results({ after: "now" }).pipe(Stream.take(keys.length), Stream.runDrain)
      yield* Effect.all([ends, Effect.delay(durable.submit(keys), "100 millis")], { concurrency: 2, discard: true })
    })
    return { run: ({ keys }) => runtime.runPromise(waitForAll(keys)) }
  }
}

/** The same as the only process of a cluster. */
export const cluster: Subject = {
  start: async (url, world) => {
    const durable = durableOf(world)
    const address = { host: "127.0.0.1", port: await freePort() }
    const runtime = ManagedRuntime.make(
      runner(durable).pipe(Layer.provideMerge(DurableCluster.layer({ address })), Layer.provide(database(url)))
    )
    await runtime.context()
    return { run: ({ keys }) => runtime.runPromise(wait(durable, keys)) }
  }
}

/** A runner that checks what others submit: its run is over half a minute after it has all jobs. */
export const holder: Subject = {
  start: async (url, world) => {
    const runtime = ManagedRuntime.make(
      runner(durableOf(world)).pipe(Layer.provideMerge(local), Layer.provide(database(url)))
    )
    await runtime.context()
    const hold = Effect.fnUntraced(function* ({ work }: Server) {
      const { stats } = yield* DurableRunner.DurableRunner
      while ((yield* stats).waits < work.jobs) yield* Effect.sleep("250 millis")
      yield* Effect.sleep("30 seconds")
    })
    return { run: (server) => runtime.runPromise(hold(server)) }
  }
}

/** Submits jobs, and checks none. */
export const submitter: Subject = {
  start: async (url, world) => {
    const durable = durableOf(world)
    const runtime = ManagedRuntime.make(DurableStoreSql.layer().pipe(Layer.provide(database(url))))
    await runtime.context()
    return { run: ({ keys }) => runtime.runPromise(durable.submit(keys)).then(() => {}) }
  }
}

// ---- internal ----

const database = (url: string) => PgClient.layer({ url: Redacted.make(url) })

const local = Layer.merge(DurableStoreSql.layer(), Ownership.layerLocal)

const durableOf = (world: World) => DurablePoll.make(jobOf(world), { deadline: "1 hour", wait: optionsOf(world) })

type Durable = ReturnType<typeof durableOf>

const runner = (durable: Durable) => Layer.provideMerge(durable.runner, DurableRunner.layer())

const wait = Effect.fnUntraced(function* (durable: Durable, keys: ReadonlyArray<string>) {
  const refs = yield* durable.submit(keys)
  yield* Effect.forEach(refs, (ref) => durable.await(ref), { concurrency: "unbounded", discard: true })
})
