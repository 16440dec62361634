import * as Exit from "effect/Exit"
import type * as CheckResult from "../../CheckResult.ts"
import type * as Strategy from "../../Strategy.ts"
import * as event from "../machine/event.ts"
import type { Wait } from "../machine/wait.ts"
import type { InFlight } from "./inFlight.ts"

/** What the exit of a check or a task means to one of its waits. */
export const eventFor = (call: InFlight, wait: Wait, exit: Exit.Exit<unknown, unknown>): event.Event => {
  if (call.kind === "check") {
    return Exit.isSuccess(exit)
      ? event.checked(exit.value as CheckResult.CheckResult<unknown, unknown>)
      : event.checkErrored(exit.cause)
  }
  return wait.stage.phase === "stepping"
    ? { _tag: "Decided", exit: exit as Exit.Exit<Strategy.Decision> }
    : event.cancelDone("timeout", exit)
}
