// Many jobs of few waits each, under a limit per job: the CPU time of a check, against few jobs of many waits.
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { until } from "./open.ts"
import type { Figures, Row } from "./row.ts"
import { ours, type Subject } from "./subject.ts"
import { randomOf } from "./virtual.ts"

export interface Size {
  readonly jobs: number
  /** Of all jobs together. */
  readonly waits: number
  /** Of each wait. */
  readonly checks: number
  readonly concurrency: number | "unbounded"
  readonly concurrencyPerJob: number
  /** How long a check takes, at random. */
  readonly leastMillis: number
  readonly mostMillis: number
}

/** The CPU microseconds per check, once all waits were added. Far more checks are due than may be in flight. */
export const microsPerCheck = async (subject: Subject, size: Size): Promise<number> => {
  const { checks, concurrency, concurrencyPerJob, jobs, leastMillis, mostMillis, waits } = size
  let ended = 0
  let made = 0
  const random = randomOf(11)
  const counts = new Uint8Array(waits)
  const all = Array.from({ length: jobs }, (_, index) =>
    Job.make(`tenant ${index}`, {
      check: (key: string) =>
        Effect.map(Effect.sleep(leastMillis + Math.floor(random() * (mostMillis - leastMillis))), () => {
          made++
          const count = ++counts[Number(key)]!
          if (count < checks) return Status.pending()
          ended++
          return Status.succeeded("done")
        })
    })
  )
  const run = Effect.gen(function* () {
    const poller = yield* subject.make({ concurrency, concurrencyPerJob, stagger: false })
    const options = { deadline: "1 day", strategy: Strategy.spaced(mostMillis) } as const
    for (let index = 0; index < waits; index++) yield* poller.add(all[index % jobs]!, String(index), options)
    const [before, from] = [process.cpuUsage(), made]
    yield* Effect.promise(() => until(() => ended === waits, 10))
    const { system, user } = process.cpuUsage(before)
    return (system + user) / (made - from)
  })
  return Effect.runPromise(Effect.scoped(run))
}

const fast = { leastMillis: 20, mostMillis: 100 }
/** So slow that hardly two checks end at a time. */
const slow = { leastMillis: 500, mostMillis: 3_500 }

const part = (size: Size) => async (): Promise<Figures> => {
  const warmUp = { ...size, jobs: 8, waits: 1_000, checks: 5, concurrencyPerJob: 125, ...fast }
  for (let round = 0; round < 3; round++) await microsPerCheck(ours, warmUp)
  // The lesser of two: other processes only add to it.
  return { micros: Math.min(await microsPerCheck(ours, size), await microsPerCheck(ours, size)) }
}

const unbounded = { concurrency: "unbounded" } as const
const few = { waits: 32_000, checks: 3, ...fast }
const one = { waits: 8_000, checks: 10, ...fast }
const fewSlow = { waits: 32_000, checks: 2, ...slow }

export const row: Row = {
  name: "tenants",
  what:
    "The CPU microseconds per check of 8,000 jobs, against 8 jobs with as many waits; ratio is the worst of three. Four " +
    "waits for each job, concurrencyPerJob 1 (1,000 with 8 jobs), an unbounded concurrency and checks of 0.5 to 3.5 s: all " +
    "jobs are at their limit. The same with a concurrency of 1,000 and checks of 20 to 100 ms (full), and with one wait " +
    "for each job (one).",
  aims: { ratio: { atMost: 2 } },
  parts: {
    at8: part({ jobs: 8, ...fewSlow, ...unbounded, concurrencyPerJob: 1_000 }),
    at8000: part({ jobs: 8_000, ...fewSlow, ...unbounded, concurrencyPerJob: 1 }),
    fullAt8: part({ jobs: 8, ...few, concurrency: 1_000, concurrencyPerJob: 125 }),
    fullAt8000: part({ jobs: 8_000, ...few, concurrency: 1_000, concurrencyPerJob: 1 }),
    oneAt8: part({ jobs: 8, ...one, concurrency: 1_000, concurrencyPerJob: 125 }),
    oneAt8000: part({ jobs: 8_000, ...one, concurrency: 1_000, concurrencyPerJob: 125 })
  },
  combine: (parts) => {
    const of = (name: string): number => Number(parts[name]?.micros ?? Number.NaN)
    return {
      microsPerCheckAt8000: of("at8000"),
      at8: of("at8"),
      fullAt8000: of("fullAt8000"),
      fullAt8: of("fullAt8"),
      oneAt8000: of("oneAt8000"),
      oneAt8: of("oneAt8"),
      ratio: Math.max(of("at8000") / of("at8"), of("fullAt8000") / of("fullAt8"), of("oneAt8000") / of("oneAt8"))
    }
  }
}
