import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { bounded } from "../awaitAtMost.ts"
import * as event from "../machine/event.ts"
import type { Wait } from "../machine/wait.ts"
import * as userCalls from "./userCalls.ts"

// The remote cancel of jobs whose waits have been interrupted, in both hosts.

export interface Leaving {
  /** The waits for one job that are ended by the same cancel. */
  readonly waits: readonly [Wait, ...ReadonlyArray<Wait>]
  readonly by: event.LeftBy
  /** Waits for the check that was in flight for them. */
  readonly over: Effect.Effect<unknown> | undefined
  readonly fork: (effect: Effect.Effect<unknown, unknown, unknown>) => Fiber.Fiber<unknown, unknown>
  readonly tell: (wait: Wait, happened: event.Event) => void
  /** Whether another wait wants the job by now. */
  readonly isWanted: () => boolean
}

/**
 * Asks the server to cancel a job, and reports the outcome to its waits. It is asked once the check in flight is over,
 * but at the latest after half of `cancelTimeout`. Everything takes at most `cancelTimeout` from `since` on.
 */
export const afterCheck = (leaving: Leaving, since: number): Effect.Effect<void> => {
  const { over, waits } = leaving
  const { cancelTimeout } = waits[0].setting.policy
  const left = Effect.map(Clock.currentTimeMillis, (now) => Math.max(0, cancelTimeout - Math.max(0, now - since)))
  const asked = Effect.flatMap(left, (atMost) => ask(leaving, atMost))
  return over === undefined ? asked : Effect.andThen(Effect.timeoutOption(over, cancelTimeout / 2), asked)
}

// ---- internal ----

const ask = ({ by, fork, isWanted, tell, waits }: Leaving, atMost: number): Effect.Effect<void> => {
  const tellAll = (happened: event.Event): void => waits.forEach((wait) => tell(wait, happened))
  return Effect.suspend(() => {
    if (isWanted()) return Effect.sync(() => tellAll(event.cancelDone(by, "wanted")))
    tellAll(event.cancelAsked(by))
    return Effect.map(bounded(fork, userCalls.cancelRemote(waits[0]), atMost), (exit) =>
      tellAll(event.cancelDone(by, exit ?? "timedOut"))
    )
  })
}
