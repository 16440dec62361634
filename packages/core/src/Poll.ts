/**
 * The one loop: watches one job until it ends, or until our patience does.
 *
 * `until` is the result of that as an Effect, `events` is the way there as a Stream. Both take a `Job` and a key, or just
 * an Effect that yields a `Status`.
 *
 * **Details**
 *
 * - A check is `check` with a timeout of its own. A check that failed tells nothing of the job: it has its own budget (see
 *   `CheckErrorPolicy`) and does not step the strategy.
 * - The deadline bounds everything: waits, checks in flight, retries. If the next check would miss it, one last check is
 *   placed so that its answer still fits, estimated by the longest of the last three checks. An answer that arrives at the
 *   deadline counts.
 * - What the server wishes (Retry-After and the like) is a floor for the next check, up to `maxHint`; within it, it holds
 *   even against the last check.
 * - A strategy that ends, ends the wait as `PollTimeout`; a pending job is never a success.
 * - Interruption ends wait and check once; no check follows.
 * - A wall clock that is set back moves the wait with it. After a suspension of the machine beyond the deadline, one check
 *   is made before the wait is judged.
 *
 * **Gotchas**
 *
 * An interruption or a timeout leaves the remote job as it is, unless `onInterrupt` or `onTimeout` say otherwise.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Schedule } from "effect/Schedule"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Gate } from "./Gate.ts"
import type { Handle } from "./Handle.ts"
import { Reference as PollDefaults } from "./internal/defaults.ts"
import * as eventBuffer from "./internal/eventBuffer.ts"
import * as handle from "./internal/handle.ts"
import * as host from "./internal/host.ts"
import * as request from "./internal/request.ts"
import { entryOf } from "./internal/journal.ts"
import { receipt as receiptToken } from "./internal/token.ts"
import type { Job, CheckErrorPolicy, Receipt, UnknownStatePolicy } from "./Job.ts"
import type { CheckResult, Run } from "./CheckResult.ts"
import type { Observation } from "./Observation.ts"
import type { Observer } from "./Observer.ts"
import { type PollError, ResumeTokenError } from "./PollError.ts"
import type { PollEvent } from "./PollEvent.ts"
import type { Entry } from "./PollJournal.ts"
import type { ResumeToken } from "./ResumeToken.ts"

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
   * When to check; any `Schedule` is a strategy. Default: the strategy of the job, otherwise linear from 1 second by 2
   * seconds.
   */
  readonly strategy?: Schedule<unknown, Observation, never, R> | undefined
  /** How long one check may take; a positive finite duration, default 1 minute, or `"unbounded"`. */
  readonly checkTimeout?: Duration.Input | "unbounded" | undefined
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
  readonly stall?: { readonly after: Duration.Input; readonly onStall?: "fail" | "report" | undefined } | undefined
  readonly unknownState?: UnknownStatePolicy | undefined
  readonly checkErrors?: CheckErrorPolicy<E> | undefined
  /** Asked before each check; by default every check may be made. */
  readonly gate?: Gate<R> | undefined
  /**
   * What becomes of the remote job when our patience ends (`PollTimeout`): `"leave"` it (the default), or
   * `"cancelRemote"`: ask the server to stop it by the job's `cancel` and watch for its true end for `cancelTimeout` more. An
   * end that is seen then is the end of the wait, otherwise it is the `PollTimeout`.
   */
  readonly onTimeout?: "leave" | "cancelRemote" | undefined
  /**
   * What becomes of the remote job when the wait is interrupted: `"leave"` it (the default), or `"cancelRemote"`: ask the
   * server to stop it, for at most `cancelTimeout`.
   */
  readonly onInterrupt?: "leave" | "cancelRemote" | undefined
  /** Bounds what follows after the end of a wait; a positive finite duration, default 10 seconds. */
  readonly cancelTimeout?: Duration.Input | undefined
  /** Told of everything that happens; beside those of `PollDefaults`. */
  readonly observers?: ReadonlyArray<Observer<R>> | undefined
  /** Whether errors tell what the newest checks found; default true, in a `Poller` false. */
  readonly history?: boolean | undefined
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
  <E0, RS = never>(
    options: Options<E0, RS>
  ): <A = never, F = never, E extends E0 = never, R = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>
  ) => Effect.Effect<A, PollError<F, E>, R | RS>
  <A = never, F = never, E = never, R = never, RS = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>,
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
} = request.face("Poll.until", (wait) => host.run(wait))

/**
 * Watches a job until it ends, and tells what happens on the way.
 *
 * **Details**
 *
 * The stream never fails: its last event is `Ended`, with the exit that `until` would have had. It starts to check when
 * it is run, and stops when its scope closes. A slow reader never slows the wait: when 256 events are kept for it, the
 * oldest `Waiting` or `Unchanged` makes room, then the oldest `CheckFailed`. A change of the status is never dropped, so
 * that more are kept where a reader is behind by more than 256 changes.
 *
 * @category running
 * @since 0.1.0
 */
export const events: {
  <E0, RS = never>(
    options: Options<E0, RS>
  ): <A = never, F = never, E extends E0 = never, R = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>
  ) => Stream.Stream<PollEvent<A, F, E>, never, R | RS>
  <A = never, F = never, E = never, R = never, RS = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>,
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
} = request.face("Poll.events", (wait) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const buffer = eventBuffer.make(256)
      const waited = Effect.exit(host.run<unknown, PollError<unknown, unknown>, unknown>(wait, { emit: buffer.offer }))
      // A wait that could not even start (its defaults are out of range) has told nothing.
      yield* Effect.forkScoped(Effect.map(waited, (exit) => buffer.offer({ _tag: "Ended", attempts: 0, exit })))
      return Stream.fromPull(Effect.succeed(buffer.take))
    })
  )
)

/**
 * Starts to watch a job in the background, for as long as the scope lives, and yields a handle to the wait.
 *
 * @category running
 * @since 0.1.0
 */
export const start: {
  <E0, RS = never>(
    options: Options<E0, RS>
  ): <A = never, F = never, E extends E0 = never, R = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>
  ) => Effect.Effect<Handle<A, F, E>, never, R | RS | Scope>
  <A = never, F = never, E = never, R = never, RS = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>,
    options: Options<E, RS>
  ): Effect.Effect<Handle<A, F, E>, never, R | RS | Scope>
  <K, E0, RS = never>(
    key: K,
    options: Options<E0, RS>
  ): <A, F, E extends E0, R>(
    job: Job<K, A, F, E, R, never, unknown>
  ) => Effect.Effect<Handle<A, F, E>, never, R | RS | Scope>
  <K, A, F, E, R, RS = never>(
    job: Job<K, A, F, E, R, never, unknown>,
    key: K,
    options: Options<E, RS>
  ): Effect.Effect<Handle<A, F, E>, never, R | RS | Scope>
} = request.face("Poll.start", (wait) => handle.start(wait))

/**
 * Submits a job, hands out the receipt, and watches the job until it ends.
 *
 * **Details**
 *
 * `onReceipt` is given a `ResumeToken` at attempt 0, to be stored before the first check is made: from then on the job is
 * never lost, whatever becomes of this process. It also sees the receipt itself, as `submit` yielded it. If it fails, so does the whole, and no check is made. The deadline counts
 * from the receipt. An interruption waits until the receipt is stored. A `hint` of the receipt is the floor of the first
 * check.
 *
 * The submit is sent once and never again: one that failed may have been accepted all the same. Retry it yourself if it
 * carries an idempotency key.
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
  options: Options<E, RS> & {
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
  // Between the submit and the stored receipt there is no room for an interruption: it would lose the job.
  return Effect.uninterruptibleMask((restore) =>
    restore(submit(input)).pipe(
      Effect.flatMap(submitted),
      Effect.flatMap(({ token, wait }) => restore(host.run<A, PollError<F, E>, R | RS>(wait, { token })))
    )
  )
}

/**
 * Goes on with a wait of another process: from its token, with the same deadline.
 *
 * **Details**
 *
 * Attempts, budgets of errors, the floor of the server and the step of the strategy go on where they were; a foreign
 * `Schedule` starts anew, since it keeps its state to itself. A token whose deadline has passed gets one check. A token
 * of another job or of an unknown version is a `ResumeTokenError`.
 *
 * @category running
 * @since 0.1.0
 */
export const resume = <K, A, F, E, R, RS = never>(
  job: Job<K, A, F, E, R, never, unknown>,
  token: ResumeToken,
  options?: Omit<Options<E, RS>, "deadline" | "since">
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
 * Watches a job and yields its result as a Promise.
 *
 * **Details**
 *
 * For code outside of Effect; the check must need no services. The promise is rejected with the typed error, or with the
 * `reason` of the `signal` when that aborts: an aborted wait sends no further request and leaves no listener behind.
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
  <A = never, F = never, E = never>(
    check: Effect.Effect<CheckResult<A, F>, E>,
    options: Options<E> & { readonly signal?: AbortSignal | undefined }
  ): Promise<A>
  <K, A, F, E>(
    job: Job<K, A, F, E, never, never, unknown>,
    key: K,
    options: Options<E> & { readonly signal?: AbortSignal | undefined }
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

/**
 * Creates an observer that keeps a journal: it hands the start of a wait, the changes of its status and its end to a sink,
 * in order, as entries that `PollJournal.Entry` can encode.
 *
 * **Example** (Keeping the journal in memory)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 *
 * const entries: Array<string> = []
 * const journal = Poll.journal((entry) => Effect.sync(() => entries.push(entry._tag)))
 * const check = Effect.succeed(Status.succeeded("done"))
 * await Effect.runPromise(Poll.until(check, { deadline: "1 minute", observers: [journal] }))
 * entries // => ["Started", "Changed", "Ended"]
 * ```
 *
 * @category observers
 * @since 0.1.0
 */
export const journal = <R = never>(sink: (entry: Entry) => Effect.Effect<unknown, never, R>): Observer<R> => ({
  observe: (notification) => {
    const entry = entryOf(notification)
    return entry === undefined ? Effect.void : Effect.asVoid(sink(entry))
  }
})
