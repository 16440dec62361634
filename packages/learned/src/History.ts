/**
 * What is learned of how long the jobs of one kind take.
 *
 * A history belongs to a `Job`, and optionally has classes, such as the model that a job runs on. An
 * `Observer`, or `record`, adds each ending. `Learned.strategy` plans by it.
 *
 * **Details**
 *
 * - An ending need not be known exactly: that a job was pending at one check and had ended at the next is enough. A wait
 *   that ends before its job counts as well: the job took longer than that.
 * - What the server tells by `CheckResult.withTimes` is used: when the job ended, and that it had started before the wait
 *   did.
 * - Older endings weigh less, by 0.5 % and by 10 % with each further ending, whichever foretells durations better.
 * - A class that has no endings is planned for by those of all classes. There are at most 1,000 classes; beyond that, the
 *   one that ended longest ago is removed. Its endings stay in those of all classes.
 * - What has been learned can be merged, and takes a few kilobytes for each class.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import type * as Scope from "effect/Scope"
import type { KeyCodec } from "effect-poll/KeyCodec"
import * as Observer from "effect-poll/Observer"
import * as Data from "./HistoryData.ts"
import { HistoryStore, type HistoryStoreError, type Service } from "./HistoryStore.ts"
import * as counts from "./internal/counts.ts"
import { insideOf, liveOf, TypeId } from "./internal/handle.ts"
import { type Kind, Live } from "./internal/live.ts"
import { seenOf } from "./internal/notified.ts"
import * as validate from "./internal/validate.ts"

/**
 * What has been learned of one job. It changes as jobs end.
 *
 * @category models
 * @since 0.1.0
 */
export interface History {
  readonly [TypeId]: unknown
  /** The name of the `Job`. */
  readonly job: string
}

/**
 * What a history is about: a `Job`, or what is needed of one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject<in out K> {
  readonly name: string
  readonly key: KeyCodec<K>
}

/**
 * The options of a history.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<in K> {
  /**
   * Returns the class of a job, such as its model; `undefined` for none. Default: there are no classes. If it throws, the
   * job has no class. Keys that a codec shows in another form (`KeyCodec.show`) have no class for the observer.
   */
  readonly class?: ((key: K) => string | undefined) | undefined
  /** How long a job may take, roughly: a positive finite duration. It counts until there are endings. Default: none. */
  readonly hint?: Duration.Input | undefined
}

/**
 * What is known of how long a job took. Made by `ended`, `endedBetween` and `pendingAt`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ending {
  /** The age at which the job was last known to be pending, in milliseconds. */
  readonly afterMillis: number
  /** The age at which it had ended, in milliseconds; `Infinity` if it is not known to have ended. */
  readonly untilMillis: number
  /** The age from which the job was watched, in milliseconds. Default 0. */
  readonly sinceMillis?: number | undefined
  /** The class of the job. Default: that of its `key`. */
  readonly class?: string | undefined
  /** The encoded key of the job. */
  readonly key?: string | undefined
}

/**
 * Tests whether a value is a history.
 *
 * @category guards
 * @since 0.1.0
 */
export const isHistory = (u: unknown): u is History => hasProperty(u, TypeId)

/**
 * Makes the history of a job: what the store has of it, and what is learned from now on.
 *
 * **Details**
 *
 * What has been learned is stored by `save`: after an ending that its observer receives, unless it was stored within the
 * last 10 seconds, and when the scope closes.
 *
 * **Example** (Learning how long renders take)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 * import * as History from "@effect-poll/learned/History"
 * import * as HistoryStore from "@effect-poll/learned/HistoryStore"
 * import * as Learned from "@effect-poll/learned/Learned"
 *
 * const Render = Job.make("render", { check: (_id: string) => Effect.succeed(Status.succeeded("film.mp4")) })
 *
 * const program = Effect.gen(function* () {
 *   const history = yield* History.make(Render, { class: (id) => id.split(":")[0], hint: "1 second" })
 *   const strategy = Learned.strategy(history, { lagWorth: "100 millis" })
 *   yield* Poll.until(Render, "sora:1", { deadline: "1 minute", strategy, observers: [History.observer(history)] })
 *   return History.endings(history, "sora")
 * })
 * await Effect.runPromise(Effect.provide(Effect.scoped(program), HistoryStore.layerMemory)) // => 1
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <K>(
  job: Subject<K>,
  options?: Options<K>
): Effect.Effect<History, HistoryStoreError, HistoryStore | Scope.Scope> =>
  Effect.gen(function* () {
    const store = yield* HistoryStore
    const live = newLive("History.make", job, options, yield* Clock.Clock)
    const stored = yield* store.get(job.name)
    if (stored !== undefined) adopt(live, stored)
    const history = handle(live, store)
    yield* Effect.addFinalizer(() => Effect.ignore(save(history), { log: true }))
    return history
  })

/**
 * Makes a history without a store and without a clock, for tests and simulations: a plan is replaced after each ending.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeUnsafe = <K = string>(job: string | Subject<K>, options?: Options<K>): History =>
  handle(newLive("History.makeUnsafe", job, options, undefined), undefined)

/**
 * What is known of a job that took exactly this long.
 *
 * @category recording
 * @since 0.1.0
 */
export const ended = (duration: Duration.Input): Ending => {
  const millis = 1000 * validate.seconds("History.ended: duration", duration, "nonNegative")
  return { afterMillis: millis, untilMillis: millis }
}

/**
 * What is known of a job that was pending at the age `after`, and had ended at the age `until`. Throws a RangeError if
 * `until` is less than `after`.
 *
 * @category recording
 * @since 0.1.0
 */
export const endedBetween = (after: Duration.Input, until: Duration.Input): Ending => {
  const afterMillis = 1000 * validate.seconds("History.endedBetween: after", after, "nonNegative")
  const untilMillis = 1000 * validate.seconds("History.endedBetween: until", until, "nonNegative")
  if (untilMillis < afterMillis) validate.refuse("History.endedBetween: until", "at least after", until)
  return { afterMillis, untilMillis }
}

/**
 * What is known of a job that was pending at this age, and was then left, canceled, or lost sight of.
 *
 * @category recording
 * @since 0.1.0
 */
export const pendingAt = (age: Duration.Input): Ending => ({
  afterMillis: 1000 * validate.seconds("History.pendingAt: age", age, "nonNegative"),
  untilMillis: Number.POSITIVE_INFINITY
})

/**
 * Records how long a job took.
 *
 * @category recording
 * @since 0.1.0
 */
export const record = (self: History, ending: Ending): Effect.Effect<void> =>
  Effect.sync(() => recordUnsafe(self, ending))

/**
 * Records how long a job took, at once.
 *
 * @category recording
 * @since 0.1.0
 */
export const recordUnsafe = (self: History, ending: Ending): void => {
  const live = liveOf(self)
  const name = ending.class ?? (ending.key === undefined ? undefined : live.classOf(ending.key))
  live.observe(name, {
    from: ending.afterMillis / 1000,
    to: ending.untilMillis / 1000,
    since: ending.sinceMillis === undefined ? undefined : ending.sinceMillis / 1000
  })
}

/**
 * Creates an observer that records how the waits for the job end. Give it to the waits, or to all by `PollDefaults`.
 *
 * **Details**
 *
 * | ending of the wait | what it says about the job |
 * |---|---|
 * | a result, `JobFailed`, `JobExpired` | it ended between the last check that found it pending and the ending, or when the server says |
 * | `JobCanceled` | it would have taken longer |
 * | any other, such as `PollTimeout` or an interruption | it took longer than until the last check that found it pending |
 *
 * Endings of other jobs are ignored, and so is a wait that has made no check. Of jobs that have not ended, the progress
 * of the newest 10,000 is remembered.
 *
 * @category recording
 * @since 0.1.0
 */
export const observer = (self: History): Observer.Observer => {
  const live = liveOf(self)
  let savedAt = Number.NEGATIVE_INFINITY
  return Observer.make((notification) => {
    const seen = seenOf(live, notification)
    if (seen === undefined) return Effect.void
    const name = live.classOf(notification.key)
    const recorded = Effect.sync(() => live.observe(name, seen))
    if (notification.at - savedAt < saveEvery) return recorded
    savedAt = notification.at
    return Effect.andThen(recorded, Effect.ignore(save(self), { log: true }))
  })
}

/**
 * Stores what has been learned since it was last stored, on top of what the store has by then. Does nothing for a history
 * without a store.
 *
 * @category storing
 * @since 0.1.0
 */
export const save = (self: History): Effect.Effect<void, HistoryStoreError> =>
  Effect.suspend(() => {
    const { live, store } = insideOf(self)
    if (store === undefined || live.pool.fresh.endings === 0) return Effect.void
    const kinds = [["", live.pool], ...live.kinds] as const
    const taken = kinds.map(([, kind]) => kind.fresh)
    const fresh = toFresh(self)
    for (const [, kind] of kinds) kind.fresh = counts.none
    return store
      .update(self.job, (stored) => Data.append(stored ?? Data.empty(self.job), fresh))
      .pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            // What was not stored is stored the next time.
            if (exit._tag === "Failure")
              kinds.forEach(([, kind], index) => (kind.fresh = counts.append(taken[index]!, kind.fresh)))
          })
        ),
        Effect.asVoid
      )
  })

/**
 * Returns what has been learned as a value.
 *
 * @category converting
 * @since 0.1.0
 */
export const toData = (self: History): Data.HistoryData => dataOf(self, (kind) => kind.counts)

/**
 * Returns what has been learned since it was last stored as a value.
 *
 * @category converting
 * @since 0.1.0
 */
export const toFresh = (self: History): Data.HistoryData => dataOf(self, (kind) => kind.fresh)

/**
 * Makes a history of what another has learned, without a store and without a clock. Throws a RangeError if the jobs
 * differ.
 *
 * @category converting
 * @since 0.1.0
 */
export const fromDataUnsafe = <K = string>(
  data: Data.HistoryData,
  job: string | Subject<K> = data.job,
  options?: Options<K>
): History => {
  const live = newLive("History.fromDataUnsafe", job, options, undefined)
  if (live.job !== data.job) {
    throw new RangeError(`History.fromDataUnsafe: the job must be ${data.job}, got ${live.job}`)
  }
  adopt(live, data)
  return handle(live, undefined)
}

/**
 * Merges two histories of the same job into a new one, with the classes and the hint of the first. The order does not
 * matter for what has been learned.
 *
 * @category combining
 * @since 0.1.0
 */
export const merge = (a: History, b: History): History => {
  const live = liveOf(a).blank()
  adopt(live, Data.merge(toData(a), toData(b)))
  return handle(live, undefined)
}

/**
 * Returns how many endings have been recorded: of all jobs, or of a class.
 *
 * @category destructors
 * @since 0.1.0
 */
export const endings = (self: History, className?: string): number => {
  const live = liveOf(self)
  if (className === undefined) return live.pool.counts.endings
  return live.kinds.get(className)?.counts.endings ?? 0
}

/**
 * Returns the names of the classes; the one that ended last is the last.
 *
 * @category destructors
 * @since 0.1.0
 */
export const classes = (self: History): ReadonlyArray<string> => [...liveOf(self).kinds.keys()]

// ---- internal ----

/** How often an observer stores at most, in milliseconds. */
const saveEvery = 10_000

const handle = (live: Live, store: Service | undefined): History => ({ [TypeId]: { live, store }, job: live.job })

const newLive = <K>(
  name: string,
  job: string | Subject<K>,
  options: Options<K> | undefined,
  clock: Clock.Clock | undefined
): Live => {
  const hint = options?.hint
  const seconds = hint === undefined ? undefined : validate.seconds(`${name}: hint`, hint, "positive")
  const classOf = options?.class
  // A history that is named by a text has keys that are texts.
  const decode = typeof job === "string" ? (key: string) => key as K : job.key.decode
  const classOfKey = (key: string): string | undefined => {
    try {
      return classOf?.(decode(key))
    } catch {
      return undefined
    }
  }
  return new Live(
    typeof job === "string" ? job : job.name,
    classOf === undefined ? () => undefined : classOfKey,
    seconds,
    clock
  )
}

const dataOf = (self: History, of: (kind: Kind) => counts.Counts): Data.HistoryData => {
  const { kinds, pool } = liveOf(self)
  return {
    version: 1,
    job: self.job,
    pool: Data.fromCounts(of(pool)),
    classes: Object.fromEntries([...kinds].map(([name, kind]) => [name, Data.fromCounts(of(kind))]))
  }
}

/** Replaces what a history has learned. */
const adopt = (live: Live, data: Data.HistoryData): void => {
  live.pool.adopt(Data.toCounts(data.pool))
  live.kinds.clear()
  for (const [name, counted] of Object.entries(data.classes)) live.kinds.set(name, live.make(Data.toCounts(counted)))
  live.evict()
}
