import type { WaitReason } from "../PollEvent.ts"

/** What a wait does, and what it sleeps for: one of the few values below, which all waits share. */
export type Stage =
  | { readonly phase: "waiting"; readonly reason: WaitReason }
  | { readonly phase: "gating" | "looking" | "stepping" | "canceling" | "ended"; readonly reason: undefined }

/** A sleep, by what it is for. */
export const waiting: Readonly<Record<WaitReason, Stage>> = {
  firstWait: { phase: "waiting", reason: "firstWait" },
  strategy: { phase: "waiting", reason: "strategy" },
  serverHint: { phase: "waiting", reason: "serverHint" },
  pollError: { phase: "waiting", reason: "pollError" },
  retry: { phase: "waiting", reason: "retry" },
  missing: { phase: "waiting", reason: "missing" },
  gate: { phase: "waiting", reason: "gate" },
  woken: { phase: "waiting", reason: "woken" },
  paused: { phase: "waiting", reason: "paused" },
  lastLook: { phase: "waiting", reason: "lastLook" },
  deadline: { phase: "waiting", reason: "deadline" }
}

export const gating: Stage = { phase: "gating", reason: undefined }
export const looking: Stage = { phase: "looking", reason: undefined }
export const stepping: Stage = { phase: "stepping", reason: undefined }
export const canceling: Stage = { phase: "canceling", reason: undefined }
export const ended: Stage = { phase: "ended", reason: undefined }
