// DBOS: a workflow that sleeps durably between its steps, and one whose only step is the loop.
import { setTimeout as sleep } from "node:timers/promises"
import { load } from "../peers/load.ts"
import type { Server, Subject } from "../work.ts"

export const sleeping: Subject = {
  start: (url, world) =>
    start(url, async (dbos, key) => {
      while (!(await dbos.runStep(async () => world.check(key), { name: "check" }))) {
        await dbos.sleep(world.work.intervalMillis)
      }
    })
}

export const oneStep: Subject = {
  start: (url, world) =>
    start(url, (dbos, key) =>
      dbos.runStep(
        async () => {
          while (!world.check(key)) await sleep(world.work.intervalMillis)
        },
        { name: "wait" }
      )
    )
}

// ---- internal ----

interface Dbos {
  readonly setConfig: (config: object) => void
  readonly registerWorkflow: (workflow: Workflow, options: { readonly name: string }) => Workflow
  readonly launch: () => Promise<void>
  readonly startWorkflow: (
    workflow: Workflow,
    options: { readonly workflowID: string }
  ) => (key: string) => Promise<{ readonly getResult: () => Promise<void> }>
  readonly runStep: <A>(step: () => Promise<A>, options: { readonly name: string }) => Promise<A>
  readonly sleep: (millis: number) => Promise<void>
}

type Workflow = (key: string) => Promise<void>

const start = async (url: string, workflow: (dbos: Dbos, key: string) => Promise<void>) => {
  const { DBOS } = (await load("@dbos-inc/dbos-sdk")) as { readonly DBOS: Dbos }
  DBOS.setConfig({ name: "scoreboard", systemDatabaseUrl: url, systemDatabasePoolSize: 20, logLevel: "error" })
  const registered = DBOS.registerWorkflow((key) => workflow(DBOS, key), { name: "wait" })
  await DBOS.launch()
  return {
    run: async (server: Server) => {
      const begin = async (key: string) => {
        const handle = await DBOS.startWorkflow(registered, { workflowID: key })(key)
        await handle.getResult()
      }
      await Promise.all(server.keys.map(begin))
    }
  }
}
