// `pnpm scoreboard engine [--looks N] [--json]`: what a look costs, ours and others in one run.
import { parseArgs } from "node:util"
import * as engine from "./engine/measure.ts"

const usage = "usage: pnpm scoreboard engine [--waits N] [--looks N] [--rounds N] [--json]"

const fail = (message: string): never => {
  console.error(`scoreboard: ${message}\n${usage}`)
  process.exit(2)
}

const count = (name: string, text: string): number => {
  const value = Number(text)
  return Number.isInteger(value) && value > 0 ? value : fail(`--${name} must be a positive whole number, got ${text}`)
}

const read = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        waits: { type: "string", default: "1000" },
        looks: { type: "string", default: "100" },
        rounds: { type: "string", default: "7" },
        json: { type: "boolean", default: false }
      }
    })
  } catch (cause) {
    return fail(cause instanceof Error ? cause.message : String(cause))
  }
}

const { positionals, values } = read()
if (positionals.length !== 1 || positionals[0] !== "engine") fail(`unknown table ${positionals.join(" ") || "(none)"}`)
const size = { waits: count("waits", values.waits), looks: count("looks", values.looks) }
const rows = await engine.measure(size, count("rounds", values.rounds))
engine.print(size, rows)
if (values.json) console.log(JSON.stringify({ n: size.waits, rows }))
