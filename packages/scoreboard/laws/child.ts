// Checks one slice of the worlds in its own process: `child.ts <slice as JSON>` prints the results as JSON.
import { Console } from "node:console"
import type { Slice } from "./board.ts"

const slice = JSON.parse(process.argv[2] ?? "{}") as Slice

// Stdout is for the verdicts.
globalThis.console = new Console(process.stderr)
const { session } = await import("./session.ts")
process.stdout.write(JSON.stringify(session(slice)), () => process.exit(0))
