// A fleet behind a rate limit, on a virtual clock: a simulated server, and the jobs that a Poller with a
// `RateLimitGate` checks there.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as RateLimitGate from "@effect-poll/http/RateLimitGate"

/** What is simulated; times are milliseconds. */
export interface Simulation {
  readonly limit: number
  readonly windowMillis: number
  /** The capacity of the server's bucket, and the option of the gate; undefined for a server with fixed windows. */
  readonly burst?: number | undefined
  /** What a 429 says: the delay in whole seconds or in milliseconds, or nothing. Default: seconds. */
  readonly retryAfter?: "seconds" | "millis" | "none" | undefined
  /** Whether each answer says what is left, and when there is more. Default: no. */
  readonly headers?: boolean | undefined
  /** At these times another client takes all that the server has left. */
  readonly takenAt?: ReadonlyArray<number> | undefined
  /** The options of the gate that differ from those of the server. */
  readonly gate?: Partial<RateLimitGate.Options> | undefined
  /** Default: 2,000. */
  readonly jobs?: number | undefined
  /** How often each job is checked until it is done. Default: 1. */
  readonly checks?: number | undefined
  /** The shortest and the longest time to an answer. Default: 20 and 30. */
  readonly latency?: readonly [number, number] | undefined
  /** How many processes share a store of the limiter, each with its part of the jobs. Default: 1. */
  readonly processes?: number | undefined
}

export interface Outcome {
  /** Jobs without their result. */
  readonly lost: number
  /** The part of the requests that was answered by a 429. */
  readonly refusedShare: number
  /** The time until all jobs were done, by that of a client that never waits without need. */
  readonly timeVsIdeal: number
  /** Questions to the gates for each request. */
  readonly asked: number
}

/** Runs a simulation. */
export const simulate = (simulation: Simulation): Promise<Outcome> => {
  const { burst, checks = 1, jobs = 2_000, limit, processes = 1, windowMillis } = simulation
  const options: RateLimitGate.Options = { limit, window: windowMillis, burst, budget: "server", ...simulation.gate }
  const run = Effect.gen(function* () {
    const server = serverOf(simulation)
    let done = 0
    let asked = 0
    for (let process = 0; process < processes; process++) {
      const gate = yield* RateLimitGate.make(options)
      const counting: RateLimitGate.RateLimitGate = {
        ...gate,
        ask: (subject) => Effect.suspend(() => (asked++, gate.ask(subject)))
      }
      const client = RateLimitGate.client(server.client, counting)
      const poller = yield* Poller.make()
      const keys = Array.from({ length: jobs / processes }, (_, at) => `p${process}-${at}`)
      const results = poller.results(Tasks, keys, { deadline: "100 days", gate: counting })
      yield* Effect.forkScoped(
        Stream.runForEach(results, ({ exit }) => Effect.sync(() => void (exit._tag === "Success" && done++))).pipe(
          Effect.provideService(HttpClient.HttpClient, client)
        )
      )
    }
    const total = jobs * checks
    const ideal =
      burst === undefined ? (Math.ceil(total / limit) - 1) * windowMillis : ((total - burst) * windowMillis) / limit
    // Far beyond the time that it should take, a job counts as lost.
    for (let step = 0; step < 100; step++) {
      if (server.done() === jobs) break
      yield* TestClock.adjust(Math.ceil(ideal / 20))
    }
    yield* TestClock.adjust("1 minute")
    return {
      lost: jobs - done,
      refusedShare: server.refused() / server.requests(),
      timeVsIdeal: server.acceptedAt() / ideal,
      asked: asked / server.requests()
    }
  })
  const store = RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory))
  return Effect.runPromise(
    Effect.scoped(run).pipe(
      Effect.provide(Layer.provideMerge(store, TestClock.layer())),
      Random.withSeed("rate limited")
    )
  )
}

/** Servers of all kinds and rates; from some of them another client takes what is left, once. */
export const simulations: Readonly<Record<string, Simulation>> = {
  "100 a second, 20 at once": { limit: 100, windowMillis: 1_000, burst: 20 },
  "100 a second, 20 at once, taken": { limit: 100, windowMillis: 1_000, burst: 20, takenAt: [3_000] },
  "100 a second, 20 at once, taken, headers": {
    limit: 100,
    windowMillis: 1_000,
    burst: 20,
    takenAt: [3_000],
    headers: true
  },
  "100 a second, 20 at once, taken, no delay named": {
    limit: 100,
    windowMillis: 1_000,
    burst: 20,
    takenAt: [3_000],
    retryAfter: "none"
  },
  "60 a minute, 10 at once, taken": { limit: 60, windowMillis: 60_000, burst: 10, takenAt: [60_000] },
  "5 a second, 1 at once": { limit: 5, windowMillis: 1_000, burst: 1, takenAt: [20_000] },
  "1,000 a second, 100 at once": {
    limit: 1_000,
    windowMillis: 1_000,
    burst: 100,
    checks: 3,
    takenAt: [2_000],
    retryAfter: "millis"
  },
  "windows of 100 a second": { limit: 100, windowMillis: 1_000 },
  "windows of 100 a second, headers": { limit: 100, windowMillis: 1_000, headers: true },
  "windows of 60 a minute": { limit: 60, windowMillis: 60_000 },
  "windows of 60 a minute, taken, no delay named": {
    limit: 60,
    windowMillis: 60_000,
    takenAt: [90_000],
    retryAfter: "none"
  },
  "100 a second, 20 at once, 4 processes": { limit: 100, windowMillis: 1_000, burst: 20, processes: 4, jobs: 800 },
  "windows of 60 a minute, 4 processes": { limit: 60, windowMillis: 60_000, processes: 4, jobs: 1_200 },
  "windows of 1,000 a second": { limit: 1_000, windowMillis: 1_000, checks: 5 }
}

/** The worst of all simulations. */
export const rateLimited = async (): Promise<Pick<Outcome, "lost" | "refusedShare" | "timeVsIdeal">> => {
  let worst = { lost: 0, refusedShare: 0, timeVsIdeal: 0 }
  for (const simulation of Object.values(simulations)) {
    const { lost, refusedShare, timeVsIdeal } = await simulate(simulation)
    worst = {
      lost: worst.lost + lost,
      refusedShare: Math.max(worst.refusedShare, refusedShare),
      timeVsIdeal: Math.max(worst.timeVsIdeal, timeVsIdeal)
    }
  }
  return worst
}

// ---- internal ----

const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done"]) }), "state", {
  busy: Status.pending(),
  done: Status.succeeded("done")
})

const Tasks = Job.make("task", {
  check: (id: string) => HttpCheck.get(`https://api.example.com/${id}`, TaskStatus),
  strategy: Strategy.spaced("1 second")
})

/** What a server has left for its clients: a bucket of tokens, or a window that begins every so often. */
interface Budget {
  /** Takes all that is left. */
  readonly takeAll: (now: number) => void
  readonly take: (now: number) => boolean
  readonly left: (now: number) => number
  /** When there is something again, in milliseconds from now. */
  readonly resetAfter: (now: number) => number
}

const bucketOf = (capacity: number, paceMillis: number): Budget => {
  let tokens = capacity
  let at = 0
  const refill = (now: number): void => {
    tokens = Math.min(capacity, tokens + (now - at) / paceMillis)
    at = now
  }
  const left = (now: number): number => {
    refill(now)
    return Math.floor(tokens + 1e-9)
  }
  return {
    left,
    takeAll: (now) => {
      refill(now)
      tokens = 0
    },
    take: (now) => {
      if (left(now) === 0) return false
      tokens--
      return true
    },
    resetAfter: () => Math.max(0, (1 - tokens) * paceMillis)
  }
}

/** The first window of a server does not begin with its first client. */
const windowsOf = (limit: number, windowMillis: number): Budget => {
  let used = 0
  let window = -1
  const offset = windowMillis * 0.37
  const read = (now: number): void => {
    const current = Math.floor((now + offset) / windowMillis)
    if (current !== window) used = 0
    window = current
  }
  const left = (now: number): number => {
    read(now)
    return limit - used
  }
  return {
    left,
    takeAll: (now) => {
      read(now)
      used = limit
    },
    take: (now) => {
      if (left(now) === 0) return false
      used++
      return true
    },
    resetAfter: (now) => (window + 1) * windowMillis - offset - now
  }
}

const serverOf = (simulation: Simulation) => {
  const { burst, checks = 1, latency = [20, 30], limit, retryAfter = "seconds", windowMillis } = simulation
  const budget = burst === undefined ? windowsOf(limit, windowMillis) : bucketOf(burst, windowMillis / limit)
  const takenAt = [...(simulation.takenAt ?? [])]
  const accepted = new Map<string, number>()
  const random = randomOf(1)
  let requests = 0
  let refused = 0
  let acceptedAt = 0
  let done = 0
  const headersOf = (now: number, isRefused: boolean): Record<string, string> => {
    const millis = Math.ceil(budget.resetAfter(now))
    const seconds = String(Math.ceil(millis / 1_000))
    return {
      ...(isRefused && retryAfter === "seconds" ? { "retry-after": seconds } : {}),
      ...(isRefused && retryAfter === "millis" ? { "retry-after-ms": String(millis) } : {}),
      ...(simulation.headers === true
        ? { "ratelimit-remaining": String(budget.left(now)), "ratelimit-reset": seconds }
        : {})
    }
  }
  const answer = (path: string, now: number): Response => {
    while (takenAt.length > 0 && takenAt[0]! <= now) {
      takenAt.shift()
      budget.takeAll(now)
    }
    requests++
    if (!budget.take(now)) {
      refused++
      return new Response(null, { status: 429, headers: headersOf(now, true) })
    }
    const count = (accepted.get(path) ?? 0) + 1
    accepted.set(path, count)
    acceptedAt = now
    if (count === checks) done++
    return Response.json({ state: count < checks ? "busy" : "done" }, { headers: headersOf(now, false) })
  }
  const client = HttpClient.make((request, { pathname }) =>
    Effect.gen(function* () {
      const millis = latency[0] + Math.floor(random() * (latency[1] - latency[0] + 1))
      yield* Effect.sleep(millis / 2)
      const response = answer(pathname, yield* Clock.currentTimeMillis)
      yield* Effect.sleep(millis / 2)
      return HttpClientResponse.fromWeb(request, response)
    })
  )
  return { client, requests: () => requests, refused: () => refused, done: () => done, acceptedAt: () => acceptedAt }
}

/** Random numbers in [0, 1) from a seed. */
const randomOf = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296
    return state / 4_294_967_296
  }
}
