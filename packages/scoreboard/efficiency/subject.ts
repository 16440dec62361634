// What the table needs of a strategy that learns.
import * as Effect from "effect/Effect"
import type { Strategy } from "effect-poll/Strategy"

/** What is known of a job that has ended. Times are seconds since its start. */
export interface Outcome {
  /** It ended after this time, */
  readonly after: number
  /** and at this time or before. Equal times mean that the end is known exactly. */
  readonly until: number
  /** The progress that the checks found, by time. */
  readonly progress: ReadonlyArray<readonly [elapsed: number, progress: number]>
}

/** One history of jobs of one kind. */
export interface Learner {
  /** The strategy by what has been learned so far. */
  readonly strategy: Effect.Effect<Strategy>
  readonly observe: (outcome: Outcome) => Effect.Effect<void>
}

export interface Subject {
  /** A learner that has seen nothing; `w` is the seconds of lag that are worth one request. */
  readonly make: (w: number) => Effect.Effect<Learner>
}

/** Knows nothing and learns nothing: `linear` with the increment `w`. It shows what learning is worth. */
export const unlearned = (strategy: (w: number) => Strategy): Subject => ({
  make: (w) => Effect.succeed({ strategy: Effect.succeed(strategy(w)), observe: () => Effect.void })
})
