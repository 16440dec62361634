// A fleet under a budget: the real Poller under a TestClock, about 2,000 active jobs of five kinds.
import * as Grid from "@effect-poll/lab/Grid"
import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import * as History from "@effect-poll/learned/History"
import * as Learned from "@effect-poll/learned/Learned"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { randomOf, virtually } from "../fleet/virtual.ts"
import type { Figures, FleetFigures } from "./figures.ts"

const kindsOf = (kinds: ReadonlyArray<readonly [kind: string, median: number]>): ReadonlyArray<Model.Model> =>
  kinds.map(([kind, median]) => Model.truncated(Grid.models[kind]!(median)))

/** Five kinds of jobs, from short to long; equally many of each start. */
export const models: ReadonlyArray<Model.Model> = kindsOf([
  ["shifted", 15],
  ["exponential", 45],
  ["bimodal", 120],
  ["weibull k=2", 300],
  ["lognormal s=0.25", 600]
])

/** Other sets of five kinds, and when their window begins: durations that differ little, somewhat and very much. */
const others: Readonly<Record<string, { readonly models: ReadonlyArray<Model.Model>; readonly from: number }>> = {
  narrow: {
    models: kindsOf([
      ["lognormal s=0.25", 20],
      ["lognormal s=0.25", 60],
      ["shifted", 120],
      ["weibull k=2", 240],
      ["lognormal s=0.25", 480]
    ]),
    from: 1_500
  },
  wide: {
    models: kindsOf([
      ["lognormal s=0.5", 8],
      ["weibull k=2", 30],
      ["lognormal s=1", 90],
      ["shifted", 240],
      ["exponential", 500]
    ]),
    from: 1_500
  },
  heavy: {
    models: kindsOf([
      ["pareto a=1.5", 20],
      ["weibull k=0.6", 60],
      ["lognormal s=1.5", 60],
      ["bimodal", 100],
      ["exponential", 200]
    ]),
    from: 3_000
  }
}

export interface Setting {
  /** How many jobs are active on average. */
  readonly active: number
  /** How many checks there are for each job, batches included. */
  readonly checksPerJob: number
  /** How many jobs one request checks at most. */
  readonly batch: number
  /** When the window begins and ends, in seconds: the jobs that start within it are judged. */
  readonly window: readonly [from: number, until: number]
  /** How long jobs of each kind take; default `models`. */
  readonly kinds?: ReadonlyArray<Model.Model>
}

export interface Outcome {
  /** The mean lag in seconds of the jobs of the window, and its bound. */
  readonly lag: number
  readonly bound: number
  /** The lag of the best fixed interval that makes as many requests, without any wait at the gate. */
  readonly bestFixed: number
  /** By how much a second, anywhere, exceeds the budget and one burst. */
  readonly overBudget: number
}

/** Runs a fleet in virtual time. */
export const play = async (setting: Setting): Promise<Outcome> => {
  const { active, batch, checksPerJob, kinds: durations = models, window } = setting
  const meanSeconds = durations.reduce((sum, model) => sum + model.mean, 0) / durations.length
  const startsPerSecond = active / meanSeconds
  const requestsPerSecond = (startsPerSecond * checksPerJob) / batch
  const burst = Math.max(1, Math.floor(requestsPerSecond / 4))
  const kinds = durations.map((model) => ({ model, rate: startsPerSecond / durations.length }))
  const requests: Array<number> = []
  const lags: Array<number> = []
  const random = randomOf(7)
  const program = Effect.gen(function* () {
    const histories = durations.map((model, kind) => {
      const history = History.makeUnsafe(`kind-${kind}`)
      for (let job = 0; job < 500; job++) {
        History.recordUnsafe(history, History.ended(1_000 * model.quantile(random())))
      }
      return history
    })
    const fleet = yield* Learned.fleet({ requestsPerSecond, batch, burst, histories })
    const poller = yield* Poller.make({ concurrency: "unbounded", stagger: false, linger: 0 })
    const ends = new Map<string, number>()
    const request = Effect.map(Clock.currentTimeMillis, (now) => {
      requests.push(now)
      return now
    })
    const statusAt = (key: string, now: number) => (now >= ends.get(key)! ? Status.succeeded("done") : Status.pending())
    const jobs = durations.map((_, kind) =>
      Job.make<string>(`kind-${kind}`, {
        check: (key) => Effect.map(request, (now) => statusAt(key, now)),
        checkMany:
          batch === 1
            ? undefined
            : {
                max: batch,
                check: (keys) =>
                  Effect.map(request, (now) => ({
                    results: new Map(keys.map((key) => [key, Result.succeed(statusAt(key, now))]))
                  }))
              }
      })
    )
    let judged = 0
    const wait = (kind: number, key: string, seconds: number, isJudged: boolean) =>
      Effect.gen(function* () {
        const job = jobs[kind]!
        ends.set(key, (yield* Clock.currentTimeMillis) + 1_000 * seconds)
        yield* poller.until(job, key, { deadline: "1 day", strategy: fleet.strategy(job), gate: fleet.gate })
        if (isJudged) lags.push(((yield* Clock.currentTimeMillis) - ends.get(key)!) / 1_000)
        ends.delete(key)
      })
    // Jobs start at random and go on to start until all that are judged have ended.
    for (let at = 0, index = 0; at < window[1] || lags.length < judged; index++) {
      const gap = -Math.log(1 - random()) / startsPerSecond
      yield* Effect.sleep(1_000 * gap)
      at += gap
      const kind = Math.floor(random() * durations.length)
      const isJudged = at >= window[0] && at < window[1]
      if (isJudged) judged++
      yield* Effect.forkScoped(wait(kind, `job-${index}`, durations[kind]!.quantile(random()), isJudged))
    }
  })
  await virtually(program, { atMostMillis: 20_000_000 })
  return {
    lag: lags.reduce((sum, lag) => sum + lag, 0) / lags.length,
    bound: Lab.bound(kinds, requestsPerSecond * batch).lag,
    bestFixed: await bestFixed(requestsPerSecond * batch, kinds),
    overBudget: Math.max(0, mostInASecond(requests) - Math.ceil(requestsPerSecond) - burst)
  }
}

/** The part of the table. */
export const fleet = async (tell: (what: string) => void): Promise<Pick<Figures, "fleet">> => {
  const { atMost: _, ...figures } = await playAll("fleet", { models, from: 1_500 }, tell)
  return { fleet: figures }
}

/** The same for other kinds of jobs. */
export const fleetOthers = async (tell: (what: string) => void): Promise<Pick<Figures, "fleetOthers">> => {
  const figures: Record<string, FleetFigures & { readonly atMost: number }> = {}
  for (const [name, kinds] of Object.entries(others)) figures[name] = await playAll(`fleet, ${name}`, kinds, tell)
  return { fleetOthers: figures }
}

/** The most requests within any second. */
export const mostInASecond = (times: ReadonlyArray<number>): number => {
  let most = 0
  let first = 0
  for (let last = 0; last < times.length; last++) {
    while (times[last]! - times[first]! >= 1_000) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

// ---- internal ----

/** A fleet with 4, 8 and 15 checks for each job, alone and in batches of 10 and 20. */
const playAll = async (
  name: string,
  kinds: { readonly models: ReadonlyArray<Model.Model>; readonly from: number },
  tell: (what: string) => void
): Promise<FleetFigures & { readonly atMost: number }> => {
  const outcomes: Array<Outcome & { readonly batch: number }> = []
  for (const batch of [1, 10, 20]) {
    for (const checksPerJob of [4, 8, 15]) {
      const window = [kinds.from, kinds.from + 200] as const
      const outcome = await play({ active: 2_000, batch, checksPerJob, window, kinds: kinds.models })
      tell(`${name}, ${checksPerJob} checks per job in batches of ${batch}: ${said(outcome)}`)
      outcomes.push({ ...outcome, batch })
    }
  }
  const single = outcomes.filter(({ batch }) => batch === 1)
  const vsBound = ({ bound, lag }: Outcome) => lag / bound
  return {
    vsBound: Math.max(...single.map(vsBound)),
    vsBoundBatched: Math.max(...outcomes.filter(({ batch }) => batch > 1).map(vsBound)),
    vsBestFixed: Math.min(...single.map(({ bestFixed: fixed, lag }) => fixed / lag)),
    overBudget: Math.max(...outcomes.map(({ overBudget }) => overBudget)),
    atMost: Math.min(...single.map(({ bestFixed: fixed, bound }) => fixed / bound))
  }
}

const said = ({ bestFixed: fixed, bound, lag, overBudget }: Outcome): string =>
  `lag ${lag.toFixed(2)} s, ${(lag / bound).toFixed(3)} of the bound, ${(fixed / lag).toFixed(2)} times less than fixed, ${overBudget} over budget`

/** The mean lag of the fixed interval whose requests are the budget; the first check comes at once. */
const bestFixed = async (checksPerSecond: number, kinds: ReadonlyArray<Lab.Kind>): Promise<number> => {
  const at = async (interval: number) => {
    let requests = 0
    let lag = 0
    let rates = 0
    for (const { model, rate } of kinds) {
      const found = await Effect.runPromise(Lab.simulate(Strategy.spaced(1_000 * interval), model, { w: 1 }))
      requests += rate * found.requests
      lag += rate * found.lag
      rates += rate
    }
    return { requests, lag: lag / rates }
  }
  let [low, high] = [0.1, 10_000]
  for (let i = 0; i < 25; i++) {
    const middle = Math.sqrt(low * high)
    if ((await at(middle)).requests > checksPerSecond) low = middle
    else high = middle
  }
  return (await at(high)).lag
}
