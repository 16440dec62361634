/**
 * Watches many jobs at once, of one kind or of several: a service with one timer and one memory of what is due, that has a
 * fiber only for the checks under way.
 *
 * **When to use**
 *
 * Use `Poll.until` with `Effect.forEach` for up to a few thousand jobs. Use a `Poller` for more, where checks must be
 * bounded in number, where several parts of a program wait for the same jobs, or where one request can check many.
 *
 * **Details**
 *
 * - The rules of a wait are those of `Poll`: it is the same machine.
 * - Waits for the same key of the same job share their checks; deadline, stall, result and cancel belong to each. A check is
 *   shared only among waits that were added with the same services: other credentials check for themselves.
 * - What a check needs is taken from where the wait was added: services, and the span that checks are children of.
 * - At most `concurrency` checks are under way, in turns between jobs (and, within a job, between those
 *   that were added with other services), and in order of their due time otherwise. A wait that
 *   stands in line is still bound by its deadline.
 * - First checks are staggered: the first of a job begins at once, those that are added with it are spread over the interval of
 *   their strategy, as many as one each millisecond.
 * - Where the job has a `checkMany`, checks that fall due within its slack are made in one request.
 * - A wait has no span of its own here, and its errors have no history unless the option `history` asks for it.
 * - Observers are told beside the waits: a result is not held back for them, and what a slow one has not been told yet is
 *   kept.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Handle } from "./Handle.ts"
import * as service from "./internal/poller/service.ts"
import * as validate from "./internal/validate.ts"
import type { Watchable } from "./Job.ts"
import type { PollOptions } from "./PollOptions.ts"
import type { PollError, ResumeTokenError } from "./PollError.ts"
import type { ResumeToken } from "./ResumeToken.ts"

/**
 * The options of a `Poller`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out R = never> {
  /** How many checks may be under way at a time; a whole number from 1, or `"unbounded"`; default 1000. */
  readonly concurrency?: number | "unbounded" | undefined
  /** How many checks of one job may be under way at a time; default: as `concurrency`. */
  readonly concurrencyPerJob?: number | "unbounded" | undefined
  /**
   * How many waits there may be at a time, together with results that no stream has taken yet; a whole number from 1, or
   * `"unbounded"`; default one million. When there are as many, `add` waits.
   */
  readonly capacity?: number | "unbounded" | undefined
  /** Whether first checks are staggered; default true. */
  readonly stagger?: boolean | undefined
  /**
   * The shortest time between two wake-ups, within which checks are begun together; a non-negative finite duration, default
   * none. Ten milliseconds halve the cost of a Poller with few checks.
   */
  readonly coalesce?: Duration.Input | undefined
  /**
   * How long the end of a key is kept for who asks for it again, instead of checking, and what the server wished for it when
   * the last wait for it has left; a non-negative finite duration, default 1 second. A Poller in which nothing ends any more
   * keeps the last ones.
   */
  readonly linger?: Duration.Input | undefined
  /** Told of the jobs that are still running when the scope closes, for another process to resume. */
  readonly onShutdown?: ((running: ReadonlyArray<ResumeToken>) => Effect.Effect<void, never, R>) | undefined
}

/**
 * How a wait of a stream ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settled<out K, out A, out F = never, out E = never> {
  readonly key: K
  readonly exit: Exit.Exit<A, PollError<F, E>>
  readonly attempts: number
  /** Milliseconds since the wait started. */
  readonly elapsedMillis: number
}

/**
 * What a `Poller` is doing (see `Service.stats`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Stats {
  /** Waits that have not ended. */
  readonly watched: number
  /** Of `watched`: waits that sleep until their next check, or do something else that is no check. */
  readonly waiting: number
  /** Of `watched`: waits that are due and wait for a free place or for their gate. */
  readonly queued: number
  /** Of `watched`: waits whose check is in flight. Several waits can share one request. */
  readonly checking: number
  /** Requests in flight: checks and questions to gates. At most `concurrency`. */
  readonly requests: number
  /** Waits that ended, by how: `Succeeded`, the tag of the error, `Interrupted` or `Defect`. */
  readonly ended: Readonly<Record<string, number>>
}

/**
 * Watches many jobs at once.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  /**
   * Adds a wait and yields its handle, at once unless the Poller is full. Bad options are a RangeError at the call. The wait
   * lasts until it ends, is removed, or the Poller closes; it does not end with the fiber that added it.
   */
  readonly add: <K, A, F, E, R, RS = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS>
  ) => Effect.Effect<Handle<A, F, E>, never, R | RS>
  /** Goes on with a wait of another process, from its token (see `Poll.resume`). */
  readonly resume: <K, A, F, E, R, RS = never>(
    job: Watchable<K, A, F, E, R>,
    token: ResumeToken,
    options?: Omit<PollOptions<E, RS>, "deadline" | "since">
  ) => Effect.Effect<Handle<A, F, E>, ResumeTokenError, R | RS>
  /** Adds a wait and yields its result, as `Poll.until` does; an interruption removes the wait. */
  readonly until: <K, A, F, E, R, RS = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS>
  ) => Effect.Effect<A, PollError<F, E>, R | RS>
  /**
   * Adds a wait for each key and yields their ends as they come, at the least cost for each: there are no handles. The keys
   * may be a stream without an end; they are taken as there is room, and an end makes room when it is taken. When the stream is
   * left, its waits are removed.
   */
  readonly results: <K, A, F, E, R, RS = never, EK = never, RK = never>(
    job: Watchable<K, A, F, E, R>,
    keys: Iterable<K> | Stream.Stream<K, EK, RK>,
    options: PollOptions<E, RS>
  ) => Stream.Stream<Settled<K, A, F, E>, EK, R | RS | RK>
  /** What it is doing at the moment. */
  readonly stats: Effect.Effect<Stats>
  /**
   * Closes the Poller, and yields the tokens of the jobs that were still running, the same ones to every caller. Their
   * waits end at once as interrupted, and so does every later `add`. It waits for the checks that it interrupts, and for
   * the servers that it asks to stop a job. Closing the scope does the same.
   */
  readonly shutdown: Effect.Effect<ReadonlyArray<ResumeToken>>
}

/**
 * The `Poller` of a program, as a service.
 *
 * @category services
 * @since 0.1.0
 */
export class Poller extends Context.Service<Poller, Service>()("effect-poll/Poller") {}

/**
 * Creates a `Poller` that lives as long as the scope.
 *
 * **Details**
 *
 * A figure out of its range is a RangeError at the call.
 *
 * **Example** (Three jobs, as they end)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 * import * as Job from "effect-poll/Job"
 * import * as Poller from "effect-poll/Poller"
 * import * as Status from "effect-poll/Status"
 *
 * const Render = Job.make("render", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) })
 * const program = Effect.gen(function* () {
 *   const poller = yield* Poller.make()
 *   const ends = yield* Stream.runCollect(poller.results(Render, ["a", "b", "c"], { deadline: "10 minutes" }))
 *   return ends.map(({ key }) => key).toSorted()
 * })
 * await Effect.runPromise(Effect.scoped(program)) // => ["a", "b", "c"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(options?: Options<R>): Effect.Effect<Service, never, Scope.Scope | R> => {
  const figure = (name: "concurrency" | "concurrencyPerJob" | "capacity", otherwise: number): number => {
    const value = options?.[name] ?? otherwise
    return value === "unbounded" ? Number.POSITIVE_INFINITY : validate.count(`Poller.make: ${name}`, value, 1)
  }
  const concurrency = figure("concurrency", 1_000)
  const settings = {
    limits: {
      concurrency,
      concurrencyPerJob: options?.concurrencyPerJob === undefined ? concurrency : figure("concurrencyPerJob", 1),
      coalesce: validate.millis("Poller.make: coalesce", options?.coalesce ?? 0, "nonNegative"),
      linger: validate.millis("Poller.make: linger", options?.linger ?? 1_000, "nonNegative")
    },
    capacity: figure("capacity", 1_000_000),
    stagger: options?.stagger ?? true
  }
  return Effect.gen(function* () {
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const random = yield* Random.Random
    const poller: Service = service.make(settings, yield* Clock.Clock, () => random.nextDoubleUnsafe(), fork)
    const closed = Effect.flatMap(poller.shutdown, (running) => options?.onShutdown?.(running) ?? Effect.void)
    yield* Effect.addFinalizer(() => closed)
    return poller
  })
}

/**
 * Creates a layer with the `Poller` of a program.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <R = never>(options?: Options<R>): Layer.Layer<Poller, never, R> =>
  Layer.effect(Poller, make(options))
