/**
 * What a schedule does in the worst case (see `Lab.audit`), and tables of that.
 *
 * @since 0.1.0
 */
import { markdownTable } from "./internal/table.ts"
import { amount, duration } from "./internal/words.ts"

/**
 * What a schedule does. All times are in seconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Audit {
  /** When the first check is. */
  readonly firstCheck: number
  /**
   * When the last check is at the latest, if the job never ends, and how many there are. `after` is `Infinity` if a delay
   * has become infinite: then there is never another check. Undefined if there is no end within 100,000 checks.
   */
  readonly ends: { readonly after: number; readonly checks: number } | undefined
  /** The checks in the first hour, and in the hour that begins a day later. */
  readonly checksPerHour: { readonly first: number; readonly dayLater: number }
  /** The lag by the duration of a job, for jobs that take up to 10 % less or more. */
  readonly lag: ReadonlyArray<Lag>
  /** The requests of many clients that start together. */
  readonly clients: Clients
}

/**
 * The lag for jobs of about one duration.
 *
 * @category models
 * @since 0.1.0
 */
export interface Lag {
  /** The duration of the jobs. */
  readonly seconds: number
  /** The mean number of requests. */
  readonly requests: number
  /** The mean lag; undefined if the schedule ends before these jobs. */
  readonly mean: number | undefined
  /** The longest lag; undefined if the schedule ends before these jobs. */
  readonly worst: number | undefined
}

/**
 * The requests of many clients that start together: the highest number in a second, from one minute to ten minutes after
 * the start, or after the first check if the schedule ends within two minutes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Clients {
  /** How many clients there are. */
  readonly count: number
  /** Without jitter. */
  readonly peakWithoutJitter: number
  /** With the jitter of the schedule, or with that of `Strategy.jittered("equal")` if it has none. */
  readonly peakWithJitter: number
}

/**
 * Writes audits as a table in Markdown, a row for each.
 *
 * @category destructors
 * @since 0.1.0
 */
export const toMarkdown = (rows: ReadonlyArray<readonly [name: string, audit: Audit]>): string => {
  const durations = rows[0]?.[1].lag.map(({ seconds }) => seconds) ?? []
  const count = rows[0]?.[1].clients.count ?? 0
  return markdownTable(
    [
      "schedule",
      "last check",
      "checks",
      "in the first hour",
      ...durations.map((seconds) => `longest lag at ${duration(seconds)}`),
      `peak of ${amount(count)} clients`
    ],
    rows.map(([name, audit]) => [
      name,
      audit.ends === undefined || audit.ends.after === Number.POSITIVE_INFINITY ? "never" : duration(audit.ends.after),
      audit.ends === undefined ? "no limit" : amount(audit.ends.checks),
      amount(audit.checksPerHour.first),
      ...audit.lag.map(({ worst }) => (worst === undefined ? "missed" : duration(worst))),
      `${amount(audit.clients.peakWithoutJitter)}/s, with jitter ${amount(audit.clients.peakWithJitter)}/s`
    ])
  )
}
