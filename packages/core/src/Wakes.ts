/**
 * Finds waits by the key of their job, to tell them something from outside: from a webhook, the consumer of a queue, or
 * another part of the program that knows the job but not its waits.
 *
 * **When to use**
 *
 * Use where something that arrives names a job by its key. With the option `push` alone, the program would have to keep
 * a stream for each key.
 *
 * **Details**
 *
 * - By default there is no such service. Where it is provided (`layer`), the waits of `Poll` and of each `Poller` that
 *   begin in that context are found by the name of their job and their encoded key. Waits without a `Job` are not.
 * - What arrives for a key without a wait is kept for the first wait for that key, within limits of time and number.
 *   What comes from unverified senders is kept apart, so that it never displaces what comes from verified ones.
 * - Waits keep their own strategy. Set a slow one for jobs whose server sends webhooks.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Reference, type Register, type Wakable } from "./internal/told/loaded.ts"
import { Kept } from "./internal/told/kept.ts"
import * as validate from "./internal/validate.ts"
import type { Watchable } from "./Job.ts"
import * as Told from "./Told.ts"

/**
 * How much is kept for keys without a wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * How long something is kept for a key without a wait; a non-negative finite duration, default 5 minutes. 0 keeps
   * nothing.
   */
  readonly keepFor?: Duration.Input | undefined
  /**
   * For how many keys something is kept, counted separately for verified and unverified senders; an integer >= 0,
   * default 10,000. Beyond that the oldest is dropped. For each key at most 16 things are kept; a reason to check
   * counts once.
   */
  readonly maxKept?: number | undefined
}

/**
 * Whether the sender of a reason to check was verified.
 *
 * @category models
 * @since 0.1.0
 */
export interface WakeOptions {
  /**
   * `"verified"` if the sender proved who it is, for example by a signature; default `"unverified"`. It only decides
   * where the reason is kept if the key has no wait. Unverified keys of more than 1,024 characters are not kept.
   */
  readonly trust?: "verified" | "unverified" | undefined
}

/**
 * Finds waits by the key of their job.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  /**
   * Requests a check of the job with this key. Yields the number of waits that were found; if it is 0, the request is
   * kept.
   */
  readonly wake: <K, A, F, E, R>(job: Watchable<K, A, F, E, R>, key: K, options?: WakeOptions) => Effect.Effect<number>
  /**
   * Tells the waits for this key an end, a report or a reason to check, from a sender that was verified. Yields the
   * number of waits that were found; if it is 0, it is kept.
   */
  readonly tell: <K, A, F, E, R>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    told: Told.Told<NoInfer<A>, NoInfer<F>>
  ) => Effect.Effect<number>
  /**
   * Requests a check of each job that is waited for, or of those with a key that `predicate` accepts. Yields the number
   * of waits that were found. Nothing is kept.
   */
  readonly wakeAll: <K, A, F, E, R>(
    job: Watchable<K, A, F, E, R>,
    predicate?: (key: NoInfer<K>) => boolean
  ) => Effect.Effect<number>
}

/**
 * The reference that holds the service; `undefined` by default.
 *
 * @category references
 * @since 0.1.0
 */
export const Wakes: Context.Reference<Service | undefined> = Reference as never

/**
 * Creates the service, to be provided as `Wakes`. An out-of-range option throws a RangeError at the call.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Effect.Effect<Service> => {
  validate.fields("Wakes.make", options, ofWakes)
  const keepFor = validate.toMillis(options.keepFor ?? 300_000)
  const maxKept = options.maxKept ?? 10_000
  return Effect.map(Clock.Clock, (clock) => new Waits(() => clock.currentTimeMillisUnsafe(), keepFor, maxKept))
}

/**
 * A layer that provides the service.
 *
 * **Example** (Waking the wait for a key)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 * import * as Told from "effect-poll/Told"
 * import * as Wakes from "effect-poll/Wakes"
 *
 * const Payment = Job.make<string>("payment", { check: () => Effect.succeed(Status.pending()) })
 * const onPaid = (order: string, receipt: string) => Wakes.tell(Payment, order, Told.ended(Status.succeeded(receipt)))
 *
 * const program = Effect.gen(function* () {
 *   yield* onPaid("order-1", "receipt-7") // before the wait starts
 *   return yield* Poll.until(Payment, "order-1", { deadline: "1 hour" })
 * })
 * await Effect.runPromise(Effect.provide(program, Wakes.layer())) // => "receipt-7"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<never> => Layer.effect(Wakes, make(options))

/**
 * Requests a check of the job with this key, by the service in the context. Yields the number of waits that were found;
 * 0 without the service. If the service finds none, the request is kept for the first wait that begins.
 *
 * @category combinators
 * @since 0.1.0
 */
export const wake: Service["wake"] = (job, key, options) =>
  Effect.flatMap(Wakes, (service) => service?.wake(job, key, options) ?? none)

/**
 * Tells the waits for this key something, by the service in the context; the sender must have been verified. Yields the
 * number of waits that were found; 0 without the service. If the service finds none, it is kept for the first wait that
 * begins.
 *
 * @category combinators
 * @since 0.1.0
 */
export const tell: Service["tell"] = (job, key, told) =>
  Effect.flatMap(Wakes, (service) => service?.tell(job, key, told) ?? none)

/**
 * Requests a check of each job that is waited for, or of those with a key that `predicate` accepts, by the service in
 * the context. Yields the number of waits that were found; 0 without the service.
 *
 * @category combinators
 * @since 0.1.0
 */
export const wakeAll: Service["wakeAll"] = (job, predicate) =>
  Effect.flatMap(Wakes, (service) => service?.wakeAll(job, predicate) ?? none)

// ---- internal ----

const none = /*#__PURE__*/ Effect.succeed(0)

const ofWakes: validate.Shape = { keepFor: "a non-negative finite duration", maxKept: "an integer >= 0" }
const ofWake: validate.Shape = { trust: '"verified" or "unverified"' }

/** The waits that can be found, by job and encoded key, and what is kept for those to come. */
class Waits implements Service, Register {
  private readonly jobs = new Map<string, Map<string, Set<Wakable>>>()
  private readonly verified: Kept
  private readonly unverified: Kept

  constructor(now: () => number, keepFor: number, maxKept: number) {
    this.verified = new Kept(now, keepFor, maxKept)
    this.unverified = new Kept(now, keepFor, maxKept)
  }

  // -- the service --

  readonly wake: Service["wake"] = (job, key, options) => {
    validate.fields("Wakes.wake", options ?? {}, ofWake)
    const { name } = job
    const encoded = job.key.encode(key)
    return Effect.sync(() => {
      const count = this.toldTo(this.jobs.get(name)?.get(encoded), Told.wake)
      const isVerified = options?.trust === "verified"
      if (count === 0 && (isVerified || encoded.length <= longestKey)) {
        ;(isVerified ? this.verified : this.unverified).add(name, encoded, Told.wake)
      }
      return count
    })
  }

  readonly tell: Service["tell"] = (job, key, told) => {
    if (!Told.isTold(told)) validate.refuse("Wakes.tell: told", "a Told", told)
    const { name } = job
    const encoded = job.key.encode(key)
    return Effect.sync(() => {
      const count = this.toldTo(this.jobs.get(name)?.get(encoded), told)
      if (count === 0) this.verified.add(name, encoded, told)
      return count
    })
  }

  readonly wakeAll: Service["wakeAll"] = (job, predicate) =>
    Effect.sync(() => {
      const wanted: Array<Wakable> = []
      for (const waits of this.jobs.get(job.name)?.values() ?? []) {
        for (const wait of waits) if (predicate === undefined || predicate(wait.rawKey as never)) wanted.push(wait)
      }
      return this.toldTo(wanted, Told.wake)
    })

  // -- called by the hosts of waits --

  add(wait: Wakable): () => void {
    const { job, key } = wait
    const keys = this.jobs.get(job) ?? new Map<string, Set<Wakable>>()
    this.jobs.set(job, keys)
    const waits = keys.get(key) ?? new Set()
    keys.set(key, waits.add(wait))
    for (const told of [...this.verified.take(job, key), ...this.unverified.take(job, key)]) wait.hear(told)
    return () => {
      waits.delete(wait)
      if (waits.size > 0 || keys.get(key) !== waits) return
      keys.delete(key)
      if (keys.size === 0 && this.jobs.get(job) === keys) this.jobs.delete(job)
    }
  }

  private toldTo(waits: Iterable<Wakable> = [], told: Told.Told<unknown, unknown>): number {
    // One that hears it may end, and others may begin.
    const found = Array.from(waits)
    for (const wait of found) wait.hear(told)
    return found.length
  }
}

/** The longest key that is kept for an unverified sender. */
const longestKey = 1_024
