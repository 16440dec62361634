import type { Observation } from "effect-poll/Observation"
import * as Strategy from "effect-poll/Strategy"
import { nextAgeWith, type Planner } from "./planner.ts"
import type { Sample } from "./progress.ts"

/** A strategy that goes by the age of the job, in seconds. */
export const byAge = (next: (key: string, age: number, observation: Observation) => number): Strategy.Strategy => {
  const wait = (seen: Observation): number => 1000 * next(seen.key, seen.ageMillis / 1000, seen) - seen.ageMillis
  return Strategy.make({ firstWait: wait, decide: (_step, _elapsed, seen) => wait(seen) })
}

/** A strategy that checks by the plan for the class of the job. */
export const planned = (planner: Planner): Strategy.Strategy => byAge(nextBy(planner))

/** The same, where `change` makes another delay of each one, in milliseconds. */
export const plannedWith = (
  planner: Planner,
  change: (delay: number, observation: Observation) => number
): Strategy.Strategy => {
  const next = nextBy(planner)
  const wait = (seen: Observation): number =>
    change(1000 * next(seen.key, seen.ageMillis / 1000, seen) - seen.ageMillis, seen)
  return Strategy.make({ firstWait: wait, decide: (_step, _elapsed, seen) => wait(seen) })
}

// ---- internal ----

/** The age of the next check by the plans, in seconds. */
const nextBy = (planner: Planner) => {
  const { live } = planner
  return (key: string, age: number, seen: Observation): number => {
    const kind = live.kind(live.classOf(key))
    const { progress } = seen.status
    const sample: Sample | undefined =
      progress === undefined ? undefined : { progress, age: age - seen.sinceChangeMillis / 1000 }
    return nextAgeWith(kind, planner.table(kind), sample, age)
  }
}
