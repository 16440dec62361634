import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import type { Command } from "./cli.ts"
import * as OwnServer from "./ownServer.ts"
import * as Report from "./report.ts"
import * as Screen from "./screen.ts"
import * as Show from "./show.ts"

/** Runs a command to its end or to Ctrl-C, and sets the exit code of the process. */
export const start = (command: Exclude<Command, { readonly _tag: "Help" }>): void => {
  // Whoever reads the output may stop to: then there is nobody left to work for.
  process.stdout.on("error", () => process.exit(1))
  NodeRuntime.runMain(
    // Every ending is told by the report; the log would tell it again.
    Effect.provideService(Effect.scoped(program(command)), References.MinimumLogLevel, "None"),
    {
      disableErrorReporting: true,
      teardown: (exit, onExit) => {
        if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
          process.stderr.write(`${Cause.pretty(exit.cause)}\n`)
        }
        onExit(Exit.isSuccess(exit) ? Number(exit.value) : Cause.hasInterruptsOnly(exit.cause) ? 130 : 1)
      }
    }
  )
}

// ---- internal ----

const program = Effect.fnUntraced(function* (command: Parameters<typeof start>[0]) {
  const news = command.json ? process.stderr : process.stdout
  if (command._tag === "Show") {
    const screen = yield* Screen.make(news, process.env)
    const report = yield* Show.run(command, screen)
    print(process.stdout, command.json ? [JSON.stringify(report)] : ["", ...Report.render(report)])
    return report.mismatches === 0 ? 0 : 1
  }
  const report = yield* OwnServer.run(command, (result) => print(news, [OwnServer.line(result)]))
  if (command.json) print(process.stdout, [JSON.stringify(report)])
  return report.outcomes.succeeded === report.jobs ? 0 : 1
})

const print = (stream: NodeJS.WriteStream, lines: ReadonlyArray<string>): void => {
  stream.write(lines.map((line) => `${line}\n`).join(""))
}
