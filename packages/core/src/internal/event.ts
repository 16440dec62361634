import type * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import type * as Gate from "../Gate.ts"
import type * as Look from "../Look.ts"
import type { ResumeToken } from "../ResumeToken.ts"
import type * as Strategy from "../Strategy.ts"

/** What can happen to a wait. */
export type Event =
  /** Anew or from a token; the first look is put off by `stagger` milliseconds, and by `later`, if it is due then. */
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
  /** The look under way has ended, */
  | { readonly _tag: "Looked"; readonly look: Look.Look<unknown, unknown> }
  /** or failed. */
  | { readonly _tag: "LookFailed"; readonly cause: Cause.Cause<unknown>; readonly hint?: Look.Hint }
  /** Another wait for the same job looks now. */
  | { readonly _tag: "Joined" }
  /** The server does not want to be asked before, as it said to another wait for the same job. */
  | { readonly _tag: "Floored"; readonly floorAt: number }
  /** What is under way is to be given up. */
  | { readonly _tag: "Overdue" }
  /** The schedule that "step" asked for has decided. */
  | { readonly _tag: "Stepped"; readonly exit: Exit.Exit<Strategy.Decision> }
  /** Somebody wants a look now; with `force`, even before the server or the gate wants to be asked. */
  | { readonly _tag: "Woken"; readonly force: boolean }
  | { readonly _tag: "Paused" }
  | { readonly _tag: "Resumed" }
  /** The server has been asked to stop the job, with or without success. */
  | { readonly _tag: "CancelAsked" }
  /** What the user gave threw, or interrupted the fiber it runs in. */
  | { readonly _tag: "Died"; readonly cause: Cause.Cause<never> }
  /** The host was interrupted. */
  | { readonly _tag: "Stopped" }

/**
 * What the host has to do: ask the gate, look, sleep until the alarm, step the schedule in `stepping`, ask the server to
 * stop the job, hand out the exit that came with `Ended`, or go on with what it does. Every command but the last replaces what is under way.
 */
export type Command = "gate" | "look" | "sleep" | "step" | "cancel" | "end" | "continue"

export const looked = (look: Look.Look<unknown, unknown>): Event => ({ _tag: "Looked", look })
export const lookFailed = (cause: Cause.Cause<unknown>): Event => ({ _tag: "LookFailed", cause })
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
export const resumed: Event = { _tag: "Resumed" }
export const stopped: Event = { _tag: "Stopped" }
export const cancelAsked: Event = { _tag: "CancelAsked" }
