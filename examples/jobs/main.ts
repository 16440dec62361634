import { parse, UsageError, usage } from "./server/cli.ts"

const read = () => {
  try {
    return parse(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${error.message}; see --help\n`)
    process.exitCode = 2
    return undefined
  }
}

const command = read()
if (command?._tag === "Help") process.stdout.write(usage)
// Vite takes a moment to load.
else if (command !== undefined) (await import("./server/program.ts")).start(command.port)
