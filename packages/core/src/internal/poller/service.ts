import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { Any, Watchable } from "../../Job.ts"
import type { PollOptions } from "../../PollOptions.ts"
import { type PollError, ResumeTokenError } from "../../PollError.ts"
import type { Service, Settled, Stats } from "../../Poller.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import { Reference } from "../options/defaults.ts"
import type * as event from "../machine/event.ts"
import type { Handle } from "../../Handle.ts"
import { type Driver, WaitHandle } from "../single/handle.ts"
import { next } from "../plan.ts"
import type { Policy } from "../options/policy.ts"
import * as request from "../options/request.ts"
import { fromWait } from "../machine/token.ts"
import { noStatus } from "../machine/outcome.ts"
import type { Wait } from "../machine/wait.ts"
import type { Limits } from "./bounds.ts"
import { Engine } from "./engine.ts"
import { type Group, groupOf } from "./group.ts"
import type { Holder } from "./holder.ts"
import { Registry } from "./registry.ts"
import { Results } from "./resultStream.ts"
import { Room } from "./room.ts"

export interface Settings {
  readonly limits: Limits
  /** How many waits and results that nobody has taken there may be. */
  readonly capacity: number
  readonly stagger: boolean
}

type Fork = <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>

/** Where waits come in and results go out: the service in front of an engine. */
export class Desk implements Service, Driver {
  private readonly engine: Engine
  private readonly registry: Registry
  private readonly settings: Settings
  private readonly room: Room
  private readonly fork: Fork
  private closed = false
  /** It takes no more keys. */
  private readonly closing = Deferred.makeUnsafe<void>()
  /** The tokens of the jobs that were still running when it closed. */
  private running: ReadonlyArray<ResumeToken> = []
  /** Nothing is under way any more. */
  private readonly over = Deferred.makeUnsafe<void>()
  private last:
    | { readonly policy: request.Request["policy"]; readonly context: Context.Context<unknown>; readonly group: Group }
    | undefined

  constructor(settings: Settings, clock: Clock.Clock, random: () => number, fork: Fork) {
    this.settings = settings
    this.registry = new Registry(settings.limits.linger)
    this.engine = new Engine(clock, random, settings.limits, fork, (group) => this.registry.ended(group))
    this.room = new Room(settings.capacity)
    this.fork = fork
  }

  // -- the service --

  readonly add = <K, A, F, E, R, RS = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS>
  ): Effect.Effect<Handle<A, F, E>, never, R | RS> => {
    const wanted = request.ofJob("Poller.add", job, key, { history: false, ...options })
    return this.admit(() => this.watch<A, F, E, R | RS>(job, wanted, undefined))
  }

  readonly resume = <K, A, F, E, R, RS = never>(
    job: Watchable<K, A, F, E, R>,
    token: ResumeToken,
    options?: Omit<PollOptions<E, RS>, "deadline" | "since">
  ): Effect.Effect<Handle<A, F, E>, ResumeTokenError, R | RS> => {
    const rest = { history: false, ...options, deadline: "unbounded", since: token.since } as const
    request.check("Poller.resume", rest)
    return Effect.suspend((): Effect.Effect<Handle<A, F, E>, ResumeTokenError, R | RS> => {
      const key = request.keyOfToken(job, token)
      if (key instanceof ResumeTokenError) return Effect.fail(key)
      const wanted = request.ofJob("Poller.resume", job, key, rest)
      return this.admit(() => this.watch<A, F, E, R | RS>(job, wanted, token))
    })
  }

  readonly until = <K, A, F, E, R, RS = never>(
    job: Watchable<K, A, F, E, R>,
    key: K,
    options: PollOptions<E, RS>
  ): Effect.Effect<A, PollError<F, E>, R | RS> => {
    const wanted = request.ofJob("Poller.until", job, key, { history: false, ...options })
    return this.admit((restore) =>
      Effect.flatMap(this.watch<A, F, E, R | RS>(job, wanted, undefined), (watch) =>
        Effect.ensuring(restore(watch.await), watch.interrupt)
      )
    )
  }

  readonly results = <K, A, F, E, R, RS = never, EK = never, RK = never>(
    job: Watchable<K, A, F, E, R>,
    keys: Iterable<K> | Stream.Stream<K, EK, RK>,
    options: PollOptions<E, RS>
  ): Stream.Stream<Settled<K, A, F, E>, EK, R | RS | RK> => {
    const requestFor = request.ofKeys("Poller.results", job, { history: false, ...options })
    const source: Stream.Stream<K, EK, RK> = Stream.isStream(keys) ? keys : Stream.fromIterable(keys)
    const follow = Effect.gen({ self: this }, function* () {
      const context = yield* Effect.context<R | RS>()
      const results = new Results(this.release, this.fork)
      yield* Effect.addFinalizer(() => {
        results.leave()
        return results.isIdle ? Effect.void : this.stopAll((wait) => wait.holder === results)
      })
      const beginOne = (wanted: request.Request): void => {
        results.begin()
        this.begin(job, wanted, results, undefined, context)
      }
      // As many at a time as there is room for: keys are many.
      const beginAll = (keys: ReadonlyArray<K>, from = 0): Effect.Effect<void> =>
        Effect.suspend(() => {
          let next = from
          let without: request.Request | undefined
          this.engine.together(() => {
            for (; next < keys.length && without === undefined; next++) {
              const wanted = requestFor(keys[next]!)
              if (!this.closed && this.room.tryTake()) beginOne(wanted)
              else without = wanted
            }
          })
          const wanted = without
          if (wanted === undefined) return Effect.void
          return Effect.andThen(
            this.admit(() => Effect.sync(() => beginOne(wanted))),
            beginAll(keys, next)
          )
        })
      const feed = Stream.runForEachArray(source, (keys) => beginAll(keys))
      // A Poller that closes takes no more keys, and ends what it has.
      const fed = Effect.exit(Effect.raceFirst(feed, Deferred.await(this.closing)))
      yield* Effect.forkScoped(Effect.map(fed, (exit) => results.complete(this.closed ? Exit.void : exit)))
      return Stream.fromPull(Effect.succeed(results.take))
    })
    return Stream.unwrap(follow) as Stream.Stream<Settled<K, A, F, E>, EK, R | RS | RK>
  }

  readonly stats: Effect.Effect<Stats> = Effect.sync(() => {
    const phases = { waiting: 0, queued: 0, checking: 0 }
    let watched = 0
    for (const { stage } of this.registry.waits()) {
      watched++
      if (stage.phase === "gating") phases.queued++
      else if (stage.phase === "checking") phases.checking++
      else phases.waiting++
    }
    return { watched, ...phases, requests: this.engine.bounds.underWay, ended: { ...this.engine.endings } }
  })

  readonly shutdown: Effect.Effect<ReadonlyArray<ResumeToken>> = Effect.suspend(() => {
    if (!this.closed) this.close()
    return Effect.as(Deferred.await(this.over), this.running)
  })

  // -- for its handles --

  tell(wait: Wait, happened: event.Event): void {
    this.engine.tell(wait, happened)
  }

  contextOf(wait: Wait): Context.Context<unknown> {
    return groupOf(wait).context
  }

  interrupt(wait: Wait): Effect.Effect<void> {
    return Effect.suspend(() => this.engine.stop([wait]))
  }

  readonly release = (count: number): void => {
    this.room.release(count)
  }

  // -- coming in --

  /** Makes room for a wait, and begins it: only the waiting for room can be interrupted. */
  private admit<A, E, R>(
    begin: (restore: <B, F, S>(effect: Effect.Effect<B, F, S>) => Effect.Effect<B, F, S>) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) => {
      if (this.closed) return Effect.interrupt
      return Effect.flatMap(this.room.take(restore), () => (this.closed ? Effect.interrupt : begin(restore)))
    })
  }

  private watch<A, F, E, R>(
    job: unknown,
    wanted: request.Request,
    token: ResumeToken | undefined
  ): Effect.Effect<Handle<A, F, E>, never, R> {
    return Effect.contextWith((context: Context.Context<R>) => {
      const watch = new PollerHandle<A, F, E>(this)
      watch.wait = this.begin(job, wanted, watch, token, context)
      return Effect.succeed(watch)
    })
  }

  private begin<R>(
    job: unknown,
    wanted: request.Request,
    holder: Holder,
    token: ResumeToken | undefined,
    context: Context.Context<R>
  ): Wait {
    const group = this.groupFor(job as Any, wanted, context as Context.Context<unknown>)
    const stagger = this.settings.stagger ? firstDelay(group.policy, wanted.key) : 0
    this.registry.begun(group)
    return this.engine.add(group, wanted.key, wanted.rawKey, holder, { token, stagger })
  }

  /** Most waits are alike the one before them. */
  private groupFor(job: Any, wanted: request.Request, context: Context.Context<unknown>): Group {
    const { last } = this
    const isAlike = last !== undefined && last.policy === wanted.policy && last.context === context
    if (isAlike && !last.group.site.isGone) return last.group
    try {
      const defaults = Context.get(context, Reference)
      const group = this.registry.groupFor(this.engine, job, wanted.policy(defaults), context, defaults.logs)
      this.last = { policy: wanted.policy, context, group }
      return group
    } catch (defect) {
      // Defaults out of their range.
      this.release(1)
      throw defect
    }
  }

  // -- going out --

  /** Ends all waits at once, and then waits for what is under way for them: also where that is what closes. */
  private close(): void {
    this.closed = true
    this.running = Array.from(this.registry.waits(), fromWait)
    const stopped = this.engine.stop(Array.from(this.registry.waits()))
    this.engine.close()
    Deferred.doneUnsafe(this.closing, Exit.void)
    // Who still waits for room learns that there will be none.
    this.room.release(Number.MAX_SAFE_INTEGER)
    const told = Effect.suspend(() =>
      Effect.forEach(
        [...this.registry.observed],
        ({ policy, telemetry }) => telemetry.flush(policy.cancelTimeout) ?? Effect.void,
        { concurrency: "unbounded", discard: true }
      )
    )
    this.fork(Effect.andThen(stopped, told)).addObserver(() => Deferred.doneUnsafe(this.over, Exit.void))
  }

  private stopAll(which: (wait: Wait) => boolean): Effect.Effect<void> {
    return Effect.suspend(() => this.engine.stop(Array.from(this.registry.waits()).filter(which)))
  }
}

// ---- internal ----

class PollerHandle<A, F, E> extends WaitHandle<A, F, E> {
  private readonly desk: Desk

  constructor(desk: Desk) {
    super(desk)
    this.desk = desk
  }

  override ended(wait: Wait, exit: Exit.Exit<unknown, unknown>): void {
    this.desk.release(1)
    super.ended(wait, exit)
  }
}

/** How long the strategy waits after a first check, in milliseconds: first checks are spread over that. */
const firstDelay = ({ bound, strategy }: Policy, key: string): number => {
  if (strategy.plan === undefined) return 1_000
  const seen = { key, attempt: 1, elapsedMillis: 0, remainingMillis: bound, sinceChangeMillis: 0, status: noStatus }
  try {
    const delay = next(strategy.plan, 1, 0, seen, () => 0.5)
    return delay === "end" ? 0 : delay
  } catch {
    // The wait itself will tell.
    return 0
  }
}
