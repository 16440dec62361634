import type { ResumeToken } from "effect-poll/ResumeToken"

/** A token of a wait for the job "render", key "a", after one check; its deadline is at 10 seconds. */
export const storedToken = (some: Partial<ResumeToken> = {}): ResumeToken => ({
  version: 1,
  job: "render",
  key: "a",
  attempts: 1,
  strategySteps: 1,
  strategyStartedAt: 0,
  totalErrors: 0,
  dueAt: 0,
  floorAt: 0,
  startedAt: 0,
  deadlineAt: 10_000,
  boundedBy: "deadline",
  ...some
})
