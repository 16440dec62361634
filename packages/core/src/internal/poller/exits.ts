import * as Exit from "effect/Exit"
import type * as CheckResult from "../../CheckResult.ts"
import type * as Strategy from "../../Strategy.ts"
import * as event from "../machine/event.ts"
import type { Wait } from "../machine/wait.ts"

/** What the exit of a check means to each of its waits. */
export const eventOfCheck = (exit: Exit.Exit<unknown, unknown>): event.Event =>
  Exit.isSuccess(exit)
    ? event.checked(exit.value as CheckResult.CheckResult<unknown, unknown>)
    : event.checkErrored(exit.cause)

/** What the exit of a task means to its wait. */
export const eventOfTask = (wait: Wait, exit: Exit.Exit<unknown, unknown>): event.Event =>
  wait.stage.phase === "stepping"
    ? { _tag: "Decided", exit: exit as Exit.Exit<Strategy.Decision> }
    : event.cancelDone("timeout", exit)
