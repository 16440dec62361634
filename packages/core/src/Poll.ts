/**
 * The one loop: watches one job until it ends, or until our patience does.
 *
 * `until` is the result of that as an Effect, `events` is the way there as a Stream. Both take a `Job` and a key, or just
 * an Effect that yields a `Status`.
 *
 * **Details**
 *
 * - A look is `check` with a timeout of its own. A look that failed tells nothing of the job: it has its own budget (see
 *   `PollErrorPolicy`) and does not step the strategy.
 * - The deadline bounds everything: waits, looks in flight, retries. If the next look would miss it, one last look is
 *   placed so that its answer still fits, estimated by the longest of the last three looks. An answer that arrives at the
 *   deadline counts.
 * - What the server wishes (Retry-After and the like) is a floor for the next look, up to `maxHint`; within it, it holds
 *   even against the last look.
 * - A strategy that ends, ends the wait as `PollTimeout`; a pending job is never a success.
 * - Interruption ends wait and look at once; no look follows.
 * - A wall clock that is set back moves the wait with it. After a suspension of the machine beyond the deadline, one look
 *   is made before the wait is judged.
 *
 * **Gotchas**
 *
 * An interruption or a timeout leaves the remote job as it is.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Schedule } from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as eventBuffer from "./internal/eventBuffer.ts"
import * as host from "./internal/host.ts"
import { compile, type Policy } from "./internal/policy.ts"
import { isJob, type Job, type PollErrorPolicy, type UnknownStatusPolicy } from "./Job.ts"
import type { Look, Run } from "./Look.ts"
import type { Observation } from "./Observation.ts"
import type { PollError } from "./PollError.ts"
import type { PollEvent } from "./PollEvent.ts"

/**
 * The options of one wait.
 *
 * **Details**
 *
 * What is given here goes before what the `Job` says. A figure out of its range is a RangeError when the wait is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<in E = never, out R = never> {
  /**
   * The absolute end of waiting, as a positive finite duration from the start; or `"unbounded"`, said aloud.
   */
  readonly deadline: Duration.Input | "unbounded"
  /**
   * When to look; any `Schedule` is a strategy. Default: the strategy of the job, otherwise linear from 1 second by 2
   * seconds.
   */
  readonly strategy?: Schedule<unknown, Observation, never, R> | undefined
  /** How long one look may take; a positive finite duration, default 1 minute, or `"unbounded"`. */
  readonly lookTimeout?: Duration.Input | "unbounded" | undefined
  /** The longest wish of the server that is followed; a non-negative finite duration, default 1 hour. */
  readonly maxHint?: Duration.Input | undefined
  /**
   * The run that we wait for, where one key is used for many runs. An end of an earlier run counts as pending: one whose
   * number is smaller, or whose id is another.
   */
  readonly since?: Run | undefined
  /**
   * What to do when nothing about a pending job (its state, progress, detail) has changed for `after`, a positive finite
   * duration: `"fail"` with `JobStalled` (the default), or `"report"` it once as an event and go on.
   */
  readonly stall?: { readonly after: Duration.Input; readonly then?: "fail" | "report" | undefined } | undefined
  readonly unknownStatus?: UnknownStatusPolicy | undefined
  readonly pollErrors?: PollErrorPolicy<E> | undefined
}

/**
 * Watches a job until it ends, and yields its result.
 *
 * **When to use**
 *
 * Use it with a `Job` and a key, or with an Effect that yields a `Status`, for which no `Job` is needed.
 *
 * **Details**
 *
 * Every other end is a typed error, see `PollError`. A defect or an interruption inside the check ends the wait with
 * that cause. Bad options throw a RangeError at the call, not when the Effect runs.
 *
 * **Example** (Waiting for a file)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * let looks = 0
 * const check = Effect.sync(() => (++looks < 3 ? Status.pending() : Status.succeeded("file.txt")))
 * const file = Poll.until(check, { strategy: Strategy.fixed("1 millis"), deadline: "10 seconds" })
 * await Effect.runPromise(file) // => "file.txt"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const until: {
  <E0, RS = never>(
    options: Options<E0, RS>
  ): <A = never, F = never, E extends E0 = never, R = never>(
    check: Effect.Effect<Look<A, F>, E, R>
  ) => Effect.Effect<A, PollError<F, E>, R | RS>
  <A = never, F = never, E = never, R = never, RS = never>(
    check: Effect.Effect<Look<A, F>, E, R>,
    options: Options<E, RS>
  ): Effect.Effect<A, PollError<F, E>, R | RS>
  <K, E0, RS = never>(
    key: K,
    options: Options<E0, RS>
  ): <A, F, E extends E0, R>(job: Job<K, A, F, E, R, never, unknown>) => Effect.Effect<A, PollError<F, E>, R | RS>
  <K, A, F, E, R, RS = never>(
    job: Job<K, A, F, E, R, never, unknown>,
    key: K,
    options: Options<E, RS>
  ): Effect.Effect<A, PollError<F, E>, R | RS>
} = dataFirstOrLast("Poll.until", (policy) => host.run(policy))

/**
 * Watches a job until it ends, and tells what happens on the way.
 *
 * **Details**
 *
 * The stream never fails: its last event is `Ended`, with the exit that `until` would have had. It starts to look when
 * it is run, and stops when its scope closes. A slow reader never slows the wait: at most 256 events are kept for it,
 * and where there are more, `Waiting` and `Unchanged` are dropped first, then `PollFailed`; a change of the status is
 * never dropped.
 *
 * @category running
 * @since 0.1.0
 */
export const events: {
  <E0, RS = never>(
    options: Options<E0, RS>
  ): <A = never, F = never, E extends E0 = never, R = never>(
    check: Effect.Effect<Look<A, F>, E, R>
  ) => Stream.Stream<PollEvent<A, F, E>, never, R | RS>
  <A = never, F = never, E = never, R = never, RS = never>(
    check: Effect.Effect<Look<A, F>, E, R>,
    options: Options<E, RS>
  ): Stream.Stream<PollEvent<A, F, E>, never, R | RS>
  <K, E0, RS = never>(
    key: K,
    options: Options<E0, RS>
  ): <A, F, E extends E0, R>(
    job: Job<K, A, F, E, R, never, unknown>
  ) => Stream.Stream<PollEvent<A, F, E>, never, R | RS>
  <K, A, F, E, R, RS = never>(
    job: Job<K, A, F, E, R, never, unknown>,
    key: K,
    options: Options<E, RS>
  ): Stream.Stream<PollEvent<A, F, E>, never, R | RS>
} = dataFirstOrLast("Poll.events", (policy) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const buffer = eventBuffer.make(256)
      yield* Effect.forkScoped(Effect.exit(host.run(policy, buffer.offer)))
      return Stream.fromPull(Effect.succeed(buffer.take))
    })
  )
)

// ---- internal ----

type AnyJob = Job<unknown, unknown, unknown, unknown, unknown>
type AnyOptions = Options<never, unknown>
type AnyCheck = Effect.Effect<Look<unknown, unknown>, unknown, unknown>

/** Sorts out the four ways to call a face of the loop: (options), (check, options), (key, options), (job, key, options). */
function dataFirstOrLast(name: string, face: (policy: Policy) => unknown): never {
  const onCheck = (check: AnyCheck, options: AnyOptions) => face(policyOfCheck(name, check, options))
  const onJob = (job: AnyJob, key: unknown, options: AnyOptions) => face(policyOfJob(name, job, key, options))
  return ((...args: ReadonlyArray<unknown>) => {
    if (args.length === 1) return (check: AnyCheck) => onCheck(check, args[0] as AnyOptions)
    if (isJob(args[0])) return onJob(args[0], args[1], args[2] as AnyOptions)
    if (Effect.isEffect(args[0])) return onCheck(args[0] as AnyCheck, args[1] as AnyOptions)
    return (job: AnyJob) => onJob(job, args[0], args[1] as AnyOptions)
  }) as never
}

const policyOfCheck = (name: string, check: AnyCheck, options: AnyOptions): Policy =>
  compile({ ...common(name, options), job: "check", key: "check", rawKey: undefined, check, missing: undefined })

const policyOfJob = (name: string, job: AnyJob, key: unknown, options: AnyOptions): Policy => {
  const own = common(name, options)
  return compile({
    ...own,
    job: job.name,
    key: job.key.encode(key),
    rawKey: key,
    check: Effect.suspend(() => job.check(key)),
    strategy: own.strategy ?? (typeof job.strategy === "function" ? job.strategy(key) : job.strategy),
    missing: job.missing,
    unknownStatus: own.unknownStatus ?? job.unknownStatus,
    pollErrors: own.pollErrors ?? job.pollErrors
  })
}

const common = (name: string, options: AnyOptions) => ({
  name,
  strategy: options.strategy,
  deadline: options.deadline,
  lookTimeout: options.lookTimeout,
  maxHint: options.maxHint,
  since: options.since,
  stall: options.stall,
  unknownStatus: options.unknownStatus,
  pollErrors: options.pollErrors
})
