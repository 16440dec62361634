import { assert, describe, it } from "vitest"
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const program = join(import.meta.dirname, "signal/program.ts")

/** Runs a program to its end; with `signal` it is sent SIGTERM once it waits for all its jobs. */
const run = (directory: string, shape: string, keys: string, signal: boolean) =>
  new Promise<string>((resolve, reject) => {
    const child = spawn(process.execPath, [program, directory, shape, keys], { stdio: ["ignore", "pipe", "inherit"] })
    let output = ""
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString()
      if (signal && output.includes("ready")) child.kill("SIGTERM")
    })
    child.once("error", reject)
    child.once("exit", () => resolve(output))
  })

const linesOf = (file: string): ReadonlyArray<string> =>
  existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []

/** Ends a program of this shape by SIGTERM, then lets the next process resume what it left. */
const terminate = async (shape: string, keys: string) => {
  const directory = mkdtempSync(join(tmpdir(), "effect-poll-"))
  try {
    await run(directory, shape, keys, true)
    const canceled = linesOf(join(directory, "canceled"))
    writeFileSync(join(directory, "done"), "")
    const resumed = await run(directory, "resume", "", false)
    return { canceled, resumed: resumed.split("\n").at(-2) ?? "" }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

describe("Poller under a signal [R33]", () => {
  const shapes = [
    "forEach",
    "generators",
    "forkScoped",
    "innerScope",
    "fiberSet",
    "fiberMap",
    "nested",
    "results",
    "provided",
    "merged",
    "launch",
    "launchMerged",
    "launchOwn",
    "runtime"
  ]
  it.each(shapes)(
    "%s - leaves all jobs running, and the next process gets their results",
    async (shape) => {
      assert.deepStrictEqual(await terminate(shape, "leave,cancel"), {
        canceled: [],
        resumed: "cancel.png,leave.png"
      })
    },
    60_000
  )

  it.each(["cancel", "leave"])(
    "direct (%s) - leaves the job running",
    async (key) => {
      assert.deepStrictEqual(await terminate("direct", key), { canceled: [], resumed: `${key}.png` })
    },
    60_000
  )

  it.each(["runtimeOwn", "ownMerged"])(
    "%s - keeps the tokens of callers that leave their jobs",
    async (shape) => {
      assert.deepStrictEqual(await terminate(shape, "leave,leave2"), {
        canceled: [],
        resumed: "leave.png,leave2.png"
      })
    },
    60_000
  )

  it.each(["timeout", "race"])(
    "%s before the signal - cancels that job at once",
    async (shape) => {
      assert.deepStrictEqual(await terminate(shape, "cancel1,cancel2"), {
        canceled: ["cancel1"],
        resumed: "cancel2.png"
      })
    },
    60_000
  )
})
