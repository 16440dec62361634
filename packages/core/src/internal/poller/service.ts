import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { Handle } from "../../Handle.ts"
import type { Any } from "../../Job.ts"
import { ResumeTokenError } from "../../PollError.ts"
import type { PollOptions } from "../../PollOptions.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import { ActionHandlers } from "../actionHandlers.ts"
import type * as event from "../machine/event.ts"
import { cancelsBy } from "../machine/ending.ts"
import { fromWait } from "../machine/token.ts"
import { timeline, type Wait } from "../machine/wait.ts"
import { Reference } from "../options/defaults.ts"
import type { Policy } from "../options/policy.ts"
import * as request from "../options/request.ts"
import { type Driver, WaitHandle } from "../single/handle.ts"
import { atStart, next } from "../strategyPlan.ts"
import { makePool } from "../telemetry.ts"
import * as validate from "../validate.ts"
import { AfterTurn } from "./turn/afterTurn.ts"
import { Closing } from "./closing/closing.ts"
import { Dispatcher, type Limits } from "./dispatcher.ts"
import { Engine } from "./engine.ts"
import { listen } from "../told/loaded.ts"
import { Listeners } from "./listeners.ts"
import { LastChecks } from "./queue/lastChecks.ts"
import { LeftTokens } from "./closing/leftTokens.ts"
import { isEnding, type Lifetime } from "./closing/lifetime.ts"
import { type Group, groupOf, Registry, type Sink } from "./registry.ts"
import { ResultStream } from "./resultStream.ts"
import { Budget } from "./turn/slices.ts"

export interface Settings {
  readonly limits: Limits
  /** How many waits, and results that no stream has taken, there may be. */
  readonly capacity: number
  readonly stagger: boolean
  /** How long closing may take at least, in milliseconds. */
  readonly cancelTimeout: number
}

type Options = PollOptions<never, unknown>
type ResumeOptions = Omit<Options, "deadline" | "since">
type AnyHandle = Handle<unknown, unknown, unknown>
type Fork = <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>

/** The service behind a `Poller`, with the types of jobs erased: waits come in here, and results go out. */
export class PollerService implements Driver {
  private readonly engine: Engine
  private readonly dispatcher: Dispatcher
  private readonly actions: ActionHandlers
  private readonly registry: Registry
  private readonly listeners: Listeners
  private readonly permits: Permits
  private readonly settings: Settings
  private readonly run: Fork
  private readonly clock: Clock.Clock
  private readonly lifetime: Lifetime
  private isClosed = false
  /** Done when no more keys are taken. */
  private readonly full = Deferred.makeUnsafe<void>()
  private readonly closing: Closing
  private readonly leftTokens = new LeftTokens()
  /** Bounds slices by their time alone: while a virtual clock stands still, all is done at once. */
  private readonly budget: Budget
  /** The group of the newest wait, and the time over which its first checks are spread: most waits are alike. */
  private last:
    | {
        readonly policy: request.Request["policy"]
        readonly context: Context.Context<unknown>
        readonly group: Group
        readonly span: number
      }
    | undefined

  constructor(settings: Settings, clock: Clock.Clock, random: () => number, fork: Fork, lifetime: Lifetime) {
    const { capacity, limits } = settings
    const time = timeline(clock)
    this.dispatcher = new Dispatcher(time, limits)
    const afterTurn = new AfterTurn()
    this.actions = new ActionHandlers({
      fork: (wait, handler) => groupOf(wait).fork(handler),
      tell: (wait, happened) => this.engine.tell(wait, happened),
      later: (call) => afterTurn.add(call)
    })
    const lastChecks = new LastChecks(time, limits)
    this.listeners = new Listeners((call) => afterTurn.add(call))
    const { actions, dispatcher, listeners } = this
    const shared = { time, random, dispatcher, lastChecks, afterTurn, actions, listeners, notifications: makePool() }
    this.settings = settings
    this.registry = new Registry(shared, limits.linger)
    this.engine = new Engine(
      shared,
      clock,
      limits,
      fork,
      (group) => this.registry.ended(group),
      (wait) => this.leftTokens.forget(wait.setting.policy.job, wait.key)
    )
    this.permits = new Permits(capacity)
    this.run = fork
    this.clock = clock
    this.budget = new Budget(() => clock.currentTimeMillisUnsafe(), Number.POSITIVE_INFINITY)
    this.lifetime = lifetime
    this.closing = new Closing({
      engine: this.engine,
      registry: this.registry,
      actions: this.actions,
      leftTokens: this.leftTokens,
      inFlight: () => this.dispatcher.requests,
      budget: this.budget,
      now: () => clock.currentTimeMillisUnsafe(),
      fork,
      cancelTimeout: settings.cancelTimeout,
      begun: () => {
        Deferred.doneUnsafe(this.full, Exit.void)
        // Callers that still wait for a permit then find the Poller closed.
        this.permits.release(Number.MAX_SAFE_INTEGER)
      }
    })
  }

  // -- the service --

  readonly add = (job: Any, key: unknown, options: Options): Effect.Effect<AnyHandle, never, unknown> => {
    const wanted = request.ofAny("Poller.add", job, key, { history: false, ...options })
    return this.admit(() => this.watch(job, wanted, undefined))
  }

  readonly resume = (
    job: Any,
    token: ResumeToken,
    options?: ResumeOptions
  ): Effect.Effect<AnyHandle, ResumeTokenError, unknown> => {
    request.aJob("Poller.resume", job)
    validate.option("Poller.resume: token", token ?? null, "{ job, key }")
    const rest = { history: false, ...request.resuming(options, token) }
    request.checkOfAny("Poller.resume", job, rest)
    return Effect.suspend((): Effect.Effect<AnyHandle, ResumeTokenError, unknown> => {
      const key = request.keyOfToken<unknown, unknown, unknown, unknown, unknown>(job, token)
      if (key instanceof ResumeTokenError) return Effect.fail(key)
      const wanted = request.ofAny("Poller.resume", job, key, rest)
      return this.admit(() => this.watch(job, wanted, token))
    })
  }

  readonly until = (job: Any, key: unknown, options: Options): Effect.Effect<unknown, unknown, unknown> => {
    const wanted = request.ofAny("Poller.until", job, key, { history: false, ...options })
    return this.admit((restore) =>
      Effect.flatMap(this.watch(job, wanted, undefined), (handle) =>
        Effect.ensuring(restore(handle.await), this.left([(handle as PollerHandle).wait]))
      )
    )
  }

  readonly results = (
    job: Any,
    keys: Iterable<unknown> | Stream.Stream<unknown, unknown, unknown>,
    options: Options
  ): Stream.Stream<unknown, unknown, unknown> => {
    const requestFor = request.ofKeys("Poller.results", job, { history: false, ...options })
    if (!Stream.isStream(keys) && typeof (keys as Iterable<unknown> | undefined)?.[Symbol.iterator] !== "function") {
      validate.refuse("Poller.results: keys", "an Iterable or a Stream", keys)
    }
    const source: Stream.Stream<unknown, unknown, unknown> = Stream.isStream(keys) ? keys : Stream.fromIterable(keys)
    const follow = Effect.gen({ self: this }, function* () {
      const context = yield* Effect.context<unknown>()
      const results = new ResultStream((count) => this.permits.release(count), this.run)
      yield* Effect.addFinalizer(() => {
        results.leave()
        if (results.isIdle) return Effect.void
        return Effect.suspend(() => this.left(results))
      })
      const beginOne = (wanted: request.Request): void => {
        results.begin()
        results.own(this.begin(job, wanted, results, undefined, context))
      }
      // As many at a time as there is room for, since keys are many.
      const beginAll = (keys: ReadonlyArray<unknown>, from = 0): Effect.Effect<void> =>
        Effect.suspend(() => {
          let at = from
          let blocked: request.Request | undefined
          this.budget.start()
          this.engine.together(() => {
            while (at < keys.length && blocked === undefined) {
              const wanted = requestFor(keys[at++])
              if (!this.isClosed && this.permits.tryTake()) beginOne(wanted)
              else blocked = wanted
              if (this.budget.spend()) break
            }
          })
          const wanted = blocked
          if (wanted === undefined && at === keys.length) return Effect.void
          const next = wanted === undefined ? Effect.yieldNow : this.admit(() => Effect.sync(() => beginOne(wanted)))
          return Effect.andThen(next, beginAll(keys, at))
        })
      const feed = Stream.runForEachArray(source, (keys) => beginAll(keys))
      // A Poller that closes takes no more keys, and ends the waits that it has.
      const fed = Effect.exit(Effect.raceFirst(feed, Deferred.await(this.full)))
      yield* Effect.forkScoped(Effect.map(fed, (exit) => results.complete(this.isClosed ? Exit.void : exit)))
      return Stream.fromPull(Effect.succeed(results.take))
    })
    return Stream.unwrap(follow)
  }

  readonly stats = Effect.sync(() => {
    const phases = { waiting: 0, queued: 0, checking: 0 }
    let watched = 0
    for (const { stage } of this.registry.waits()) {
      watched++
      if (stage.phase === "gating") phases.queued++
      else if (stage.phase === "checking") phases.checking++
      else phases.waiting++
    }
    return { watched, ...phases, requests: this.dispatcher.requests, ended: { ...this.engine.endings.counts } }
  })

  readonly shutdown: Effect.Effect<ReadonlyArray<ResumeToken>> = Effect.suspend(() => {
    if (!this.isClosed) {
      this.isClosed = true
      this.closing.begin()
    }
    return this.closing.running
  })

  /** Closes the Poller, hands out the tokens, and waits until nothing is in flight, for a bounded time. */
  close(onShutdown: (running: ReadonlyArray<ResumeToken>) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.andThen(this.shutdown, this.closing.over(onShutdown))
  }

  // -- called by handles --

  tell(wait: Wait, happened: event.Event): void {
    this.engine.tell(wait, happened)
  }

  fork(wait: Wait, effect: Effect.Effect<unknown, unknown, unknown>): Fiber.Fiber<unknown, unknown> {
    return groupOf(wait).fork(effect)
  }

  interrupt(wait: Wait): Effect.Effect<void> {
    return Effect.suspend(() => (this.isClosed ? this.closing.untilEnded : this.engine.interrupt([wait], "interrupt")))
  }

  leave(wait: Wait): Effect.Effect<void> {
    return Effect.sync(() => void this.engine.interrupt([wait], "leave"))
  }

  release(): void {
    this.permits.release(1)
  }

  // -- waits that come in --

  /** Takes a permit for a wait, and begins it. Only the waiting for the permit can be interrupted. */
  private admit<A, E>(
    begin: (
      restore: <B, F, S>(effect: Effect.Effect<B, F, S>) => Effect.Effect<B, F, S>
    ) => Effect.Effect<A, E, unknown>
  ): Effect.Effect<A, E, never> {
    const admitted = Effect.uninterruptibleMask((restore) => {
      if (this.isClosed) return Effect.interrupt
      return Effect.flatMap(this.permits.take(restore), () => (this.isClosed ? Effect.interrupt : begin(restore)))
    })
    // What the check of a wait requires is in the types of `Poller`.
    return admitted as Effect.Effect<A, E, never>
  }

  private watch(
    job: Any,
    wanted: request.Request,
    token: ResumeToken | undefined
  ): Effect.Effect<AnyHandle, never, unknown> {
    return Effect.contextWith((context: Context.Context<unknown>) => {
      const handle = new PollerHandle(this)
      handle.wait = this.begin(job, wanted, handle, token, context)
      return Effect.succeed(handle)
    })
  }

  private begin(
    job: Any,
    wanted: request.Request,
    sink: Sink,
    token: ResumeToken | undefined,
    context: Context.Context<unknown>
  ): Wait {
    const { group, span } = this.groupFor(job, wanted, context)
    this.registry.begun(group)
    const listener = listen(wanted, group.policy.job, context, (effect) => group.fork(effect))
    const options = { token, stagger: span, early: listener?.take() }
    const wait = this.engine.add(group, wanted.key, wanted.rawKey, sink, options)
    if (listener !== undefined) {
      const tell = (heard: event.Event): void => {
        // The tokens of a Poller that closes are those of waits that go on.
        if (!this.isClosed) this.engine.tell(wait, heard)
      }
      // In a turn, after which the streams of a wait are closed that ended as it began.
      this.engine.together(() => this.listeners.add(wait, listener, tell))
    }
    return wait
  }

  private groupFor(
    job: Any,
    wanted: request.Request,
    context: Context.Context<unknown>
  ): { readonly group: Group; readonly span: number } {
    const { last } = this
    const isAlike = last !== undefined && last.policy === wanted.policy && last.context === context
    if (isAlike && !last.group.target.isRemoved) return last
    try {
      const defaults = Context.get(context, Reference)
      const group = this.registry.groupFor(job, wanted.policy(defaults), context, defaults.logs)
      const span = this.settings.stagger ? firstSpan(group.policy, wanted.key) : 0
      this.last = { policy: wanted.policy, context, group, span }
      return this.last
    } catch (defect) {
      // Defaults out of their range.
      this.release()
      throw defect
    }
  }

  // -- leaving --

  /** Ends waits whose caller is interrupted, or has left their stream. A Poller that closes ends them itself. */
  private left(waits: Iterable<Wait>): Effect.Effect<void> {
    return Effect.withFiber((caller) => {
      if (this.isClosed) return Effect.void
      const how = isEnding(this.lifetime, caller) ? "close" : "interrupt"
      const now = this.clock.currentTimeMillisUnsafe()
      const keep = (wait: Wait): void => {
        if (wait.stage.phase === "ended" || cancelsBy(wait, how) !== undefined || this.isClosed) return
        this.leftTokens.add(fromWait(wait), how === "close" ? undefined : now)
      }
      return Effect.flatten(this.engine.interruptSliced(waits, how, this.budget, keep))
    })
  }
}

/** Makes the service of a Poller. It has the members of the public interface and no others. */
export const make = (
  settings: Settings,
  clock: Clock.Clock,
  random: () => number,
  fork: Fork,
  lifetime: Lifetime
): { readonly service: never; readonly close: PollerService["close"] } => {
  const service = new PollerService(settings, clock, random, fork, lifetime)
  const { add, results, resume, shutdown, stats, until } = service
  const members = { add, results, resume, shutdown, stats, until }
  internals.set(members, service)
  return { service: members as never, close: (onShutdown) => service.close(onShutdown) }
}

/** The inside of a service that `make` made, for tests of what it holds. */
export const internalsOf = (service: object): PollerService | undefined => internals.get(service)

// ---- internal ----

const internals = new WeakMap<object, PollerService>()

class PollerHandle extends WaitHandle<unknown, unknown, unknown> {
  private readonly service: PollerService

  constructor(service: PollerService) {
    super(service)
    this.service = service
  }

  override ended(wait: Wait, exit: Exit.Exit<unknown, unknown>): void {
    this.service.release()
    super.ended(wait, exit)
  }
}

/** Over how many milliseconds first checks are spread: the first delay of the strategy, or a part of a short wait. */
const firstSpan = (policy: Policy, key: string): number => Math.min(firstDelay(policy, key), policy.bound / 10)

/** How long the strategy waits after a first check, in milliseconds. */
const firstDelay = ({ bound, strategy }: Policy, key: string): number => {
  if (strategy.plan === undefined) return 1_000
  try {
    const delay = next(strategy.plan, 1, 0, { ...atStart(key, bound), attempt: 1 }, () => 0.5)
    return delay === "end" ? 0 : delay
  } catch {
    // The wait itself ends with the defect.
    return 0
  }
}

/** Permits for waits, first come, first served. A free one is taken at once, without a fiber. */
class Permits {
  private free: number
  private readonly queue = new Set<() => void>()

  constructor(capacity: number) {
    this.free = capacity
  }

  /** Takes a permit if one is free and nothing waits for it. */
  tryTake(): boolean {
    if (this.free <= 0 || this.queue.size > 0) return false
    this.free--
    return true
  }

  /** Takes a permit, waiting for one. To be run uninterruptibly; `restore` makes the waiting interruptible. */
  take(restore: <A>(effect: Effect.Effect<A>) => Effect.Effect<A>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.tryTake()) return Effect.void
      let isTaken = false
      const taken = Effect.callback<void>((resume) => {
        const enter = () => {
          isTaken = true
          resume(Effect.void)
        }
        this.queue.add(enter)
        return Effect.sync(() => this.queue.delete(enter))
      })
      // Interrupted after the permit was taken: it is free again.
      return Effect.onInterrupt(restore(taken), () => Effect.sync(() => isTaken && this.release(1)))
    })
  }

  release(count: number): void {
    this.free += count
    for (const enter of this.queue) {
      if (this.free <= 0) return
      this.free--
      this.queue.delete(enter)
      enter()
    }
  }
}
