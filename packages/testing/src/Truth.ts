/**
 * What really happened to a job, as its server knows it.
 *
 * @since 0.1.0
 */
import type { Failure, Outcome } from "./JobScript.ts"

/**
 * The providers whose wires a `JobServer` speaks.
 *
 * @category models
 * @since 0.1.0
 */
export type ProviderName = "JobStatus" | "EventPlatform" | "GenerationApi" | "Mixpeek" | "AsyncQueue"

/**
 * What really happened to one job, and how often it was checked.
 *
 * **Details**
 *
 * - times are milliseconds since the epoch, of the server's Clock
 * - `outcome` is what the wire says of the end: an outcome that it has no word for is `failed` here too
 * - `result` is as on the wire: a GenerationApi one is `{ resultUrls }`, or the text of a scripted broken `resultJson`
 * - `requests` counts every GET of the job's status, faulty ones and those of its fallback resource too; a check that is
 *   refused for its token is not one
 * - `checksAfterEnd` counts the checks that arrived at or after the end: 1 is the one that learned of it
 * - `listed` counts the answers of a list endpoint that held the job; these are not in `requests`
 *
 * **Gotchas**
 *
 * Endpoints without a job are counted as well, with neither outcome nor end: kind `"badge"` (ids `notifications_stats`
 * and `messages_unread`) and kind `"list"` (id `tasks_list`), from their first request on.
 *
 * @category models
 * @since 0.1.0
 */
export interface Truth {
  readonly provider: ProviderName
  readonly kind: string
  readonly id: string
  /** Every id of the job by its wire name, such as `task_id`, `batch_id` and `bucket_id`. */
  readonly ids: Readonly<Record<string, string>>
  readonly submittedAt: number
  readonly endedAt: number | undefined
  readonly outcome: Outcome | undefined
  readonly result: unknown
  readonly failure: Failure | undefined
  readonly requests: number
  readonly lastRequestAt: number | undefined
  readonly checksAfterEnd: number
  readonly faultsServed: number
  readonly listed: number
}
