// One part of the board in a process of its own: `child.ts <part as JSON>` prints what came of it as JSON. The virtual
// clock is installed before anything else is imported, so that nothing sees another.
import { Console } from "node:console"
import { VirtualClock } from "../conformance/clock.ts"
import type { Part } from "./part.ts"

const part = JSON.parse(process.argv[2] ?? "{}") as Part
const realNow = process.hrtime.bigint.bind(process.hrtime)
const realMillis = (): number => Number(realNow() / 1_000n) / 1_000

// Stdout is for the verdicts: what is judged logs to stderr.
globalThis.console = new Console(process.stderr)
const clock = new VirtualClock()
if (part.kind === "clock" || part.kind === "fuzz" || part.kind === "peer") clock.install()
process.on("unhandledRejection", () => {})
process.on("uncaughtException", () => clock.uncaught++)

try {
  const { play } = await import("./part.ts")
  const played = await play(part, clock, realMillis)
  process.stdout.write(JSON.stringify(played), () => process.exit(0))
} catch (error) {
  console.error(error)
  process.exit(1)
}
