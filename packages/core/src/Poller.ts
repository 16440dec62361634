/**
 * Waits for many jobs at once, of one kind or several, with a single timer and a fiber only for each check in flight.
 *
 * **When to use**
 *
 * Use `Effect.forEach` with `Poll.until` for up to a few thousand jobs. Use a `Poller` for more jobs, to limit the
 * number of checks, to share checks between parts of a program that wait for the same jobs, or to check many jobs in
 * one request.
 *
 * **Details**
 *
 * - Waits follow the same rules as in `Poll`.
 * - Waits for the same key of the same job share their checks. Each has its own deadline, stall limit, result and
 *   handle. Checks are shared only between waits that were added with the same services, because services can hold
 *   credentials.
 * - A check uses the services available where its wait was added, and is a child of the span that was current there.
 * - At most `concurrency` checks are in flight. Jobs, and the sets of services within a job, are served round-robin;
 *   within a turn, the earliest due wait goes first. The deadline of a wait also applies while it is queued.
 * - While several jobs have waits, a ninth of the places stays free, so that a job whose checks hang does not hold up
 *   the others. The sets of services within a job share its places in the same way.
 * - A question to a gate takes no place. A gate is asked only as far as there are free places for the checks that it lets
 *   through, and these come before other queued checks.
 * - First checks are staggered. The first check of a job starts at once. Each further one that is added at the same time
 *   follows about a hundredth of the first delay of its strategy after the one before, at least 1 millisecond, until they
 *   fill that delay, or a tenth of the time until the deadline if that is shorter. First checks of a job with
 *   `checkMany` are not staggered: they share requests.
 * - If a server requests the same delay of many waits at once, the first returns when the delay is over, and the others
 *   after it, spread over at most a tenth of the delay. Waits for one key return together, and so do the keys of a
 *   `checkMany`.
 * - If the job has a `checkMany`, checks that fall due within its `slack` share one request.
 * - A wait has no span of its own, and its errors have no history unless the option `history` is `true`.
 * - Results are not held back for observers. A slow observer misses notifications; see `Observer`.
 * - What happens to many waits at once, such as their deadline or the answer to a check that they share, is handled in
 *   slices of about 2 milliseconds, so that other fibers and timers get their turns.
 *
 * **Closing**
 *
 * A Poller closes with its scope, or by `shutdown`. No check begins from then on. First the tokens of the jobs that
 * keep running are handed out, to `onShutdown` and to the callers of `shutdown`. Then all waits end as interrupted,
 * checks in flight are interrupted, and the jobs of waits with `onClose: "cancelRemote"` are canceled: at most
 * `concurrency` at a time, unless that would take too long. Then the observers are notified, and the scope is closed.
 *
 * All of that, `onShutdown` included, takes at most the longest `cancelTimeout` of the waits and one second, however many
 * waits there are. What has not ended by then is interrupted, is no longer awaited, and is logged at Warn.
 *
 * A program that ends interrupts its callers before it closes its scopes. So an interruption of `until`, and of a stream
 * of `results`, counts as closing, and follows `onClose` instead of `onInterrupt`, in three cases:
 *
 * - the scope of the Poller, or one that contains it, is being closed. `Poller.layer` knows the scopes that it is built
 *   in, and so covers `Layer.launch` and `ManagedRuntime.dispose`;
 * - the fiber that made the Poller, or built its layer, is being interrupted, and the caller is another fiber;
 * - a signal interrupts the caller itself, as `runMain` does for the fiber of the program.
 *
 * Any other interruption, such as that of `Effect.timeout` or `Effect.race`, follows `onInterrupt`. If that does not cancel
 * the job, its token is kept for a second, and `shutdown` yields it too.
 *
 * **Gotchas**
 *
 * In two cases the end of a program cannot be distinguished from another interruption, so `onInterrupt` applies:
 *
 * - the fiber that made the Poller runs its `until` itself, and another fiber interrupts it;
 * - a layer of yours calls `Poller.make`, and `ManagedRuntime.dispose` interrupts the callers, or the layer is merged with
 *   others. Use `Poller.layer` there.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Types from "effect/Types"
import type { Handle } from "./Handle.ts"
import { Building, type Lifetime } from "./internal/poller/closing/lifetime.ts"
import { Reference } from "./internal/options/defaults.ts"
import * as service from "./internal/poller/service.ts"
import * as validate from "./internal/validate.ts"
import type { Watchable } from "./Job.ts"
import type { PollError, ResumeTokenError } from "./PollError.ts"
import type { PollOptions, ToldByKeyOptions, ToldOptions } from "./PollOptions.ts"
import type { ResumeToken } from "./ResumeToken.ts"

/**
 * The options of a `Poller`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out R = never> {
  /**
   * The maximum number of checks in flight; an integer >= 1 or `"unbounded"`, default 1000. One job may use all of them
   * only while no other job has waits. A check that was given up (it timed out, or all of its waits have left) but has
   * not ended is not counted here, but against `concurrencyPerJob`.
   */
  readonly concurrency?: number | "unbounded" | undefined
  /**
   * The maximum number of checks of one job in flight, including checks that were given up and have not ended; an
   * integer >= 1 or `"unbounded"`, default `concurrency`. The sets of services of a job share it, so that one whose
   * checks hang leaves places to the others.
   */
  readonly concurrencyPerJob?: number | "unbounded" | undefined
  /**
   * The maximum number of waits, together with results that their stream has not emitted yet; an integer >= 1 or
   * `"unbounded"`, default 1,000,000. Adding a wait suspends until there is room.
   */
  readonly capacity?: number | "unbounded" | undefined
  /**
   * Whether first checks are staggered: those of waits that are added together are spread over the first delay of their
   * strategy, but over at most a tenth of the time until the deadline. Those of a job with `checkMany` never are.
   * Default `true`.
   */
  readonly stagger?: boolean | undefined
  /**
   * The interval at which due checks are started together, to save wake-ups; a non-negative finite duration, default 0:
   * each check starts when it is due. 10 milliseconds halve the cost of a Poller with few checks.
   */
  readonly coalesce?: Duration.Input | undefined
  /**
   * How long the terminal status of a key answers new waits for it without a check, and how long the floor of the
   * server for a key is remembered after its last wait; a non-negative finite duration, default 1 second. An end that a
   * wait was told (`Told.ended`, such as that of a `Signal`) answers no other wait. Entries are removed as further waits
   * end, so an idle Poller keeps the last ones in memory.
   */
  readonly linger?: Duration.Input | undefined
  /**
   * Receives the tokens of all jobs that keep running when the Poller closes, before anything else. The scope is closed
   * once it has ended. It is interrupted after the longest `cancelTimeout` of the waits (that of `PollDefaults` if
   * there are none) and one second. Default: none.
   */
  readonly onShutdown?: ((running: ReadonlyArray<ResumeToken>) => Effect.Effect<void, never, R>) | undefined
}

/**
 * An ended wait, as emitted by `Service.results`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settled<out K, out A, out F = never, out E = never> {
  /** The key of the job. */
  readonly key: K
  /** The result of the wait, or the cause of its failure. */
  readonly exit: Exit.Exit<A, PollError<F, E>>
  /** The number of checks made, including failed ones. */
  readonly attempts: number
  /** Milliseconds from the start of the wait to its end. */
  readonly elapsedMillis: number
}

/**
 * The current activity of a `Poller` (see `Service.stats`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Stats {
  /** The number of waits that have not ended. */
  readonly watched: number
  /** The number of `watched` waits that are not due: they sleep until their next check, or cancel their job. */
  readonly waiting: number
  /**
   * The number of `watched` waits that are due, but wait for the gate or for a free place among the checks in flight.
   */
  readonly queued: number
  /** The number of `watched` waits with a check in flight. Several waits can share one request. */
  readonly checking: number
  /**
   * The number of requests in flight: checks, including those that were given up and have not ended, and questions to
   * gates. It may exceed `concurrency`, which limits only checks that have not been given up.
   */
  readonly requests: number
  /** The number of ended waits by ending: `Succeeded`, the tag of the error, `Interrupted` or `Defect`. */
  readonly ended: Readonly<Record<string, number>>
}

/**
 * The operations of a `Poller`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  /**
   * Adds a wait and yields its handle, after waiting for room if the Poller is full. An out-of-range option throws a
   * RangeError at the call. The wait runs until the job ends, its handle interrupts it, or the Poller closes; it
   * outlives the fiber that added it.
   */
  readonly add: <K, A, F, E, R, RS = never, RT = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
  ) => Effect.Effect<Handle<A, F, E>, never, Types.NoInfer<R | RS | RT>>
  /**
   * Continues a wait from its token, usually from another process, and yields its handle (see `Poll.resume`). Fails
   * with `ResumeTokenError` for a token of another job, of an unknown version, or with an invalid key.
   */
  readonly resume: <K, A, F, E, R, RS = never, RT = never>(
    job: Watchable<K, A, F, E, R>,
    token: ResumeToken,
    options?: Omit<PollOptions<E, RS>, "deadline" | "since"> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
  ) => Effect.Effect<Handle<A, F, E>, ResumeTokenError, Types.NoInfer<R | RS | RT>>
  /**
   * Adds a wait and yields its result, like `Poll.until`. Interruption interrupts the wait too, and
   * `onInterrupt` applies to its job; if the Poller closes as well, `onClose` does.
   */
  readonly until: <K, A, F, E, R, RS = never, RT = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS> & ToldOptions<NoInfer<A>, NoInfer<F>, RT>
  ) => Effect.Effect<A, PollError<F, E>, Types.NoInfer<R | RS | RT>>
  /**
   * Adds a wait for each key, and streams the endings in the order in which they occur. A failed wait is an element,
   * not a failure of the stream; the stream fails only if the stream of keys fails. Keys are pulled as there is room,
   * so they can be an infinite stream, and a slow reader slows down new waits only. When the scope of the stream
   * closes, its waits are interrupted, and `onInterrupt` applies. This costs less per key than `add`, because there are no
   * handles. The options `signal` and `push` are functions that return the stream for a key.
   */
  readonly results: <K, A, F, E, R, RS = never, EK = never, RK = never, RT = never>(
    job: Watchable<K, A, F, E, R>,
    keys: Iterable<K> | Stream.Stream<K, EK, RK>,
    options: PollOptions<E, RS> & ToldByKeyOptions<NoInfer<K>, NoInfer<A>, NoInfer<F>, RT>
  ) => Stream.Stream<Settled<K, A, F, E>, Types.NoInfer<EK>, Types.NoInfer<R | RS | RK | RT>>
  /** The current activity of the Poller. Takes time linear in the number of waits. */
  readonly stats: Effect.Effect<Stats>
  /**
   * Closes the Poller, and yields the tokens of the jobs that keep running before anything is canceled, awaited or
   * notified: at once, or after a few turns of the event loop if there are many. Every caller receives the same tokens.
   * A job that closing cancels (`onClose: "cancelRemote"`) has none. All waits are interrupted, and so is every later
   * `add`. Closing the scope of the Poller does the same, and waits for what follows.
   */
  readonly shutdown: Effect.Effect<ReadonlyArray<ResumeToken>>
}

/**
 * The service tag of a `Poller`.
 *
 * @category services
 * @since 0.1.0
 */
export class Poller extends Context.Service<Poller, Service>()("effect-poll/Poller") {}

/**
 * Creates a `Poller` that closes with the scope.
 *
 * **Details**
 *
 * An out-of-range option throws a RangeError at the call.
 *
 * **Example** (Collecting the results of three jobs)
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
export const make = <R = never>(
  options?: Options<R>
): Effect.Effect<Service, never, Scope.Scope | Types.NoInfer<R>> => {
  validate.fields("Poller.make", options ?? {}, ofPoller)
  const limitOf = (limit: number | "unbounded"): number => (limit === "unbounded" ? Number.POSITIVE_INFINITY : limit)
  const concurrency = limitOf(options?.concurrency ?? 1_000)
  const settings = {
    limits: {
      concurrency,
      concurrencyPerJob: limitOf(options?.concurrencyPerJob ?? concurrency),
      coalesce: validate.toMillis(options?.coalesce ?? 0),
      linger: validate.toMillis(options?.linger ?? 1_000)
    },
    capacity: limitOf(options?.capacity ?? 1_000_000),
    stagger: options?.stagger ?? true
  }
  return Effect.gen(function* () {
    const fork = Effect.runForkWith(yield* Effect.context<never>())
    const random = yield* Random.Random
    const { makers, scopes } = yield* Building
    const lifetime: Lifetime = {
      scopes: [...scopes, yield* Effect.scope],
      makers: [...makers, yield* Effect.withFiber(Effect.succeed)]
    }
    const { cancelTimeout } = yield* Reference
    const closable = { ...settings, cancelTimeout: Duration.toMillis(cancelTimeout) }
    const made = service.make(closable, yield* Clock.Clock, () => random.nextDoubleUnsafe(), fork, lifetime)
    const poller: Service = made.service
    const context = yield* Effect.context<R>()
    const onShutdown = (running: ReadonlyArray<ResumeToken>) =>
      Effect.provideContext(options?.onShutdown?.(running) ?? Effect.void, context)
    yield* Effect.addFinalizer(() => made.close(onShutdown))
    return poller
  })
}

/**
 * Creates a layer with a `Poller` that closes with the layer. An out-of-range option throws a RangeError at the call.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <R = never>(options?: Options<R>): Layer.Layer<Poller, never, Types.NoInfer<R>> => {
  const made = Layer.effect(Poller, make(options))
  return Layer.fromBuild((memoMap, scope) => {
    const builder = Fiber.getCurrent()
    const building = { scopes: [scope], makers: builder === undefined ? [] : [builder] }
    return Effect.provideService(Layer.buildWithMemoMap(made, memoMap, scope), Building, building)
  })
}

// ---- internal ----

const limit = 'an integer >= 1 or "unbounded"'
const duration = "a non-negative finite duration"

const ofPoller: validate.Shape = {
  concurrency: limit,
  concurrencyPerJob: limit,
  capacity: limit,
  stagger: "a boolean",
  coalesce: duration,
  linger: duration,
  onShutdown: "a function"
}
