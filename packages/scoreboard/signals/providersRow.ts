// The row about each provider's documented strategy.
import * as Strategy from "effect-poll/Strategy"
import type { Figures, Row } from "../fleet/row.ts"
import { minutes } from "./jobs.ts"
import { type Provider, providers } from "./providers.ts"
import { simulate } from "./simulate.ts"

const mix = { ...minutes, jobs: 100 }
const after5min = Strategy.withFirstWait(Strategy.spaced("5 minutes"), "5 minutes")

const part = async (provider: Provider): Promise<Figures> => {
  const polled = await simulate({ provider, mix, way: "polling" })
  const told = await simulate({ provider, mix, way: "signal" })
  const slower = await simulate({ provider, mix, way: "signal", strategy: after5min })
  return {
    [`${provider.name}Polling`]: polled.requestsPerJob,
    [`${provider.name}LagP50Millis`]: polled.lagP50Millis,
    [`${provider.name}Share`]: told.requestsPerJob / polled.requestsPerJob,
    [`${provider.name}After5minShare`]: slower.requestsPerJob / polled.requestsPerJob
  }
}

export const row: Row = {
  name: "providers",
  what:
    "100 jobs of 2 to 10 minutes at each provider: requests per job by its documented strategy (Polling) and its lag, and what " +
    "share of them is left with a signal, with the default behind it (Share), and with a check every 5 minutes, first after 5 " +
    "minutes (After5minShare).",
  aims: {},
  parts: Object.fromEntries(providers.map((provider) => [provider.name, () => part(provider)]))
}
