import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import type * as CheckResult from "../../CheckResult.ts"
import type * as Gate from "../../Gate.ts"
import type { CancelRequested, SourceBroke } from "../../PollEvent.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import type * as Status from "../../Status.ts"
import type * as Strategy from "../../Strategy.ts"
import type { Told } from "../told/model.ts"
import { kindOf, printed } from "../text.ts"

/** What can happen to a wait. */
export type Event =
  /**
   * The wait starts, anew or from a token. `stagger` postpones the first check by that many milliseconds, `deferral`
   * does so if the check is due at once.
   */
  | {
      readonly _tag: "Started"
      readonly token: ResumeToken | undefined
      readonly stagger: number
      readonly deferral: number | undefined
      /** How the job ended, if the answer to its submit says so. */
      readonly ended?: Status.Terminal<unknown, unknown> | undefined
      /** What the wait was told before it started. */
      readonly early?: ReadonlyArray<Heard> | undefined
    }
  /** The sleep is over. A timer that fires early is harmless: the machine answers "sleep". */
  | { readonly _tag: "Due" }
  /** Others are checked now, in a request that this wait may share, since it is nearly due. */
  | { readonly _tag: "NearlyDue" }
  | { readonly _tag: "GateAnswered"; readonly exit: Exit.Exit<Gate.Answer> }
  /** The check in flight has yielded a result. */
  | { readonly _tag: "Checked"; readonly result: CheckResult.CheckResult<unknown, unknown> }
  /** The check in flight has failed. `hint` is what the server said to the request as a whole. */
  | { readonly _tag: "CheckErrored"; readonly cause: Cause.Cause<unknown>; readonly hint?: CheckResult.Hint }
  /** The request for many has not answered for the key of this wait: a check of its own completes the attempt. */
  | { readonly _tag: "Unanswered"; readonly hint?: CheckResult.Hint | undefined }
  /** The request for many has failed, perhaps because of another key: a smaller one completes the attempt. */
  | { readonly _tag: "Divided" }
  /** Another wait for the same job has learned where the next check is to continue. */
  | { readonly _tag: "Moved"; readonly cursor: string }
  /** Another wait for the same job begins a check that this wait can share, so that it need not ask its gate. */
  | { readonly _tag: "Joined" }
  /** The server told another wait for the same job when it may be asked again. */
  | { readonly _tag: "Floored"; readonly floorAt: number }
  /** What is in flight has reached its time limit. */
  | { readonly _tag: "Overdue" }
  /** The schedule that the command "step" was about has decided. */
  | { readonly _tag: "Decided"; readonly exit: Exit.Exit<Strategy.Decision> }
  /** A check is requested; with `force` even before the server or the gate allows it. */
  | { readonly _tag: "Woken"; readonly force: boolean }
  | Heard
  /** The handler of an action has ended. */
  | { readonly _tag: "Handled"; readonly id: string }
  | { readonly _tag: "Paused" }
  | { readonly _tag: "Unpaused" }
  /** The server is asked to stop the job. */
  | { readonly _tag: "CancelAsked"; readonly by: CanceledBy }
  /**
   * The outcome of a cancel: its exit, or that it did not end in time, or that the server was not asked because other
   * waits want the job.
   */
  | { readonly _tag: "CancelDone"; readonly by: CanceledBy; readonly exit: CancelExit }
  /** User code threw, or interrupted the fiber that it runs in. */
  | { readonly _tag: "Died"; readonly cause: Cause.Cause<never> }
  /**
   * The wait is interrupted from outside. If `by` is given, the job is to be canceled, and the end is reported after
   * the `CancelDone` of that.
   */
  | { readonly _tag: "Interrupted"; readonly by: LeftBy | undefined }

/** The wait is told something, by the stream of a signal or a push, or by `Wakes`. Or the stream broke. */
export interface Heard {
  readonly _tag: "Told"
  readonly told: Told<unknown, unknown> | Broke | Strange
  readonly by: "signal" | "push"
}

/** A stream broke, and is subscribed again. It has rules, as what is told. */
export interface Broke extends Omit<SourceBroke, "by" | "_tag"> {
  readonly _tag: "Broke"
}

/** A stream has an element that tells nothing. */
export interface Strange {
  readonly _tag: "Strange"
  readonly found: unknown
}

/** What asks for the remote cancel of a job. */
export type CanceledBy = CancelRequested["by"]

/** What ends a wait from outside. */
export type LeftBy = "interrupt" | "close"

export type CancelExit = Exit.Exit<unknown, unknown> | "timedOut" | "wanted"

/**
 * What the host has to do next: ask the gate, check, sleep until `alarmAt`, step the schedule in `cold.stepping`, ask
 * the server to stop the job, carry on with what it does, or hand out the exit of the wait. Every command but
 * "continue" replaces what is in flight for the wait.
 */
export type Command = "gate" | "check" | "sleep" | "step" | "cancel" | "continue" | End

/** The command that ends a wait. */
export interface End {
  readonly exit: Exit.Exit<unknown, unknown>
}

/** The defect for an event or a command that does not exist. */
export const unknown = (kind: "event" | "command", got: unknown): Error =>
  new Error(`unknown ${kind}: ${typeof got === "string" ? printed(got) : kindOf(got)}`)

/** What a host tells a wait that was given a command which does not exist. */
export const unknownCommand = (command: unknown): Event => ({
  _tag: "Died",
  cause: Cause.die(unknown("command", command))
})

export const started = (
  token: ResumeToken | undefined,
  stagger = 0,
  deferral?: number,
  ended?: Status.Terminal<unknown, unknown>,
  early?: ReadonlyArray<Heard>
): Event => ({ _tag: "Started", token, stagger, deferral, ended, early })
export const checked = (result: CheckResult.CheckResult<unknown, unknown>): Event => ({ _tag: "Checked", result })
export const checkErrored = (cause: Cause.Cause<unknown>, hint?: CheckResult.Hint): Event =>
  hint === undefined ? { _tag: "CheckErrored", cause } : { _tag: "CheckErrored", cause, hint }
export const woken: Event = { _tag: "Woken", force: false }
export const joined: Event = { _tag: "Joined" }
export const due: Event = { _tag: "Due" }
export const divided: Event = { _tag: "Divided" }
export const nearlyDue: Event = { _tag: "NearlyDue" }
export const overdue: Event = { _tag: "Overdue" }
export const paused: Event = { _tag: "Paused" }
export const unpaused: Event = { _tag: "Unpaused" }
export const interrupted = (by: LeftBy | undefined): Event => ({ _tag: "Interrupted", by })
export const cancelAsked = (by: CanceledBy): Event => ({ _tag: "CancelAsked", by })
export const cancelDone = (by: CanceledBy, exit: CancelExit): Event => ({ _tag: "CancelDone", by, exit })
