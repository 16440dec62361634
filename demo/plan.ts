import type * as JobScript from "@effect-poll/testing/JobScript"
import type { ProviderName } from "@effect-poll/testing/Truth"

/** How a wait can end, in the words of the report. */
export const endings = [
  "succeeded",
  "failed",
  "canceled",
  "expired",
  "notFound",
  "timedOut",
  "stalled",
  "rejected",
  "broken"
] as const

/** `broken` is any ending that no plan foresees. */
export type EndingKind = (typeof endings)[number]

/** The providers, in the order of the report. */
export const providers = ["JobStatus", "EventPlatform", "GenerationApi", "Mixpeek", "AsyncQueue"] as const

/** What a job is, how it is watched, and what we do to it meanwhile. All times are nominal seconds. */
export type Work =
  | { readonly lane: "job" }
  | { readonly lane: "task"; readonly stallAfter?: number | undefined }
  | { readonly lane: "campaign"; readonly previous: JobScript.JobScript }
  | { readonly lane: "package" }
  | { readonly lane: "tasteClusters" }
  | {
      readonly lane: "generation"
      readonly model: string
      readonly strategy: GenerationStrategy
      readonly callback?: boolean | undefined
    }
  | {
      readonly lane: "mixpeek"
      readonly kind: "batch" | "cluster" | "taxonomy"
      /** Whether the task is watched, or the resource behind it from the beginning. Default: the task. */
      readonly watches?: "task" | "resource" | undefined
      readonly killAfter?: number | undefined
    }
  | {
      readonly lane: "queue"
      readonly maxWaitTime?: number | undefined
      readonly onComplete?: boolean | undefined
      readonly deadline?: number | undefined
    }
  | {
      readonly lane: "signal"
      readonly maxWaitTime: number
      readonly signal?: Signal | undefined
    }

export type GenerationStrategy = "adaptive" | "fixed" | "exponential" | "many" | "resilient"

export interface Signal {
  readonly after: number
  readonly status: "completed" | "failed"
  readonly result: unknown
  readonly twice?: boolean | undefined
}

/** One job of the demo: what is submitted, what the server then does, and how the wait must end. */
export interface Plan {
  readonly name: string
  readonly provider: ProviderName
  readonly work: Work
  readonly script: JobScript.JobScript
  readonly ending: EndingKind
}
