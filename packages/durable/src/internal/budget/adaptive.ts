import * as Duration from "effect/Duration"
import type {
  AdaptiveConsumeOptions,
  AdaptiveConsumeResult,
  AdaptiveFeedbackOptions,
  AdaptivePhase
} from "effect/persistence/RateLimiter"

// The adaptive states of effect's limiter, as its own stores compute them. Times are milliseconds of the store.

/** What the store has learned of the limit of a server. */
export interface Adaptive {
  readonly phase: Exclude<AdaptivePhase, "inactive">
  readonly epoch: number
  readonly cooldownUntil: number
  readonly learningStartedAt: number
  readonly observedTokens: number
  readonly learnedLimit: number
  readonly learnedWindowMillis: number
  readonly expiresAt: number
}

/** What a change of the state yields; without `state` nothing changes. */
export interface Changed<A> {
  readonly state?: Adaptive
  readonly value: A
}

/** Takes tokens. */
export const consume = (
  state: Adaptive | undefined,
  now: number,
  { fallbackWindow, tokens }: AdaptiveConsumeOptions
): Changed<AdaptiveConsumeResult> => {
  if (state === undefined) return { value: { delay: Duration.zero, epoch: 0, phase: "inactive" } }
  const { cooldownUntil, epoch, learnedLimit, learnedWindowMillis, phase } = state
  const answer = (millis: number, of: number = epoch, in_: AdaptivePhase = phase): AdaptiveConsumeResult => ({
    delay: millis <= 0 ? Duration.zero : Duration.millis(millis),
    epoch: of,
    phase: in_
  })
  if (phase === "learning") {
    return { state: { ...state, observedTokens: state.observedTokens + tokens }, value: answer(0) }
  }
  if (phase === "cooldown") {
    if (cooldownUntil > now) return { value: answer(cooldownUntil - now) }
    return {
      state: {
        ...state,
        phase: "learning",
        epoch: epoch + 1,
        learningStartedAt: now,
        observedTokens: tokens,
        expiresAt: now + Duration.toMillis(fallbackWindow) + graceMillis
      },
      value: answer(0, epoch + 1, "learning")
    }
  }
  const refillMillis = learnedWindowMillis / learnedLimit
  const isOver = cooldownUntil <= now
  const observedTokens = (isOver ? 0 : state.observedTokens) + tokens
  const until = (isOver ? now : cooldownUntil) + refillMillis * tokens
  const elapsed = observedTokens * refillMillis - (until - now)
  const windows = Math.floor((observedTokens - 1) / learnedLimit)
  return {
    state: { ...state, observedTokens, cooldownUntil: until },
    value: answer(windows * learnedWindowMillis - elapsed)
  }
}

/** Learns from an answer. */
export const feedback = (
  state: Adaptive | undefined,
  now: number,
  { epoch, retryAfter, status, tokens }: AdaptiveFeedbackOptions
): Changed<void> => {
  const nothing = { value: undefined }
  if (status !== 429 || retryAfter === undefined || (state?.epoch ?? 0) !== epoch) return nothing
  const delay = Math.min(longestMillis, Math.max(1, Duration.toMillis(retryAfter)))
  const until = now + delay
  const cooling = (at: number): Adaptive => ({
    phase: "cooldown",
    epoch,
    cooldownUntil: at,
    learningStartedAt: 0,
    observedTokens: 0,
    learnedLimit: 0,
    learnedWindowMillis: 0,
    expiresAt: at + graceMillis
  })
  if (state === undefined) return { state: cooling(until), value: undefined }
  if (state.phase === "cooldown") return { state: cooling(Math.max(state.cooldownUntil, until)), value: undefined }
  const accepted = state.observedTokens - tokens
  if (state.phase === "learned" || accepted <= 0) return { state: cooling(until), value: undefined }
  const learnedWindowMillis = Math.min(longestMillis, Math.max(1, now - state.learningStartedAt + delay))
  return {
    state: {
      ...state,
      phase: "learned",
      epoch: epoch + 1,
      cooldownUntil: state.learningStartedAt + learnedWindowMillis,
      observedTokens: accepted,
      learnedLimit: accepted,
      learnedWindowMillis,
      expiresAt: now + learnedWindowMillis + graceMillis
    },
    value: undefined
  }
}

// ---- internal ----

const graceMillis = 60_000
const longestMillis = 3_600_000
