import { parseArgs } from "node:util"

/** A parsed command line. */
export type Command = { readonly _tag: "Help" } | { readonly _tag: "Serve"; readonly port: number }

/** An invalid command line; the message is one line. */
export class UsageError extends Error {}

/** The output of `--help`. */
export const usage = `Starts the example app and the server whose jobs it waits for, both on this machine.

  pnpm app [--port N]
    --port N   the port of the page, 1 to 65535; default 5173
    --help     print this help

Ctrl-C stops both. Exit codes: 0 stopped, 1 the port cannot be used, 2 invalid arguments.
`

/** Parses the arguments, or throws a `UsageError`. */
export const parse = (args: ReadonlyArray<string>): Command => {
  const { help, port = "5173" } = tokens(args)
  if (help === true) return { _tag: "Help" }
  const parsed = port.trim() === "" ? Number.NaN : Number(port)
  if (Number.isInteger(parsed) && parsed >= 1 && parsed <= 65_535) return { _tag: "Serve", port: parsed }
  throw new UsageError(`--port must be an integer from 1 to 65535, got ${JSON.stringify(port)}`)
}

// ---- internal ----

const tokens = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({ args: [...args], options: { help: { type: "boolean", short: "h" }, port: { type: "string" } } })
      .values
  } catch (error) {
    throw new UsageError((error instanceof Error ? error.message : String(error)).split(/[.\n]/)[0])
  }
}
