import { type Command, parse, UsageError } from "./cli.ts"
import { usage } from "./usage.ts"

const read = (): Command | undefined => {
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
// The commands need effect, which takes a moment to load.
else if (command !== undefined) (await import("./program.ts")).start(command)
