/**
 * What a `JobServer` knows about a job when it chooses the script.
 *
 * @since 0.1.0
 */
import type { ProviderName } from "./Truth.ts"

/**
 * One submitted job.
 *
 * @category models
 * @since 0.1.0
 */
export interface Submission {
  readonly provider: ProviderName
  /**
   * The kind of job: `"job"` (JobStatus); `"task"`, `"campaign"`, `"package"`, `"tasteClusters"` (EventPlatform); the name
   * of the model (GenerationApi); `"batch"`, `"cluster"`, `"taxonomy"` (Mixpeek); `"task"` (AsyncQueue).
   */
  readonly kind: string
  /** The path and query parameters, such as `eid`, `status` and `bucket_id`. */
  readonly params: Readonly<Record<string, string>>
  /** The JSON body as it was sent; an empty object if there was none. */
  readonly body: unknown
  /** The number of the submission among all submissions to the server, from 1. */
  readonly sequence: number
}
