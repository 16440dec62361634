import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Model } from "../Model.ts"
import type { Ended, Job, Options, Simulation } from "../Simulation.ts"
import { meanOf } from "./cost.ts"
import { type AnySchedule, walk } from "./walk.ts"

/** Public as `Lab.simulate`. */
export const simulated = <R, R2>(
  schedule: AnySchedule<R>,
  model: Model | ((index: number) => Model),
  options: Options<R2>
): Effect.Effect<Simulation, never, R | R2> => {
  const { onEnd, progress, w } = options
  const learns = onEnd !== undefined || progress !== undefined || typeof model === "function"
  const modelOf = typeof model === "function" ? model : () => model
  const run = Effect.gen(function* () {
    const random = yield* Random.Random
    const draw = () => random.nextDoubleUnsafe()
    const jobs: Array<Job> = []
    // Without draws and without learning, one wait is like all others.
    let count = learns ? (options.jobs ?? 100) : 1
    for (let index = 0; index < count; index++) {
      const current = modelOf(index)
      const seconds = learns ? current.quantile(draw()) : current.quantile(1)
      // What is known of the progress depends on the job; otherwise the mean over all jobs is exact.
      const known = progress === undefined ? undefined : (t: number) => (t >= seconds ? 1 : progress(t, seconds, draw))
      const key = `job-${index + 1}`
      const way = { until: known === undefined ? current.quantile(1) : seconds, maxChecks, key, random: draw }
      const { drew, times } = yield* walk(schedule, { ...way, progress: known })
      const { lag, missed, requests } = known === undefined ? meanOf(current, times) : lived(times, seconds)
      jobs.push({ requests, lag, missed, cost: requests + lag / w })
      if (drew && !learns) count = options.jobs ?? 100
      if (onEnd !== undefined) yield* onEnd(endedOf(times, seconds, { index, key }))
    }
    return summary(jobs, w)
  })
  return options.seed === undefined ? run : Random.withSeed(run, options.seed)
}

// ---- internal ----

/** A wait with more checks than this is cut. */
const maxChecks = 5_000_000

const lived = (times: ReadonlyArray<number>, seconds: number) => {
  const found = times.findIndex((t) => t >= seconds)
  return found < 0
    ? { requests: times.length, lag: 0, missed: 1 }
    : { requests: found + 1, lag: times[found]! - seconds, missed: 0 }
}

const endedOf = (times: ReadonlyArray<number>, seconds: number, job: { index: number; key: string }): Ended => {
  const found = times.findIndex((t) => t >= seconds)
  const checks = found < 0 ? times.length : found + 1
  return {
    ...job,
    seconds,
    checks,
    after: times[found < 0 ? checks - 1 : checks - 2] ?? 0,
    foundAt: found < 0 ? undefined : times[found]
  }
}

const summary = (jobs: ReadonlyArray<Job>, w: number): Simulation => {
  const mean = (f: (job: Job) => number) => {
    let sum = 0
    for (const job of jobs) sum += f(job)
    return sum / jobs.length
  }
  const requests = mean((job) => job.requests)
  const lag = mean((job) => job.lag)
  const cost = requests + lag / w
  const variance = mean((job) => (job.cost - cost) ** 2)
  return {
    cost,
    requests,
    lag,
    missed: mean((job) => job.missed),
    standardError: Math.sqrt(variance / jobs.length),
    jobs
  }
}
