import type * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exits from "effect/Exit"
import type * as CheckResult from "effect-poll/CheckResult"
import type { Notification } from "effect-poll/Observer"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type * as theEvent from "../../src/internal/machine/event.ts"
import type * as theMachine from "../../src/internal/machine/machine.ts"
import type * as theToken from "../../src/internal/machine/token.ts"
import type * as theWait from "../../src/internal/machine/wait.ts"
import type * as thePolicy from "../../src/internal/options/policy.ts"

// The machine without a host: a test says what happens and when, and reads the record of the wait.

// No package exports them, and the compiler does not follow a path that it cannot read.
const folder: string = "../../src/internal"
export const machine = (await import(`${folder}/machine/machine.ts`)) as typeof theMachine
export const event = (await import(`${folder}/machine/event.ts`)) as typeof theEvent
export const tokens = (await import(`${folder}/machine/token.ts`)) as typeof theToken
export const waits = (await import(`${folder}/machine/wait.ts`)) as typeof theWait
export const policies = (await import(`${folder}/options/policy.ts`)) as typeof thePolicy

export type Wait = theWait.Wait
export type Command = theEvent.Command
export type Event = theEvent.Event
export type Options = Partial<thePolicy.Input>

/** What one check finds; `fails` makes one that fails. */
export type Found = CheckResult.CheckResult<unknown, unknown> | Failure

/** A check that fails. */
export class Failure {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

export const fails = (error: unknown): Failure => new Failure(error)

/** The options of a wait as the machine reads them. */
export const policyOf = (options: Options = {}): thePolicy.Policy =>
  policies.compile({
    name: "test",
    job: "render",
    check: () => Effect.never,
    show: undefined,
    cancel: undefined,
    missing: undefined,
    deadline: "10 minutes",
    ...options
  })

/** A clock whose wall and monotonic times are this. */
export const clockAt = (millis: () => number) =>
  ({
    currentTimeMillisUnsafe: millis,
    monotonicTimeNanosUnsafe: () => BigInt(Math.round(millis() * 1_000_000))
  }) as Clock.Clock

/** A wait that a test drives by hand. Its clock starts at `origin`. */
export const drive = (
  options: Options = {},
  changes: Partial<theWait.Setting> & { readonly origin?: number; readonly rawKey?: unknown } = {}
) => {
  const { origin = 0, rawKey = "a", ...setting } = changes
  let clock = origin
  const events: Array<Notification["event"]> = []
  const time = waits.timeline(clockAt(() => clock))
  const wait = waits.make(
    {
      policy: policyOf(options),
      time,
      random: () => 0,
      emit: (_, emitted) => void events.push(emitted),
      isObserved: () => true,
      hasRoom: () => true,
      checkedAt: () => waits.never,
      lastCheckAt: (_, latest) => latest,
      forgoLastCheck: () => {},
      spread: (_, floorAt) => floorAt,
      ...setting
    },
    "a",
    rawKey,
    undefined
  )
  const move = (at: number): void => {
    clock = at
    waits.advance(time, clock)
  }
  /** Something happens at a time. */
  const step = (at: number, what: Event): Command => {
    move(at)
    return machine.step(wait, what)
  }
  return {
    wait,
    time,
    events,
    tags: () => events.map(({ _tag }) => _tag),
    now: () => clock,
    move,
    step,
    start: (token?: ResumeToken) => step(clock, event.started(token)),
    /** The answer to the check in flight. */
    answer: (at: number, found: Found) =>
      step(at, found instanceof Failure ? event.checkErrored(Cause.fail(found.error)) : event.checked(found)),
    token: () => tokens.fromWait(wait)
  }
}

export type Driven = ReturnType<typeof drive>

/**
 * Runs a wait to its end, or for at most `most` checks: the gate is open, and the checks are answered at once, in turn and then
 * by the last one again. Yields the times of the checks and how it ended.
 */
export const play = (driven: Driven, answers: ReadonlyArray<Found>, token?: ResumeToken, most = 50) => {
  const checks: Array<number> = []
  let command = driven.start(token)
  while (typeof command === "string") {
    switch (command) {
      case "sleep":
        command = driven.step(Math.max(driven.now(), driven.time.base + waits.alarmAt(driven.wait)), event.due)
        break
      case "gate":
        command = driven.step(driven.now(), { _tag: "GateAnswered", exit: Exits.succeed({ _tag: "Open" }) })
        break
      case "check":
        if (checks.length === most) return { checks, exit: undefined, ending: "running" }
        checks.push(driven.now())
        command = driven.answer(driven.now(), answers[Math.min(checks.length, answers.length) - 1]!)
        break
      case "cancel":
        command = driven.step(driven.now(), event.cancelAsked("timeout"))
        command = driven.step(driven.now(), event.cancelDone("timeout", Exits.void))
        break
      default:
        throw new Error(`no host for "${command}"`)
    }
  }
  return { checks, exit: command.exit, ending: endingOf(command.exit) }
}

/** How a wait ended, in words. */
export const endingOf = (exit: Exit.Exit<unknown, unknown>): unknown => {
  if (Exits.isSuccess(exit)) return exit.value
  const error = Exits.findErrorOption(exit)
  if (error._tag === "None") return Cause.squash(exit.cause)
  const { _tag, reason } = error.value as { readonly _tag: string; readonly reason?: string }
  return reason === undefined ? _tag : `${_tag} ${reason}`
}
