/**
 * Waits for one job by polling: checks it until it ends, or until the deadline or the strategy ends the wait.
 *
 * `until` yields the result, `events` streams what happens on the way, `start` runs in the background, `run` submits
 * the job first, `resume` continues from a token, `startFrom` does so in the background, `advance` makes at most one check
 * and returns, and `promise` is for code without Effect. All take a `Job` and a key; `until`, `events`, `start` and
 * `promise` also take just an Effect that yields a `Status`.
 *
 * **Details**
 *
 * - Each check has its own timeout, `checkTimeout`. A failed check says nothing about the job: it counts against a
 *   budget of its own (see `CheckErrorPolicy`) and does not step the strategy.
 * - The deadline bounds everything: delays, gates, checks in flight and their retries. If the next check would come too
 *   late, one last check is placed so that its answer arrives in time, estimated by the longest of the last three
 *   checks and with a margin. An answer that arrives at the deadline still counts.
 * - A delay that the server requests (a hint, such as Retry-After) is a floor for the next check, up to `maxHint`. It
 *   takes precedence over the last check.
 * - When the strategy ends, the wait fails with `PollTimeout`. A pending status is never a success.
 * - Interruption stops the wait and its check in flight at once. No further check is made.
 * - If the wall clock is set, delays and the deadline keep their length: the times of the wait move with it. If the
 *   machine was suspended past the deadline, the job is checked once more before the wait ends. Both are noticed within
 *   a minute.
 *
 * **Gotchas**
 *
 * A timeout, an interruption and a scope that closes leave the remote job running, unless `onTimeout`, `onInterrupt` or
 * `onClose` says otherwise. `"cancelRemote"` for a job that has no `cancel` is a RangeError.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Exit } from "effect/Exit"
import type * as Types from "effect/Types"
import type { CheckResult } from "./CheckResult.ts"
import type { Handle } from "./Handle.ts"
import * as request from "./internal/options/request.ts"
import { advance as advancing } from "./internal/single/advance.ts"
import * as eventBuffer from "./internal/single/eventBuffer.ts"
import * as handle from "./internal/single/handle.ts"
import * as host from "./internal/single/host.ts"
import { from, resume as resuming } from "./internal/single/resume.ts"
import * as submit from "./internal/single/submit.ts"
import { toPromise } from "./internal/single/toPromise.ts"
import { unstarted } from "./internal/single/unstarted.ts"
import { isJob, type Job, type Receipt, type Watchable } from "./Job.ts"
import type { PollError, ResumeTokenError } from "./PollError.ts"
import type { PollEvent } from "./PollEvent.ts"
import type { AdvanceOptions, PollOptions, SubmitOptions, ToldOptions } from "./PollOptions.ts"
import type { ResumeToken } from "./ResumeToken.ts"
import type { Status } from "./Status.ts"
import type { SubmitError } from "./SubmitError.ts"

export type {
  /**
   * The options of one wait. See the module `PollOptions`.
   *
   * @category models
   * @since 0.1.0
   */
  PollOptions as Options,
  /**
   * The options of `advance`. See the module `PollOptions`.
   *
   * @category models
   * @since 0.1.0
   */
  AdvanceOptions,
  /**
   * How long a submit and the storing of its receipt may take. See the module `PollOptions`.
   *
   * @category models
   * @since 0.1.0
   */
  SubmitOptions,
  /**
   * What tells a wait about its job while it polls. See the module `PollOptions`.
   *
   * @category models
   * @since 0.1.0
   */
  ToldOptions
} from "./PollOptions.ts"

/**
 * Waits until a job ends, and yields its result.
 *
 * **When to use**
 *
 * Use with a `Job` and a key, or with just an Effect that yields a `Status`.
 *
 * **Details**
 *
 * Any other ending is a typed error, see `PollError`. A defect or an interruption inside the check ends the wait with
 * the same cause. An out-of-range option throws a RangeError at the call, not when the Effect runs.
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
   * Waits until the job that `check` asks about has ended, and yields its result. Fails with a `PollError` for any
   * other ending. An out-of-range option throws a RangeError at the call.
   */
  <E0, RS = never, A0 = never, F0 = never, RT = never>(
    options: PollOptions<E0, RS> & ToldOptions<A0, F0, RT>
  ): <A = never, F = never, E extends E0 = never, R = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>
  ) => Effect.Effect<A | A0, PollError<F | F0, E>, Types.NoInfer<R | RS | RT>>
  /**
   * Waits until the job with this key has ended, and yields its result. Fails with a `PollError` for any other ending.
   * An out-of-range option throws a RangeError at the call.
   */
  <K, A, F, E, R, RS = never, RT = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
  ): Effect.Effect<A, PollError<F, E>, Types.NoInfer<R | RS | RT>>
  /**
   * Waits until the job that `check` asks about has ended, and yields its result. Fails with a `PollError` for any
   * other ending. An out-of-range option throws a RangeError at the call.
   */
  <A = never, F = never, E = never, R = never, RS = never, RT = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>,
    options: PollOptions<E, RS> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
  ): Effect.Effect<A, PollError<F, E>, Types.NoInfer<R | RS | RT>>
} = /*#__PURE__*/ request.entryPoint("Poll.until", (wait) => host.run(wait))

/**
 * Waits until a job ends, and streams the events of the wait.
 *
 * **Details**
 *
 * The stream never fails: its last event is `Ended`, with the exit that `until` would have. Checks start when the
 * stream runs and stop when its scope closes.
 *
 * A slow reader never delays a check. Up to 256 events are buffered for it. In a full buffer, a new event replaces the
 * oldest `Waiting`, `Unchanged` or `WokenInVain`, or else the oldest `CheckFailed`, `Confirming`, `Told` or `SourceBroke`.
 * Other events are dropped only from 4,096 on, and `Ended` is never dropped. An event `Missed` says how many were dropped.
 *
 * An out-of-range option throws a RangeError at the call.
 *
 * @category running
 * @since 0.1.0
 */
export const events: {
  /**
   * Streams the events of a wait for the job that `check` asks about. The stream never fails: its last event is
   * `Ended`. An out-of-range option throws a RangeError at the call.
   */
  <E0, RS = never, A0 = never, F0 = never, RT = never>(
    options: PollOptions<E0, RS> & ToldOptions<A0, F0, RT>
  ): <A = never, F = never, E extends E0 = never, R = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>
  ) => Stream.Stream<PollEvent<A | A0, F | F0, E>, never, Types.NoInfer<R | RS | RT>>
  /**
   * Streams the events of a wait for the job with this key. The stream never fails: its last event is `Ended`. An
   * option out of range throws a RangeError at the call.
   */
  <K, A, F, E, R, RS = never, RT = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
  ): Stream.Stream<PollEvent<A, F, E>, never, Types.NoInfer<R | RS | RT>>
  /**
   * Streams the events of a wait for the job that `check` asks about. The stream never fails: its last event is
   * `Ended`. An out-of-range option throws a RangeError at the call.
   */
  <A = never, F = never, E = never, R = never, RS = never, RT = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>,
    options: PollOptions<E, RS> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
  ): Stream.Stream<PollEvent<A, F, E>, never, Types.NoInfer<R | RS | RT>>
} = /*#__PURE__*/ request.entryPoint("Poll.events", (wait) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const buffer = eventBuffer.make(256)
      const waited = Effect.exit(host.run<unknown, PollError<unknown, unknown>, unknown>(wait, { emit: buffer.offer }))
      // With defaults out of range the wait never starts, and emits no event.
      yield* Effect.forkScoped(Effect.map(waited, (exit) => buffer.offer({ _tag: "Ended", attempts: 0, exit })))
      return Stream.fromPull(Effect.succeed(buffer.take))
    })
  )
)

/**
 * Starts a wait in the background, and yields a handle to it.
 *
 * **Details**
 *
 * The wait runs until the job ends, the handle interrupts it, or the scope closes. An out-of-range option throws a
 * RangeError at the call.
 *
 * @category running
 * @since 0.1.0
 */
export const start: {
  /**
   * Starts a wait in the background for the job that `check` asks about, and yields a handle. The wait runs until the
   * job ends, the handle interrupts it, or the scope closes. An out-of-range option throws a RangeError at the call.
   */
  <E0, RS = never, A0 = never, F0 = never, RT = never>(
    options: PollOptions<E0, RS> & ToldOptions<A0, F0, RT>
  ): <A = never, F = never, E extends E0 = never, R = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>
  ) => Effect.Effect<Handle<A | A0, F | F0, E>, never, Types.NoInfer<R | RS | RT> | Scope>
  /**
   * Starts a wait in the background for the job with this key, and yields a handle. The wait runs until the job ends,
   * the handle interrupts it, or the scope closes. An out-of-range option throws a RangeError at the call.
   */
  <K, A, F, E, R, RS = never, RT = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
  ): Effect.Effect<Handle<A, F, E>, never, Types.NoInfer<R | RS | RT> | Scope>
  /**
   * Starts a wait in the background for the job that `check` asks about, and yields a handle. The wait runs until the
   * job ends, the handle interrupts it, or the scope closes. An out-of-range option throws a RangeError at the call.
   */
  <A = never, F = never, E = never, R = never, RS = never, RT = never>(
    check: Effect.Effect<CheckResult<A, F>, E, R>,
    options: PollOptions<E, RS> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
  ): Effect.Effect<Handle<A, F, E>, never, Types.NoInfer<R | RS | RT> | Scope>
} = /*#__PURE__*/ request.entryPoint("Poll.start", (wait) => handle.start(wait))

/**
 * Submits a job, passes its receipt to `onReceipt`, and waits until the job ends.
 *
 * **Details**
 *
 * `onReceipt` runs before the first check. Store the token that it receives: once it is stored, another process can
 * resume the wait. If `onReceipt` fails, no check is made and the Effect fails with that error.
 *
 * Both are bounded. A submit that does not end within `submitTimeout`, by default 5 minutes, fails with `SubmitTimeout`:
 * the job may have been accepted. An `onReceipt` that does not end within `receiptTimeout`, by default 10 seconds, fails
 * with `ReceiptTimeout`, which carries the token. See the module `SubmitError`.
 *
 * An interruption stops the submit until it has answered. After that, `onReceipt` runs first, then `onInterrupt` applies
 * to the job.
 *
 * A receipt that says how the job ended, in `ended`, ends the wait without a check. `onReceipt` runs all the same, and
 * its token has no result. A receipt with `attached` names a job that was already running: the wait attaches to it.
 *
 * The deadline counts from the receipt. A `hint` in the receipt is a floor for the first check.
 *
 * The submit runs once. It is never retried, because a submit that failed may still have been accepted. If it carries
 * an idempotency key, retry it yourself.
 *
 * Throws a RangeError at the call if the job has no `submit`, or if an option is out of range.
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
export const run = <K, A, F, E, R, I, ES, RS = never, E2 = never, R2 = never, RT = never>(
  job: Job<K, A, F, E, R, I, ES>,
  input: I | NoSubmit<I>,
  options: PollOptions<E, RS> &
    ToldOptions<NoInfer<A>, NoInfer<F>, RT> &
    SubmitOptions & {
      /** Receives the receipt of the submit, and a token of the wait to store, before the first check. */
      readonly onReceipt?:
        | ((token: ResumeToken, receipt: Receipt<K, NoInfer<A>, NoInfer<F>>) => Effect.Effect<unknown, E2, R2>)
        | undefined
    }
): Effect.Effect<A, PollError<F, E> | SubmitError | Types.NoInfer<ES | E2>, Types.NoInfer<R | RS | R2 | RT>> => {
  const running = submit.ofJob("Poll.run", job as never, input, options as never)
  return running as Effect.Effect<A, PollError<F, E> | SubmitError | ES | E2, R | RS | R2 | RT>
}

/**
 * Continues a wait from its token, with the same deadline, usually in another process.
 *
 * **Details**
 *
 * - Attempts, error budgets, the floor of the server and the step of the strategy are restored. A strategy that is a
 *   plain `Schedule` starts over, because its state cannot be stored.
 * - If the deadline has passed, one check is made before the wait ends.
 * - A token of another job, of an unknown version, or with an invalid key fails with `ResumeTokenError`.
 * - An out-of-range option throws a RangeError at the call.
 *
 * @category running
 * @since 0.1.0
 */
export const resume = <K, A, F, E, R, RS = never, RT = never>(
  job: Watchable<K, A, F, E, R>,
  token: ResumeToken,
  options?: Omit<PollOptions<E, RS>, "deadline" | "since"> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
): Effect.Effect<A, PollError<F, E> | ResumeTokenError, Types.NoInfer<R | RS | RT>> => {
  const resumed = resuming("Poll.resume", job as never, token, options)
  return resumed as Effect.Effect<A, PollError<F, E> | ResumeTokenError, R | RS | RT>
}

/**
 * Continues a wait from its token in the background, and yields a handle to it.
 *
 * **Details**
 *
 * The wait continues as with `resume`, and runs until the job ends, the handle interrupts it, or the scope closes. A
 * token of another job, of an unknown version, or with an invalid key fails with `ResumeTokenError`. An out-of-range
 * option throws a RangeError at the call.
 *
 * @category running
 * @since 0.1.0
 */
export const startFrom = <K, A, F, E, R, RS = never, RT = never>(
  job: Watchable<K, A, F, E, R>,
  token: ResumeToken,
  options?: Omit<PollOptions<E, RS>, "deadline" | "since"> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
): Effect.Effect<Handle<A, F, E>, ResumeTokenError, Types.NoInfer<R | RS | RT> | Scope> => {
  const started = from("Poll.startFrom", job as never, token, options, (wait) => handle.start<A, F, E, R>(wait, token))
  return started as Effect.Effect<Handle<A, F, E>, ResumeTokenError, R | RS | RT | Scope>
}

/**
 * Yields the token of a wait that starts now, and does not start it: `resume` does, usually in another process. Its
 * deadline, its first check and the limits of its strategy count from now.
 *
 * **Details**
 *
 * No check is made, and no observer is notified. An out-of-range option throws a RangeError at the call. Give `resume`
 * the same options.
 *
 * **Example** (Leaving a wait to another process)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import * as ResumeToken from "effect-poll/ResumeToken"
 * import * as Status from "effect-poll/Status"
 *
 * const Render = Job.make("render", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) })
 * const stored = Poll.prepare(Render, "cat", { deadline: "1 hour" }).pipe(Effect.map(ResumeToken.toJson))
 *
 * const later = Effect.flatMap(stored, ResumeToken.fromJson).pipe(
 *   Effect.flatMap((token) => Poll.resume(Render, token))
 * )
 * await Effect.runPromise(later) // => "cat.png"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const prepare = <K, A, F, E, R, RS = never, RT = never>(
  job: Watchable<K, A, F, E, R>,
  key: Types.NoInfer<K>,
  options: PollOptions<E, RS> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
): Effect.Effect<ResumeToken> => unstarted("Poll.prepare", job as never, key, options)

/**
 * The result of one call of `advance`: the job is pending, or its wait has ended.
 *
 * @category models
 * @since 0.1.0
 */
export type Advanced<A, F = never, E = never> =
  | {
      readonly _tag: "Pending"
      /**
       * The last status that a check found, or `undefined` if there is none. It lacks its `detail` if the check was
       * made by an earlier call. An end that is not confirmed yet is a status too, but only in the call that found it:
       * later calls have `undefined`.
       */
      readonly status: Status<A, F> | undefined
      /** The wait as it is now: store it, and pass it to the next call. It is plain JSON, see `ResumeToken`. */
      readonly token: ResumeToken
      /** When the next check is due, in wall-clock milliseconds; it may be now. A call before makes no check. */
      readonly dueAt: number
      /** The number of checks made so far, including failed ones. */
      readonly attempts: number
      /** The error of the check of this call, if that failed; otherwise `undefined`. */
      readonly lastCheckError: unknown
    }
  | {
      readonly _tag: "Ended"
      /** The exit that `until` would have. */
      readonly exit: Exit<A, PollError<F, E>>
    }

/**
 * Makes at most one check of a job, and yields when to call again or how the wait has ended.
 *
 * **When to use**
 *
 * Use where nothing may run between two checks: in a cron job, in a serverless function, in a loop that exists already,
 * or behind the `refetchInterval` of TanStack Query. Elsewhere use `until`.
 *
 * **Details**
 *
 * The first call takes a key and starts the wait; each later one takes the `token` that the call before it yielded.
 * Sleep until `dueAt`, or call at any time: a call before `dueAt` sends nothing and yields the same token, and a call
 * after it makes the check that is due. Called at each `dueAt`, it makes the checks that `until` makes, at the same
 * times, and ends the same way.
 *
 * - The deadline counts from the first call. If it passes between two calls, the next one makes one more check, then the
 *   wait ends. The options of a later call may contain `deadline` and `since`, but those of the token apply.
 * - The gate is asked as part of the call. If it postpones the check, `dueAt` is when it may be asked again.
 * - A retry, the first check of a fallback, and that of the other source of `confirm` are made by the next call.
 * - With `onTimeout: "cancelRemote"`, the call in which the wait times out cancels the job; the next calls check it for
 *   at most `cancelTimeout`, as `until` does.
 * - A handler of actions runs within the call, for at most `cancelTimeout`; then it is interrupted, and the next call
 *   runs it again. After a handler that has completed, a check is due at once, in the next call.
 * - Observers receive `Started` from the first call and `Ended` from the last one.
 * - A token of another job, of an unknown version, or with an invalid key fails with `ResumeTokenError`. A `Schedule`
 *   that was not made by `Strategy` is a RangeError, because its state cannot be stored; so is an out-of-range option.
 *
 * **Gotchas**
 *
 * - Two calls with the same token at the same time both make the check. The token of either can be continued.
 * - An interrupted call interrupts its check. The token that it was given is still valid.
 * - An object with the fields `version`, `job` and `key` is a token; a key must not look like one.
 *
 * **Example** (A loop of one's own)
 *
 * ```ts
 * import * as Clock from "effect/Clock"
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import type { ResumeToken } from "effect-poll/ResumeToken"
 * import * as Status from "effect-poll/Status"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * let checks = 0
 * const Export = Job.make("export", {
 *   check: (id: string) => Effect.sync(() => (++checks < 3 ? Status.pending() : Status.succeeded(`${id}.csv`)))
 * })
 * const strategy = Strategy.spaced("5 millis")
 *
 * const program = Effect.gen(function* () {
 *   let of: string | ResumeToken = "e-1"
 *   for (;;) {
 *     const found: Poll.Advanced<string> = yield* Poll.advance(Export, of, { deadline: "1 hour", strategy })
 *     if (found._tag === "Ended") return yield* found.exit
 *     of = found.token
 *     yield* Effect.sleep(Math.max(0, found.dueAt - (yield* Clock.currentTimeMillis)))
 *   }
 * })
 * await Effect.runPromise(program) // => "e-1.csv"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const advance = <K, A, F, E, R, RS = never>(
  job: Watchable<K, A, F, E, R>,
  of: Types.NoInfer<K> | ResumeToken,
  options: AdvanceOptions<E, RS>
): Effect.Effect<Advanced<A, F, E>, ResumeTokenError, Types.NoInfer<R | RS>> => {
  const advanced = advancing("Poll.advance", job as never, of, options)
  return advanced as Effect.Effect<Advanced<A, F, E>, ResumeTokenError, R | RS>
}

/**
 * Waits until a job ends, and returns its result as a Promise.
 *
 * **When to use**
 *
 * Use where a program with Effect calls, or is called by, code with Promises. For code without any Effect, the module
 * `effect-poll/promise` takes checks that are async functions, and has handles, `run` and `resume` too.
 *
 * **Details**
 *
 * The check must not require services; `Job.provide` provides those of a job. The wait writes no logs. The Promise
 * rejects with a `PollError`, with a RangeError for an option out of range, or with the `reason` of `signal` once it
 * aborts. After that no further request is sent, and no listener stays on the signal.
 *
 * **Example** (Waiting with an AbortSignal)
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
   * Waits until the job with this key has ended, and returns its result. The Promise rejects with a `PollError`, with a
   * RangeError for an out-of-range option, or with the `reason` of `signal` once it aborts.
   */
  <K, A, F, E>(
    job: Watchable<K, A, F, E, never>,
    key: K,
    options: PollOptions<E> &
      Omit<ToldOptions<NoInfer<A>, NoInfer<F>>, "signal"> & {
        /** Interrupts the wait when it aborts. Default: none. The stream of a `Signal` is given as `push`. */
        readonly signal?: AbortSignal | undefined
      }
  ): Promise<A>
  /**
   * Waits until the job that `check` asks about has ended, and returns its result. The Promise rejects with a
   * `PollError`, with a RangeError for an out-of-range option, or with the `reason` of `signal` once it aborts.
   */
  <A = never, F = never, E = never>(
    check: Effect.Effect<CheckResult<A, F>, E>,
    options: PollOptions<E> &
      Omit<ToldOptions<NoInfer<A>, NoInfer<F>>, "signal"> & {
        /** Interrupts the wait when it aborts. Default: none. The stream of a `Signal` is given as `push`. */
        readonly signal?: AbortSignal | undefined
      }
  ): Promise<A>
  // The way out of Effect, so a Promise is intended.
  // @effect-diagnostics-next-line asyncFunction:off
} = async (...args: ReadonlyArray<unknown>): Promise<never> => {
  const at = isJob(args[0]) ? 2 : 1
  const options = args[at] as { readonly signal?: AbortSignal | undefined } | undefined
  if (options?.signal === undefined) return toPromise(promised(...args), undefined)
  const { signal, ...rest } = options
  return toPromise(promised(...args.slice(0, at), rest), signal)
}

// ---- internal ----

const promised: (...args: ReadonlyArray<unknown>) => Effect.Effect<never, unknown> = /*#__PURE__*/ request.entryPoint(
  "Poll.promise",
  (wait) => host.run(wait)
)

/** What the compiler says is expected in place of the input of a job that takes none. */
type NoSubmit<I> = [I] extends [never]
  ? "this job has no submit, or one without a parameter: declare `submit: (input: void) => ...`"
  : never
