import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Serve from "./serve.ts"

/** Serves the app until Ctrl-C, and sets the exit code of the process. */
export const start = (port: number): void => {
  const program = Effect.gen(function* () {
    const { url } = yield* Serve.serve({ port })
    process.stdout.write(`The example app: ${url}\nIts jobs run on this machine too. Ctrl-C stops both.\n`)
    return yield* Effect.never
  })
  NodeRuntime.runMain(Effect.scoped(program), {
    disableErrorReporting: true,
    teardown: (exit, onExit) => {
      if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return onExit(0)
      const error = Cause.squash(exit.cause)
      process.stderr.write(error instanceof Serve.PortError ? `${error.message}\n` : `${Cause.pretty(exit.cause)}\n`)
      onExit(1)
    }
  })
}
