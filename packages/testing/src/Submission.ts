/**
 * What a `JobServer` knows of a job when it must choose the script.
 *
 * @since 0.1.0
 */
import type { ProviderName } from "./Truth.ts"

/**
 * One submitted job.
 *
 * **Details**
 *
 * - `kind`: `"job"` (JobStatus); `"task"`, `"campaign"`, `"package"`, `"tasteClusters"` (EventPlatform); the model's
 *   name (GenerationApi); `"batch"`, `"cluster"`, `"taxonomy"` (Mixpeek); `"task"` (AsyncQueue)
 * - `params`: the path and query parameters, such as `eid`, `status` and `bucket_id`
 * - `body`: the JSON as it was sent, an empty object when there was none
 * - `sequence`: the number of the submission over the whole server, from 1
 *
 * @category models
 * @since 0.1.0
 */
export interface Submission {
  readonly provider: ProviderName
  readonly kind: string
  readonly params: Readonly<Record<string, string>>
  readonly body: unknown
  readonly sequence: number
}
