import * as Duration from "effect/Duration"
import type { Confirmation } from "../../PollError.ts"
import type { Terminal } from "../../Status.ts"
import type { Confirmed } from "../options/policy.ts"
import { cold, type Hold, type Wait } from "./wait.ts"

// An end that has to hold before it counts (the option `confirm`). A sighting is an answer with the end; ends are alike by
// their tag. Any other answer resets the hold. A failed check does not, since it says nothing about the job.

/**
 * Counts a sighting. Returns whether the end counts now; otherwise it is held, and the wait continues. One that the wait was
 * told, while something is in flight for it, does not change which source that asks.
 */
export const isConfirmed = (wait: Wait, end: Terminal<unknown, unknown>, isTold: boolean): boolean => {
  const { confirm } = wait.setting.policy
  if (confirm === undefined) return true
  const { now } = wait.setting.time
  const own = cold(wait)
  if (own.hold?.end !== end._tag) own.hold = { end: end._tag, sightings: 0, since: now, elsewhere: false }
  const { hold } = own
  hold.sightings++
  const { millis, times } = neededFor(wait, hold)
  if (hold.sightings >= times && now - hold.since >= millis) {
    if (confirm.check === undefined) return true
    if (!isTold || wait.stage.phase === "waiting") hold.elsewhere = true
  }
  own.unconfirmed = end._tag
  wait.setting.emit(wait, {
    _tag: "Confirming",
    attempt: wait.attempts,
    status: end,
    sightings: hold.sightings,
    heldFor: Duration.millis(now - hold.since)
  })
  return false
}

/** The end is confirmed, or the job is pending again. */
export const settleHold = ({ cold }: Wait): void => {
  if (cold.hold !== undefined) cold.hold = undefined
  if (cold.unconfirmed !== undefined) cold.unconfirmed = undefined
}

/** An answer that is not a status resets the hold: the last status is still an end, but an unconfirmed one. */
export const resetHold = ({ cold }: Wait): void => {
  if (cold.hold !== undefined) cold.hold = undefined
}

/** Restores the hold of a token, if the policy of the wait still requires one. */
export const adoptHold = (wait: Wait): void => {
  const { hold } = wait.cold
  if (hold === undefined) return
  const { confirm } = wait.setting.policy
  if (confirm === undefined) return resetHold(wait)
  if (confirm.check === undefined) hold.elsewhere = false
  wait.cold.unconfirmed = hold.end
}

/** The latest time for a check that the strategy places: when an end has held for long enough. */
export const latestInHold = (wait: Wait): number => {
  const { hold } = wait.cold
  if (hold === undefined || hold.elsewhere) return Number.POSITIVE_INFINITY
  const { millis } = neededFor(wait, hold)
  const heldAt = Math.ceil(hold.since + millis)
  // Past that time, after failed checks, the strategy decides alone.
  return heldAt > wait.setting.time.now ? heldAt : Number.POSITIVE_INFINITY
}

/** How far the confirmation of the held end has come. */
export const confirmationOf = (wait: Wait): Confirmation | undefined => {
  const { hold } = wait.cold
  if (hold === undefined) return undefined
  const { millis, times } = neededFor(wait, hold)
  return {
    sightings: hold.sightings,
    times,
    heldFor: Duration.millis(wait.setting.time.now - hold.since),
    for: millis === 0 ? undefined : Duration.millis(millis),
    elsewhere: hold.elsewhere
  }
}

// ---- internal ----

const neededFor = ({ setting }: Wait, { end }: Hold): Confirmed => {
  // Without the option nothing is held.
  const confirm = setting.policy.confirm!
  return end === "Succeeded" ? confirm.success : confirm.failure
}
