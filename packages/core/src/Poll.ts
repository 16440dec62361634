/**
 * Waits for one job by polling: checks it until it ends, or until the deadline or the strategy ends the wait.
 *
 * `until` yields the result, `events` is a stream of what happens on the way, `start` runs in the background, `run`
 * submits first, `resume` continues from a token, `promise` is for code without Effect. All take a `Job` and a key;
 * `until`, `events`, `start` and `promise` also take just an Effect that yields a `Status`.
 *
 * **Details**
 *
 * - Each check has a timeout of its own, `checkTimeout`. A check that fails says nothing about the job: it has its own
 *   budget (see `CheckErrorPolicy`) and does not step the strategy.
 * - The deadline bounds everything: waits, gates, checks in flight and their retries. If the next check would come too
 *   late, one last check is placed so that its answer still fits, estimated by the longest of the last three checks. An
 *   answer that arrives at the deadline counts.
 * - A delay that the server requests (a hint, such as Retry-After) is the earliest time of the next check, up to
 *   `maxHint`. It takes precedence over the last check.
 * - When the strategy ends, the wait ends as `PollTimeout`. A pending status is never a success.
 * - Interruption stops the wait and the check in flight at once. No check follows.
 * - When the wall clock is set back, the wait moves with it. When the machine was suspended beyond the deadline, the job
 *   is checked once more before the wait ends.
 *
 * **Gotchas**
 *
 * A timeout or an interruption leaves the remote job running, unless `onTimeout` or `onInterrupt` says otherwise.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import type { CheckResult } from "./CheckResult.ts"
import type { Handle } from "./Handle.ts"
import { Reference as PollDefaults } from "./internal/options/defaults.ts"
import * as eventBuffer from "./internal/single/eventBuffer.ts"
import * as handle from "./internal/single/handle.ts"
import * as host from "./internal/single/host.ts"
import * as request from "./internal/options/request.ts"
import { receipt as receiptToken } from "./internal/machine/token.ts"
import type { Job, Receipt, Watchable } from "./Job.ts"
import { type PollError, ResumeTokenError } from "./PollError.ts"
import type { PollEvent } from "./PollEvent.ts"
import type { PollOptions } from "./PollOptions.ts"
import type { ResumeToken } from "./ResumeToken.ts"

export type {
  /**
   * The options of one wait, see the module `PollOptions`.
   *
   * @category models
   * @since 0.1.0
   */
  PollOptions as Options
} from "./PollOptions.ts"

/**
 * Watches a job until it ends, and yields its result.
 *
 * **When to use**
 *
 * Use with a `Job` and a key, or with an Effect that yields a `Status`, for which no `Job` is needed.
 *
 * **Details**
 *
 * Every other ending is a typed error, see `PollError`. A defect or an interruption inside the check ends the wait with
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
 * let checks = 0
 * const check = Effect.sync(() => (++checks < 3 ? Status.pending() : Status.succeeded("file.txt")))
 * const file = Poll.until(check, { strategy: Strategy.spaced("1 millis"), deadline: "10 seconds" })
 * await Effect.runPromise(file) // => "file.txt"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const until: {
  /**
   * Watches a job until it ends, and yields its result.
   *
   * Takes a `Job` and a key, or an Effect that yields a `Status`. Every other ending is a typed error, see `PollError`. A
   * defect or an interruption inside the check ends the wait with that cause. Bad options throw a RangeError at the call.
   */
  <E0, RS = never>(
    options: PollOptions<E0, RS>
  ): <A = never, F = never, E extends E0 = never, R = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>
  ) => Effect.Effect<A, PollError<F, E>, R | RS>
  /**
   * Watches a job until it ends, and yields its result.
   *
   * Takes a `Job` and a key, or an Effect that yields a `Status`. Every other ending is a typed error, see `PollError`. A
   * defect or an interruption inside the check ends the wait with that cause. Bad options throw a RangeError at the call.
   */
  <K, A, F, E, R, RS = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS>
  ): Effect.Effect<A, PollError<F, E>, R | RS>
  /**
   * Watches a job until it ends, and yields its result.
   *
   * Takes a `Job` and a key, or an Effect that yields a `Status`. Every other ending is a typed error, see `PollError`. A
   * defect or an interruption inside the check ends the wait with that cause. Bad options throw a RangeError at the call.
   */
  <A = never, F = never, E = never, R = never, RS = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>,
    options: PollOptions<E, RS>
  ): Effect.Effect<A, PollError<F, E>, R | RS>
} = request.entryPoint("Poll.until", (wait) => host.run(wait))

/**
 * Watches a job until it ends, as a stream of what happens on the way.
 *
 * **Details**
 *
 * The stream never fails: its last event is `Ended`, with the exit that `until` would have. It starts checking when it is
 * run and stops when its scope closes. A slow reader never delays a check: of the events kept for it, 256 and more, the
 * oldest `Waiting` or `Unchanged` is dropped first, then the oldest `CheckFailed`; a change of the status never is.
 *
 * @category running
 * @since 0.1.0
 */
export const events: {
  /**
   * Watches a job until it ends, as a stream of what happens on the way.
   *
   * The stream never fails: its last event is `Ended`, with the exit that `until` would have. It starts checking when it is
   * run and stops when its scope closes. A slow reader never delays a check: of the events kept for it, 256 and more, the
   * oldest `Waiting` or `Unchanged` is dropped first, then the oldest `CheckFailed`; a change of the status never is.
   */
  <E0, RS = never>(
    options: PollOptions<E0, RS>
  ): <A = never, F = never, E extends E0 = never, R = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>
  ) => Stream.Stream<PollEvent<A, F, E>, never, R | RS>
  /**
   * Watches a job until it ends, as a stream of what happens on the way.
   *
   * The stream never fails: its last event is `Ended`, with the exit that `until` would have. It starts checking when it is
   * run and stops when its scope closes. A slow reader never delays a check: of the events kept for it, 256 and more, the
   * oldest `Waiting` or `Unchanged` is dropped first, then the oldest `CheckFailed`; a change of the status never is.
   */
  <K, A, F, E, R, RS = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS>
  ): Stream.Stream<PollEvent<A, F, E>, never, R | RS>
  /**
   * Watches a job until it ends, as a stream of what happens on the way.
   *
   * The stream never fails: its last event is `Ended`, with the exit that `until` would have. It starts checking when it is
   * run and stops when its scope closes. A slow reader never delays a check: of the events kept for it, 256 and more, the
   * oldest `Waiting` or `Unchanged` is dropped first, then the oldest `CheckFailed`; a change of the status never is.
   */
  <A = never, F = never, E = never, R = never, RS = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>,
    options: PollOptions<E, RS>
  ): Stream.Stream<PollEvent<A, F, E>, never, R | RS>
} = request.entryPoint("Poll.events", (wait) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const buffer = eventBuffer.make(256)
      const waited = Effect.exit(host.run<unknown, PollError<unknown, unknown>, unknown>(wait, { emit: buffer.offer }))
      // A wait that could not even start, because its defaults are out of range, has emitted nothing.
      yield* Effect.forkScoped(Effect.map(waited, (exit) => buffer.offer({ _tag: "Ended", attempts: 0, exit })))
      return Stream.fromPull(Effect.succeed(buffer.take))
    })
  )
)

/**
 * Starts watching a job in the background, and yields a handle to the wait.
 *
 * **Details**
 *
 * The wait lasts until it ends, is interrupted through the handle, or the scope closes.
 *
 * @category running
 * @since 0.1.0
 */
export const start: {
  /**
   * Starts watching a job in the background, and yields a handle to the wait. The wait lasts until it ends, is interrupted
   * through the handle, or the scope closes. Bad options throw a RangeError at the call.
   */
  <E0, RS = never>(
    options: PollOptions<E0, RS>
  ): <A = never, F = never, E extends E0 = never, R = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>
  ) => Effect.Effect<Handle<A, F, E>, never, R | RS | Scope>
  /**
   * Starts watching a job in the background, and yields a handle to the wait. The wait lasts until it ends, is interrupted
   * through the handle, or the scope closes. Bad options throw a RangeError at the call.
   */
  <K, A, F, E, R, RS = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS>
  ): Effect.Effect<Handle<A, F, E>, never, R | RS | Scope>
  /**
   * Starts watching a job in the background, and yields a handle to the wait. The wait lasts until it ends, is interrupted
   * through the handle, or the scope closes. Bad options throw a RangeError at the call.
   */
  <A = never, F = never, E = never, R = never, RS = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>,
    options: PollOptions<E, RS>
  ): Effect.Effect<Handle<A, F, E>, never, R | RS | Scope>
} = request.entryPoint("Poll.start", (wait) => handle.start(wait))

/**
 * Submits a job, hands out its receipt, and watches the job until it ends.
 *
 * **Details**
 *
 * `onReceipt` gets a `ResumeToken` at attempt 0, to be stored before the first check: from then on another process can
 * resume the wait. It also gets the receipt that `submit` yielded. If it fails, the whole fails and no check is made. The
 * deadline counts from the receipt, and a `hint` of the receipt is the earliest time of the first check. An interruption
 * waits until `onReceipt` is done.
 *
 * The submit is sent once. A submit that failed may still have been accepted, so it is never repeated; retry it yourself
 * if it carries an idempotency key.
 *
 * A job without `submit` is a RangeError at the call.
 *
 * **Example** (Storing the receipt)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 *
 * const Render = Job.make("render", {
 *   submit: (scene: string) => Effect.succeed({ key: `${scene}-1` }),
 *   check: (id) => Effect.succeed(Status.succeeded(`${id}.png`))
 * })
 * const stored: Array<string> = []
 * const image = Poll.run(Render, "forest", {
 *   deadline: "10 minutes",
 *   onReceipt: (token) => Effect.sync(() => stored.push(token.key))
 * })
 * await Effect.runPromise(image) // => "forest-1.png"
 * stored // => ["forest-1"]
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = <K, A, F, E, R, I, ES, RS = never, E2 = never, R2 = never>(
  job: Job<K, A, F, E, R, I, ES>,
  input: I,
  options: PollOptions<E, RS> & {
    readonly onReceipt?: ((token: ResumeToken, receipt: Receipt<K>) => Effect.Effect<unknown, E2, R2>) | undefined
  }
): Effect.Effect<A, PollError<F, E> | ES | E2, R | RS | R2> => {
  const { submit } = job
  if (submit === undefined) throw new RangeError(`Poll.run: the job ${job.name} has no submit`)
  request.check("Poll.run", options)
  const submitted = Effect.fnUntraced(function* (receipt: Receipt<K>) {
    const wait = request.ofJob("Poll.run", job, receipt.key, { ...options, since: options.since ?? receipt.since })
    const policy = wait.policy(yield* PollDefaults)
    const token = receiptToken(policy, wait.key, yield* Clock.currentTimeMillis, receipt.hint)
    if (options.onReceipt !== undefined) yield* options.onReceipt(token, receipt)
    return { wait, token }
  })
  // An interruption between the submit and the stored receipt would lose the job.
  return Effect.uninterruptibleMask((restore) =>
    restore(submit(input)).pipe(
      Effect.flatMap(submitted),
      Effect.flatMap(({ token, wait }) => restore(host.run<A, PollError<F, E>, R | RS>(wait, { token })))
    )
  )
}

/**
 * Continues a wait from its token, with the same deadline; usually in another process.
 *
 * **Details**
 *
 * Attempts, error budgets, the earliest time that the server allows and the step of the strategy continue where they
 * were. A foreign `Schedule` starts anew, because its state cannot be stored. A token whose deadline has passed gets one
 * check. A token of another job or of an unknown version fails with `ResumeTokenError`.
 *
 * @category running
 * @since 0.1.0
 */
export const resume = <K, A, F, E, R, RS = never>(
  job: Watchable<K, A, F, E, R>,
  token: ResumeToken,
  options?: Omit<PollOptions<E, RS>, "deadline" | "since">
): Effect.Effect<A, PollError<F, E> | ResumeTokenError, R | RS> => {
  const rest = { ...options, deadline: "unbounded", since: token.since } as const
  request.check("Poll.resume", rest)
  return Effect.suspend((): Effect.Effect<A, PollError<F, E> | ResumeTokenError, R | RS> => {
    const key = request.keyOfToken(job, token)
    return key instanceof ResumeTokenError
      ? Effect.fail(key)
      : host.run<A, PollError<F, E>, R | RS>(request.ofJob("Poll.resume", job, key, rest), { token })
  })
}

/**
 * Watches a job and yields its result as a Promise, for code without Effect.
 *
 * **Details**
 *
 * The check must need no services. The promise rejects with the typed error, or with the `reason` of the `signal` when
 * that aborts: an aborted wait sends no further request and leaves no listener behind.
 *
 * **Example** (With an AbortSignal)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 *
 * const check = Effect.succeed(Status.succeeded("done"))
 * await Poll.promise(check, { deadline: "1 minute", signal: AbortSignal.timeout(1000) }) // => "done"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const promise: {
  /**
   * Watches a job and yields its result as a Promise. It rejects with the typed error, or with the `reason` of the
   * `signal` when that aborts.
   */
  <K, A, F, E>(
    job: Watchable<K, A, F, E, never>,
    key: K,
    options: PollOptions<E> & { readonly signal?: AbortSignal | undefined }
  ): Promise<A>
  /**
   * Watches a job and yields its result as a Promise. It rejects with the typed error, or with the `reason` of the
   * `signal` when that aborts.
   */
  <A = never, F = never, E = never>(
    check: Effect.Effect<CheckResult<A, F>, E>,
    options: PollOptions<E> & { readonly signal?: AbortSignal | undefined }
  ): Promise<A>
  // The bridge out of Effect: here a Promise is meant.
  // @effect-diagnostics-next-line asyncFunction:off
} = async (...args: ReadonlyArray<unknown>): Promise<never> => {
  const { signal } = args[args.length - 1] as { readonly signal?: AbortSignal | undefined }
  signal?.throwIfAborted()
  const wait = (until as unknown as (...args: ReadonlyArray<unknown>) => Effect.Effect<never, unknown>)(...args)
  const exit = await Effect.runPromiseExit(wait, signal === undefined ? {} : { signal })
  if (Exit.isSuccess(exit)) return exit.value
  if (signal?.aborted === true && Exit.hasInterrupts(exit)) signal.throwIfAborted()
  throw Cause.squash(exit.cause)
}
