// Measures one loop in a process of its own: `child.ts <loop> <waits> <looks>` prints the CPU microseconds per look.
import * as Effect from "effect/Effect"
import { job, loops } from "./loops.ts"

const [name = "", waits = "", looks = ""] = process.argv.slice(2)
const loop = loops[name]!

const once = () =>
  Effect.runPromise(
    Effect.forEach(
      Array.from({ length: Number(waits) }, () => job(Number(looks))),
      loop,
      { concurrency: "unbounded", discard: true }
    )
  )

// The first runs are of the compiler; a loop is judged when it is warm.
for (let i = 0; i < 3; i++) await once()
const before = process.cpuUsage()
await once()
await once()
const { system, user } = process.cpuUsage(before)
console.log((user + system) / (2 * Number(waits) * Number(looks)))
