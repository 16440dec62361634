/**
 * What really happened to a job, as recorded by its server.
 *
 * @since 0.1.0
 */
import type { Failure, Outcome } from "./JobScript.ts"

/**
 * The providers whose APIs a `JobServer` serves.
 *
 * @category models
 * @since 0.1.0
 */
export type ProviderName = "JobStatus" | "EventPlatform" | "GenerationApi" | "Mixpeek" | "AsyncQueue"

/**
 * What really happened to one job, and how often it was checked.
 *
 * **Gotchas**
 *
 * Endpoints without a job are recorded as well, from their first request on, with neither outcome nor end: kind `"badge"`
 * (ids `notifications_stats` and `messages_unread`) and kind `"list"` (id `tasks_list`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Truth {
  readonly provider: ProviderName
  /** The kind of job, see `Submission`. */
  readonly kind: string
  /** The id that its status is looked up by. */
  readonly id: string
  /** Every id of the job by its name on the wire, such as `task_id`, `batch_id` and `bucket_id`. */
  readonly ids: Readonly<Record<string, string>>
  /** When the job was submitted, in milliseconds since the epoch of the server's Clock. */
  readonly submittedAt: number
  /** When the job ended, in milliseconds since the epoch of the server's Clock; undefined while it runs. */
  readonly endedAt: number | undefined
  /**
   * How the job ended, as the wire reports it: an outcome that the provider cannot express is `failed`. Undefined while it
   * runs.
   */
  readonly outcome: Outcome | undefined
  /** The result as on the wire: for GenerationApi `{ resultUrls }`, or the text of a scripted malformed `resultJson`. */
  readonly result: unknown
  /** Why the job failed; undefined if it did not, or if it reports no cause. */
  readonly failure: Failure | undefined
  /**
   * How many GET requests for the status of the job arrived, faulty ones and those for its fallback resource included.
   * Requests that were refused for their token do not count.
   */
  readonly requests: number
  /** When the last of `requests` arrived, in milliseconds since the epoch of the server's Clock. */
  readonly lastRequestAt: number | undefined
  /** How many checks arrived at or after the end of the job; an ideal poller makes 1. */
  readonly checksAfterEnd: number
  /** How many faults were applied to requests about the job. */
  readonly faultsServed: number
  /** How many responses of a list endpoint contained the job. These do not count as `requests`. */
  readonly listed: number
}
