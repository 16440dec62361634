import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { hasProperty } from "effect/Predicate"
import type * as Tracer from "effect/Tracer"
import type { Any } from "../../Job.ts"
import type { Notification } from "../../Observer.ts"
import { ResumeTokenError } from "../../PollError.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import type { Status } from "../../Status.ts"
import { awaitAtMost } from "../awaitAtMost.ts"
import { holding } from "../lease.ts"
import * as event from "../machine/event.ts"
import { wakeForAlarm } from "../machine/pacing.ts"
import { fromWait } from "../machine/token.ts"
import { alarmAt, longestLeg, seen, timeUntil, type Wait } from "../machine/wait.ts"
import { builtin } from "../options/defaults.ts"
import * as request from "../options/request.ts"
import { storable } from "../options/storable.ts"
import * as validate from "../validate.ts"
import { Alone } from "./alone.ts"
import { prepare, spanOptions } from "./prepare.ts"
import * as userCalls from "./userCalls.ts"

// A host that carries out the commands of the machine until it says "sleep", or wants a second check: then a token holds
// what is left, for the next call.

/** What a call found; public as `Poll.Advanced`, which documents it. */
export type Advanced =
  | {
      readonly _tag: "Pending"
      readonly status: Status<unknown, unknown> | undefined
      readonly token: ResumeToken
      readonly dueAt: number
      readonly attempts: number
      readonly lastCheckError: unknown
    }
  | { readonly _tag: "Ended"; readonly exit: Exit.Exit<unknown, unknown> }

/** Starts or continues a wait, with at most one check; `name` is the function that messages name. Throws a RangeError. */
export const advance = (
  name: string,
  job: Any,
  of: unknown,
  options: (object & Options) | undefined
): Effect.Effect<Advanced, ResumeTokenError, unknown> => {
  request.aJob(name, job)
  validate.option(`${name}: onInterrupt`, options?.onInterrupt, '"leave"')
  validate.option(`${name}: onClose`, options?.onClose, '"leave"')
  if (!isToken(of)) return once(name, request.ofAny(name, job, of, options as never), undefined)
  const rest = request.resuming(options, of)
  storable(name, request.checkOfAny(name, job, rest)(builtin))
  return Effect.suspend(() => {
    const key = request.keyOfToken<unknown, unknown, unknown, unknown, unknown>(job, of)
    return key instanceof ResumeTokenError ? Effect.fail(key) : once(name, request.ofAny(name, job, key, rest), of)
  })
}

// ---- internal ----

interface Options {
  readonly onInterrupt?: unknown
  readonly onClose?: unknown
}

const isToken = (of: unknown): of is ResumeToken =>
  hasProperty(of, "version") && hasProperty(of, "job") && hasProperty(of, "key")

/** Throws a RangeError for a schedule whose state cannot be stored; under other defaults that is a defect. */
const once = (
  name: string,
  wanted: request.Request,
  token: ResumeToken | undefined
): Effect.Effect<Advanced, never, unknown> => {
  storable(name, wanted.policy(builtin))
  return prepare(wanted, (prepared) => {
    storable(name, prepared.policy)
    const call = (span?: Tracer.Span): Effect.Effect<Advanced> =>
      Effect.suspend(() => new Call(prepared, span).run(token))
    return holding(
      wanted.lease,
      prepared.defaults.span ? Effect.useSpan("poll.advance", spanOptions(prepared), call) : call()
    )
  })
}

/** One call: what it does in turn is in `follow`. */
class Call extends Alone {
  /** The gate, check or cancel that runs, or was interrupted and has not ended. */
  private inFlight: Fiber.Fiber<unknown, unknown> | undefined
  private hasAsked = false
  private hasChecked = false
  /** Whether the outcome is known, so that handlers no longer matter. */
  private isOver = false
  private token: ResumeToken | undefined

  tell(happened: event.Event): void {
    if (!this.isOver) this.step(happened)
  }

  run(token: ResumeToken | undefined): Effect.Effect<Advanced> {
    this.token = token
    return Effect.onInterrupt(
      Effect.suspend(() => this.follow(this.step(event.started(token)))),
      () => this.stop()
    )
  }

  emit(wait: Wait, happened: Notification["event"]): void {
    // Nothing listens to the `push` of the job.
    if (happened._tag === "SignalMissed") return
    // A wait starts with its first call.
    if (happened._tag === "Started" && this.token !== undefined) return
    this.telemetry.report(wait, happened)
    this.actions?.report(wait, happened)
  }

  /** There is room for one check. */
  hasRoom(): boolean {
    return !this.hasChecked
  }

  private follow(command: event.Command): Effect.Effect<Advanced> {
    // A handler may have ended the wait.
    if (this.exit !== undefined) return this.settle()
    switch (command) {
      case "sleep":
        return alarmAt(this.wait) > this.time.now ? this.settle() : this.follow(this.step(event.due))
      case "gate":
        if (this.hasAsked || this.hasChecked) return this.settle()
        this.hasAsked = true
        return this.limited(userCalls.askGateIfAny(this.wait), (exit) => ({ _tag: "GateAnswered", exit }))
      case "check":
        this.hasChecked = true
        return this.limited(userCalls.check(this.wait), (exit) =>
          Exit.isSuccess(exit) ? event.checked(exit.value) : event.checkErrored(exit.cause)
        )
      case "cancel":
        this.step(event.cancelAsked("timeout"))
        return this.limited(userCalls.cancelRemote(this.wait), (exit) => event.cancelDone("timeout", exit))
      default:
        return this.follow(this.step(event.unknownCommand(command)))
    }
  }

  /** Runs an effect until its time limit, which is `nextAt` of the wait. One that is interrupted is not awaited here. */
  private limited<A, E>(
    effect: Effect.Effect<A, E, unknown>,
    happened: (exit: Exit.Exit<A, E>) => event.Event
  ): Effect.Effect<Advanced> {
    const fiber = this.fork(effect)
    this.inFlight = fiber
    const ended = (exit: Exit.Exit<A, E> | undefined): Effect.Effect<Advanced> => {
      if (exit !== undefined) return this.follow(this.step(happened(exit)))
      const command = this.step(event.overdue)
      if (command === "continue") return awaited
      fiber.interruptUnsafe()
      return this.follow(command)
    }
    const awaited = Effect.flatMap(this.within(fiber), ended)
    return awaited
  }

  /** Waits for a fiber until the time limit; an answer that arrives then comes first. Looks at the clock now and then. */
  private within<A, E>(fiber: Fiber.Fiber<A, E>): Effect.Effect<Exit.Exit<A, E> | undefined> {
    return Effect.suspend(() => {
      const exit = fiber.pollUnsafe()
      const limit = this.wait.nextAt
      this.moveToNow()
      const { now } = this.time
      if (exit !== undefined || now >= limit) return Effect.succeed(exit)
      const wakeAt = Math.min(wakeForAlarm(now, limit), now + longestLeg)
      const asleep = this.clock.sleep(Duration.millis(timeUntil(this.time, wakeAt)))
      const turn = wakeAt === limit ? Effect.andThen(Effect.yieldNow, Effect.andThen(asleep, Effect.yieldNow)) : asleep
      return Effect.andThen(Effect.raceFirst(Fiber.await(fiber), turn), this.within(fiber))
    })
  }

  /** Waits for the handlers of actions, a check that was interrupted and the observers, each for a bounded time. */
  private settle(): Effect.Effect<Advanced> {
    return Effect.gen({ self: this }, function* () {
      const { cancelTimeout } = this.policy
      yield* this.actions?.settled([this.wait]) ?? Effect.void
      // A handler that is interrupted now is called again by the next call.
      this.isOver = true
      this.actions?.fibersOf(this.wait).forEach((fiber) => fiber.interruptUnsafe())
      const found = this.found()
      // The next check must not overlap with one that has timed out.
      if (found._tag === "Pending" && this.inFlight !== undefined) yield* awaitAtMost(this.inFlight, cancelTimeout)
      yield* this.telemetry.flush(cancelTimeout) ?? Effect.void
      return found
    })
  }

  private found(): Advanced {
    const { exit, token, wait } = this
    if (exit !== undefined) return { _tag: "Ended", exit }
    this.moveToNow()
    const written = fromWait(wait)
    // One that was written by a clock ahead of this one is due at another time.
    const isSame = token !== undefined && !this.hasAsked && !this.hasChecked && token.dueAt === written.dueAt
    return {
      _tag: "Pending",
      status: wait.status,
      token: isSame ? token : written,
      dueAt: written.dueAt,
      attempts: written.attempts,
      lastCheckError: seen(wait).lastCheckError
    }
  }

  /** Interrupts what runs, and waits for it for a bounded time. The wait has not ended: the caller still has its token. */
  private stop(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.isOver = true
      const { cancelTimeout } = this.policy
      const running = [this.inFlight, ...(this.actions?.fibersOf(this.wait) ?? [])].filter((one) => one !== undefined)
      const all = Effect.interruptible(Fiber.interruptAll(running))
      return Effect.asVoid(Effect.timeoutOption(all, cancelTimeout))
    })
  }
}
