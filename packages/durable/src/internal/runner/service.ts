import type { Effect } from "effect/Effect"
import type { Scope } from "effect/Scope"
import type { Kind } from "../kind.ts"

// What a runner offers. It is here so that the runner and `DurableRunner` can share it.

/** The operations of a runner. */
export interface Service {
  /** The id of the runner: a new one for each process. */
  readonly id: string
  /**
   * Checks the jobs of a kind until the scope closes; then its waits are left and their tokens are stored. The `runner` of a
   * `DurablePoll` calls it. Registering a kind twice is a defect.
   */
  readonly register: (kind: Kind) => Effect<void, never, Scope>
  /** What the runner is doing. */
  readonly stats: Effect<Stats>
}

/** What a runner is doing. */
export interface Stats {
  /** The number of jobs in memory. */
  readonly waits: number
  /** The number of buckets that this process has claimed. */
  readonly buckets: number
  /** The number of buckets that no live process has claimed, as of the last look (every `orphanAfter`). */
  readonly orphans: number
  /**
   * When the store last answered the query for new jobs, in wall-clock milliseconds of this process; `undefined` if it has
   * not yet.
   */
  readonly scannedAt: number | undefined
  /** The number of endings that are not stored yet. */
  readonly backlog: number
}
