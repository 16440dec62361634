import type * as Duration from "effect/Duration"
import * as Strategy from "effect-poll/Strategy"

export const every1s = Strategy.spaced("1 second")
export const every2s = Strategy.spaced("2 seconds")
export const every10s = Strategy.spaced("10 seconds")
export const every30m = Strategy.spaced("30 minutes")

/** A strategy with a first wait. */
export const firstAt = (first: Duration.Input, every: Duration.Input = "1 second") =>
  Strategy.spaced(every).pipe(Strategy.withFirstWait(first))

/** A wait that does not time out in a test. */
export const hour = { deadline: "1 hour" } as const

/** A Poller whose first checks are not spread and that does not remember endings. */
export const plain = { stagger: false, linger: 0 } as const
