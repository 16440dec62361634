import type * as JobScript from "@effect-poll/testing/JobScript"
import type { ProviderName } from "@effect-poll/testing/Truth"

/** How a wait can end, as named in the report. */
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

/** `broken` is any ending that no plan expects, such as a defect. */
export type EndingKind = (typeof endings)[number]

/** The providers, in the order of the report. */
export const providers = ["JobStatus", "EventPlatform", "GenerationApi", "Mixpeek", "AsyncQueue"] as const

/** The kind of a job, how to wait for it, and what to do to it during the wait. Times are in nominal seconds. */
export type Work =
  | { readonly type: "job" }
  | { readonly type: "task"; readonly stallAfterSeconds?: number | undefined }
  | { readonly type: "campaign"; readonly previous: JobScript.JobScript }
  | { readonly type: "package" }
  | { readonly type: "tasteClusters" }
  | {
      readonly type: "generation"
      readonly model: string
      readonly strategy: GenerationStrategy
      readonly callback?: boolean | undefined
    }
  | {
      readonly type: "mixpeek"
      readonly kind: "batch" | "cluster" | "taxonomy"
      /** Whether to check the task, or the resource behind it from the start. Default: the task. */
      readonly watches?: "task" | "resource" | undefined
      readonly killAfterSeconds?: number | undefined
    }
  | {
      readonly type: "queue"
      readonly maxWaitSeconds?: number | undefined
      readonly onComplete?: boolean | undefined
      readonly deadlineSeconds?: number | undefined
    }
  | {
      readonly type: "signal"
      readonly maxWaitSeconds: number
      readonly signal?: Signal | undefined
    }

/** The strategies of `GenerationApi`. */
export type GenerationStrategy = "adaptive" | "fixed" | "exponential" | "many" | "resilient"

/** How the wait for a review learns of its end: by its checks, by a signal of the demo, or by whichever comes first. */
export type Lane = "asked" | "told" | "both"

/** The lanes, in the order of the report. */
export const lanes = ["asked", "told", "both"] as const satisfies ReadonlyArray<Lane>

/** A review that the demo decides: it sends the service a signal, and then tells the wait. */
export interface Signal {
  readonly lane: Lane
  /** Whether the message to the wait gets lost, so that a check has to find the end. Default: `false`. */
  readonly lost?: boolean | undefined
  readonly afterSeconds: number
  readonly status: "completed" | "failed"
  readonly result: unknown
  readonly twice?: boolean | undefined
}

/** The lane of a plan, for reviews that the demo decides; otherwise undefined. */
export const laneOf = ({ work }: Plan): Lane | undefined => (work.type === "signal" ? work.signal?.lane : undefined)

/** One job of the simulation: what to submit, what the server does, and how the wait is expected to end. */
export interface Plan {
  readonly name: string
  readonly provider: ProviderName
  readonly work: Work
  readonly script: JobScript.JobScript
  readonly ending: EndingKind
}
