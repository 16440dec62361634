import type * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import type * as Gate from "../../Gate.ts"
import type * as CheckResult from "../../CheckResult.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import type * as Strategy from "../../Strategy.ts"

/** What can happen to a wait. */
export type Event =
  /** Anew or from a token; the first check is put off by `stagger` milliseconds, and by `later`, if it is due then. */
  | {
      readonly _tag: "Started"
      readonly token: ResumeToken | undefined
      readonly stagger: number
      readonly later: number | undefined
    }
  /** The sleep is over (or a timer fired early: then the machine sleeps on). */
  | { readonly _tag: "Due" }
  /** The gate has answered. */
  | { readonly _tag: "Gated"; readonly exit: Exit.Exit<Gate.Answer> }
  /** The check under way has ended, */
  | { readonly _tag: "Checked"; readonly check: CheckResult.CheckResult<unknown, unknown> }
  /** or failed. */
  | { readonly _tag: "CheckErrored"; readonly cause: Cause.Cause<unknown>; readonly hint?: CheckResult.Hint }
  /** Another wait for the same job checks now. */
  | { readonly _tag: "Joined" }
  /** The server does not want to be asked before, as it said to another wait for the same job. */
  | { readonly _tag: "Floored"; readonly floorAt: number }
  /** What is under way is to be given up. */
  | { readonly _tag: "Overdue" }
  /** The schedule that "step" asked for has decided. */
  | { readonly _tag: "Stepped"; readonly exit: Exit.Exit<Strategy.Decision> }
  /** Somebody wants a check now; with `force`, even before the server or the gate wants to be asked. */
  | { readonly _tag: "Woken"; readonly force: boolean }
  | { readonly _tag: "Paused" }
  | { readonly _tag: "Unpaused" }
  /** The server has been asked to stop the job, with or without success. */
  | { readonly _tag: "CancelAsked" }
  /** What the user gave threw, or interrupted the fiber it runs in. */
  | { readonly _tag: "Died"; readonly cause: Cause.Cause<never> }
  /** The host was interrupted. */
  | { readonly _tag: "Stopped" }

/**
 * What the host has to do: ask the gate, check, sleep until the alarm, step the schedule in `stepping`, ask the server to
 * stop the job, hand out the exit that came with `Ended`, or go on with what it does. Every command but the last replaces what is under way.
 */
export type Command = "gate" | "check" | "sleep" | "step" | "cancel" | "end" | "continue"

export const checked = (check: CheckResult.CheckResult<unknown, unknown>): Event => ({ _tag: "Checked", check })
export const checkErrored = (cause: Cause.Cause<unknown>): Event => ({ _tag: "CheckErrored", cause })
export const started = (token: ResumeToken | undefined, stagger = 0, later?: number): Event => ({
  _tag: "Started",
  token,
  stagger,
  later
})
export const joined: Event = { _tag: "Joined" }
export const due: Event = { _tag: "Due" }
export const overdue: Event = { _tag: "Overdue" }
export const paused: Event = { _tag: "Paused" }
export const unpaused: Event = { _tag: "Unpaused" }
export const stopped: Event = { _tag: "Stopped" }
export const cancelAsked: Event = { _tag: "CancelAsked" }
