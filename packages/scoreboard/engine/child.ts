// Measures one loop in a process of its own: `child.ts <loop> <waits> <checks>` prints the CPU microseconds per check.
import * as Effect from "effect/Effect"
import { job, loops } from "./loops.ts"

const [name = "", waits = "", checks = ""] = process.argv.slice(2)
const loop = loops[name]!

const run = (measured: typeof loop) =>
  Effect.runPromise(
    Effect.forEach(
      Array.from({ length: Number(waits) }, () => job(Number(checks))),
      measured,
      { concurrency: "unbounded", discard: true }
    )
  )

// Every process runs all the loops first: a program runs many kinds of effects, and a compiler that has seen only one
// kind would specialize the runtime for it. Then it runs the loop itself until that is warm.
for (const other of Object.values(loops)) await run(other)
for (let i = 0; i < 3; i++) await run(loop)
const rounds = 3
const before = process.cpuUsage()
for (let i = 0; i < rounds; i++) await run(loop)
const { system, user } = process.cpuUsage(before)
console.log((user + system) / (rounds * Number(waits) * Number(checks)))
