// What a decision of the learned strategy costs, in microseconds of CPU time: medians of rounds.
import * as Grid from "@effect-poll/lab/Grid"
import * as History from "@effect-poll/learned/History"
import * as Learned from "@effect-poll/learned/Learned"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Figures } from "./figures.ts"

export const micros = (rounds: number): Pick<Figures, "plannerMicros" | "progressStepMicros" | "stepMicros"> => {
  const history = History.makeUnsafe("job")
  const model = Grid.cells({ medians: [300], weights: [2] })[2]!.model
  for (let i = 0; i < 100; i++) record(history, model.quantile((i + 0.5) / 100))
  const strategy = Learned.strategy(history, { lagWorth: "2 seconds" })
  const steps = 400
  const withProgress = Status.pending({ progress: 0.4 })
  const step = () => void Strategy.delaysMillis(strategy, steps)
  const progressStep = () => void Strategy.delaysMillis(strategy, steps, { status: withProgress })
  // An ending, and the first decision after it, which needs a new plan.
  let ended = 0
  const plan = () => {
    record(history, model.quantile((++ended % 100) / 100 + 0.005))
    Strategy.firstWaitMillis(strategy)
  }
  return {
    stepMicros: medianOf(rounds, step) / steps,
    progressStepMicros: medianOf(rounds, progressStep) / steps,
    plannerMicros: medianOf(10 * rounds, plan)
  }
}

// ---- internal ----

const record = (history: History.History, seconds: number): void =>
  History.recordUnsafe(history, History.ended(1_000 * seconds))

const medianOf = (rounds: number, run: () => void): number => {
  const took: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    run()
    const { system, user } = process.cpuUsage(before)
    took.push(user + system)
  }
  return took.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!
}
