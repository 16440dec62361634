import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import type * as CheckResult from "../../CheckResult.ts"
import type { Notification } from "../../Observer.ts"
import type { PollEvent } from "../../PollEvent.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import type { Terminal } from "../../Status.ts"
import { cancelsBy } from "../machine/ending.ts"
import * as event from "../machine/event.ts"
import { graceOf, wakeForAlarm } from "../machine/pacing.ts"
import { alarmAt, longestLeg, slept, timeUntil, type Wait } from "../machine/wait.ts"
import type { Request } from "../options/request.ts"
import { holding } from "../lease.ts"
import { type Listener, listen } from "../told/loaded.ts"
import { Alone } from "./alone.ts"
import { prepare, type Prepared, spanOptions } from "./prepare.ts"
import * as remoteCancel from "./remoteCancel.ts"
import * as userCalls from "./userCalls.ts"

/** Runs one wait to its end. */
export const run = <A, E, R>(request: Request, options?: HostOptions): Effect.Effect<A, E, R> =>
  prepare(request, (prepared) => {
    const wait = (span?: Tracer.Span): Effect.Effect<A, E> =>
      Effect.callback((resume) => {
        const host = new Host(prepared, span, options, (exit) => resume(exit as Exit.Exit<A, E>))
        options?.onStart?.()
        host.begin(options)
        return host.stop("interrupt")
      })
    return holding(
      request.lease,
      prepared.defaults.span ? Effect.useSpan(spanName, spanOptions(prepared), wait) : wait()
    )
  })

/** A wait that runs in the background. */
export interface Running {
  readonly host: Host
  /** Ends the wait as interrupted, if it has not ended; closing the scope does that by "close". */
  readonly stop: (how: How) => Effect.Effect<void>
}

/** What ends a wait from outside; "leave" never cancels its job. */
export type How = event.LeftBy | "leave"

/** Starts one wait for as long as the scope lives. */
export const start = <R>(
  request: Request,
  options: HostOptions,
  done: (exit: Exit.Exit<unknown, unknown>) => void
): Effect.Effect<Running, never, R | Scope.Scope> =>
  prepare(request, (prepared) => {
    const wait = (span?: Tracer.Span): Effect.Effect<Running, never, Scope.Scope> => {
      const clock = Context.get(prepared.context, Clock.Clock)
      const release = once(request.lease?.close)
      const end = (exit: Exit.Exit<unknown, unknown>): void => {
        if (span?.status._tag === "Started") span.end(clock.currentTimeNanosUnsafe(), exit)
        if (request.lease !== undefined) Effect.runForkWith(prepared.context)(release)
        done(exit)
      }
      const running = Effect.sync((): Running => {
        request.lease?.open()
        const host = new Host(prepared, span, options, end)
        host.begin(options)
        const ended = Effect.sync(() => end(host.exit ?? Exit.interrupt()))
        return { host, stop: (how) => host.stop(how).pipe(Effect.andThen(release), Effect.andThen(ended)) }
      })
      return Effect.acquireRelease(running, ({ stop }) => stop("close"))
    }
    return prepared.defaults.span ? Effect.flatMap(Effect.makeSpan(spanName, spanOptions(prepared)), wait) : wait()
  })

/** Ends a wait that never began to check, as if it was interrupted then. */
export const abandon = <R>(request: Request, options: HostOptions): Effect.Effect<void, never, R> =>
  prepare<void, never, R, never>(request, (prepared) =>
    Effect.suspend(() => new Host(prepared, undefined, options, () => {}).abandon(options))
  )

export interface HostOptions {
  readonly emit?: ((event: PollEvent<unknown, unknown, unknown>) => void) | undefined
  /** Continues from here instead of starting anew. */
  readonly token?: ResumeToken | undefined
  /** How the job ended, if the answer to its submit says so. */
  readonly ended?: Terminal<unknown, unknown> | undefined
  /** Called as the wait starts. */
  readonly onStart?: (() => void) | undefined
}

/**
 * Runs one wait: carries out the commands of the machine and tells it what happened.
 *
 * One fiber, the driver, checks and sleeps in turn. When something else happens (a check times out, a check is
 * requested), the driver is interrupted without being awaited and another one takes over; `turn` says which driver is
 * current. A watchdog guards the time limits of the wait: it sleeps from one to the next instead of being set for each
 * check.
 */
export class Host extends Alone {
  private readonly done: (exit: Exit.Exit<unknown, unknown>) => void
  private readonly reader: HostOptions["emit"]
  private driver: Fiber.Fiber<void> | undefined
  private turn = 0
  /** Whether a check is in flight. */
  private isInCheck = false
  /** The newest check that was interrupted and still runs, and until when the next one waits for it. */
  private old: { readonly check: Fiber.Fiber<void>; readonly until: number } | undefined
  private watchdog: Fiber.Fiber<void> | undefined
  private watchedUntil = Number.POSITIVE_INFINITY
  private flushing: Fiber.Fiber<void> | undefined
  /** What tells the wait something; undefined if only checks do. */
  private listener: Listener | undefined
  private readonly listen: () => Listener | undefined

  constructor(
    prepared: Prepared,
    span: Tracer.Span | undefined,
    options: HostOptions | undefined,
    done: (exit: Exit.Exit<unknown, unknown>) => void
  ) {
    super(prepared, span)
    this.done = done
    this.reader = options?.emit
    this.listen = () => listen(prepared.request, this.policy.job, prepared.context, this.fork)
  }

  emit(wait: Wait, event: Notification["event"]): void {
    this.telemetry.report(wait, event)
    this.actions?.report(wait, event)
    const { listener, reader } = this
    // Closing streams is user code, too.
    if (event._tag === "Ended" && listener !== undefined) this.afterStep.push(() => listener.stop())
    if (event._tag !== "Started" && reader !== undefined) this.afterStep.push(() => reader(event))
  }

  override isObserved(): boolean {
    return this.reader !== undefined || super.isObserved()
  }

  /** A wait that is alone may check whenever it wants to, unless a check of it still runs that was interrupted. */
  hasRoom(): boolean {
    return !this.isInCheck && this.old === undefined
  }

  /** Starts the wait, once it listens to what tells it something. */
  begin(options: HostOptions | undefined): void {
    this.listener = this.listen()
    const early = this.listener?.take()
    this.listener?.connect((heard) => this.tell(heard))
    this.tell(event.started(options?.token, 0, undefined, options?.ended, early))
  }

  /** Tells the machine what happened; its command replaces what is in flight. */
  tell(happened: event.Event): void {
    const before = this.turn
    const command = this.step(happened)
    // A listener may have made the next step.
    if (command === "continue" || this.turn !== before) return
    const turn = ++this.turn
    const former = this.driver
    this.driver = undefined
    former?.interruptUnsafe()
    if (this.isInCheck && former !== undefined) this.leaveBehind(former)
    this.isInCheck = false
    const driver = this.fork(this.drive(turn, command))
    if (this.turn === turn) this.driver = driver
    // A check that interrupts its own fiber kills the driver, and must not leave the wait without an end.
    driver.addObserver((exit) => {
      if (this.turn === turn && Exit.isFailure(exit)) this.tell({ _tag: "Died", cause: exit.cause })
    })
  }

  /**
   * Stops everything at once and waits for the finalizers of the check in flight, but not of checks that timed out
   * before, for at most `cancelTimeout`. A wait that has not ended is then interrupted: the server
   * is asked to stop the job if the policy says so, and the observers are notified.
   */
  stop(how: How): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { cancelTimeout } = this.policy
      const closing = this.listener?.stop() ?? []
      const own = [this.driver, this.watchdog, this.flushing, ...closing].filter((fiber) => fiber !== undefined)
      const handlers = this.actions?.fibersOf(this.wait) ?? []
      const handled = this.actions?.settled([this.wait]) ?? Effect.void
      const isOver = this.wait.stage.phase === "ended"
      const by = isOver || how === "leave" ? undefined : cancelsBy(this.wait, how)
      this.turn++
      this.driver = this.watchdog = undefined
      for (const fiber of handlers) fiber.interruptUnsafe()
      const all = Fiber.interruptAll(own)
      // A check that cannot be interrupted is not awaited for ever.
      const idle = Effect.asVoid(Effect.timeoutOption(Effect.interruptible(all), cancelTimeout))
      const stopped = Effect.all([idle, handled], together)
      if (isOver) return stopped
      this.step(event.interrupted(by))
      const both = by === undefined ? stopped : Effect.all([this.cancel(by, [...own, ...handlers]), stopped], together)
      return both.pipe(Effect.andThen(Effect.suspend(() => this.telemetry.flush(cancelTimeout) ?? Effect.void)))
    })
  }

  /** Ends a wait that never began to check, as if it was interrupted then. */
  abandon(options: HostOptions): Effect.Effect<void> {
    return Effect.suspend(() => {
      // Deferred, so that no check begins.
      this.step(event.started(options.token, 0, 1, options.ended))
      return this.stop("interrupt")
    })
  }

  private cancel(by: event.LeftBy, running: ReadonlyArray<Fiber.Fiber<unknown, unknown>>): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      for (const fiber of running) fiber.interruptUnsafe()
      return remoteCancel.afterCheck(
        {
          waits: [this.wait],
          by,
          over: Fiber.awaitAll(running),
          fork: this.fork,
          tell: (_, happened) => void this.step(happened),
          isWanted: () => false
        },
        now
      )
    })
  }

  /**
   * Runs an effect that ends this wait in a fiber of its own: it may be the check or a handler of this wait that asks for
   * it, which is interrupted by it, and cannot wait for its own end. An observer is not interrupted, and runs it itself.
   */
  apart(effect: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const self = Fiber.getCurrent()
      if (self !== undefined && this.telemetry.runs(self)) return effect
      const isOwn =
        self !== undefined &&
        (self === this.driver || this.actions?.runs(self) === true || this.listener?.runs(self) === true)
      const fiber = this.fork(effect)
      return isOwn ? Effect.void : Fiber.join(fiber)
    })
  }

  /** Keeps a check that was interrupted and still runs, until it ends or its grace is over. */
  private leaveBehind(check: Fiber.Fiber<void>): void {
    if (check.pollUnsafe() !== undefined) return
    const old = { check, until: this.time.now + graceOf(this.wait) }
    this.old = old
    check.addObserver(() => {
      if (this.old === old) this.old = undefined
    })
  }

  /** Waits for a check that was interrupted, until its grace is over. */
  private settleOld(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { old } = this
      if (old === undefined) return Effect.void
      const rest = Duration.millis(Math.max(0, old.until - this.time.now))
      return Effect.map(Effect.timeoutOption(Fiber.await(old.check), rest), () => {
        if (this.old === old) this.old = undefined
      })
    })
  }

  /** Carries out one command after the other, until the wait ends or another driver takes over. */
  private drive(turn: number, first: event.Command): Effect.Effect<void, never, unknown> {
    const after = (happened: event.Event): Driven => {
      // The result of a driver that was replaced is dropped.
      if (this.turn !== turn) return Effect.void
      const command = this.step(happened)
      // A listener may have made the next step.
      return this.turn === turn ? follow(command) : Effect.void
    }
    const onAwake = (millis: number): Driven => {
      slept(this.time, millis, since)
      if (millis < longestLeg || this.turn !== turn) return after(event.due)
      this.moveToNow()
      return alarmAt(this.wait) > this.time.now ? follow("sleep") : after(event.due)
    }
    const answered = (happened: event.Event): Driven => {
      if (this.turn === turn) this.isInCheck = false
      return after(happened)
    }
    const onCheck = {
      onSuccess: (result: CheckResult.CheckResult<unknown, unknown>) => answered(event.checked(result)),
      onFailure: (cause: Cause.Cause<unknown>) => answered(event.checkErrored(cause))
    }
    // Reused while the check and the delay stay the same: checks and sleeps are many, and most are like the one before.
    let check: Driven | undefined
    let checked: Effect.Effect<unknown, unknown, unknown> | undefined
    let sleep: Driven | undefined
    let sleepMillis = 0
    /** When the sleep began, by the monotonic clock. */
    let since = 0
    const follow = (command: event.Command): Driven => {
      switch (command) {
        case "check": {
          this.guard()
          this.isInCheck = true
          const next = userCalls.check(this.wait)
          // A wait without a job has the same check every time.
          if (check === undefined || checked !== next) {
            check = Effect.matchCauseEffect(next, onCheck)
            checked = next
          }
          return check
        }
        case "sleep": {
          const millis = Math.min(longestLeg, timeUntil(this.time, alarmAt(this.wait)))
          if (sleep === undefined || sleepMillis !== millis) {
            const asleep = Effect.flatMap(this.clock.sleep(Duration.millis(millis)), () => onAwake(millis))
            sleep = Effect.suspend(() => {
              since = this.time.monotonic()
              return asleep
            })
            sleepMillis = millis
          }
          return sleep
        }
        case "gate":
          this.guard()
          return Effect.flatMap(
            Effect.exit(Effect.andThen(this.settleOld(), userCalls.askGateIfAny(this.wait))),
            (exit) => after({ _tag: "GateAnswered", exit })
          )
        case "step":
          this.guard()
          return Effect.flatMap(Effect.exit(userCalls.stepForeign(this.wait)), (exit) =>
            after({ _tag: "Decided", exit })
          )
        case "cancel":
          this.guard()
          this.step(event.cancelAsked("timeout"))
          if (this.turn !== turn) return Effect.void
          return Effect.flatMap(Effect.exit(userCalls.cancelRemote(this.wait)), (exit) =>
            after(event.cancelDone("timeout", exit))
          )
        case "continue":
          return Effect.void
        default:
          if (typeof command !== "object") throw event.unknown("command", command)
          this.watchdog?.interruptUnsafe()
          this.handOut(command.exit)
          return Effect.void
      }
    }
    return Effect.suspend(() => (this.turn === turn ? follow(first) : Effect.void))
  }

  /** Hands the result out, once the observers have been notified and the handlers of actions have ended. */
  private handOut(exit: Exit.Exit<unknown, unknown>): void {
    const { cancelTimeout } = this.policy
    const handled = this.actions?.settled([this.wait])
    const flush = this.telemetry.flush(cancelTimeout)
    const streams = this.listener?.stop() ?? []
    if (flush === undefined && handled === undefined && streams.length === 0) return this.done(exit)
    const closed = Effect.timeoutOption(Fiber.awaitAll(streams), cancelTimeout)
    this.flushing = this.fork(Effect.all([handled ?? Effect.void, flush ?? Effect.void, closed], together))
    // Also when that is stopped: the wait has ended.
    this.flushing.addObserver(() => this.done(exit))
  }

  /** Makes sure that the watchdog wakes up for the time limit of what is in flight. */
  private guard(): void {
    const limit = this.wait.nextAt
    if (limit === Number.POSITIVE_INFINITY) return
    const { now } = this.time
    const wakeAt = Math.min(wakeForAlarm(now, limit), now + longestLeg)
    // At the limit itself it comes after an answer that arrives then: its sleep begins later, and it yields once more.
    const isLast = wakeAt === limit
    if (this.watchdog !== undefined) {
      if (this.watchedUntil <= limit && !isLast) return
      const former = this.watchdog
      this.watchdog = undefined
      former.interruptUnsafe()
    }
    const asleep = wakeAt > now ? this.clock.sleep(Duration.millis(timeUntil(this.time, wakeAt))) : Effect.void
    const fiber = this.fork(isLast ? Effect.andThen(Effect.yieldNow, Effect.andThen(asleep, Effect.yieldNow)) : asleep)
    this.watchdog = fiber
    this.watchedUntil = limit
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

const spanName = "poll.wait"

/** Runs an effect only once. */
const once = (effect: Effect.Effect<void> = Effect.void): Effect.Effect<void> => {
  let next = effect
  return Effect.suspend(() => {
    const now = next
    next = Effect.void
    return now
  })
}

const together = { concurrency: "unbounded", discard: true } as const

type Driven = Effect.Effect<void, never, unknown>

const isGuarded = ({ stage: { phase } }: Wait): boolean => phase !== "waiting" && phase !== "ended"
