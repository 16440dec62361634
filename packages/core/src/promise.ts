/**
 * Waits for jobs from code with Promises, without Effect.
 *
 * `poll` returns the result, `start` runs in the background, `run` submits the job first, `resume` continues from a
 * token, `advance` makes at most one check. All take a `Job` and a key; `poll` and `start` also take just a check: a function, usually async, that returns a
 * `Status`. `job` makes a `Job` of such functions.
 *
 * **Details**
 *
 * | in `Poll` | here |
 * |---|---|
 * | an Effect that yields a status | a function `({ signal, attempt, cursor, last }) => status`, which may be async |
 * | interruption | the option `signal`; the Promise rejects with its `reason` |
 * | a typed error | a rejection with the same `PollError`: look at `error._tag` |
 * | observers and events | the option `onProgress` |
 * | services | none: give a job its services with `Job.provide` |
 *
 * - The rules of a wait are those of `Poll`: deadline, error budgets, hints, the last check.
 * - A check that throws or rejects is a failed check. Its error is transient, unless it states another kind (see
 *   `CheckError`) or `checkErrors.kindOf` says otherwise, so the job is checked again within the error budget.
 * - When the signal aborts, or a check takes too long, the `signal` of the check in flight aborts. No further check is
 *   made, and no listener stays on the signal.
 * - Waits write no logs.
 *
 * **Gotchas**
 *
 * Pass the `signal` of the check on to `fetch`: a request that ignores it is abandoned, but not stopped.
 *
 * **Example** (Waiting for an export)
 *
 * ```ts
 * import * as promise from "effect-poll/promise"
 * import * as Status from "effect-poll/Status"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const states = ["queued", "running", "done"]
 * const fetchState = async (_signal: AbortSignal) => states.shift() ?? "done"
 *
 * const file = await promise.poll(
 *   async ({ signal }) => {
 *     const state = await fetchState(signal)
 *     return state === "done" ? Status.succeeded("export.csv") : Status.pending({ state })
 *   },
 *   { deadline: "10 minutes", strategy: Strategy.spaced("1 millis") }
 * )
 * file // => "export.csv"
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { CheckContext } from "./CheckContext.ts"
import type { CheckResult } from "./CheckResult.ts"
import * as request from "./internal/options/request.ts"
import * as promises from "./internal/single/promises.ts"
import * as validate from "./internal/validate.ts"
import type * as Job from "./Job.ts"
import type { Changed } from "./PollEvent.ts"
import type { AdvanceOptions as PollAdvanceOptions, PollOptions, SubmitOptions } from "./PollOptions.ts"
import * as ResumeToken from "./ResumeToken.ts"
import type { Action, Pending, Status } from "./Status.ts"

/**
 * What a check is given: the context of any check, and a signal.
 *
 * @category models
 * @since 0.1.0
 */
export interface Context extends CheckContext {
  /**
   * Aborts when the wait is interrupted, with the `reason` of its signal, and when the check takes longer than
   * `checkTimeout`. Pass it on to `fetch`.
   */
  readonly signal: AbortSignal
}

/**
 * Asks once for the status of a job whose result is an `A` and whose failure is an `F`. An error that it throws, or a
 * rejection, is a failed check.
 *
 * @category models
 * @since 0.1.0
 */
export type Check<A, F = never> = (context: Context) => CheckResult<A, F> | PromiseLike<CheckResult<A, F>>

/**
 * The options of a wait: those of `PollOptions`, a signal, and a callback for progress.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<in E = unknown> extends Omit<PollOptions<E>, "onAction">, CallerOptions {}

/**
 * The options of a wait that only callers with Promises have.
 *
 * @category models
 * @since 0.1.0
 */
export interface CallerOptions {
  /** Interrupts the wait when it aborts. The Promise then rejects with its `reason`. Default: none. */
  readonly signal?: AbortSignal | undefined
  /**
   * Called for each pending status that differs from the one before, with the event that it comes from. It may be async;
   * it never delays a check. Its errors do not end the wait: they are passed to `reportError` where that exists, otherwise
   * to `console.error`. It is not called once the signal has aborted. Default: none.
   */
  readonly onProgress?: ((status: Pending, event: Changed<unknown, unknown>) => unknown) | undefined
  /**
   * What to do when a pending job needs an action: `"report"`, `"fail"` with `PollError.ActionRequired`, or a
   * handler, which may be async. The handler is called once for each request, beside the wait; when it is done, a
   * check is requested. If it throws or rejects, the wait rejects with that error. Default: that of the `Job`,
   * otherwise `"report"`.
   */
  readonly onAction?: OnAction | undefined
}

/**
 * What to do when a pending job needs an action. The signal of a handler aborts when the wait ends, and when the job no
 * longer needs the action.
 *
 * @category models
 * @since 0.1.0
 */
export type OnAction =
  | "report"
  | "fail"
  | ((action: Action, context: Job.ActionContext & { readonly signal: AbortSignal }) => unknown)

/**
 * A wait in the background, see `start`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Handle<out A, out F = never> {
  /**
   * The result of the wait, like that of `poll`. An unhandled rejection of it is not reported, because a program may use
   * only the rest of the handle.
   */
  readonly result: Promise<A>
  /** The last status that a check found, or `undefined` if there is none. */
  readonly status: () => Status<A, F> | undefined
  /** A token of the wait in its current state, from which another process can resume it. */
  readonly token: () => ResumeToken.ResumeToken
  /**
   * Checks now instead of at the planned time, but at least `zeroDelay` (of `PollDefaults`, 10 milliseconds) after the
   * start of the check before. The floor of the server and the gate still apply, unless `force` is `true`.
   * A pause still applies.
   */
  readonly checkNow: (options?: { readonly force?: boolean | undefined }) => void
  /** Stops making checks until `unpause`. The deadline still applies, and a check in flight completes. */
  readonly pause: () => void
  /** Resumes making checks after `pause`. A check that fell due in the meantime follows at once. */
  readonly unpause: () => void
  /**
   * Asks the server to cancel the job. The wait continues, because the job may still succeed or fail. Rejects with
   * `CancelFailed` if the `Job` has no `cancel`, if that fails, or if it does not end within `cancelTimeout`.
   */
  readonly cancel: () => Promise<void>
  /**
   * Interrupts the wait. With `onInterrupt: "cancelRemote"` the server is asked to cancel the job. `result` rejects with
   * the reason; default: a `DOMException` with the name `AbortError`.
   */
  readonly interrupt: (reason?: unknown) => Promise<void>
  /**
   * Ends the wait without canceling the job, and returns a token to resume it from, usually in another process. `result`
   * rejects with a `DOMException` with the name `AbortError`.
   */
  readonly leave: () => Promise<ResumeToken.ResumeToken>
}

/**
 * Waits until a job ends, and returns its result.
 *
 * **When to use**
 *
 * Use with a check, or with a `Job` that requires no services and a key. A `Job` over HTTP requires a client, which
 * `Job.provide` gives it.
 *
 * **Details**
 *
 * The Promise rejects with a `PollError` for any other ending, with a RangeError for an out-of-range option, and with the
 * `reason` of `signal` once it aborts. A check that returns no status rejects with a TypeError.
 *
 * **Example** (Aborting, and showing progress)
 *
 * ```ts
 * import * as promise from "effect-poll/promise"
 * import * as Status from "effect-poll/Status"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const shown: Array<string> = []
 * const result = promise.poll(
 *   async ({ attempt }) => (attempt < 4 ? Status.pending({ percent: attempt * 25 }) : Status.succeeded("a.png")),
 *   {
 *     deadline: "10 minutes",
 *     strategy: Strategy.spaced("1 millis"),
 *     signal: AbortSignal.timeout(5_000),
 *     onProgress: ({ progress = 0 }) => shown.push(`${progress * 100} %`)
 *   }
 * )
 * await result // => "a.png"
 * shown // => ["25 %", "50 %", "75 %"]
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const poll: {
  /**
   * Waits until the job with this key has ended, and returns its result. Rejects with a `PollError` for any other ending,
   * with a RangeError for an out-of-range option, and with the `reason` of `signal` once it aborts.
   */
  <K, A, F, E>(job: Job.Watchable<K, A, F, E>, key: K, options: Options<E>): Promise<A>
  /**
   * Waits until the job that `check` asks about has ended, and returns its result. Rejects with a `PollError` for any
   * other ending, with a RangeError for an out-of-range option, and with the `reason` of `signal` once it aborts.
   */
  <A = never, F = never>(check: Check<A, F>, options: Options): Promise<A>
  // @effect-diagnostics-next-line asyncFunction:off
} = async (...args: ReadonlyArray<unknown>): Promise<never> => {
  const { call, signal } = promises.caller("promise.poll", args)
  return promises.poll("promise.poll", call, signal)
}

/**
 * Starts a wait in the background, and returns a handle to it.
 *
 * **Details**
 *
 * Throws a RangeError for an out-of-range option, and the `reason` of a signal that has aborted already.
 *
 * **Example** (Leaving a wait to another process)
 *
 * ```ts
 * import * as promise from "effect-poll/promise"
 * import * as Status from "effect-poll/Status"
 *
 * const Render = promise.job("render", { check: async (_id: string) => Status.pending({ state: "QUEUED" }) })
 * const handle = promise.start(Render, "r-1", { deadline: "2 hours" })
 * const { key, job } = await handle.leave()
 * const left = [job, key] // => ["render", "r-1"]
 * const reason = await handle.result.catch((error: unknown) => error)
 * const isAbort = reason instanceof DOMException && reason.name === "AbortError" // => true
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const start: {
  /**
   * Starts a wait in the background for the job with this key, and returns a handle to it. Throws a RangeError for an
   * out-of-range option, and the `reason` of a signal that has aborted already.
   */
  <K, A, F, E>(job: Job.Watchable<K, A, F, E>, key: K, options: Options<E>): Handle<A, F>
  /**
   * Starts a wait in the background for the job that `check` asks about, and returns a handle to it. Throws a RangeError
   * for an out-of-range option, and the `reason` of a signal that has aborted already.
   */
  <A = never, F = never>(check: Check<A, F>, options: Options): Handle<A, F>
} = (...args: ReadonlyArray<unknown>): Handle<never> => {
  const { call, signal } = promises.caller("promise.start", args)
  signal?.throwIfAborted()
  const wanted = promises.requestOf("promise.start", call)
  return promises.startHandle<never, never>(wanted, signal)
}

/**
 * Submits a job, passes its receipt to `onReceipt`, and waits until the job ends.
 *
 * **Details**
 *
 * `onReceipt` is called, and awaited, before the first check. Store the token that it receives: once it is stored, another
 * process can `resume` the wait. If it throws or rejects, no check is made and the Promise rejects with that error.
 *
 * The submit runs once and is never retried, because a submit that failed may still have been accepted. Its error is the
 * rejection. Otherwise, the Promise rejects like that of `poll`.
 *
 * **Example** (Storing the receipt)
 *
 * ```ts
 * import * as promise from "effect-poll/promise"
 * import * as Status from "effect-poll/Status"
 *
 * const Render = promise.job("render", {
 *   submit: async (scene: string) => ({ key: `${scene}-1` }),
 *   check: async (id) => Status.succeeded(`${id}.png`)
 * })
 * const stored: Array<string> = []
 * const image = await promise.run(Render, "forest", {
 *   deadline: "10 minutes",
 *   onReceipt: async (token) => stored.push(token.key)
 * })
 * image // => "forest-1.png"
 * stored // => ["forest-1"]
 * ```
 *
 * @category running
 * @since 0.1.0
 */
// @effect-diagnostics-next-line asyncFunction:off
export const run = async <K, A, F, E, I, ES>(
  job: Job.Job<K, A, F, E, never, I, ES>,
  input: I,
  options: Options<E> &
    SubmitOptions & {
      /** Receives a token of the wait to store, and the receipt of the submit, before the first check. May be async. */
      readonly onReceipt?:
        | ((token: ResumeToken.ResumeToken, receipt: Job.Receipt<K, NoInfer<A>, NoInfer<F>>) => unknown)
        | undefined
    }
): Promise<A> => {
  const name = "promise.run"
  request.aJob(name, job)
  const { onReceipt, signal, ...rest } = promises.withCallbacks(name, options)
  validate.option(`${name}: onReceipt`, onReceipt, "a function")
  const stored = onReceipt && ((...args: Parameters<typeof onReceipt>) => promises.fromAsync(() => onReceipt(...args)))
  return promises.run(name, job, input, { ...rest, onReceipt: stored }, signal)
}

/**
 * Continues a wait from its token, with the same deadline, usually in another process.
 *
 * **Details**
 *
 * The token is that of a handle or of `onReceipt`, also after `JSON.stringify`: as the text, or as the parsed object. One
 * that is malformed, of another job or of an unknown version rejects with a `ResumeTokenError`. Otherwise, the Promise
 * rejects like that of `poll`.
 *
 * **Example** (Resuming from a stored token)
 *
 * ```ts
 * import * as promise from "effect-poll/promise"
 * import * as Status from "effect-poll/Status"
 *
 * const Render = promise.job("render", {
 *   check: async (id: string, { attempt }) => (attempt === 1 ? Status.pending() : Status.succeeded(`${id}.png`))
 * })
 * const handle = promise.start(Render, "r-1", { deadline: "2 hours" })
 * const stored = JSON.stringify(await handle.leave())
 * await promise.resume(Render, stored) // => "r-1.png"
 * ```
 *
 * @category running
 * @since 0.1.0
 */
// @effect-diagnostics-next-line asyncFunction:off
export const resume = async <K, A, F, E>(
  job: Job.Watchable<K, A, F, E>,
  token: ResumeToken.ResumeToken | string,
  options: Omit<Options<E>, "deadline" | "since"> = {}
): Promise<A> => {
  const name = "promise.resume"
  request.aJob(name, job)
  const { signal, ...rest } = promises.withCallbacks(name, options)
  const decoded = typeof token === "string" ? ResumeToken.fromJson(token) : ResumeToken.fromUnknown(token)
  return promises.resume(name, job, decoded, rest, signal)
}

/**
 * The options of `advance`: those of `Poll.advance`, a signal, and a callback for progress.
 *
 * @category models
 * @since 0.1.0
 */
export interface AdvanceOptions<in E = unknown> extends Omit<PollAdvanceOptions<E>, "onAction">, CallerOptions {}

/**
 * What one call of `advance` found: the job is pending, or it has succeeded.
 *
 * @category models
 * @since 0.1.0
 */
export type Advanced<A, F = never> =
  | {
      readonly _tag: "Pending"
      /**
       * The last status that a check found, or `undefined` if there is none. It lacks its `detail` if the check was made
       * by an earlier call.
       */
      readonly status: Status<A, F> | undefined
      /** The wait as it is now: store it, and give it to the next call. It is plain JSON. */
      readonly token: ResumeToken.ResumeToken
      /** When the next check is due, in wall-clock milliseconds; it may be now. A call before makes no check. */
      readonly dueAt: number
      /** The number of checks made so far, including failed ones. */
      readonly attempts: number
      /** The error of the check of this call, if that failed; otherwise `undefined`. */
      readonly lastCheckError: unknown
    }
  | { readonly _tag: "Ended"; /** The result of the job. */ readonly value: A }

/**
 * Makes at most one check of a job, and returns when to call again or the result.
 *
 * **When to use**
 *
 * Use where nothing may run between two checks: in a cron job, in a serverless function, in a loop that exists already,
 * or behind the `refetchInterval` of TanStack Query. Elsewhere use `poll`.
 *
 * **Details**
 *
 * The first call takes a key, each later one the `token` of the call before. A token from a store is parsed by
 * `JSON.parse`. The Promise rejects with a `PollError` for any other ending, with a `ResumeTokenError` for a token of
 * another job or of an unknown version, with a RangeError for an option out of range or a `Schedule` that was not made
 * by `Strategy`, and with the `reason` of `signal` once it aborts. The rest is as for `Poll.advance`.
 *
 * **Example** (Checking once per call)
 *
 * ```ts
 * import * as promise from "effect-poll/promise"
 * import * as Status from "effect-poll/Status"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const Render = promise.job("render", {
 *   check: async (id: string, { attempt }) => (attempt === 1 ? Status.pending() : Status.succeeded(`${id}.png`))
 * })
 * const options = { deadline: "1 hour", strategy: Strategy.spaced("1 millis") } as const
 * const first = await promise.advance(Render, "r-1", options)
 * if (first._tag === "Pending") {
 *   await new Promise((resolve) => setTimeout(resolve, first.dueAt - Date.now() + 1))
 *   const second = await promise.advance(Render, first.token, options)
 *   second // => { _tag: "Ended", value: "r-1.png" }
 * }
 * ```
 *
 * @category running
 * @since 0.1.0
 */
// @effect-diagnostics-next-line asyncFunction:off
export const advance = async <K, A, F, E>(
  job: Job.Watchable<K, A, F, E>,
  of: NoInfer<K> | ResumeToken.ResumeToken,
  options: AdvanceOptions<E>
): Promise<Advanced<A, F>> => {
  const name = "promise.advance"
  request.aJob(name, job)
  const { signal, ...rest } = promises.withCallbacks(name, options)
  return promises.advance(name, job, of, rest, signal) as Promise<Advanced<A, F>>
}

/**
 * The options of a job that is made of functions with Promises.
 *
 * @category models
 * @since 0.1.0
 */
export interface JobOptions<in out K, out A, out F, in I> extends Pick<
  Job.Options<K, A, F, unknown, never>,
  "strategy" | "unknownState" | "checkErrors" | "checkTimeout" | "stall" | "stateLimits" | "minInterval"
> {
  /** Asks once for the status of the job with this key. An error that it throws, or a rejection, is a failed check. */
  readonly check: (key: K, context: Context) => CheckResult<A, F> | PromiseLike<CheckResult<A, F>>
  /**
   * Submits a job and returns its receipt, for `run`. It is called once and never retried, because a submit that failed
   * may still have been accepted. The signal aborts when the wait is interrupted.
   */
  readonly submit?:
    | ((
        input: I,
        context: { readonly signal: AbortSignal }
      ) => Job.Receipt<NoInfer<K>, A, F> | PromiseLike<Job.Receipt<NoInfer<K>, A, F>>)
    | undefined
  /** Asks the server to cancel the job with this key. The job may still succeed or fail. */
  readonly cancel?: ((key: K, context: { readonly signal: AbortSignal }) => unknown) | undefined
  /** How an end is confirmed before it counts. Default: the first answer with an end counts. */
  readonly confirm?: Job.ConfirmPolicy | undefined
  /** What to do when a check finds no job. Default: the wait fails with `JobNotFound`. */
  readonly missing?: Omit<Job.MissingPolicy<NoInfer<K>, A, F, unknown, never>, "fallback"> | undefined
  /** What to do when a pending job needs an action. Default `"report"`. */
  readonly onAction?: OnAction | undefined
}

/**
 * Makes a `Job` of functions that may be async. It can be used everywhere that a `Job` can.
 *
 * **Details**
 *
 * Throws a RangeError for an empty name. The errors of its functions are `unknown`.
 *
 * **Example** (Defining a job)
 *
 * ```ts
 * import * as promise from "effect-poll/promise"
 * import * as Status from "effect-poll/Status"
 *
 * const Export = promise.job("export", { check: async (id: string) => Status.succeeded(`${id}.csv`) })
 * await promise.poll(Export, "e-1", { deadline: "1 minute" }) // => "e-1.csv"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const job = <A, F = never, I = never, K = string>(
  name: string,
  options: JobOptions<K, A, F, I> & Job.KeyOption<K>
): Job.Job<K, A, F, unknown, never, I, unknown> => {
  promises.checkJob(name, options)
  const { cancel, check, onAction, submit } = options
  const calls: Job.Options<K, A, F, unknown, never, I, unknown> = {
    check: (key, context) => promises.checkOf<A, F>(context, (withSignal) => check(key, withSignal)),
    submit: submit && ((input) => promises.fromAsync((signal) => submit(input, { signal }))),
    cancel: cancel && ((key) => Effect.asVoid(promises.fromAsync((signal) => cancel(key, { signal })))),
    onAction: promises.actionHandler(onAction)
  }
  return promises.makeJob(name, options, calls)
}
