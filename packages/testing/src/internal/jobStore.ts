/**
 * The jobs of a server, and the requests about them.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Scope from "effect/Scope"
import type { Recorded } from "../EventConnection.ts"
import type { JobScript } from "../JobScript.ts"
import type { Submission } from "../Submission.ts"
import type { ProviderName, Truth } from "../Truth.ts"
import * as Fault from "./fault.ts"
import * as Job from "./job.ts"
import * as Webhook from "./webhook.ts"
import * as Wire from "./wire.ts"

/** The response to a request that faults may affect. */
export type Faulty<E = never> = Effect.Effect<Wire.Response, E, HttpServerRequest.HttpServerRequest>

/** A submit that arrived over HTTP. */
export interface Submit {
  readonly provider: ProviderName
  readonly kind: string
  readonly params: Readonly<Record<string, string>>
  readonly body: unknown
  readonly create: (script: JobScript) => Effect.Effect<Job.Job>
  readonly respond: (job: Job.Job, now: number) => Wire.Response
}

/** The jobs of a server. */
export interface JobStore {
  readonly startedAt: number
  readonly scale: Job.Scale
  readonly nextId: (prefix: string) => string
  readonly add: (options: Job.NewJob) => Effect.Effect<Job.Job>
  readonly find: (id: string) => Job.Job | undefined
  readonly list: (provider: ProviderName) => ReadonlyArray<Job.Job>
  readonly isGone: (job: Job.Job, now: number) => boolean
  /** Chooses the script of a submission, creates its job and responds, subject to the faults of the script. */
  readonly submit: (submit: Submit) => Faulty
  /** Responds to a check, subject to its faults. A job that does not exist, or no longer does, is a 404. */
  readonly check: (
    job: Job.Job | undefined,
    respond: (job: Job.Job, now: number) => Wire.Response,
    options?: { readonly ofFallback: boolean }
  ) => Faulty
  /** Responds to a kill or a signal, subject to its faults. */
  readonly act: (
    job: Job.Job,
    operation: "kill" | "signal",
    handle: Effect.Effect<Wire.Response, Wire.Response>
  ) => Faulty<Wire.Response>
  /** Ends a job before its script does. A job that has ended keeps its end. */
  readonly settle: (job: Job.Job, end: Omit<Job.End, "endedAt">) => Effect.Effect<Job.End>
  readonly awaitEnd: (job: Job.Job) => Effect.Effect<Job.End>
  /** Posts JSON to a URL, and ignores a failure. */
  readonly push: (url: string, body: unknown) => Effect.Effect<void>
  /** Runs an effect until the server stops. */
  readonly fork: (effect: Effect.Effect<void>) => Effect.Effect<void>
  /** Counts a request to an endpoint without a job. */
  readonly count: (provider: ProviderName, kind: string, id: string) => Effect.Effect<number>
  /** The connections to streams of events so far. */
  readonly eventConnections: Array<Recorded>
  readonly truths: Effect.Effect<ReadonlyArray<Truth>>
  readonly truthOf: (id: string) => Effect.Effect<Truth | undefined>
}

/** Creates the store of a server. */
export const make = Effect.fnUntraced(function* (options: {
  readonly speed: number
  readonly script: (submission: Submission) => JobScript
}): Effect.fn.Return<JobStore, never, Scope.Scope | HttpClient.HttpClient> {
  const scope = yield* Scope.Scope
  const client = yield* HttpClient.HttpClient
  const startedAt = yield* Clock.currentTimeMillis
  const state: State = {
    chooseScript: options.script,
    scale: (nominal) => Math.ceil(Duration.toMillis(nominal) / options.speed),
    jobs: [],
    index: new Map(),
    endpoints: new Map(),
    ids: new Map(),
    sequence: 0
  }
  return {
    startedAt,
    scale: state.scale,
    nextId: (prefix) => nextId(state, prefix),
    add: (newJob) => add(state, newJob),
    find: (id) => state.index.get(id),
    list: (provider) => state.jobs.filter((job) => job.provider === provider),
    isGone: (job, now) => Job.isGone(job, now, state.scale),
    submit: (request) => submit(state, request),
    check: (job, respond, { ofFallback } = { ofFallback: false }) =>
      job === undefined ? Effect.succeed(Wire.notFound("job")) : check(state, job, respond, ofFallback),
    act: (job, operation, handle) => act(state, job, operation, handle),
    settle,
    awaitEnd,
    push: (url, body) => Webhook.post(client, url, body),
    fork: (effect) => Effect.asVoid(Effect.forkIn(effect, scope)),
    count: (provider, kind, id) => countEndpoint(state, provider, kind, id),
    eventConnections: [],
    truths: Effect.map(Clock.currentTimeMillis, (now) => [
      ...state.jobs.map((job) => Job.truthOf(job, now)),
      ...state.endpoints.values()
    ]),
    truthOf: (id) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const job = state.index.get(id)
        return job === undefined ? state.endpoints.get(id) : Job.truthOf(job, now)
      })
  }
})

// ---- internal ----

interface State {
  readonly chooseScript: (submission: Submission) => JobScript
  readonly scale: Job.Scale
  readonly jobs: Array<Job.Job>
  /** Jobs by each of their own ids. */
  readonly index: Map<string, Job.Job>
  /** Endpoints without a job, by id. */
  readonly endpoints: Map<string, Truth>
  /** How many ids each prefix has. */
  readonly ids: Map<string, number>
  /** The number of the last submission. */
  sequence: number
}

const nextId = ({ ids }: State, prefix: string): string => {
  const count = (ids.get(prefix) ?? 0) + 1
  ids.set(prefix, count)
  return `${prefix}_${count}`
}

const scriptFor = (state: State, submission: Omit<Submission, "sequence">): JobScript => {
  state.sequence++
  return state.chooseScript({ ...submission, sequence: state.sequence })
}

const add = (state: State, options: Job.NewJob): Effect.Effect<Job.Job> =>
  Effect.map(Clock.currentTimeMillis, (submittedAt) => {
    const { body, kind, params = {}, provider } = options
    const script = options.script ?? scriptFor(state, { provider, kind, params, body })
    const job = Job.make(options, script, submittedAt, state.scale)
    state.jobs.push(job)
    for (const id of Object.values(options.ids)) state.index.set(id, job)
    return job
  })

const submit = (state: State, { create, respond, ...submission }: Submit): Faulty =>
  Effect.suspend(() => {
    const script = scriptFor(state, submission)
    // A fault may be served before its job is created, or although it never is.
    let faultsServed = 0
    let created: Job.Job | undefined
    const onServed = () => {
      faultsServed++
      if (created !== undefined) created.faultsServed = faultsServed
    }
    const handle = Effect.gen(function* () {
      const job = yield* create(script)
      created = job
      job.faultsServed = faultsServed
      return respond(job, yield* Clock.currentTimeMillis)
    })
    const request = { faults: script.faults, operation: "submit", nth: 1, scale: state.scale, onServed } as const
    return Fault.apply(request, handle)
  })

const check = Effect.fnUntraced(function* (
  { scale }: State,
  job: Job.Job,
  respond: (job: Job.Job, now: number) => Wire.Response,
  ofFallback: boolean
): Effect.fn.Return<Wire.Response, never, HttpServerRequest.HttpServerRequest> {
  const arrivedAt = yield* Clock.currentTimeMillis
  job.requests++
  job.lastRequestAt = arrivedAt
  if (Job.endOf(job, arrivedAt) !== undefined) job.checksAfterEnd++
  const handle = Effect.map(Clock.currentTimeMillis, (now) => {
    const isMissing = ofFallback ? job.script.fallback === "missing" : Job.isGone(job, now, scale)
    if (isMissing) return Wire.notFound("job")
    const response = respond(job, now)
    const { retryAfter, retryAfterAs } = job.script
    return retryAfter === undefined || Job.endOf(job, now) !== undefined
      ? response
      : Wire.withRetryAfter(response, retryAfter, retryAfterAs, now)
  })
  const onServed = () => job.faultsServed++
  const { faults } = job.script
  return yield* Fault.apply({ faults, operation: "check", nth: job.requests, scale, onServed }, handle)
})

const act = (
  { scale }: State,
  job: Job.Job,
  operation: "kill" | "signal",
  handle: Effect.Effect<Wire.Response, Wire.Response>
): Faulty<Wire.Response> =>
  Effect.suspend(() => {
    const nth = operation === "kill" ? ++job.kills : ++job.signals
    const onServed = () => job.faultsServed++
    return Fault.apply({ faults: job.script.faults, operation, nth, scale, onServed }, handle)
  })

const settle: JobStore["settle"] = (job, end) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const ended = Job.endOf(job, now)
    if (ended !== undefined) return ended
    job.earlyEnd = { ...end, endedAt: now }
    Deferred.doneUnsafe(job.settled, Effect.void)
    return job.earlyEnd
  })

const awaitEnd: JobStore["awaitEnd"] = Effect.fnUntraced(function* (job) {
  const now = yield* Clock.currentTimeMillis
  const { endedAt } = job.scriptedEnd
  const scripted = Number.isFinite(endedAt) ? Effect.sleep(Math.max(0, endedAt - now)) : Effect.never
  yield* Effect.raceFirst(Deferred.await(job.settled), scripted)
  return job.earlyEnd ?? job.scriptedEnd
})

const countEndpoint = ({ endpoints }: State, provider: ProviderName, kind: string, id: string): Effect.Effect<number> =>
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
  })
