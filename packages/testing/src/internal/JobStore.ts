/**
 * The jobs of a server: their scripts, their ends and their checks.
 *
 * The end of a job is computed when someone asks. Only a push needs a fiber.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Scope from "effect/Scope"
import type * as Scripted from "../Fault.ts"
import type { Failure, JobScript, Outcome } from "../JobScript.ts"
import type { Submission } from "../Submission.ts"
import type { ProviderName, Truth } from "../Truth.ts"
import * as Fault from "./fault.ts"
import * as Wire from "./wire.ts"

/** The answer to a request that a fault may spoil. */
export type Spoilable<E = never> = Effect.Effect<Wire.Answer, E, HttpServerRequest.HttpServerRequest>

/** How and when a job ended, or will. */
export interface End {
  readonly at: number
  readonly outcome: Outcome
  readonly result: unknown
  readonly failure: Failure | undefined
}

/** One job; the counts and the early end are the only parts that change. */
export interface Job {
  readonly provider: ProviderName
  readonly kind: string
  readonly id: string
  readonly ids: Readonly<Record<string, string>>
  readonly params: Readonly<Record<string, string>>
  readonly body: unknown
  readonly script: JobScript
  readonly submittedAt: number
  readonly scripted: End
  readonly settled: Deferred.Deferred<void>
  early: End | undefined
  requests: number
  lastRequestAt: number | undefined
  kills: number
  signals: number
  checksAfterEnd: number
  faultsServed: number
  listed: number
}

/** What a wire says of a new job. */
export interface Entry {
  readonly provider: ProviderName
  readonly kind: string
  readonly id: string
  /** Ids that belong to this job alone. */
  readonly ids: Readonly<Record<string, string>>
  /** Ids of what the job belongs to, which others share. */
  readonly sharedIds?: Readonly<Record<string, string>>
  readonly params?: Readonly<Record<string, string>>
  readonly body: unknown
  readonly script: JobScript | undefined
  /** The outcomes that the wire can say. */
  readonly says: ReadonlyArray<Outcome>
  /** Replaces the end that the script gives. */
  readonly ending?: (end: End, script: JobScript) => End
}

/** What came in over HTTP to make a job of. */
export interface Submitted {
  readonly provider: ProviderName
  readonly kind: string
  readonly params: Readonly<Record<string, string>>
  readonly body: unknown
  readonly create: (script: JobScript) => Effect.Effect<Job>
  readonly answer: (job: Job, now: number) => Wire.Answer
}

/** The jobs of a server. */
export interface JobStore {
  readonly startedAt: number
  /** Real milliseconds of a nominal duration, rounded up. */
  readonly scale: (nominal: Duration.Duration) => number
  readonly nextId: (prefix: string) => string
  readonly add: (entry: Entry) => Effect.Effect<Job>
  /** Chooses the script of a submission, makes its job and answers, unless its faults say otherwise. */
  readonly submit: (submitted: Submitted) => Spoilable
  readonly find: (id: string) => Job | undefined
  readonly list: (provider: ProviderName) => ReadonlyArray<Job>
  /** Answers a check, after its faults; a job that is not there, or no longer, is a 404. */
  readonly check: (
    job: Job | undefined,
    answer: (job: Job, now: number) => Wire.Answer,
    fallback?: boolean
  ) => Spoilable
  /** Does something to a job and answers, unless the faults for that say otherwise. */
  readonly act: (
    job: Job,
    operation: "kill" | "signal",
    run: Effect.Effect<Wire.Answer, Wire.Answer>
  ) => Spoilable<Wire.Answer>
  readonly isGone: (job: Job, now: number) => boolean
  /** Ends a job before its script does; a job that has ended stays as it is. */
  readonly settle: (job: Job, end: Omit<End, "at">) => Effect.Effect<End>
  readonly awaitEnd: (job: Job) => Effect.Effect<End>
  /** Posts JSON and does not care whether it arrives. */
  readonly push: (url: string, body: unknown) => Effect.Effect<void>
  readonly fork: (effect: Effect.Effect<void>) => Effect.Effect<void>
  /** Counts a request of an endpoint that has no job. */
  readonly count: (provider: ProviderName, kind: string, id: string) => Effect.Effect<number>
  readonly truths: Effect.Effect<ReadonlyArray<Truth>>
  readonly truthOf: (id: string) => Effect.Effect<Truth | undefined>
}

/** The end of a job, if it has come. */
export const endOf = (job: Job, now: number): End | undefined =>
  job.early ?? (now >= job.scripted.at ? job.scripted : undefined)

/** Tells whether a pending job is past the first tenth of its duration. */
export const hasStarted = (job: Job, now: number): boolean => now >= startOf(job)

/** The time at which a job leaves its queue. */
export const startOf = (job: Job): number =>
  Number.isFinite(job.scripted.at) ? job.submittedAt + (job.scripted.at - job.submittedAt) / 10 : job.submittedAt + 100

/** The progress of a job between 0 and 1, if it tells. */
export const progressOf = (job: Job, now: number): number | undefined => {
  if (job.script.progress === "none") return undefined
  const end = endOf(job, now)
  if (end?.outcome === "succeeded") return 1
  if (job.script.progress === "frozen" || !Number.isFinite(job.scripted.at)) return 0
  const share = ((end?.at ?? now) - job.submittedAt) / (job.scripted.at - job.submittedAt)
  return Math.max(0, Math.min(0.99, share))
}

/** The word for the state of a job: the script's, else the wire's. */
export const wordOf = (
  job: Job,
  now: number,
  words: { readonly queued: string; readonly running: string } & Partial<Record<Outcome, string>>
): string => {
  const end = endOf(job, now)
  if (end !== undefined) return job.script.endWord ?? words[end.outcome] ?? words.running
  return job.script.word ?? (hasStarted(job, now) ? words.running : words.queued)
}

/** Creates the store of a server. */
export const make = Effect.fnUntraced(function* (options: {
  readonly speed: number
  readonly script: (submission: Submission) => JobScript
}): Effect.fn.Return<JobStore, never, Scope.Scope | HttpClient.HttpClient> {
  const scope = yield* Scope.Scope
  const client = yield* HttpClient.HttpClient
  const startedAt = yield* Clock.currentTimeMillis
  const jobs: Array<Job> = []
  const index = new Map<string, Job>()
  const endpoints = new Map<string, Truth>()
  const ids = new Map<string, number>()
  let sequence = 0

  const scale: JobStore["scale"] = (nominal) => Math.ceil(Duration.toMillis(nominal) / options.speed)

  const choose = (submission: Omit<Submission, "sequence">): JobScript => {
    sequence++
    return options.script({ ...submission, sequence })
  }

  /** Answers with the faults of a script for one request, and does what it asks for if they let it. */
  const spoil = Effect.fnUntraced(function* <E>(
    faults: ReadonlyArray<Scripted.Fault>,
    operation: Scripted.Operation,
    nth: number,
    serve: () => void,
    run: Effect.Effect<Wire.Answer, E>
  ): Effect.fn.Return<Wire.Answer, E, HttpServerRequest.HttpServerRequest> {
    const own = faults.filter((fault) => fault.nth === nth && (fault.on ?? "check") === operation)
    for (const fault of own) {
      if (fault.kind === "latency") {
        serve()
        yield* Effect.sleep(scale(fault.delay))
      }
    }
    const fault = own.find((each) => each.kind !== "latency")
    if (fault === undefined) return yield* run
    if (fault.carriedOut ?? fault.kind !== "tooManyRequests") yield* Effect.ignore(run)
    serve()
    return yield* Fault.answer(fault)
  })

  const goneAt = (job: Job): number =>
    job.script.recordTtl === undefined
      ? Infinity
      : (job.script.recordTtlFrom === "submission" ? job.submittedAt : (job.early ?? job.scripted).at) +
        scale(job.script.recordTtl)

  const scriptedEnd = (script: JobScript, submittedAt: number, says: ReadonlyArray<Outcome>): End => {
    const sayable = says.includes(script.outcome)
    return {
      at: submittedAt + scale(script.duration),
      outcome: sayable ? script.outcome : "failed",
      result: script.outcome === "succeeded" ? script.result : undefined,
      failure:
        script.outcome === "failed"
          ? script.failure
          : sayable
            ? undefined
            : (script.failure ?? { code: script.outcome, message: script.outcome })
    }
  }

  const truth = (job: Job, now: number): Truth => {
    const end = endOf(job, now)
    return {
      provider: job.provider,
      kind: job.kind,
      id: job.id,
      ids: job.ids,
      submittedAt: job.submittedAt,
      endedAt: end?.at,
      outcome: end?.outcome,
      result: end?.result,
      failure: end?.failure,
      requests: job.requests,
      lastRequestAt: job.lastRequestAt,
      checksAfterEnd: job.checksAfterEnd,
      faultsServed: job.faultsServed,
      listed: job.listed
    }
  }

  return {
    startedAt,
    scale,
    nextId: (prefix) => {
      const count = (ids.get(prefix) ?? 0) + 1
      ids.set(prefix, count)
      return `${prefix}_${count}`
    },
    add: (entry) =>
      Effect.map(Clock.currentTimeMillis, (submittedAt) => {
        const { body, kind, params = {}, provider } = entry
        const script = entry.script ?? choose({ provider, kind, params, body })
        const end = scriptedEnd(script, submittedAt, entry.says)
        const job: Job = {
          provider,
          kind,
          id: entry.id,
          ids: { ...entry.sharedIds, ...entry.ids },
          params,
          body,
          script,
          submittedAt,
          scripted: entry.ending === undefined ? end : entry.ending(end, script),
          settled: Deferred.makeUnsafe<void>(),
          early: undefined,
          requests: 0,
          lastRequestAt: undefined,
          kills: 0,
          signals: 0,
          checksAfterEnd: 0,
          faultsServed: 0,
          listed: 0
        }
        jobs.push(job)
        for (const id of Object.values(entry.ids)) index.set(id, job)
        return job
      }),
    find: (id) => index.get(id),
    list: (provider) => jobs.filter((job) => job.provider === provider),
    submit: Effect.fnUntraced(function* ({ answer, create, ...submission }) {
      const script = choose(submission)
      let served = 0
      let made: Job | undefined
      const serve = () => {
        served++
        if (made !== undefined) made.faultsServed = served
      }
      const run = Effect.gen(function* () {
        const job = yield* create(script)
        made = job
        job.faultsServed = served
        return answer(job, yield* Clock.currentTimeMillis)
      })
      return yield* spoil(script.faults, "submit", 1, serve, run)
    }),
    check: Effect.fnUntraced(function* (job, answer, fallback = false) {
      if (job === undefined) return Wire.notFound("job")
      const arrived = yield* Clock.currentTimeMillis
      job.requests++
      job.lastRequestAt = arrived
      if (endOf(job, arrived) !== undefined) job.checksAfterEnd++
      const run = Effect.map(Clock.currentTimeMillis, (now) => {
        if (fallback ? job.script.fallback === "missing" : now >= goneAt(job)) return Wire.notFound("job")
        const response = answer(job, now)
        const { retryAfter, retryAfterAs } = job.script
        return retryAfter === undefined || endOf(job, now) !== undefined
          ? response
          : Wire.withRetryAfter(response, retryAfter, retryAfterAs, now)
      })
      return yield* spoil(job.script.faults, "check", job.requests, () => job.faultsServed++, run)
    }),
    act: (job, operation, run) =>
      Effect.suspend(() => {
        const nth = operation === "kill" ? ++job.kills : ++job.signals
        return spoil(job.script.faults, operation, nth, () => job.faultsServed++, run)
      }),
    isGone: (job, now) => now >= goneAt(job),
    settle: (job, end) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const ended = endOf(job, now)
        if (ended !== undefined) return ended
        job.early = { ...end, at: now }
        Deferred.doneUnsafe(job.settled, Effect.void)
        return job.early
      }),
    awaitEnd: Effect.fnUntraced(function* (job) {
      const now = yield* Clock.currentTimeMillis
      const scripted = Number.isFinite(job.scripted.at)
        ? Effect.sleep(Math.max(0, job.scripted.at - now))
        : Effect.never
      yield* Effect.raceFirst(Deferred.await(job.settled), scripted)
      return job.early ?? job.scripted
    }),
    push: (url, body) =>
      Effect.suspend(() => client.execute(HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(url), body))).pipe(
        Effect.flatMap((response) => response.text),
        Effect.catchDefect(() => Effect.void),
        Effect.ignore
      ),
    fork: (effect) => Effect.asVoid(Effect.forkIn(effect, scope)),
    count: (provider, kind, id) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const before = endpoints.get(id)
        endpoints.set(id, {
          provider,
          kind,
          id,
          ids: {},
          submittedAt: before?.submittedAt ?? now,
          endedAt: undefined,
          outcome: undefined,
          result: undefined,
          failure: undefined,
          requests: (before?.requests ?? 0) + 1,
          lastRequestAt: now,
          checksAfterEnd: 0,
          faultsServed: 0,
          listed: 0
        })
        return now
      }),
    truths: Effect.map(Clock.currentTimeMillis, (now) => [
      ...jobs.map((job) => truth(job, now)),
      ...endpoints.values()
    ]),
    truthOf: (id) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const job = index.get(id)
        return job === undefined ? endpoints.get(id) : truth(job, now)
      })
  }
})
