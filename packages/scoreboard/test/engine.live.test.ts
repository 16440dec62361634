import { assert, describe, it } from "@effect/vitest"
import { onEffect } from "../engine/engines.ts"
import { promiseLoop } from "../engine/promises.ts"
import { brief, runAll } from "../engine/workload.ts"

describe("engine", () => {
  const rows = Object.entries({ "promise-loop": promiseLoop, ...onEffect })

  it.each(rows)("%s checks each job the right number of times and reports its end once", async (_name, engine) => {
    const { cpuMicrosPerCheck } = await runAll(engine, 200, brief)
    assert.isAbove(cpuMicrosPerCheck, 0)
  })
})
