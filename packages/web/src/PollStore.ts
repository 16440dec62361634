/**
 * The polls of a web page: one loop for each job and key, however many views show it. It runs while a view is
 * subscribed.
 *
 * **When to use**
 *
 * Use in a page without a framework, or to write bindings for a framework. For React there is `@effect-poll/react`.
 * Outside of pages, use `Poll` or a `Poller`.
 *
 * **Details**
 *
 * - A wait begins with the first listener of its entry. Nothing runs before that, so rendering on a server makes no
 *   request.
 * - After the last listener has left, no check begins. A check in flight has `linger` to finish, then its request is
 *   aborted. A listener that subscribes within that time continues the wait as if nothing had happened.
 * - After `linger` the wait is parked: kept as a token. A listener that subscribes within `keep` continues it, with its
 *   attempts, error budgets, deadline and the floor of the server. The outcome of a wait that has ended is kept for the
 *   same time. After `keep`, a new wait begins.
 * - While the page is hidden, the option `hidden` applies: `"pause"` parks the wait, `"slow"` makes at most one check
 *   per `slowInterval`, `"run"` changes nothing. A check that fell due follows as soon as the page is visible.
 * - While the browser is offline, and while the page is frozen or in the back/forward cache, the wait is parked.
 * - If the deadline passes while a wait is parked, it makes one check when it continues, whose result ends it.
 * - Listeners are called in a microtask, once for all changes before it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type { ManagedRuntime } from "effect/ManagedRuntime"
import * as Scope from "effect/Scope"
import { type Any, isJob, type Watchable } from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { Service } from "effect-poll/Poller"
import type { PollOptions, ToldOptions } from "effect-poll/PollOptions"
import * as Environment from "./Environment.ts"
import { warn } from "./internal/development.ts"
import { type Beginning, type Hidden, Loop, nowhere, type Store, type Subject } from "./internal/loop.ts"
import { observed } from "./internal/observed.ts"
import type { Lead } from "./internal/lead.ts"
import * as check from "./internal/options.ts"
import { locks as browserLocks } from "./internal/crossTab/browser.ts"
import type { Locks } from "./internal/crossTab/services.ts"
import * as slots from "./internal/stream/slot.ts"
import type { Seed } from "./Seed.ts"
import type { Snapshot } from "./Snapshot.ts"

/**
 * The options of an entry: those of a wait, and what is specific to pages.
 *
 * @category models
 * @since 0.1.0
 */
export interface EntryOptions<in E = never, out R = never> extends PollOptions<E, R> {
  /**
   * The result of a check on a server, from `Seed.read`: it is the first snapshot, and the wait continues from it.
   * Default: none.
   */
  readonly seed?: Seed | undefined
  /**
   * What happens while the page is hidden: `"pause"` makes no checks, `"slow"` makes at most one per `slowInterval` of
   * the store, `"run"` changes nothing. A check in flight finishes in each case. Default: that of the store.
   */
  readonly hidden?: "pause" | "slow" | "run" | undefined
  /**
   * The strategy of the checks while the stream of the job's `push` is open: any Schedule. The store opens as many
   * streams as its option `streams` allows; a wait without one checks by `strategy`. Default: `strategy` if it is set,
   * otherwise that of the `Job`, otherwise delays of 5 seconds, tripled up to 5 minutes. A RangeError for a job without
   * a `push`.
   */
  readonly behind?: ToldOptions<never, never, R>["behind"]
}

/**
 * A wait of a store. `subscribe`, `getSnapshot` and `getServerSnapshot` are what `useSyncExternalStore` of React takes.
 * The functions can be passed around without the entry.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry<A, F = never, E = never> {
  /**
   * Calls the listener after changes of the snapshot, until the returned function is called. The first listener begins
   * or continues the wait. When the last one has left, no further check begins, and the wait is parked after `linger`.
   */
  readonly subscribe: (listener: () => void) => () => void
  /** Returns the current snapshot: the same object until something changes. */
  readonly getSnapshot: () => Snapshot<A, F, E>
  /** Returns the snapshot of the seed, or the idle one, for rendering on a server and for hydration. */
  readonly getServerSnapshot: () => Snapshot<A, F, E>
  /**
   * Checks now instead of at the planned time. The floor of the server and the gate still apply. A parked wait checks
   * as soon as it continues. Without a wait it does nothing.
   */
  readonly checkNow: () => void
  /**
   * Begins no check until `unpause`, whatever the page does; a check in flight finishes. The deadline still applies
   * while something is subscribed.
   */
  readonly pause: () => void
  /** Ends a `pause`. A check that fell due meanwhile follows at once. */
  readonly unpause: () => void
  /**
   * Asks the server to cancel the job, by the `cancel` of the `Job`. Rejects with `CancelFailed` if that fails, does
   * not end within `cancelTimeout`, or does not exist. The wait continues until a check finds the end. After the end it
   * does nothing.
   */
  readonly cancel: () => Promise<void>
  /**
   * Begins a new wait with the options of the first one, such as after a timeout. Its first check comes no sooner than
   * the server allowed. Without a wait it does nothing.
   */
  readonly restart: () => void
}

/**
 * The waits of a page. `R` are the services that the layer or the runtime of the store provides to the jobs.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollStore<in R = never> {
  /**
   * Returns the entry of a job and a key. Jobs are compared by reference: make each job once. Nothing runs until
   * something subscribes. The options with which the wait began apply as long as it is kept, whatever later calls pass.
   * An out-of-range option throws a RangeError.
   */
  readonly entry: <K, A, F, E>(job: Watchable<K, A, F, E, R>, key: K, options: EntryOptions<E, R>) => Entry<A, F, E>
  /**
   * Ends all waits and releases the layer. Remote jobs are left running, or canceled as the `onClose` of a wait says.
   */
  readonly close: () => Promise<void>
}

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<in R = never> {
  /** Provides the services of the jobs. Built when the first wait begins, released by `close`. Default: none. */
  readonly layer?: Layer.Layer<R, unknown> | undefined
  /** A runtime with the services of the jobs, instead of a `layer`. The store does not dispose it. Default: none. */
  readonly runtime?: ManagedRuntime<R, unknown> | undefined
  /**
   * How long a check in flight may continue after the last listener has left; a non-negative finite duration. A number
   * is milliseconds. Default: 400 milliseconds.
   */
  readonly linger?: Duration.Input | undefined
  /**
   * How long the token or the outcome of a wait without listeners is kept; a non-negative finite duration. A number is
   * milliseconds. Default: 5 minutes.
   */
  readonly keep?: Duration.Input | undefined
  /**
   * What happens while the page is hidden: `"pause"` makes no checks, `"slow"` at most one per `slowInterval`, `"run"`
   * changes nothing. An entry can override it. Default: `"slow"`.
   */
  readonly hidden?: "pause" | "slow" | "run" | undefined
  /**
   * The least time between two checks of a wait while the page is hidden, for `hidden: "slow"`; a positive finite
   * duration. A number is milliseconds. Default: 1 minute.
   */
  readonly slowInterval?: Duration.Input | undefined
  /**
   * Whether the page is hidden, offline or frozen. Default: the service in the layer, otherwise that of the browser.
   */
  readonly environment?: Environment.Environment | undefined
  /**
   * Runs the waits, to check many keys in one request (`checkMany`) or to limit how many checks are in flight. The
   * services of the jobs still come from the `layer` or the `runtime`. The store does not close it. Default: none, each
   * wait checks on its own.
   */
  readonly poller?: Service | undefined
  /**
   * Lets one page check for all pages of the origin that show the same entry: `CrossTab.make()`. Default: each page
   * checks for itself.
   */
  readonly lead?: Lead | undefined
  /**
   * How many streams of a `push` may be open at a time, in all pages of the origin together; an integer >= 1 or
   * `"unbounded"`. A wait without a stream checks by its `strategy`, without `behind`. Over HTTP/1.1, an open stream
   * occupies one of the six connections of a browser to an origin. Default: 1.
   */
  readonly streams?: number | "unbounded" | undefined
  /**
   * The Web Locks that make `streams` a limit for all pages together. With `null`, and where the browser has none, it
   * is a limit for each page. Default: those of the browser.
   */
  readonly locks?: Locks | null | undefined
}

/**
 * Creates a store. Make one for a page, outside of components. An out-of-range option throws a RangeError.
 *
 * **Example** (Showing a job)
 *
 * ```ts
 * import * as PollStore from "@effect-poll/web/PollStore"
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const Ready = Job.make("ready", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) })
 * const store = PollStore.make()
 * const entry = store.entry(Ready, "cat", { deadline: "1 minute" })
 * entry.getSnapshot().phase // => "idle"
 *
 * const value = await new Promise((resolve) => {
 *   const unsubscribe = entry.subscribe(() => {
 *     const { outcome } = entry.getSnapshot()
 *     if (outcome?._tag !== "Success") return
 *     unsubscribe()
 *     resolve(outcome.value)
 *   })
 * })
 * value // => "cat.png"
 * await store.close()
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(options: Options<R> = {}): PollStore<R> => {
  check.known("PollStore.make", options, fields)
  const { environment, hidden = "slow", layer, locks, poller, runtime, streams = 1 } = options
  check.oneOf("PollStore.make: hidden", hidden, policies)
  if (streams !== "unbounded" && !(Number.isInteger(streams) && streams >= 1)) {
    check.refuse("PollStore.make: streams", 'an integer >= 1 or "unbounded"', streams)
  }
  const scope = Scope.makeUnsafe()
  const jobs = new Map<Any, Entries>()
  const loops = new Set<Loop>()

  // -- services --

  let context: Context.Context<unknown> | undefined
  let building: Fiber.Fiber<unknown, unknown> | undefined
  let isClosed = false
  const waiting = new Set<Loop>()
  const built = (): Effect.Effect<Context.Context<R>, unknown> => {
    if (runtime !== undefined) return runtime.contextEffect
    return layer === undefined ? Effect.succeed(empty) : Layer.buildWithScope(layer, scope)
  }
  const build = (loop: Loop): boolean => {
    if (context !== undefined || isClosed) return !isClosed
    waiting.add(loop)
    if (building !== undefined) return false
    let isNow = true
    building = Effect.runFork(built())
    building.addObserver((exit) => {
      building = undefined
      const those = [...waiting]
      waiting.clear()
      if (isClosed) return
      if (Exit.isFailure(exit)) return those.forEach((each) => each.failed(exit.cause))
      context = exit.value as Context.Context<unknown>
      watch()
      if (!isNow) those.forEach((each) => each.settle())
    })
    isNow = false
    return context !== undefined
  }

  // -- the page --

  const page = (): Environment.Environment => environment ?? Context.get(context ?? empty, Environment.Environment)
  let unwatch: (() => void) | undefined
  const watch = (): void => {
    unwatch ??= page().subscribe(() => loops.forEach((loop) => loop.settle()))
  }

  // -- notifications --

  const changed = new Set<Loop>()
  const notify = (): void => {
    const those = [...changed]
    changed.clear()
    those.forEach((loop) => loop.notify())
  }

  const store: Store = {
    lingerMillis: check.millis("PollStore.make: linger", options.linger ?? 400, 0),
    keepMillis: check.millis("PollStore.make: keep", options.keep ?? 300_000, 0),
    slowMillis: check.millis("PollStore.make: slowInterval", options.slowInterval ?? 60_000, 1),
    poller,
    lead: options.lead,
    streams: slots.make(streams, locks === null ? undefined : (locks ?? browserLocks())),
    services: () => context,
    build,
    page,
    changed: (loop) => {
      if (changed.size === 0) queueMicrotask(notify)
      changed.add(loop)
    },
    forget: (loop) => {
      if (!loops.delete(loop)) return
      const { job, key } = loop.subject
      const entries = jobs.get(job)
      entries?.loops.delete(job.key.encode(key))
      if (entries?.loops.size === 0) jobs.delete(job)
      if (loops.size > 0) return
      unwatch?.()
      unwatch = undefined
    }
  }

  // -- entries --

  const entriesOf = (job: Any): Entries => {
    const known = jobs.get(job)
    if (known !== undefined) return known
    const own = new Map<string, Loop>()
    const entries = {
      loops: own,
      job: observed(
        job,
        (key) => own.get(key),
        () => own.values()
      )
    }
    return entries
  }

  const entryOf = (job: Any, key: unknown, { hidden: wanted = hidden, seed, ...rest }: AnyOptions): AnyEntry => {
    if (!isJob(job)) check.refuse("PollStore.entry: the job", "a Job", job)
    const encoded = job.key.encode(key)
    const live = jobs.get(job)?.loops.get(encoded)
    if (live !== undefined) {
      warnOfDeadlines(live.subject, rest)
      return live.entry as AnyEntry
    }
    check.oneOf("PollStore.entry: hidden", wanted, policies)
    // Throws a RangeError for options out of range, and makes nothing.
    void Poll.start(job, key, rest)
    const beginning = beginningOf(encoded, seed)
    const current = (): Loop | undefined => jobs.get(job)?.loops.get(encoded)
    const demand = (): Loop => {
      const known = current()
      if (known !== undefined) return known
      const entries = entriesOf(job)
      jobs.set(job, entries)
      const subject: Subject = { job, checked: entries.job, key, options: rest, hidden: wanted }
      const loop = new Loop(store, subject, beginning, entry)
      entries.loops.set(encoded, loop)
      loops.add(loop)
      if (context !== undefined) watch()
      return loop
    }
    const entry: AnyEntry = {
      subscribe: (listener) => (isClosed ? () => {} : demand().subscribe(listener)),
      getSnapshot: () => current()?.snapshot ?? beginning.snapshot,
      getServerSnapshot: () => beginning.snapshot,
      checkNow: () => current()?.checkNow(),
      pause: () => (isClosed ? undefined : demand().pause(true)),
      unpause: () => current()?.pause(false),
      cancel: () => Effect.runPromise(Effect.suspend(() => (isClosed ? Effect.void : demand().cancel()))),
      // What a seed says counts only once there is a loop.
      restart: () => (beginning === nowhere || isClosed ? current() : demand())?.restart()
    }
    return entry
  }

  return {
    entry: entryOf as never,
    close: () => {
      isClosed = true
      unwatch?.()
      const ended = Effect.forEach([...loops], (loop) => loop.close(), { concurrency: "unbounded", discard: true })
      const closing = building === undefined ? ended : Effect.andThen(Fiber.interrupt(building), ended)
      return Effect.runPromiseWith(context ?? empty)(Effect.andThen(closing, Scope.close(scope, Exit.void)))
    }
  }
}

// ---- internal ----

/** The loops of a job by encoded key, and the job that reports its checks to them. */
interface Entries {
  readonly job: Any
  readonly loops: Map<string, Loop>
}

type AnyOptions = EntryOptions<unknown, unknown>
type AnyEntry = Entry<unknown, unknown, unknown>

/** No services: waits that need some are not accepted by the types. */
const empty = /*#__PURE__*/ Context.empty() as never

const policies: ReadonlyArray<Hidden> = ["pause", "slow", "run"]

const fields = [
  "layer",
  "runtime",
  "linger",
  "keep",
  "hidden",
  "slowInterval",
  "environment",
  "poller",
  "lead",
  "streams",
  "locks"
]

const beginningOf = (key: string, seed: Seed | undefined): Beginning => {
  if (seed === undefined) return nowhere
  if (typeof (seed as Partial<Seed>).snapshot?.phase !== "string" || "version" in seed) {
    check.refuse("PollStore.entry: seed", "what Seed.read returns", seed)
  }
  const { token } = seed
  if (token === undefined || token.key === key) return seed
  warn(() => `PollStore.entry: the seed is of another key of the job ${token.job}, so a new wait begins`)
  return nowhere
}

const warnOfDeadlines = ({ job, options }: Subject, { deadline }: PollOptions<unknown, unknown>): void => {
  if (check.toMillis(deadline as Duration.Input) === check.toMillis(options.deadline as Duration.Input)) return
  if (deadline === options.deadline) return
  warn(() => `PollStore.entry: the wait for ${job.name} has begun with another deadline, which still applies`)
}
