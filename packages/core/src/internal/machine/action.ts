import * as Hash from "effect/Hash"
import * as PollError from "../../PollError.ts"
import type { Pending } from "../../Status.ts"
import { cut, longestWord } from "../text.ts"
import { failWithoutNews } from "./ending.ts"
import type { Command } from "./event.ts"
import { cold, hasTimedOut, seen, type Wait } from "./wait.ts"

// States that need somebody to act. A host runs the handler of an action when it receives the event.

/** Reports an action once per id, or ends the wait by it. */
export const onAction = (wait: Wait, { action }: Pending): Command | undefined => {
  if (action === undefined) return undefined
  const id = kept(action.id)
  const { actions } = wait.cold
  if (!actions.includes(id)) {
    cold(wait).actions = [...actions, id].slice(-mostActions)
    wait.setting.emit(wait, { _tag: "ActionRequired", attempt: wait.attempts, action })
  }
  // A canceled job is watched for its end, whatever it asks for.
  if (wait.setting.policy.onAction !== "fail" || hasTimedOut(wait)) return undefined
  return failWithoutNews(wait, new PollError.ActionRequired({ ...seen(wait), action }))
}

// ---- internal ----

/** How many ids are kept, the newest. */
const mostActions = 16

/** An id as it is kept: a server can send ids of any length. */
const kept = (id: string): string => (id.length <= longestWord ? id : `${cut(id)}#${Hash.string(id)}`)
