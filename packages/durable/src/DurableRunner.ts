/**
 * Checks the durable jobs of the buckets that this process owns.
 *
 * **Details**
 *
 * - Jobs that are due soon are kept in memory, as waits of one `Poller`, with all of its rules. A check writes nothing. The
 *   runner queries the store for new jobs every second, stores endings in batches every half second if there are any, and
 *   writes a sign of life every two seconds.
 * - When the store notifies it of a submit, a retry or a request for a check, the runner queries the store at once: up to
 *   five times in a row, then at most once in four seconds. Anything else is found by the next regular query.
 * - An ending is kept in memory until it is stored, and is visible to others only then. While the store cannot be reached,
 *   checks continue and endings are kept (`stats.backlog`). If the process dies before they are stored, the next owner
 *   checks these jobs again.
 * - An ending is stored only if this process still has the claim of the bucket. A process that was frozen, and lost its
 *   buckets to another one, ends no job.
 * - Deadlines follow the clock of the store. The clock of this process may differ from it, and may be set.
 * - When the store notifies it that `settle` has ended a job, the runner stops checking it at once: a check in flight is
 *   interrupted, and the job is not canceled at its server. Notifications can get lost, so the runner also compares its
 *   jobs with the store: every 30 seconds with up to 500 jobs in memory, every 5 minutes with 5,000 to 50,000, and every 10
 *   minutes with 100,000. What a check of an ended job finds is ignored.
 * - The state of each wait (its `ResumeToken`) is stored when its bucket moves and when the process ends, which takes up to
 *   five seconds. After a crash a wait continues from the state that was stored last, with the same deadline: some checks
 *   are made again, but no job ends twice.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as Poller from "effect-poll/Poller"
import type { DurableStore } from "./DurableStore.ts"
import { make } from "./internal/runner/runner.ts"
import type { Service } from "./internal/runner/service.ts"
import * as validate from "./internal/validate.ts"
import type { Ownership } from "./Ownership.ts"

/**
 * The options of `layer`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The options of the `Poller` that makes the checks. Default: those of `Poller.make`. */
  readonly poller?: Omit<Poller.Options, "onShutdown" | "capacity"> | undefined
  /** How long endings are collected before they are stored in one batch; a positive finite duration, default 500 ms. */
  readonly flushInterval?: Duration.Input | undefined
  /**
   * How often the store is queried for new jobs, lost claims and paused kinds, with or without notifications; a positive
   * finite duration, default 1 second.
   */
  readonly scanInterval?: Duration.Input | undefined
  /**
   * Jobs are in memory if their next check is due within this time; a finite duration of at least twice the `scanInterval`,
   * default 5 minutes. A job whose next check is more than a quarter further away is removed from memory, which costs one row
   * write, and is loaded again in time. Jobs with a `signal` or `push` always stay in memory.
   */
  readonly horizon?: Duration.Input | undefined
  /**
   * How often the `ResumeToken`s of waits are stored, at one row write for each wait that was checked since the last time; a
   * positive finite duration, or `"never"`. Default `"never"`: after a crash, a wait continues from the token that was
   * stored when it last left memory, or starts over.
   */
  readonly checkpoint?: Duration.Input | "never" | undefined
  /** Whether the `ResumeToken`s of waits are stored when buckets move and when the process ends. Default `true`. */
  readonly saveOnRelease?: boolean | undefined
  /** How often the process writes its sign of life; a positive finite duration, default 2 seconds. */
  readonly healthInterval?: Duration.Input | undefined
  /**
   * How long a process may give no sign of life before `stats.orphans` counts its buckets; a positive finite duration,
   * default 10 seconds.
   */
  readonly orphanAfter?: Duration.Input | undefined
  /** How often ended jobs whose retention is over are removed; a positive finite duration, default 1 minute. */
  readonly pruneInterval?: Duration.Input | undefined
  /** The largest number of submits of one kind in flight at the same time; an integer >= 1, default 16. */
  readonly submits?: number | undefined
}

export type {
  /**
   * The operations of a runner.
   *
   * @category models
   * @since 0.1.0
   */
  Service,
  /**
   * What a runner is doing.
   *
   * @category models
   * @since 0.1.0
   */
  Stats
} from "./internal/runner/service.ts"

/**
 * The service tag of a runner.
 *
 * @category services
 * @since 0.1.0
 */
export class DurableRunner extends Context.Service<DurableRunner, Service>()("effect-poll/DurableRunner") {}

/**
 * A runner: checks the jobs of the buckets that this process owns, for each kind whose `runner` layer is provided with it.
 * When the layer closes, waits are left, endings and tokens are stored, and the buckets are given up, within about five
 * seconds. Throws a RangeError at the call for an option that is out of range.
 *
 * **Gotchas**
 *
 * A process needs exactly one runner, which checks all of its kinds. Two runners with the same store and `Ownership` would
 * take the buckets from each other, so the second one fails with a defect. Assign the layer to a constant, and provide that
 * constant to the `runner` of each kind: effect builds the same layer only once.
 *
 * **Example** (A process that owns all buckets)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as DurableRunner from "@effect-poll/durable/DurableRunner"
 * import * as DurableStore from "@effect-poll/durable/DurableStore"
 * import * as Ownership from "@effect-poll/durable/Ownership"
 *
 * const placement = Layer.merge(DurableStore.layerMemory, Ownership.layerLocal)
 * const runner = DurableRunner.layer({ scanInterval: "2 seconds" }).pipe(Layer.provideMerge(placement))
 * const waits = Effect.flatMap(DurableRunner.DurableRunner, ({ stats }) => Effect.map(stats, ({ waits }) => waits))
 * await Effect.runPromise(Effect.provide(waits, runner)) // => 0
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<DurableRunner, never, DurableStore | Ownership> => {
  const millis = (option: keyof Options, input: Duration.Input | undefined, byDefault: Duration.Input): number =>
    validate.millis(`DurableRunner.layer: ${option}`, input ?? byDefault)
  const settings = {
    flushInterval: millis("flushInterval", options.flushInterval, "500 millis"),
    scanInterval: millis("scanInterval", options.scanInterval, "1 second"),
    horizon: millis("horizon", options.horizon, "5 minutes"),
    checkpoint: validate.millisOr("DurableRunner.layer: checkpoint", options.checkpoint ?? "never", "never"),
    saveOnRelease: validate.bool("DurableRunner.layer: saveOnRelease", options.saveOnRelease ?? true),
    healthInterval: millis("healthInterval", options.healthInterval, "2 seconds"),
    orphanAfter: millis("orphanAfter", options.orphanAfter, "10 seconds"),
    pruneInterval: millis("pruneInterval", options.pruneInterval, "1 minute"),
    submits: validate.count("DurableRunner.layer: submits", options.submits ?? 16, 1)
  }
  if (settings.horizon < 2 * settings.scanInterval) {
    // Jobs that come within the horizon between two scans would be checked late.
    throw new RangeError(
      `DurableRunner.layer: horizon must be at least twice the scanInterval (${settings.scanInterval} ms), got ${settings.horizon} ms`
    )
  }
  // A limit would hold up the reading of the store: there is room for all jobs of the buckets.
  const poller = Poller.make({ ...options.poller, capacity: "unbounded" })
  return Layer.effect(DurableRunner, make(settings, poller))
}
