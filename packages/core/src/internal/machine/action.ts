import * as PollError from "../../PollError.ts"
import type { Pending } from "../../Status.ts"
import { failWithoutNews } from "./ending.ts"
import type { Command } from "./event.ts"
import { cold, hasTimedOut, seen, type Wait } from "./wait.ts"
import { storedId } from "./words.ts"

// States that need an action. A host runs the handler of an action when it receives the event.

/** Reports an action, or ends the wait by it, unless the status before asked for the same one. */
export const onAction = (wait: Wait, { action }: Pending): Command | undefined => {
  if (action === undefined) {
    forgetAction(wait)
    return undefined
  }
  const id = storedId(action.id)
  if (wait.cold.action === id) return undefined
  const own = cold(wait)
  own.action = id
  // The handler of another action has been interrupted.
  own.isHandling = typeof wait.setting.policy.onAction === "function"
  wait.setting.emit(wait, { _tag: "ActionRequired", attempt: wait.attempts, action })
  // A canceled job is watched for its end, whatever it asks for.
  if (wait.setting.policy.onAction !== "fail" || hasTimedOut(wait)) return undefined
  return failWithoutNews(wait, new PollError.ActionRequired({ ...seen(wait), action }))
}

/** The status asks for no action: its handler has been interrupted, and the next action is a new one, whatever its id. */
export const forgetAction = ({ cold }: Wait): void => {
  if (cold.action === undefined) return
  cold.action = undefined
  cold.isHandling = cold.hasRechecked = false
}

/**
 * The handler of an action has ended: returns whether a check is requested. A server that asks for another action in each
 * answer would otherwise be checked without a pause, by a handler that ends at once. So only one check in a row is
 * requested, until one was made in its own time or found no action.
 */
export const onHandled = ({ cold }: Wait, id: string): boolean => {
  if (!cold.isHandling || cold.action !== storedId(id)) return false
  cold.isHandling = false
  const isFirst = !cold.hasRechecked
  cold.hasRechecked = true
  return isFirst
}

/** The id of the action that a resumed wait does not report again: not that of one whose handler had not ended. */
export const settledAction = ({ cold }: Wait): string | undefined => (cold.isHandling ? undefined : cold.action)
