// Graphile Worker: a task that adds itself again, to be run after the interval, and one that is the loop. In batches, as
// its guide to performance recommends.
import { setTimeout as sleep } from "node:timers/promises"
import { load } from "../peers/load.ts"
import type { Server, Subject, World } from "../work.ts"

export const enqueuing: Subject = {
  start: (url, world) =>
    start(url, world, 24, async ({ key }, { addJob }) => {
      if (world.check(key)) return
      const runAt = new Date(Date.now() + world.work.intervalMillis)
      // With its key, so that a task which is run again after a crash does not begin a second chain.
      await addJob(task, { key }, { runAt, jobKey: key })
    })
}

export const oneStep: Subject = {
  start: (url, world) =>
    start(url, world, world.work.jobs, async ({ key }) => {
      while (!world.check(key)) await sleep(world.work.intervalMillis)
    })
}

// ---- internal ----

interface Payload {
  readonly key: string
}

type AddJob = (
  task: string,
  payload: Payload,
  options: { readonly runAt?: Date; readonly jobKey: string }
) => Promise<unknown>

type Task = (payload: Payload, helpers: { readonly addJob: AddJob }) => Promise<void>

interface Graphile {
  readonly run: (options: object) => Promise<{ readonly addJob: AddJob }>
  readonly Logger: new (factory: () => (level: string, message: string) => void) => unknown
}

const task = "wait"

const start = async (url: string, world: World, concurrentJobs: number, run: Task) => {
  const graphile = (await load("graphile-worker")) as Graphile
  const runner = await graphile.run({
    taskList: { [task]: run },
    noHandleSignals: true,
    logger: new graphile.Logger(() => (level, message) => {
      if (level === "error") console.error(message)
    }),
    preset: {
      worker: {
        connectionString: url,
        concurrentJobs,
        maxPoolSize: 20,
        pollInterval: world.work.intervalMillis,
        localQueue: { size: world.work.jobs },
        completeJobBatchDelay: 250,
        failJobBatchDelay: 250
      }
    }
  })
  return {
    run: async (server: Server) => {
      await Promise.all(server.keys.map((key) => runner.addJob(task, { key }, { jobKey: key })))
      await server.allDone
    }
  }
}
