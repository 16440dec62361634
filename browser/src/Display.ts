import { type ChildProcess, spawn } from "node:child_process"

// A display for a browser with windows: only such a browser has tabs that are really hidden.

export interface Display {
  /** The value of the environment variable `DISPLAY`. */
  readonly name: string
  readonly close: () => Promise<void>
}

/** Starts Xvfb on a display number that is free. */
export const open = async (): Promise<Display> => {
  const child = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x800x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"]
  })
  const kill = () => void child.kill("SIGKILL")
  process.once("exit", kill)
  const number = await firstLine(child)
  return {
    name: `:${number}`,
    close: async () => {
      process.off("exit", kill)
      const closed = new Promise((resolve) => child.once("exit", resolve))
      child.kill()
      await closed
    }
  }
}

// ---- internal ----

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ""
    child.once("error", reject)
    child.once("exit", (code) => reject(new Error(`Xvfb ended with ${code} before it had a display`)))
    child.stdio[3]!.on("data", (data: Buffer) => {
      text += data.toString()
      if (text.includes("\n")) resolve(text.trim())
    })
  })
