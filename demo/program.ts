import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import type { Command } from "./cli.ts"
import * as Comparison from "./comparison.ts"
import * as OwnServer from "./ownServer.ts"
import * as Report from "./report.ts"
import * as Screen from "./screen.ts"
import * as Simulation from "./simulation.ts"

/** Runs a command until it ends or is interrupted, and sets the exit code of the process. */
export const start = (command: Exclude<Command, { readonly _tag: "Help" }>): void => {
  // The output may be a pipe that closes early, as with `head`.
  process.stdout.on("error", () => process.exit(1))
  NodeRuntime.runMain(
    // The report contains every ending; the log would repeat them.
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
  const log = command.json ? process.stderr : process.stdout
  if (command._tag === "Simulation") {
    const screen = yield* Screen.make(log, process.env)
    const report = yield* Simulation.run(command, screen)
    print(process.stdout, command.json ? [JSON.stringify(report)] : ["", ...lines(report)])
    return report.mismatches === 0 ? 0 : 1
  }
  const report = yield* OwnServer.run(command, (result) => print(log, [OwnServer.line(result)]))
  if (command.json) print(process.stdout, [JSON.stringify(report)])
  return report.outcomes.succeeded === report.jobs ? 0 : 1
})

const lines = (report: Simulation.Result): ReadonlyArray<string> =>
  report.strategy === "published"
    ? Report.render(report)
    : ["learned strategies, last round:", ...Report.render(report), "", ...Comparison.render(report.rounds)]

const print = (stream: NodeJS.WriteStream, lines: ReadonlyArray<string>): void => {
  stream.write(lines.map((line) => `${line}\n`).join(""))
}
