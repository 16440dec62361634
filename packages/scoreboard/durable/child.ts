// Does the work in one way, in a process of its own: `child.ts <subject> <url> <warm-ups> <work as JSON>`.
import { setTimeout as sleep } from "node:timers/promises"
import { type Server, server, type Subject, type Work } from "./work.ts"

/** What the process tells: that it has started, then what the work took. */
export type Told =
  | { readonly _tag: "Started" }
  | {
      readonly _tag: "Ended"
      readonly cpuMillis: number
      readonly millis: number
      readonly checks: number
      readonly done: number
      /** The largest resident set that was seen. */
      readonly rssMb: number
    }

const tell = (told: Told): Promise<void> => new Promise((resolve) => process.send!(told, () => resolve()))

const [subject = "", url = "", warmUps = "0", json = "{}"] = process.argv.slice(2)
const work = JSON.parse(json) as Work
let current: Server | undefined
const world = { work, check: (key: string) => current!.check(key) }
const module = (await import(subject)) as Readonly<Record<string, Subject>>
const { run } = await module[new URL(subject).hash.slice(1)]!.start(url, world)

const measured = async (server: Server) => {
  current = server
  const cpu = process.cpuUsage()
  const began = performance.now()
  let rss = 0
  const sample = setInterval(() => (rss = Math.max(rss, process.memoryUsage.rss())), 250)
  await run(server)
  // What is stored a little later belongs to the work.
  await sleep(1_000)
  clearInterval(sample)
  const { system, user } = process.cpuUsage(cpu)
  return {
    cpuMillis: (user + system) / 1_000,
    millis: performance.now() - began,
    checks: server.checks(),
    done: server.done(),
    rssMb: rss / 1_048_576
  }
}

for (let round = 0; round < Number(warmUps); round++) {
  await measured(server({ ...work, checks: Math.ceil(work.checks / 4) }, `warm-up-${round}`))
}
const go = new Promise((resolve) => process.once("message", resolve))
await tell({ _tag: "Started" })
await go
await tell({ _tag: "Ended", ...(await measured(server(work))) })
// The board kills this process: nothing that it would do when it stops is counted.
await new Promise(() => setInterval(() => {}, 60_000))
