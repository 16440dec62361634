import type { ResumeToken } from "../../ResumeToken.ts"
import type { Status } from "../../Status.ts"
import type { Event } from "../machine/event.ts"
import { receipt, withKnown } from "../machine/token.ts"
import { checksAlone, cursorOf, hasEnd, type Wait } from "../machine/wait.ts"
import { targetOf } from "./target.ts"
import { floorOf, jobCursorOf, Waiters } from "./waiters.ts"

// What the waits for a key know, from each other and from those that ended recently.

/**
 * The token that a new wait starts from: the server's floor for the other waits for its key holds for it too, and it
 * continues where they are. `former` is what was there for its key.
 */
export const startOf = (
  wait: Wait,
  former: Wait | Waiters | undefined,
  token: ResumeToken | undefined,
  linger: number
): ResumeToken | undefined => {
  if (former === undefined) return token
  const { policy, time } = wait.setting
  const { base, now } = time
  // A check that is in flight lifts the floors, and the new wait joins it.
  const isChecked = targetOf(wait).checkFor(wait) !== undefined
  const floor = isChecked ? 0 : former instanceof Waiters ? former.floorAt : floorOf(former)
  const cursor = isRecent(former, now, linger) ? cursorFor(former) : undefined
  return withKnown(token, floor > now ? base + floor : undefined, cursor, () => receipt(policy, wait.key, base + now))
}

/** The end of a key, if it was seen less than `linger` milliseconds ago. */
export const knownEnd = (
  found: Wait | Waiters | undefined,
  now: number,
  linger: number
): Status<unknown, unknown> | undefined => {
  if (found === undefined || found instanceof Waiters || found.stage.phase !== "ended") return undefined
  return hasEnd(found) && isRecent(found, now, linger) ? found.status : undefined
}

/** What the other waits for the key of this one learn from it: where to continue, and that the key is checked alone. */
export const lessonsOf = (wait: Wait): ReadonlyArray<readonly [other: Wait, lesson: Event]> => {
  const target = targetOf(wait)
  if (wait.stage.phase !== "ended" && checksAlone(wait)) target.waitersOf(wait)?.noteAlone(wait)
  const cursor = cursorOf(wait)
  if (cursor === undefined) return []
  const lesson: Event = { _tag: "Moved", cursor }
  return target.noteCursor(wait, cursor).map((other) => [other, lesson])
}

// ---- internal ----

/** Whether what is there for a key still runs, or ended less than `linger` milliseconds ago. */
const isRecent = (found: Wait | Waiters, now: number, linger: number): boolean =>
  found instanceof Waiters || found.stage.phase !== "ended" || now < found.nextAt + linger

const cursorFor = (found: Wait | Waiters): string | undefined =>
  found instanceof Waiters ? found.cursor : jobCursorOf(found)
