/**
 * What a wait is told while it polls: an end, an answer, or a reason to check. Waits are told by the streams of the options
 * `signal` and `push`, by the `push` of a `Job`, and by `Wakes`.
 *
 * **Details**
 *
 * - `Ended` is the end of the job, from whoever decides about it. It ends the wait at once, whatever the wait is doing.
 *   Neither `confirm` nor `since` applies.
 * - `Report` is a status from someone who knows it, such as a webhook with a verified signature. It counts as the
 *   answer to a check: `confirm`, `since`, `unknownState`, `stall`, `stateLimits` and `onAction` apply. It is not
 *   counted as an attempt. Unless it ends the wait, it neither moves the next check nor interrupts one in flight.
 * - `Wake` is a reason to check, and says nothing about the job.
 *
 * The first end counts, whether it is told or found by a check. Anything told after it has no effect.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import { dual } from "effect/Function"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { type CheckResult, isCheckResult } from "./CheckResult.ts"
import { Memory as memory } from "./internal/told/memory.ts"
import { WaitListener } from "./internal/told/listener.ts"
import { loaded } from "./internal/told/loaded.ts"
import * as make from "./internal/told/make.ts"
import { takeApart } from "./internal/told/takeApart.ts"
import * as validate from "./internal/validate.ts"
import type { Ended, Report, Told, Wake } from "./internal/told/model.ts"
import { isStatus, isTerminal, type Terminal } from "./Status.ts"

// Nothing can tell a wait anything unless this module is loaded, so this module installs the listener.
loaded.split = takeApart
loaded.listen = (request, job, register, fork) => new WaitListener(request, job, register, fork)

export type {
  /**
   * The end of the job, from whoever decides about it.
   *
   * @category models
   * @since 0.1.0
   */
  Ended,
  /**
   * A status of the job that counts as the answer to a check.
   *
   * **Details**
   *
   * A report of an earlier run (see the option `since`) is ignored. A report of a missing job, or of an end without its
   * result, is only a reason to check.
   *
   * @category models
   * @since 0.1.0
   */
  Report,
  /**
   * A stream of what a wait is told: the option `signal` or `push`.
   *
   * **Details**
   *
   * The stream is subscribed before the first check, and closed when the wait ends. If it fails, dies or ends, it is
   * subscribed again after 1 second, doubling each time up to 1 minute, and a check follows. Its failure never fails
   * the wait.
   *
   * @category models
   * @since 0.1.0
   */
  Source,
  /**
   * What a wait for a job with the result `A` and the failure `F` is told.
   *
   * @category models
   * @since 0.1.0
   */
  Told,
  /**
   * A reason to check.
   *
   * @category models
   * @since 0.1.0
   */
  Wake
} from "./internal/told/model.ts"

/**
 * Tests whether a value is a `Told`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTold: (u: unknown) => u is Told<unknown, unknown> = make.isTold

/**
 * Creates an `Ended`: the job has ended with this status, and so does the wait. Throws a RangeError for a pending
 * status.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ended = <A = never, F = never>(status: Terminal<A, F>): Ended<A, F> =>
  isStatus(status) && isTerminal(status)
    ? make.make({ _tag: "Ended", status })
    : validate.refuse("Told.ended: status", "a terminal status", status)

/**
 * Creates a `Report`: a status or a `CheckResult` that counts as the answer to a check. Throws a RangeError for
 * anything else.
 *
 * @category constructors
 * @since 0.1.0
 */
export const report = <A = never, F = never>(result: CheckResult<A, F>): Report<A, F> =>
  isCheckResult(result)
    ? make.make({ _tag: "Report", result })
    : validate.refuse("Told.report: result", "a status or a CheckResult", result)

/**
 * A reason to check, without further information.
 *
 * @category constructors
 * @since 0.1.0
 */
export const wake: Wake = /*#__PURE__*/ make.make({ _tag: "Wake" })

/**
 * What the stream of a wait keeps from one subscription to the next, such as the id of the last event that it received. It
 * is one `Map` for each wait and stream, by keys of the stream's own. Default: `undefined`, outside of a wait.
 *
 * @category services
 * @since 0.1.0
 */
export const Memory: Context.Reference<Map<unknown, unknown> | undefined> = memory

/**
 * Makes a source from any stream, such as server-sent events, a socket or a queue. `toTold` returns what an element
 * tells, or `undefined` if it tells nothing, for example because it is about another job.
 *
 * **Example** (Waiting for an event, with polling behind it)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 * import * as Told from "effect-poll/Told"
 *
 * const lines = Stream.concat(Stream.make("progress", "done: cat.png"), Stream.never)
 * const push = Told.fromStream(lines, (line) =>
 *   line.startsWith("done: ") ? Told.ended(Status.succeeded(line.slice(6))) : Told.wake
 * )
 * const Render = Job.make<string>("render", { check: () => Effect.succeed(Status.pending()) })
 * await Effect.runPromise(Poll.until(Render, "cat", { deadline: "1 minute", push })) // => "cat.png"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromStream: {
  /**
   * Makes a source from any stream. `toTold` returns what an element tells, or `undefined` if it tells nothing.
   */
  <T, A = never, F = never>(
    toTold: (element: T) => Told<A, F> | undefined
  ): <E, R>(stream: Stream.Stream<T, E, R>) => Stream.Stream<Told<A, F>, E, R>
  /**
   * Makes a source from any stream. `toTold` returns what an element tells, or `undefined` if it tells nothing.
   */
  <T, E, R, A = never, F = never>(
    stream: Stream.Stream<T, E, R>,
    toTold: (element: T) => Told<A, F> | undefined
  ): Stream.Stream<Told<A, F>, E, R>
} = /*#__PURE__*/ dual(
  2,
  <T, E, R, A, F>(
    stream: Stream.Stream<T, E, R>,
    toTold: (element: T) => Told<A, F> | undefined
  ): Stream.Stream<Told<A, F>, E, R> =>
    Stream.filterMap(stream, (element) => Result.fromNullishOr(toTold(element), () => element))
)
