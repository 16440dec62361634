// The row about the strategy behind a signal.
import * as Strategy from "effect-poll/Strategy"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import type { Figures, Row } from "../fleet/row.ts"
import { hour, lossy, minutes } from "./jobs.ts"
import { asyncQueue } from "./providers.ts"
import { simulate, slow } from "./simulate.ts"

/** Strategies behind a signal. None of them makes the longest gap longer than 5 minutes. */
const strategies: Readonly<Record<string, Strategy.Strategy>> = {
  // The default: 5 seconds, tripled.
  at0: slow,
  // That of AsyncQueue for signal tasks: doubled, and the first check after 5 seconds.
  after5s: AsyncQueue.signalStrategy,
  from10s: Strategy.exponential({ initial: "10 seconds", cap: "5 minutes" }),
  from30s: Strategy.exponential({ initial: "30 seconds", cap: "5 minutes" }),
  every5min: Strategy.spaced("5 minutes"),
  after5min: Strategy.withFirstWait(Strategy.spaced("5 minutes"), "5 minutes")
}

const mixes = { Minutes: minutes, Hour: hour }

/** The requests per job by polling alone. */
const polling = async (): Promise<Figures> => {
  const figures: Record<string, number> = {}
  for (const [length, mix] of Object.entries(mixes)) {
    const { requestsPerJob } = await simulate({ provider: asyncQueue, mix, way: "polling" })
    figures[`polled${length}`] = requestsPerJob
  }
  return figures
}

const part = async (name: string, behind: Strategy.Strategy): Promise<Figures> => {
  const figures: Record<string, number> = {}
  for (const [length, mix] of Object.entries(mixes)) {
    const told = await simulate({ provider: asyncQueue, mix, way: "signal", strategy: behind })
    figures[`${name}${length}`] = told.requestsPerJob
  }
  const mix = { ...minutes, faults: lossy }
  const badly = await simulate({ provider: asyncQueue, mix, way: "signal", strategy: behind })
  return { ...figures, [`${name}LossyLagP99Millis`]: badly.lagP99Millis, [`${name}Lost`]: badly.lost }
}

/** Divides the requests by those of polling. */
const shares = ({ polling: polled, ...parts }: Readonly<Record<string, Figures>>): Figures =>
  Object.fromEntries(
    Object.values(parts)
      .flatMap((figures) => Object.entries(figures))
      .map(([name, value]) => {
        const length = Object.keys(mixes).find((each) => name.endsWith(each))
        if (length === undefined) return [name, value]
        return [`${name}Share`, Number(value) / Number(polled![`polled${length}`])]
      })
  )

export const row: Row = {
  name: "behind",
  what:
    "requests of other strategies behind a signal, divided by those of polling every 5 seconds, for jobs of 2 to 10 minutes " +
    "(Minutes) and of 10 minutes to an hour (Hour), and the lag if 20 % of the signals are lost. at0: the default; after5s: " +
    "from 5 seconds, doubled, as AsyncQueue does; from10s and from30s: at once, then after 10 or 30 seconds, doubled; every5min: at once, then every 5 " +
    "minutes; after5min: every 5 minutes, first after 5 minutes.",
  aims: {},
  parts: {
    polling,
    ...Object.fromEntries(Object.entries(strategies).map(([name, behind]) => [name, () => part(name, behind)]))
  },
  combine: shares
}
