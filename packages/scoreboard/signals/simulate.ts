// Runs simulated jobs in virtual time, and counts the requests that their server gets.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import type { Schedule } from "effect/Schedule"
import type * as Stream from "effect/Stream"
import type { Observation } from "effect-poll/Observation"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Signal from "effect-poll/Signal"
import * as SignalCrypto from "effect-poll/SignalCrypto"
import * as SignalStore from "effect-poll/SignalStore"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import * as Wakes from "effect-poll/Wakes"
import { createHash } from "node:crypto"
import { randomOf, virtually } from "../fleet/virtual.ts"
import { jobsOf, type Mix, type SimulatedJob } from "./jobs.ts"
import type { Provider } from "./providers.ts"

/** How a wait learns of the end. */
export type Way =
  /** By checks alone. */
  | "polling"
  /** By a `Signal` in a store, which ends the job. */
  | "signal"
  /** By a webhook that wakes the wait. */
  | "wake"
  /** By a verified webhook, whose result counts. */
  | "report"

export interface Simulation {
  readonly provider: Provider
  readonly mix: Mix
  readonly way: Way
  /** When to check: with `polling` the only checks, otherwise those behind the messages. Default: that of the library. */
  readonly strategy?: Schedule<unknown, Observation> | undefined
}

/** What is simulated: ours, or in the tests something that is known to be bad. */
export interface Subject {
  /** Waits for one job by one of the two hosts. */
  readonly wait: (
    host: "Poll" | "Poller",
    poller: Poller.Service,
    provider: Provider,
    id: string,
    options: WaitOptions
  ) => Effect.Effect<unknown, unknown, HttpClient.HttpClient>
}

export interface WaitOptions {
  readonly strategy?: Schedule<unknown, Observation> | undefined
  readonly signal?: Stream.Stream<Told.Told<unknown, unknown>> | undefined
  readonly behind?: Schedule<unknown, Observation> | undefined
}

export const ours: Subject = {
  wait: (host, poller, { job }, id, options) =>
    host === "Poll"
      ? Poll.until(job, id, { deadline: "1 day", ...options })
      : poller.until(job, id, { deadline: "1 day", ...options })
}

export interface Outcome {
  readonly requestsPerJob: number
  /** How long after its end a job is known to have ended, in milliseconds; of those whose message was lost, the latest. */
  readonly lagP50Millis: number
  readonly lagP99Millis: number
  readonly lagMaxMillis: number
  readonly lostLagMaxMillis: number
  /** Jobs without their result. */
  readonly lost: number
  /** Jobs whose message was lost on the way. */
  readonly messagesLost: number
}

/** How long a request takes: between these, in milliseconds. The server reads its job in the middle. */
const latency = { least: 40, most: 160 }

export const simulate = (simulation: Simulation, subject: Subject = ours): Promise<Outcome> => {
  const jobs = jobsOf(simulation.mix)
  const over = simulation.mix.to + 60_000 + slowest
  return virtually(run(simulation, jobs, subject), { atMostMillis: over, seed: "signals" })
}

/** The percentile of numbers, by the nearest rank. */
export const percentile = (values: ReadonlyArray<number>, percent: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil((percent / 100) * values.length) - 1)] ?? Number.NaN

/**
 * The library's default behind a signal: at once, then after 5 seconds, tripled up to 5 minutes. Waits that are found by
 * `Wakes` have no such default.
 */
export const slowInterval = 300_000
export const slow: Strategy.Strategy = Strategy.exponential({ initial: 5_000, factor: 3, cap: slowInterval })

// ---- internal ----

/** A job that is not known to have ended after this time counts as lost, in milliseconds. */
const slowest = 3_600_000

/** Node's digest, which needs no promise: those take real time, which a virtual clock does not see. */
const crypto = SignalCrypto.layer({
  sha256: (data) => Effect.sync(() => new Uint8Array(createHash("sha256").update(data).digest()))
})

const run = (simulation: Simulation, jobs: ReadonlyArray<SimulatedJob>, subject: Subject) =>
  Effect.gen(function* () {
    const { provider, strategy, way } = simulation
    const began = yield* Clock.currentTimeMillis
    const server = serverOf(provider, jobs, began)
    const poller = yield* Poller.make({ concurrency: "unbounded" })
    const lags: Array<number> = []
    const lostLags: Array<number> = []

    const wait = Effect.fnUntraced(function* (job: SimulatedJob, index: number) {
      yield* Effect.sleep(job.beginsAt)
      const message = yield* messenger(way, provider, job)
      yield* Effect.forkScoped(
        Effect.forEach(job.messages, (after) => Effect.delay(message.send, job.duration + after), {
          concurrency: "unbounded",
          discard: true
        })
      )
      const options: WaitOptions =
        message.signal === undefined
          ? { strategy: strategy ?? (way === "polling" ? provider.documented : slow) }
          : { signal: message.signal, behind: strategy }
      const result = yield* subject.wait(index % 2 === 0 ? "Poll" : "Poller", poller, provider, job.id, options)
      const lag = (yield* Clock.currentTimeMillis) - began - job.beginsAt - job.duration
      if (JSON.stringify(result) !== JSON.stringify(provider.result(job.id)) || lag < 0) return
      lags.push(lag)
      if (job.messages.length === 0) lostLags.push(lag)
    })
    yield* Effect.forEach(
      jobs,
      (job, index) => Effect.ignore(Effect.timeout(wait(job, index), job.duration + slowest)),
      { concurrency: "unbounded", discard: true }
    ).pipe(Effect.provideService(HttpClient.HttpClient, server.client))
    return {
      requestsPerJob: server.requests() / jobs.length,
      lagP50Millis: percentile(lags, 50),
      lagP99Millis: percentile(lags, 99),
      lagMaxMillis: percentile(lags, 100),
      lostLagMaxMillis: percentile(lostLags, 100),
      lost: jobs.length - lags.length,
      messagesLost: jobs.filter(({ messages }) => messages.length === 0).length
    }
  }).pipe(Effect.provide([SignalStore.layerMemory(), crypto, Wakes.layer()]))

interface Messenger {
  /** Sends the message once more. */
  readonly send: Effect.Effect<unknown>
  readonly signal?: Stream.Stream<Told.Told<unknown, unknown>> | undefined
}

/** How the end of a job is told. */
const messenger = (
  way: Way,
  provider: Provider,
  { id }: SimulatedJob
): Effect.Effect<Messenger, never, SignalStore.SignalStore> => {
  const result = provider.result(id)
  const wakes = (told: Told.Told<unknown, unknown>) =>
    Effect.map(Wakes.Wakes, (service): Messenger => ({
      send: told._tag === "Wake" ? service!.wake(provider.job, id) : service!.tell(provider.job, id, told)
    }))
  switch (way) {
    case "polling":
      return Effect.succeed({ send: Effect.void })
    case "wake":
      return wakes(Told.wake)
    case "report":
      return wakes(Told.report(Status.succeeded(result)))
    case "signal":
      return Effect.orDie(
        Effect.gen(function* () {
          const signal = yield* Signal.make(provider.job, id, { maxWaitTime: "1 day" })
          const store = yield* SignalStore.SignalStore
          const context = yield* Effect.context<never>()
          return {
            send: Signal.complete(provider.job, signal.token, result).pipe(
              Effect.provideService(SignalStore.SignalStore, store),
              Effect.provideContext(context),
              Effect.orDie
            ),
            signal: signal.events
          }
        })
      )
  }
}

/** The server of the provider, as an `HttpClient`. */
const serverOf = (provider: Provider, jobs: ReadonlyArray<SimulatedJob>, began: number) => {
  const endOf = new Map(jobs.map(({ beginsAt, duration, id }) => [id, began + beginsAt + duration]))
  const random = randomOf(7)
  let requests = 0
  const client = HttpClient.make((request, { pathname }) =>
    Effect.gen(function* () {
      requests++
      const millis = latency.least + Math.floor(random() * (latency.most - latency.least + 1))
      yield* Effect.sleep(millis / 2)
      const id = pathname.slice(pathname.lastIndexOf("/") + 1)
      const isOver = (yield* Clock.currentTimeMillis) >= endOf.get(id)!
      yield* Effect.sleep(millis / 2)
      return HttpClientResponse.fromWeb(request, Response.json(provider.answer(id, isOver)))
    })
  )
  return { client, requests: () => requests }
}
