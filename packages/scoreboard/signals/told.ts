// The rows about jobs of which a signal or a webhook tells the end, beside jobs that are only asked about.
import type { Figures, Row } from "../fleet/row.ts"
import { lossy as faults, minutes, type Mix, short as shortJobs } from "./jobs.ts"
import { asyncQueue, jobStatus, type Provider } from "./providers.ts"
import { ours, type Outcome, simulate, slowInterval, type Subject, type Way } from "./simulate.ts"

export const measure = (way: Way, mix: Mix, subject: Subject = ours, provider: Provider = asyncQueue) =>
  simulate({ provider, mix, way }, subject)

const lags = ({ lagP50Millis, lagP99Millis, requestsPerJob }: Outcome): Figures => ({
  requestsPerJob,
  lagP50Millis,
  lagP99Millis
})

/** The figures of jobs that are told, with the ratios to those that are only polled. */
export const compared = (told: Figures, polled: Figures): Figures => {
  const ratio = (name: string) => Number(told[name]) / Number(polled[name])
  return {
    ...told,
    requestsShare: ratio("requestsPerJob"),
    lagP50Ratio: ratio("lagP50Millis"),
    lagP99Ratio: ratio("lagP99Millis")
  }
}

const withFaults = { ...minutes, faults }

/** The figures of jobs of which some messages are lost. */
export const lossyFigures = (outcome: Outcome): Figures => ({
  ...lags(outcome),
  lost: outcome.lost,
  messagesLost: outcome.messagesLost,
  lagMaxMillis: outcome.lagMaxMillis
})

export const polling: Row = {
  name: "polling",
  what:
    "500 jobs of 2 to 10 minutes, log-uniform, asked about by the documented strategy of AsyncQueue (every 5 seconds), " +
    "half by Poll.until, half by a Poller: requests at the server, and the time from the end to our knowing it.",
  aims: {},
  parts: { all: async () => lags(await measure("polling", minutes)) }
}

export const healthy: Row = {
  name: "healthy",
  what:
    "the same jobs, each with a Signal that is completed 50 to 500 ms after the end, and the default strategy behind it. " +
    "requestsShare, lagP50Ratio and lagP99Ratio: divided by those of polling.",
  aims: { requestsShare: { atMost: 0.1 }, lagP50Ratio: { atMost: 1 }, lagP99Ratio: { atMost: 1 } },
  parts: {
    polling: async () => lags(await measure("polling", minutes)),
    signal: async () => lags(await measure("signal", minutes))
  },
  combine: ({ polling: polled, signal }) => compared(signal!, polled!)
}

const lossyAims = { lost: { atMost: 0 }, lagP99Millis: { atMost: slowInterval } }

export const lossy: Row = {
  name: "lossy",
  what:
    "the same, but 20 % of the signals never arrive, 10 % of the others 10 seconds to 2 minutes late, and 20 % of them three " +
    "times: jobs without their result, and the lag, of which the slow interval is the bound.",
  aims: lossyAims,
  parts: { all: async () => lossyFigures(await measure("signal", withFaults)) }
}

export const short: Row = {
  name: "short",
  what:
    "500 jobs of 3 to 30 seconds, log-uniform, on JobStatus: by its documented strategy (every 2 seconds), and with a " +
    "Signal and the default strategy behind it. For jobs as short as these, a signal saves few requests.",
  aims: {},
  parts: {
    polling: async () => lags(await measure("polling", shortJobs, ours, jobStatus)),
    signal: async () => lags(await measure("signal", shortJobs, ours, jobStatus))
  },
  combine: ({ polling: polled, signal }) => ({
    ...compared(signal!, polled!),
    polledRequestsPerJob: polled!["requestsPerJob"]!,
    polledLagP50Millis: polled!["lagP50Millis"]!,
    polledLagP99Millis: polled!["lagP99Millis"]!
  })
}

export const pushes: Row = {
  name: "pushes",
  what:
    "the jobs of healthy and lossy, told by webhooks through Wakes, with the same strategy behind them: one that is a reason " +
    "to check (woken), and a verified one whose result counts (reported).",
  aims: {
    wokenLost: lossyAims.lost,
    wokenLossyLagP99Millis: lossyAims.lagP99Millis,
    reportedLost: lossyAims.lost,
    reportedLossyLagP99Millis: lossyAims.lagP99Millis
  },
  parts: {
    woken: () => pushed("woken", "wake"),
    reported: () => pushed("reported", "report")
  }
}

const pushed = async (prefix: string, way: Way): Promise<Figures> => {
  const [well, badly] = [await measure(way, minutes), await measure(way, withFaults)]
  return {
    [`${prefix}RequestsPerJob`]: well.requestsPerJob,
    [`${prefix}LagP50Millis`]: well.lagP50Millis,
    [`${prefix}LagP99Millis`]: well.lagP99Millis,
    [`${prefix}Lost`]: badly.lost,
    [`${prefix}LossyLagP99Millis`]: badly.lagP99Millis
  }
}
