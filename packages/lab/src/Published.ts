/**
 * When published clients and documents check, as strategies of this library: to compare with, not to copy.
 *
 * @since 0.1.0
 */
import * as Schedule from "effect/Schedule"
import type { Observation } from "effect-poll/Observation"
import * as Strategy from "effect-poll/Strategy"

/**
 * A published schedule.
 *
 * @category models
 * @since 0.1.0
 */
export interface Published {
  /** The name in tables. */
  readonly name: string
  /** The schedule, with the limits that it has. */
  readonly schedule: Schedule.Schedule<unknown, Observation>
}

/**
 * The waiter of the AWS SDKs, with the delays in seconds and the jitter of the Smithy specification.
 *
 * @category constructors
 * @since 0.1.0
 */
export const awsWaiter = (minSeconds: number, maxSeconds: number): Strategy.Strategy =>
  Strategy.exponential({ initial: `${minSeconds} seconds`, cap: `${maxSeconds} seconds` }).pipe(
    Strategy.jittered({ atLeast: `${minSeconds} seconds` })
  )

/**
 * Ten published waiters.
 *
 * **Details**
 *
 * Those that leave the limit to the caller have none here.
 *
 * @category constants
 * @since 0.1.0
 */
export const waiters: ReadonlyArray<Published> = [
  { name: "AWS SDK waiter, 2 to 120 s", schedule: awsWaiter(2, 120) },
  {
    name: "AWS EC2 InstanceRunning, 15 s, 40 checks",
    schedule: Strategy.maxAttempts(Strategy.spaced("15 seconds"), 40)
  },
  {
    name: "AWS CloudFormation StackCreateComplete, 30 s, 120 checks",
    schedule: Strategy.maxAttempts(Strategy.spaced("30 seconds"), 120)
  },
  {
    name: "AWS ACM CertificateValidated, 60 s, 40 checks",
    schedule: Strategy.maxAttempts(Strategy.spaced("60 seconds"), 40)
  },
  { name: "Azure core-lro, 2 s", schedule: Strategy.spaced("2 seconds") },
  {
    name: "google-gax, 100 ms x 1.3, cap 60 s",
    schedule: Strategy.exponential({ initial: "100 millis", factor: 1.3, cap: "60 seconds" })
  },
  { name: "OpenAI SDK, 5 s", schedule: Strategy.spaced("5 seconds") },
  { name: "job status loop, 2 s, 30 checks", schedule: Strategy.maxAttempts(Strategy.spaced("2 seconds"), 30) },
  {
    name: "generation API guide, 2 s x 1.5, cap 30 s, 10 min",
    schedule: Strategy.exponential({ initial: "2 seconds", factor: 1.5, cap: "30 seconds" }).pipe(
      Strategy.maxDuration("10 minutes")
    )
  },
  {
    name: "500 ms x 1.5, recurs(60)",
    schedule: Schedule.max([Schedule.exponential("500 millis", 1.5), Schedule.recurs(60)])
  }
]
