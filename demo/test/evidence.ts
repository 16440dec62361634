import * as JobScript from "@effect-poll/testing/JobScript"
import type { Truth } from "@effect-poll/testing/Truth"
import type { Evidence } from "../judge.ts"
import type { Seen } from "../watch.ts"

/** A job that ended well, and was seen to so many milliseconds later. */
export const job = (options: { readonly lag: number }): { readonly seen: Seen; readonly truth: Truth } => ({
  seen: {
    plan: {
      name: "JobStatus-1",
      provider: "JobStatus",
      work: { lane: "job" },
      script: JobScript.make(),
      ending: "succeeded"
    },
    id: "job_1",
    ending: { kind: "succeeded", value: { file: "a.pdf" }, message: undefined, checks: undefined },
    knownAt: 2000 + options.lag,
    checks: 3,
    failedChecks: 0,
    requests: { sent: 3, open: 0, cut: 0 },
    sentByEnd: 3,
    trouble: undefined
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
    lastRequestAt: 2000 + options.lag,
    checksAfterEnd: 1,
    faultsServed: 0,
    listed: 0
  }
})

/** That one job, and nothing that does not agree. */
export const evidence = (changes: {
  readonly seen?: Partial<Seen>
  readonly truth?: Partial<Truth>
  readonly rest?: Partial<Evidence>
}): Evidence => {
  const { seen, truth } = job({ lag: 40 })
  return {
    seen: [{ ...seen, ...changes.seen }],
    truths: [{ ...truth, ...changes.truth }],
    endpoints: {},
    listed: [],
    sent: { sent: 4, open: 0, cut: 0 },
    received: 4,
    posts: {},
    ...changes.rest
  }
}
