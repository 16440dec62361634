// The jobs that are simulated: how long each takes, and what becomes of the message about its end. All of it follows from
// a seed.
import { randomOf } from "../fleet/virtual.ts"

/** Jobs whose durations are spread evenly over the logarithm, so that short ones are as frequent as in most queues. */
export interface Mix {
  readonly jobs: number
  /** The shortest and the longest duration in milliseconds. */
  readonly from: number
  readonly to: number
  readonly seed: number
  /** What becomes of the messages. Default: each arrives once, soon. */
  readonly faults?: Faults | undefined
}

/** Shares of the jobs whose message is lost, delayed and sent three times. A message can be both delayed and tripled. */
export interface Faults {
  readonly lost: number
  readonly delayed: number
  readonly tripled: number
  /** How late a delayed message is: between these, in milliseconds. */
  readonly delay: readonly [number, number]
}

export interface SimulatedJob {
  readonly id: string
  /** When it is begun, and how long it takes, in milliseconds. */
  readonly beginsAt: number
  readonly duration: number
  /** When its messages arrive, in milliseconds after its end. */
  readonly messages: ReadonlyArray<number>
}

const second = 1_000
const minute = 60 * second

/**
 * 2 to 10 minutes. These are the jobs for which asking is cheapest: the longer a job, the more a message saves.
 */
export const minutes: Mix = { jobs: 500, from: 2 * minute, to: 10 * minute, seed: 1 }

/** 10 minutes to an hour. */
export const hour: Mix = { jobs: 100, from: 10 * minute, to: 60 * minute, seed: 2 }

/** 3 to 30 seconds. */
export const short: Mix = { jobs: 500, from: 3 * second, to: 30 * second, seed: 3 }

export const lossy: Faults = { lost: 0.2, delayed: 0.1, tripled: 0.2, delay: [10 * second, 2 * minute] }

/** How long a message takes: between these, in milliseconds. */
const latency = { least: 50, most: 500 }

/** Jobs begin within a minute. */
const beginsWithin = minute

export const jobsOf = ({ faults, from, jobs, seed, to }: Mix): ReadonlyArray<SimulatedJob> => {
  const random = randomOf(seed)
  const between = (least: number, most: number): number => Math.round(least + random() * (most - least))
  return Array.from({ length: jobs }, (_, index) => {
    const duration = Math.round(from * (to / from) ** random())
    const beginsAt = between(0, beginsWithin)
    // Each job takes as many random numbers as the others, so that the durations do not depend on the faults.
    const [lost, delayed, tripled] = [random(), random(), random()]
    const usual = between(latency.least, latency.most)
    const delay = between(...(faults?.delay ?? [0, 0]))
    const again = [between(0, 5 * second), between(0, 5 * second)]
    const first = faults !== undefined && delayed < faults.delayed ? usual + delay : usual
    const messages =
      faults === undefined
        ? [first]
        : lost < faults.lost
          ? []
          : tripled < faults.tripled
            ? [first, ...again.map((more) => first + more)]
            : [first]
    return { id: `job-${index + 1}`, beginsAt, duration, messages }
  })
}
