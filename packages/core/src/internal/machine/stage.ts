import type { WaitReason } from "../../PollEvent.ts"

/** What a wait does: one of a few values that all waits share. */
export interface Stage {
  readonly phase: "waiting" | "gating" | "checking" | "stepping" | "canceling" | "ended"
  /** What it sleeps for, if it does. */
  readonly reason: WaitReason | undefined
}

/** The stage of a sleep, made when it is first needed. */
export const waiting = (reason: WaitReason): Stage => (sleeping[reason] ??= { phase: "waiting", reason })

const busy = (phase: Exclude<Stage["phase"], "waiting">): Stage => ({ phase, reason: undefined })

export const gating = /*#__PURE__*/ busy("gating")
export const checking = /*#__PURE__*/ busy("checking")
export const stepping = /*#__PURE__*/ busy("stepping")
export const canceling = /*#__PURE__*/ busy("canceling")
export const ended = /*#__PURE__*/ busy("ended")

// ---- internal ----

const sleeping: { [Reason in WaitReason]?: Stage } = {}
