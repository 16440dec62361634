// Runs the cases against one poller: `child.ts <adapter> <substring of case names>` prints the verdicts as JSON. The
// virtual clock is installed before the poller is imported, so that it sees no other.
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

// Stdout is for the verdicts: pollers log to stderr.
globalThis.console = new Console(process.stderr)
const clock = new VirtualClock()
clock.install()
// A rejection that the poller left unhandled must not end the process.
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
