import * as PollError from "../../PollError.ts"
import type { Pending } from "../../Status.ts"
import { failWithoutNews } from "./ending.ts"
import type { Command } from "./event.ts"
import { cold, hasTimedOut, seen, type Wait } from "./wait.ts"
import { storedId } from "./words.ts"

// States that need an action. A host runs the handler of an action when it receives the event.

/** Reports an action once per id, or ends the wait by it. */
export const onAction = (wait: Wait, { action }: Pending): Command | undefined => {
  const id = action === undefined ? undefined : storedId(action.id)
  // The handler of another action has been interrupted.
  if (wait.cold.handling !== undefined && wait.cold.handling !== id) wait.cold.handling = undefined
  if (action === undefined || id === undefined) return undefined
  const { actions } = wait.cold
  if (!actions.includes(id)) {
    const own = cold(wait)
    own.actions = [...actions, id].slice(-mostActions)
    if (typeof wait.setting.policy.onAction === "function") {
      own.handling = id
      own.handlingFrom = wait.checkStarted
    }
    wait.setting.emit(wait, { _tag: "ActionRequired", attempt: wait.attempts, action })
  }
  // A canceled job is watched for its end, whatever it asks for.
  if (wait.setting.policy.onAction !== "fail" || hasTimedOut(wait)) return undefined
  return failWithoutNews(wait, new PollError.ActionRequired({ ...seen(wait), action }))
}

/**
 * The handler of an action has ended. Yields the earliest time of the check that follows: a server that asks for another
 * action each time would otherwise be checked without a pause, by a handler that ends at once.
 */
export const onHandled = (wait: Wait, id: string): number => {
  const { cold, checkStarted, setting } = wait
  if (cold.handling !== storedId(id)) return 0
  cold.handling = undefined
  const isNews = cold.handlingFrom === checkStarted && cold.actions.length > 1
  return isNews ? Math.ceil(checkStarted + setting.policy.zeroDelay) : 0
}

/** The ids that a resumed wait does not report again: those of actions whose handler has ended, where there is one. */
export const settledActions = ({ cold }: Wait): ReadonlyArray<string> =>
  cold.handling === undefined ? cold.actions : cold.actions.filter((id) => id !== cold.handling)

// ---- internal ----

/** How many ids are kept, the newest. */
const mostActions = 16
