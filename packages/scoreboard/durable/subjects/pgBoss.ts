// pg-boss: a worker that sends a job again, to be started after the interval, and one whose handler is the loop.
import { setTimeout as sleep } from "node:timers/promises"
import { load } from "../peers/load.ts"
import type { Server, Subject, World } from "../work.ts"

export const enqueuing: Subject = {
  start: (url, world) =>
    start(url, world, async (boss, keys) => {
      const pending = keys.filter((key) => !world.check(key))
      // A statement for all of a batch.
      if (pending.length > 0) await boss.insert(queue, jobsOf(pending, world.work.intervalMillis / 1_000))
    })
}

export const oneStep: Subject = {
  start: (url, world) =>
    start(url, world, async (_, keys) => {
      const wait = async (key: string) => {
        while (!world.check(key)) await sleep(world.work.intervalMillis)
      }
      await Promise.all(keys.map(wait))
    })
}

// ---- internal ----

interface Boss {
  readonly on: (event: "error", listener: (error: unknown) => void) => void
  readonly start: () => Promise<unknown>
  readonly createQueue: (name: string) => Promise<void>
  readonly insert: (name: string, jobs: ReadonlyArray<object>) => Promise<unknown>
  readonly work: (
    name: string,
    options: { readonly batchSize: number; readonly pollingIntervalSeconds: number },
    handler: (jobs: ReadonlyArray<{ readonly data: { readonly key: string } }>) => Promise<void>
  ) => Promise<string>
}

const queue = "wait"

const jobsOf = (keys: ReadonlyArray<string>, startAfter: number) => keys.map((key) => ({ data: { key }, startAfter }))

const start = async (url: string, world: World, handle: (boss: Boss, keys: ReadonlyArray<string>) => Promise<void>) => {
  const { PgBoss } = (await load("pg-boss")) as { readonly PgBoss: new (url: string) => Boss }
  const boss = new PgBoss(url)
  boss.on("error", (error) => console.error(error))
  await boss.start()
  await boss.createQueue(queue)
  await boss.work(queue, { batchSize: world.work.jobs, pollingIntervalSeconds: 0.5 }, (jobs) =>
    handle(
      boss,
      jobs.map(({ data }) => data.key)
    )
  )
  return {
    run: async (server: Server) => {
      await boss.insert(queue, jobsOf(server.keys, 0))
      await server.allDone
    }
  }
}
