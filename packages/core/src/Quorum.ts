/**
 * Combines effects of which only some have to succeed: at least `count` of them, or all but `failures`.
 *
 * **When to use**
 *
 * Use with independent waits, such as `poller.until` for each replica of a write. To need all or any of them, use
 * `Effect.all` with `concurrency: "unbounded"`, or `Effect.raceAll`.
 *
 * **Details**
 *
 * All effects run concurrently. As soon as the result is certain, the effects that are still running are interrupted.
 *
 * **Gotchas**
 *
 * Interrupting `poller.until` or `Poll.until` ends the wait. Interrupting `handle.await` does not: the wait and its
 * checks continue. To end them too, use `Effect.onInterrupt(handle.await, () => handle.interrupt)`.
 *
 * **Example** (Requiring two of three replicas)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as Quorum from "effect-poll/Quorum"
 * import * as Status from "effect-poll/Status"
 *
 * const replica = (status: Status.Status<string>) => Poll.until(Effect.succeed(status), { deadline: "1 minute" })
 * const written = [replica(Status.succeeded("eu")), replica(Status.pending()), replica(Status.succeeded("us"))]
 * await Effect.runPromise(Quorum.atLeast(written, 2)) // => ["eu", "us"]
 * ```
 *
 * @since 0.1.0
 */
import type { Cause } from "effect/Cause"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as validate from "./internal/validate.ts"

/**
 * Too few effects succeeded, or too many failed.
 *
 * @category errors
 * @since 0.1.0
 */
export class QuorumFailed<out E = unknown>
  extends /*#__PURE__*/ Data.TaggedError("QuorumFailed")<{
    /** The number of effects that had to succeed. */
    readonly needed: number
    /** The number of effects that succeeded before the failure was certain. */
    readonly succeeded: number
    /** The number of effects. */
    readonly total: number
    /** The causes of the effects that failed, in the order in which they failed. */
    readonly causes: ReadonlyArray<Cause<E>>
  }>
{
  override get message(): string {
    const { causes, needed, succeeded, total } = this
    return `${needed} of ${total} effects must succeed: ${succeeded} succeeded, ${causes.length} failed`
  }
}

/**
 * Runs effects concurrently until `count` of them have succeeded, and yields their results in the order of the effects.
 * Fails with `QuorumFailed` as soon as `count` successes are no longer possible. In both cases the effects that are
 * still running are interrupted.
 *
 * **Details**
 *
 * `count` must be an integer >= 1; otherwise a RangeError is thrown. An effect that is interrupted from within counts
 * as failed.
 *
 * @category combining
 * @since 0.1.0
 */
export const atLeast: {
  /**
   * Runs effects concurrently until `count` of them have succeeded, and yields their results in the order of the
   * effects. Fails with `QuorumFailed` as soon as that is no longer possible. `count` must be an integer >= 1;
   * otherwise a RangeError is thrown.
   */
  (
    count: number
  ): <Eff extends Effect.Effect<unknown, unknown, unknown>>(
    effects: Iterable<Eff>
  ) => Effect.Effect<Array<Effect.Success<Eff>>, QuorumFailed<Effect.Error<Eff>>, Effect.Services<Eff>>
  /**
   * Runs effects concurrently until `count` of them have succeeded, and yields their results in the order of the
   * effects. Fails with `QuorumFailed` as soon as that is no longer possible. `count` must be an integer >= 1;
   * otherwise a RangeError is thrown.
   */
  <Eff extends Effect.Effect<unknown, unknown, unknown>>(
    effects: Iterable<Eff>,
    count: number
  ): Effect.Effect<Array<Effect.Success<Eff>>, QuorumFailed<Effect.Error<Eff>>, Effect.Services<Eff>>
} = /*#__PURE__*/ dual(
  2,
  <A, E, R>(effects: Iterable<Effect.Effect<A, E, R>>, count: number): Effect.Effect<Array<A>, QuorumFailed<E>, R> => {
    const needed = validate.count("Quorum.atLeast: count", count, 1)
    return Effect.suspend(() => {
      const list = [...effects]
      return Effect.flatMap(settle(list, needed, list.length - needed), ({ causes, values }) =>
        values.length >= needed
          ? Effect.succeed(values)
          : Effect.fail(new QuorumFailed({ needed, succeeded: values.length, total: list.length, causes }))
      )
    })
  }
)

/**
 * Runs effects concurrently until all have ended, and yields the results of the successful ones in the order of the
 * effects. As soon as more than `failures` effects have failed, interrupts the others and fails with `QuorumFailed`.
 *
 * **Details**
 *
 * `failures` must be an integer >= 0; otherwise a RangeError is thrown. An effect that is interrupted from within
 * counts as failed.
 *
 * @category combining
 * @since 0.1.0
 */
export const tolerate: {
  /**
   * Runs effects concurrently until all have ended, and yields the results of the successful ones in the order of the
   * effects. Fails with `QuorumFailed` as soon as more than `failures` have failed. `failures` must be an integer >= 0;
   * otherwise a RangeError is thrown.
   */
  (
    failures: number
  ): <Eff extends Effect.Effect<unknown, unknown, unknown>>(
    effects: Iterable<Eff>
  ) => Effect.Effect<Array<Effect.Success<Eff>>, QuorumFailed<Effect.Error<Eff>>, Effect.Services<Eff>>
  /**
   * Runs effects concurrently until all have ended, and yields the results of the successful ones in the order of the
   * effects. Fails with `QuorumFailed` as soon as more than `failures` have failed. `failures` must be an integer >= 0;
   * otherwise a RangeError is thrown.
   */
  <Eff extends Effect.Effect<unknown, unknown, unknown>>(
    effects: Iterable<Eff>,
    failures: number
  ): Effect.Effect<Array<Effect.Success<Eff>>, QuorumFailed<Effect.Error<Eff>>, Effect.Services<Eff>>
} = /*#__PURE__*/ dual(
  2,
  <A, E, R>(
    effects: Iterable<Effect.Effect<A, E, R>>,
    failures: number
  ): Effect.Effect<Array<A>, QuorumFailed<E>, R> => {
    validate.count("Quorum.tolerate: failures", failures, 0)
    return Effect.suspend(() => {
      const list = [...effects]
      return Effect.flatMap(settle(list, list.length, failures), ({ causes, values }) =>
        causes.length <= failures
          ? Effect.succeed(values)
          : Effect.fail(
              new QuorumFailed({
                needed: Math.max(0, list.length - failures),
                succeeded: values.length,
                total: list.length,
                causes
              })
            )
      )
    })
  }
)

// ---- internal ----

interface Settled<A, E> {
  /** In the order of the effects. */
  readonly values: Array<A>
  /** In the order in which they failed. */
  readonly causes: ReadonlyArray<Cause<E>>
}

/** Runs effects until `successes` have succeeded, more than `failures` have failed, or all have ended. */
const settle = <A, E, R>(
  effects: ReadonlyArray<Effect.Effect<A, E, R>>,
  successes: number,
  failures: number
): Effect.Effect<Settled<A, E>, never, R> =>
  Effect.gen(function* () {
    const settled = yield* Deferred.make<void>()
    const results: Array<{ readonly at: number; readonly value: A }> = []
    const causes: Array<Cause<E>> = []
    const isSettled = () =>
      results.length >= successes || causes.length > failures || results.length + causes.length === effects.length
    const run = (effect: Effect.Effect<A, E, R>, at: number) =>
      Effect.flatMap(Effect.exit(effect), (exit) => {
        if (isSettled()) return Effect.void
        if (Exit.isSuccess(exit)) results.push({ at, value: exit.value })
        else causes.push(exit.cause)
        return isSettled() ? Deferred.succeed(settled, undefined) : Effect.void
      })
    if (!isSettled()) {
      const runAll = Effect.forEach(effects, run, { concurrency: "unbounded", discard: true })
      yield* Effect.raceFirst(runAll, Deferred.await(settled))
    }
    return { values: results.toSorted((a, b) => a.at - b.at).map(({ value }) => value), causes }
  })
