// What becomes of jobs whose runners are killed, and how long it takes until they are checked again.
import * as Effect from "effect/Effect"
import * as storms from "../../durable/test/processes/storm.ts"
import type { Figures } from "../fleet/row.ts"
import { median } from "./median.ts"

/** 10,000 jobs and 30 kills. */
export const storm = async (): Promise<Figures> => {
  const { double, jobs, lost, runs, seconds, untold, wrong } = await Effect.runPromise(storms.storm())
  return { runs, jobs, lost, double, wrong, untold, seconds }
}

/** From `kill -9` until other runners have checked all jobs of the one that was killed. */
export const failover = async (): Promise<Figures> => {
  const { healthIntervalSeconds, holderSeconds, seconds } = await Effect.runPromise(storms.failover())
  return {
    failoverVsHealthInterval: median(seconds) / healthIntervalSeconds,
    failoverWorstVsHealthInterval: Math.max(...seconds) / healthIntervalSeconds,
    failoverOfHealthHolderSeconds: Math.max(...holderSeconds)
  }
}

/** From the start of a process to its first check, divided by the time it takes to boot and the interval. */
export const restart = async (): Promise<Figures> => {
  const { bootSeconds, firstCheckSeconds, intervalSeconds } = await Effect.runPromise(storms.restart())
  return {
    restartVsBootPlusInterval: median(
      firstCheckSeconds.map((seconds, round) => seconds / (bootSeconds[round]! + intervalSeconds))
    )
  }
}
