// Puts one poller through the cases: `child.ts <name of the adapter> <part of the names of cases>` prints the verdicts as
// JSON. The clock is virtual from the start, so that whatever the poller imports sees no other.
import { Console } from "node:console"
import { VirtualClock } from "./clock.ts"
import type { Judged } from "./judge.ts"

const main = async (name: string, only: string): Promise<Judged> => {
  const { entries } = await import("./adapters/all.ts")
  const { cases } = await import("./cases/all.ts")
  const { judgeAll } = await import("./judge.ts")
  const entry = entries.find(({ names }) => names.includes(name))
  const adapter = (await entry?.load())?.find((candidate) => candidate.name === name)
  if (adapter === undefined) throw new Error(`no adapter ${name}`)
  const { how, packages } = adapter
  const chosen = cases.filter((candidate) => candidate.name.includes(only))
  return { name, how, packages, outcomes: await judgeAll(adapter, chosen, clock) }
}

// What a poller logs does not belong to the verdicts.
globalThis.console = new Console(process.stderr)
const clock = new VirtualClock()
clock.install()
// A poller whose promises nobody awaits any more must not end the process.
process.on("unhandledRejection", () => {})
process.on("uncaughtException", () => clock.uncaught++)

const [name = "", only = ""] = process.argv.slice(2)
try {
  const judged = await main(name, only)
  process.stdout.write(JSON.stringify(judged), () => process.exit(0))
} catch (error) {
  console.error(error)
  process.exit(1)
}
