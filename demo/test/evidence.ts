import * as JobScript from "@effect-poll/testing/JobScript"
import type { Truth } from "@effect-poll/testing/Truth"
import type { Evidence } from "../judge.ts"
import type { WaitOutcome } from "../watch.ts"

/** A job that succeeded, and a wait that found it after the lag. */
export const job = (options: {
  readonly lagMillis: number
}): { readonly wait: WaitOutcome; readonly truth: Truth } => ({
  wait: {
    plan: {
      name: "JobStatus-1",
      provider: "JobStatus",
      work: { type: "job" },
      script: JobScript.make(),
      ending: "succeeded"
    },
    id: "job_1",
    ending: { kind: "succeeded", value: { file: "a.pdf" }, message: undefined, checks: undefined },
    detectedAt: 2000 + options.lagMillis,
    checks: 3,
    failedChecks: 0,
    requests: { sent: 3, open: 0, aborted: 0 },
    sentAtEnd: 3,
    actionError: undefined
  },
  truth: {
    provider: "JobStatus",
    kind: "job",
    id: "job_1",
    ids: { jobId: "job_1" },
    submittedAt: 1000,
    endedAt: 2000,
    outcome: "succeeded",
    result: { file: "a.pdf" },
    failure: undefined,
    requests: 3,
    lastRequestAt: 2000 + options.lagMillis,
    checksAfterEnd: 1,
    faultsServed: 0,
    listed: 0
  }
})

/** The evidence of that one job, without a mismatch unless the changes cause one. */
export const evidence = (changes: {
  readonly wait?: Partial<WaitOutcome>
  readonly truth?: Partial<Truth>
  readonly rest?: Partial<Evidence>
}): Evidence => {
  const { wait, truth } = job({ lagMillis: 40 })
  return {
    waits: [{ ...wait, ...changes.wait }],
    truths: [{ ...truth, ...changes.truth }],
    endpoints: {},
    listed: [],
    sent: { sent: 4, open: 0, aborted: 0 },
    received: 4,
    posts: {},
    ...changes.rest
  }
}
