/**
 * Polls in a page: one loop for each job and key, however many views show it, bound to the life of what shows it.
 *
 * @since 0.1.0
 */
import type { Watchable } from "effect-poll/Job"
import type { PollOptions } from "effect-poll/PollOptions"
import type { Seed } from "./Seed.ts"
import type { Snapshot } from "./Snapshot.ts"

/** The options of a wait in a page. */
export interface EntryOptions<in E = never, out R = never> extends PollOptions<E, R> {
  /** What a server has already found, see `Seed`: the snapshot begins with it, and the wait continues from it. */
  readonly seed?: Seed | undefined
  /** What happens while the page is hidden. Default: that of the store. */
  readonly hidden?: "pause" | "slow" | "run" | undefined
}

/** A wait of a store, in the shape that `useSyncExternalStore` takes. The functions need no receiver. */
export interface Entry<A, F = never, E = never> {
  /** Begins the wait with the first listener, and ends it `linger` after the last one has left. */
  readonly subscribe: (listener: () => void) => () => void
  /** The current snapshot; the same object until something changes. */
  readonly getSnapshot: () => Snapshot<A, F, E>
  /** The snapshot of the seed, or the idle one: what a server renders, and the first render of a page that hydrates. */
  readonly getServerSnapshot: () => Snapshot<A, F, E>
  /** Checks now instead of at the planned time; the floor of the server and the gate still apply. */
  readonly checkNow: () => void
  /** Stops making checks until `unpause`. The deadline still applies. */
  readonly pause: () => void
  readonly unpause: () => void
  /** Asks the server to cancel the job. Rejects with `CancelFailed`. The wait continues until a check finds the end. */
  readonly cancel: () => Promise<void>
  /** Begins a new wait, for example after a timeout. */
  readonly restart: () => void
}

export interface PollStore<in R = never> {
  readonly entry: <K, A, F, E>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: EntryOptions<E, R>
  ) => Entry<A, F, E>
  /** Ends all waits and releases the layer. */
  readonly close: () => Promise<void>
}
