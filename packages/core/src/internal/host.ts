import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type * as Gate from "../Gate.ts"
import type { Look } from "../Look.ts"
import type { Observation } from "../Observation.ts"
import type { Decision } from "../Strategy.ts"
import { type Defaults, Reference } from "./defaults.ts"
import * as machine from "./machine.ts"
import type { Policy, Stepper } from "./policy.ts"
import type { PollEvent } from "../PollEvent.ts"
import type { ResumeToken } from "../ResumeToken.ts"
import { make as makeTelemetry, type Telemetry } from "./telemetry.ts"
import type { Request } from "./request.ts"
import { restore } from "./token.ts"
import { make as makeWait, type Wait } from "./wait.ts"

/** Runs one wait to its end. */
export const run = <A, E, R>(request: Request, options?: HostOptions): Effect.Effect<A, E, R> =>
  prepare(request, (setting) => {
    const wait = (span?: Tracer.Span): Effect.Effect<A, E> =>
      Effect.callback((resume) => {
        const host = new Host({ ...setting, span }, options, (exit) => resume(exit as Exit.Exit<A, E>))
        host.tell(machine.started)
        return host.stop
      })
    return setting.defaults.span ? Effect.useSpan(spanName, spanOptions(setting.policy), wait) : wait()
  })

/** Starts one wait for as long as the scope lives. */
export const start = <R>(
  request: Request,
  options: HostOptions,
  done: (exit: Exit.Exit<unknown, unknown>) => void
): Effect.Effect<Host, never, R | Scope.Scope> =>
  prepare(request, (setting) => {
    const wait = (span?: Tracer.Span): Effect.Effect<Host, never, Scope.Scope> =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const host = new Host({ ...setting, span }, options, done)
          host.tell(machine.started)
          return host
        }),
        (host) => host.stop
      )
    return setting.defaults.span
      ? Effect.flatMap(Effect.makeSpanScoped(spanName, spanOptions(setting.policy)), wait)
      : wait()
  })

export interface HostOptions {
  readonly emit?: ((event: PollEvent<unknown, unknown, unknown>) => void) | undefined
  /** Goes on from here instead of starting anew. */
  readonly token?: ResumeToken | undefined
}

/** What a wait runs in. */
interface Setting {
  readonly policy: Policy
  readonly context: Context.Context<unknown>
  readonly defaults: Defaults
  readonly span?: Tracer.Span | undefined
}

const prepare = <A, E, R, R2>(
  request: Request,
  use: (setting: Setting) => Effect.Effect<A, E, R2>
): Effect.Effect<A, E, R | R2> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const defaults = Context.get(context, Reference)
    return use({ policy: request(defaults), context: context as Context.Context<unknown>, defaults })
  })

const spanName = "poll.wait"

const spanOptions = (policy: Policy) => ({ attributes: { "poll.job": policy.job, "poll.key": policy.key } })

type Step = (now: number, input: Observation) => Pull.Pull<[unknown, Duration.Duration], never, unknown, unknown>

/**
 * Does what the machine says, and tells it what happened.
 *
 * Looks and sleeps are fibers of their own that nobody waits for, so that a look can be given up without being waited
 * for and a sleep can be cut short. One watchdog guards the looks of a wait; it sleeps from one `lookBy` to the next
 * instead of being set for each look.
 */
export class Host {
  readonly wait: Wait
  private readonly clock: Clock.Clock
  private readonly fork: <A, E>(effect: Effect.Effect<A, E, unknown>) => Fiber.Fiber<A, E>
  private readonly done: (exit: Exit.Exit<unknown, unknown>) => void
  private readonly telemetry: Telemetry
  private readonly steps = new Map<Stepper, Step>()
  /** The look, the sleep or the step under way. */
  private activity: Fiber.Fiber<unknown, unknown> | undefined
  private watchdog: Fiber.Fiber<void> | undefined
  private watchedUntil = Number.POSITIVE_INFINITY
  private spins = 0
  private stopped = false

  constructor(
    { context, defaults, policy, span }: Setting,
    options: HostOptions | undefined,
    done: (exit: Exit.Exit<unknown, unknown>) => void
  ) {
    const random = Context.get(context, Random.Random)
    this.clock = Context.get(context, Clock.Clock)
    this.fork = Effect.runForkWith(span === undefined ? context : Context.add(context, Tracer.ParentSpan, span))
    this.telemetry = makeTelemetry({ logs: defaults.logs, observers: policy.observers, span }, this.fork)
    this.done = done
    this.wait = makeWait(
      policy,
      () => random.nextDoubleUnsafe(),
      (event) => {
        this.telemetry.tell(this.wait, event)
        if (event._tag !== "Started") options?.emit?.(event)
      }
    )
    if (options?.token !== undefined) {
      restore(this.wait, options.token)
      this.wait.resumed = true
    }
  }

  /** Tells the machine what happened and does what it says, until that takes time. */
  tell(happened: machine.Event): void {
    let event: machine.Event | undefined = happened
    while (event !== undefined) {
      const command: machine.Command = machine.step(this.wait, event, this.clock.currentTimeMillisUnsafe())
      // A reader of an event, or a check, may have stopped us meanwhile.
      if (command === "continue" || this.stopped) return
      const former = this.activity
      this.activity = undefined
      former?.interruptUnsafe()
      switch (command) {
        case "gate":
          event = this.start(this.wait.policy.gate!, gated)
          if (event === undefined) this.guard()
          break
        case "look":
          event = this.start(this.look(), looked)
          if (event === undefined) this.guard()
          break
        case "cancel":
          event = this.start(Effect.exit(this.wait.policy.cancel!), () => machine.cancelAsked)
          if (event === undefined) this.guard()
          break
        case "sleep":
          event = this.start(this.sleepUntil(this.wait.alarmAt), () => machine.due)
          break
        case "step":
          event = this.start(this.step(), stepped)
          break
        case "end":
          this.stopped = true
          this.watchdog?.interruptUnsafe()
          this.hand(this.wait.exit!)
          return
      }
    }
  }

  /**
   * Stops everything at once and waits for the finalizers of a look under way. A wait that has not ended is then
   * interrupted: the server is asked to stop the job if the policy says so, and the observers are told.
   */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    const { cancel, cancelGrace, onInterrupt } = this.wait.policy
    const running = [this.activity, this.watchdog].filter((fiber) => fiber !== undefined)
    const interrupted = this.wait.phase !== "ended"
    this.stopped = true
    this.activity = undefined
    const stopped = Fiber.interruptAll(running)
    if (!interrupted) return stopped
    machine.step(this.wait, machine.stopped, this.clock.currentTimeMillisUnsafe())
    return stopped.pipe(
      Effect.andThen(onInterrupt === "leave" || cancel === undefined ? Effect.void : this.bounded(cancel, cancelGrace)),
      Effect.andThen(Effect.suspend(() => this.telemetry.flush(cancelGrace) ?? Effect.void))
    )
  })

  /** Runs an effect in a fiber of its own, and waits for it for so long. */
  private bounded(effect: Effect.Effect<unknown, unknown, unknown>, atMost: Duration.Input): Effect.Effect<void> {
    return Effect.flatMap(
      Effect.sync(() => this.fork(effect)),
      (fiber) => Effect.asVoid(Effect.timeoutOption(Fiber.await(fiber), atMost))
    )
  }

  /** Hands the result out, once the observers have been told. */
  private hand(exit: Exit.Exit<unknown, unknown>): void {
    const flush = this.telemetry.flush(this.wait.policy.cancelGrace)
    if (flush === undefined) return this.done(exit)
    this.fork(flush).addObserver(() => this.done(exit))
  }

  /** Starts an effect; yields its event if it ended at once, otherwise tells it when it ends. */
  private start<A, E>(
    effect: Effect.Effect<A, E, unknown>,
    toEvent: (exit: Exit.Exit<A, E>) => machine.Event
  ): machine.Event | undefined {
    const fiber = this.fork(effect)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return toEvent(exit)
    if (this.stopped) {
      fiber.interruptUnsafe()
      return undefined
    }
    this.activity = fiber
    fiber.addObserver((late) => {
      if (this.activity !== fiber) return
      this.activity = undefined
      this.tell(toEvent(late))
    })
    return undefined
  }

  private look(): Effect.Effect<Look<unknown, unknown>, unknown, unknown> {
    const { policy, fallbackKey } = this.wait
    return fallbackKey === undefined ? policy.check : policy.missing.checkFallback!(fallbackKey)
  }

  private sleepUntil(at: number): Effect.Effect<void> {
    const millis = at - this.clock.currentTimeMillisUnsafe()
    if (millis > 0) return this.clock.sleep(Duration.millis(millis))
    // A strategy without delays must not starve the process, whatever the clock makes of a sleep of no length.
    return ++this.spins % 256 === 0 ? Effect.yieldNow : this.clock.sleep(Duration.zero)
  }

  private guard(): void {
    const { lookBy } = this.wait
    if (this.stopped || lookBy === Number.POSITIVE_INFINITY) return
    if (this.watchdog !== undefined) {
      if (this.watchedUntil <= lookBy) return
      const late = this.watchdog
      this.watchdog = undefined
      late.interruptUnsafe()
    }
    // It comes in two legs, the last a millisecond long, so that an answer that arrives at `lookBy` is heard first.
    const millis = lookBy - this.clock.currentTimeMillisUnsafe()
    const fiber = this.fork(this.clock.sleep(Duration.millis(millis > 1 ? millis - 1 : millis)))
    this.watchdog = fiber
    this.watchedUntil = lookBy
    fiber.addObserver((exit) => {
      if (this.watchdog !== fiber) return
      this.watchdog = undefined
      if (exit._tag === "Failure" || !isGuarded(this.wait)) return
      this.tell(machine.overdue)
      if (isGuarded(this.wait)) this.guard()
    })
  }

  private step(): Effect.Effect<Decision, never, unknown> {
    const { stepCount, stepping } = this.wait
    const begin = stepCount === 1 ? undefined : this.steps.get(stepping!)
    const step: Effect.Effect<Step, never, unknown> =
      begin === undefined ? Schedule.toStep(stepping!.schedule) : Effect.succeed(begin)
    return Effect.flatMap(step, (run) => {
      this.steps.set(stepping!, run)
      return Pull.matchEffect(run(this.wait.now, machine.observe(this.wait)), {
        onSuccess: ([, delay]) => Effect.succeed<Decision>(Duration.toMillis(delay)),
        onDone: () => Effect.succeed<Decision>("end"),
        onFailure: Effect.failCause
      })
    })
  }
}

// ---- internal ----

const isGuarded = ({ phase }: Wait): boolean => phase === "looking" || phase === "gating" || phase === "canceling"

const gated = (exit: Exit.Exit<Gate.Answer>): machine.Event => ({ _tag: "Gated", exit })

const looked = (exit: Exit.Exit<Look<unknown, unknown>, unknown>): machine.Event => ({ _tag: "Looked", exit })

const stepped = (exit: Exit.Exit<Decision>): machine.Event => ({ _tag: "Stepped", exit })
