import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type * as Gate from "../../Gate.ts"
import type * as CheckResult from "../../CheckResult.ts"
import type { Notification } from "../../Observer.ts"
import { type Defaults, Reference } from "../options/defaults.ts"
import * as event from "../machine/event.ts"
import * as machine from "../machine/machine.ts"
import type { Policy } from "../options/policy.ts"
import type { PollEvent } from "../../PollEvent.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import { make as makeTelemetry, type Telemetry } from "../telemetry.ts"
import type { Request } from "../options/request.ts"
import { bounded } from "./bounded.ts"
import { asksOnInterrupt } from "../machine/ending.ts"
import { stepForeign } from "./foreign.ts"
import {
  advance,
  alarmAt,
  make as makeWait,
  type Setting,
  timeline,
  type Timeline,
  type Wait
} from "../machine/wait.ts"

/** Runs one wait to its end. */
export const run = <A, E, R>(request: Request, options?: HostOptions): Effect.Effect<A, E, R> =>
  prepare(request, (place) => {
    const wait = (span?: Tracer.Span): Effect.Effect<A, E> =>
      Effect.callback((resume) => {
        const host = new Host(place, span, options, (exit) => resume(exit as Exit.Exit<A, E>))
        host.tell(event.started(options?.token))
        return host.stop
      })
    return place.defaults.span ? Effect.useSpan(spanName, spanOptions(place), wait) : wait()
  })

/** A wait that runs in the background. */
export interface Running {
  readonly host: Host
  /** Ends the wait as interrupted, if it has not ended; closing the scope does the same. */
  readonly interrupt: Effect.Effect<void>
}

/** Starts one wait for as long as the scope lives. */
export const start = <R>(
  request: Request,
  options: HostOptions,
  done: (exit: Exit.Exit<unknown, unknown>) => void
): Effect.Effect<Running, never, R | Scope.Scope> =>
  prepare(request, (place) => {
    const wait = (span?: Tracer.Span): Effect.Effect<Running, never, Scope.Scope> => {
      const clock = Context.get(place.context, Clock.Clock)
      const end = (exit: Exit.Exit<unknown, unknown>): void => {
        if (span?.status._tag === "Started") span.end(clock.currentTimeNanosUnsafe(), exit)
        done(exit)
      }
      const running = Effect.sync((): Running => {
        const host = new Host(place, span, options, end)
        host.tell(event.started(options.token))
        const interrupt = Effect.andThen(
          host.stop,
          Effect.sync(() => end(host.exit ?? Exit.interrupt()))
        )
        return { host, interrupt }
      })
      return Effect.acquireRelease(running, ({ interrupt }) => interrupt)
    }
    return place.defaults.span ? Effect.flatMap(Effect.makeSpan(spanName, spanOptions(place)), wait) : wait()
  })

export interface HostOptions {
  readonly emit?: ((event: PollEvent<unknown, unknown, unknown>) => void) | undefined
  /** Goes on from here instead of starting anew. */
  readonly token?: ResumeToken | undefined
}

/** What a wait runs in. */
interface Place {
  readonly request: Request
  readonly policy: Policy
  readonly context: Context.Context<unknown>
  readonly defaults: Defaults
}

const prepare = <A, E, R, R2>(
  request: Request,
  use: (place: Place) => Effect.Effect<A, E, R2>
): Effect.Effect<A, E, R | R2> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const defaults = Context.get(context, Reference)
    return use({ request, policy: request.policy(defaults), context: context as Context.Context<unknown>, defaults })
  })

const spanName = "poll.wait"

const spanOptions = ({ policy, request }: Place) => ({
  attributes: { "poll.job": policy.job, "poll.key": request.key }
})

/**
 * Does what the machine says, and tells it what happened.
 *
 * One fiber, the driver, checks and sleeps in turn. When something else happens (a check is overdue, somebody wants a check
 * now), that fiber is interrupted, not waited for, and another takes over; `turn` says which one has the word. A watchdog
 * guards the checks of a wait: it sleeps from one `checkBy` to the next instead of being set for each check.
 */
export class Host implements Setting {
  readonly policy: Policy
  readonly time: Timeline
  readonly random: () => number
  readonly wait: Wait
  exit: Exit.Exit<unknown, unknown> | undefined
  private readonly clock: Clock.Clock
  private readonly fork: <A, E>(effect: Effect.Effect<A, E, unknown>) => Fiber.Fiber<A, E>
  private readonly done: (exit: Exit.Exit<unknown, unknown>) => void
  private readonly listener: HostOptions["emit"]
  private readonly untold: Array<() => void> = []
  private readonly telemetry: Telemetry
  private driver: Fiber.Fiber<void> | undefined
  private turn = 0
  private watchdog: Fiber.Fiber<void> | undefined
  private flushing: Fiber.Fiber<void> | undefined
  private watchedUntil = Number.POSITIVE_INFINITY

  constructor(
    { context, defaults, policy, request }: Place,
    span: Tracer.Span | undefined,
    options: HostOptions | undefined,
    done: (exit: Exit.Exit<unknown, unknown>) => void
  ) {
    const random = Context.get(context, Random.Random)
    this.policy = policy
    this.clock = Context.get(context, Clock.Clock)
    this.time = timeline(this.clock.currentTimeMillisUnsafe())
    this.random = () => random.nextDoubleUnsafe()
    this.fork = Effect.runForkWith(span === undefined ? context : Context.add(context, Tracer.ParentSpan, span))
    this.telemetry = makeTelemetry({ logs: defaults.logs, observers: policy.observers, span }, this.fork, (log) => {
      this.untold.push(() => this.fork(log))
    })
    this.done = done
    this.listener = options?.emit
    this.wait = makeWait(this, request.key, request.rawKey, undefined)
  }

  emit(wait: Wait, told: Notification["event"]): void {
    if (told._tag === "Ended") this.exit = told.exit
    this.telemetry.tell(wait, told)
    const { listener } = this
    if (told._tag !== "Started" && listener !== undefined) this.untold.push(() => listener(told))
  }

  hears(): boolean {
    return this.listener !== undefined || this.policy.observers.length > 0
  }

  /** Its only wait may check whenever it wants to. */
  hasRoom(): boolean {
    return true
  }

  /** Tells the machine what happened; what it says replaces what is under way. */
  tell(happened: event.Event): void {
    const before = this.turn
    const command = this.step(happened)
    // Who was told of the step may have made the next one.
    if (command === "continue" || this.turn !== before) return
    const turn = ++this.turn
    const former = this.driver
    this.driver = undefined
    former?.interruptUnsafe()
    const driver = this.fork(this.drive(turn, command))
    if (this.turn === turn) this.driver = driver
    // A driver that was killed, by a check that interrupts its own fiber, must not leave the wait without an end.
    driver.addObserver((exit) => {
      if (this.turn === turn && Exit.isFailure(exit)) this.tell({ _tag: "Died", cause: exit.cause })
    })
  }

  /**
   * Stops everything at once and waits for the finalizers of the check under way (not of checks given up before). A wait that has not ended is then
   * interrupted: the server is asked to stop the job if the policy says so, and the observers are told.
   */
  readonly stop: Effect.Effect<void> = Effect.suspend(() => {
    const { cancelTimeout } = this.policy
    const running = [this.driver, this.watchdog, this.flushing].filter((fiber) => fiber !== undefined)
    const interrupted = this.wait.stage.phase !== "ended"
    const asks = asksOnInterrupt(this.wait)
    this.turn++
    this.driver = this.watchdog = undefined
    const stopped = Fiber.interruptAll(running)
    if (!interrupted) return stopped
    this.step(event.stopped)
    const asked = asks ? bounded(this.fork, this.cancel(), cancelTimeout) : Effect.void
    return stopped.pipe(
      Effect.andThen(asked),
      Effect.andThen(Effect.suspend(() => this.telemetry.flush(cancelTimeout) ?? Effect.void))
    )
  })

  private step(happened: event.Event): event.Command {
    advance(this.time, this.clock.currentTimeMillisUnsafe())
    const command = machine.step(this.wait, happened)
    // Not within the step: who hears of it may have a handle to this very wait.
    while (this.untold.length > 0) this.untold.shift()!()
    return command
  }

  /** Does one command after the other, until the wait ends or another driver takes over. */
  private drive(turn: number, first: event.Command): Effect.Effect<void, never, unknown> {
    // Replaced meanwhile: what was found is nobody's business any more.
    const after = (happened: event.Event): Driven => {
      if (this.turn !== turn) return Effect.void
      const command = this.step(happened)
      // Who was told of the step may have made the next one.
      return this.turn === turn ? follow(command) : Effect.void
    }
    const onDue = (): Driven => after(event.due)
    const onCheck = {
      onSuccess: (check: AnyCheckResult) => after(event.checked(check)),
      onFailure: (cause: Cause.Cause<unknown>) => after(event.checkErrored(cause))
    }
    // Made once for each source and each delay: checks and sleeps are many, and most are like the one before.
    let check: Driven | undefined
    let checkAt: string | undefined
    let sleep: Driven | undefined
    let sleepFor = 0
    const follow = (command: event.Command): Driven => {
      switch (command) {
        case "check": {
          this.guard()
          const { fallbackKey } = this.wait.rare
          if (check === undefined || checkAt !== fallbackKey) {
            check = Effect.matchCauseEffect(this.check(fallbackKey), onCheck)
            checkAt = fallbackKey
          }
          return check
        }
        case "sleep": {
          const millis = Math.max(0, alarmAt(this.wait) - this.time.now)
          if (sleep === undefined || sleepFor !== millis) {
            sleep = Effect.flatMap(this.clock.sleep(Duration.millis(millis)), onDue)
            sleepFor = millis
          }
          return sleep
        }
        case "gate":
          this.guard()
          return Effect.flatMap(Effect.exit(this.gate()), (exit) => after({ _tag: "Gated", exit }))
        case "step":
          this.guard()
          return Effect.flatMap(Effect.exit(stepForeign(this.wait)), (exit) => after({ _tag: "Stepped", exit }))
        case "cancel":
          this.guard()
          return Effect.flatMap(Effect.exit(this.cancel()), () => after(event.cancelAsked))
        case "end":
          this.watchdog?.interruptUnsafe()
          this.hand(this.exit!)
          return Effect.void
        case "continue":
          return Effect.void
      }
    }
    return Effect.suspend(() => (this.turn === turn ? follow(first) : Effect.void))
  }

  /** Hands the result out, once the observers have been told. */
  private hand(exit: Exit.Exit<unknown, unknown>): void {
    const flush = this.telemetry.flush(this.policy.cancelTimeout)
    if (flush === undefined) return this.done(exit)
    this.flushing = this.fork(flush)
    // Also if it is stopped meanwhile: the wait has ended.
    this.flushing.addObserver(() => this.done(exit))
  }

  private check(fallbackKey: string | undefined): Effect.Effect<AnyCheckResult, unknown, unknown> {
    const { policy, wait } = this
    return Effect.suspend(() =>
      fallbackKey === undefined ? policy.check(wait.rawKey) : policy.missing.checkFallback!(fallbackKey)
    )
  }

  private gate(): Effect.Effect<Gate.Answer, never, unknown> {
    return Effect.suspend(() => this.policy.gate!.ask({ job: this.policy.job, key: this.wait.key }))
  }

  private cancel(): Effect.Effect<void, unknown, unknown> {
    return Effect.suspend(() => this.policy.cancel!(this.wait.rawKey))
  }

  private guard(): void {
    const checkBy = this.wait.nextAt
    if (checkBy === Number.POSITIVE_INFINITY) return
    if (this.watchdog !== undefined) {
      if (this.watchedUntil <= checkBy) return
      const late = this.watchdog
      this.watchdog = undefined
      late.interruptUnsafe()
    }
    // It comes in two legs, the last a millisecond long, so that an answer that arrives at `checkBy` is heard first; for
    // the same reason it yields to a check that starts at `checkBy` itself.
    const millis = checkBy - this.time.now
    const fiber = this.fork(
      millis > 0 ? this.clock.sleep(Duration.millis(millis > 1 ? millis - 1 : millis)) : Effect.yieldNow
    )
    this.watchdog = fiber
    this.watchedUntil = checkBy
    fiber.addObserver((exit) => {
      if (this.watchdog !== fiber) return
      this.watchdog = undefined
      if (exit._tag === "Failure" || !isGuarded(this.wait)) return
      this.tell(event.overdue)
      if (isGuarded(this.wait)) this.guard()
    })
  }
}

// ---- internal ----

type AnyCheckResult = CheckResult.CheckResult<unknown, unknown>
type Driven = Effect.Effect<void, never, unknown>

const isGuarded = ({ stage: { phase } }: Wait): boolean => phase !== "waiting" && phase !== "ended"
