import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as GenerationApi from "@effect-poll/providers/GenerationApi"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"
import type { JobServer } from "@effect-poll/testing/JobServer"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { PollEvent } from "effect-poll/PollEvent"
import * as Signal from "effect-poll/Signal"
import * as SignalStore from "effect-poll/SignalStore"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import type { Learning, Subject } from "./learning.ts"
import type { GenerationStrategy, Plan } from "./plan.ts"
import { previousName } from "./population.ts"
import type { Pushes } from "./pushes.ts"
import { counted, type Requests } from "./tally.ts"

/** A submitted job, and the wait for it. */
export interface Launched {
  /** The id of the job on the server. */
  readonly id: string
  readonly events: Stream.Stream<PollEvent<unknown, unknown, HttpCheckError>, never, HttpClient.HttpClient>
  /** What the demo does to the job during the wait; a message if the server did not respond as expected. */
  readonly action: Effect.Effect<string | undefined, never, HttpClient.HttpClient>
}

/** Submits the jobs of plans. */
export interface Launcher {
  /**
   * Submits the job of a plan. `checks` counts the checks of a wait that is started here; other waits start when their
   * events are consumed.
   */
  readonly launch: (
    plan: Plan,
    checks: Requests
  ) => Effect.Effect<Launched, HttpCheckError, HttpClient.HttpClient | Scope.Scope>
  readonly mixpeek: Mixpeek.Mixpeek
}

/** The bearer token of the demo's own server. */
export const token = "demo"

/** Creates the jobs of all providers, with their times scaled to the speed of the server. */
export const make = (options: {
  readonly urls: JobServer["Service"]["urls"]
  readonly pushes: Pushes
  readonly signals: SignalStore.Service
  readonly speed: number
  /** Replaces the strategies of the jobs. Default: they have those that the services publish. */
  readonly learning?: Learning | undefined
}): Launcher => {
  const { learning, pushes, signals, speed, urls } = options
  const timeScale = 1 / speed
  const real = (seconds: number): Duration.Duration => Duration.millis((seconds * 1000) / speed)
  const defaultDeadline = real(900)
  const slowly = Strategy.exponential({ initial: real(5), factor: 2, cap: real(300) })
  const rarely = Strategy.withFirstWait(Strategy.spaced(real(1800)), real(1800))

  const jobStatus = JobStatus.make({ baseUrl: urls.JobStatus, timeScale })
  const events = EventPlatform.make({ baseUrl: urls.EventPlatform, timeScale })
  const clusters = tasteClusters(urls.EventPlatform, timeScale)
  const generation = generationBy(urls.GenerationApi, timeScale)
  const mixpeek = Mixpeek.make({ baseUrl: urls.Mixpeek, timeScale })
  const queue = AsyncQueue.make({ baseUrl: urls.AsyncQueue, timeScale })
  const reviews = Job.withCodecs(queue.signalTasks, { success: Schema.Unknown, failure: Schema.String })

  /** The options of the wait for a job. A learned strategy does not know the shortest delay that a service documents. */
  const waiting = <K>(job: Subject<K>, key: K, documented: Duration.Duration, deadline = defaultDeadline) => ({
    deadline,
    ...(learning && { ...learning.optionsFor(job, key), minInterval: Duration.times(documented, timeScale) })
  })

  /** The documented loop checks again soon after a failed check, because it checks often. A learned strategy need not. */
  const patience = learning && {
    checkErrors: {
      ...JobStatus.checkErrors,
      schedule: Strategy.spaced(Duration.times(JobStatus.minimumInterval, timeScale)),
      maxConsecutive: 30
    }
  }

  /** Runs a call of a signal with the store of the demo. None of them can fail here. */
  const own = <A, E>(call: Effect.Effect<A, E, SignalStore.SignalStore>): Effect.Effect<A> =>
    Effect.orDie(Effect.provideService(call, SignalStore.SignalStore, signals))

  const launch: Launcher["launch"] = Effect.fnUntraced(function* ({ name, work }, checks) {
    switch (work.type) {
      case "job": {
        const { key } = yield* jobStatus.submit!({ plan: name })
        return watched(
          key,
          Poll.events(jobStatus, key, { ...waiting(jobStatus, key, JobStatus.minimumInterval), ...patience })
        )
      }
      case "task": {
        const { key } = yield* events.tasks.submit!({ plan: name })
        const stall = work.stallAfterSeconds === undefined ? undefined : { after: real(work.stallAfterSeconds) }
        return watched(
          key,
          Poll.events(events.tasks, key, { ...waiting(events.tasks, key, EventPlatform.minimumIntervals.tasks), stall })
        )
      }
      case "campaign": {
        const change = (plan: string) => events.campaigns.submit!({ eventId: name, query: { plan } })
        yield* change(previousName(name))
        const { key, since } = yield* change(name)
        return watched(
          since !== undefined && "run" in since ? since.run : key,
          Poll.events(events.campaigns, key, {
            ...waiting(events.campaigns, key, EventPlatform.minimumIntervals.tasks),
            since
          })
        )
      }
      case "package": {
        const { key } = yield* events.packages.submit!({ plan: name })
        return watched(
          key,
          Poll.events(events.packages, key, waiting(events.packages, key, EventPlatform.minimumIntervals.packages))
        )
      }
      case "tasteClusters": {
        const { key } = yield* clusters.submit!(name)
        return watched(key, Poll.events(clusters, key, waiting(clusters, key, EventPlatform.minimumIntervals.tasks)))
      }
      case "generation": {
        const api = generation[work.strategy]
        const callbackUrl = work.callback === true ? `${pushes.url}/callback` : undefined
        const { key } = yield* api.submit!({ model: work.model, input: { prompt: name }, callbackUrl })
        if (callbackUrl === undefined)
          return watched(key.taskId, Poll.events(api, key, waiting(api, key, GenerationApi.minimumInterval)))
        const handle = yield* counted(
          checks,
          "checks"
        )(Poll.start(api, key, waiting(api, key, GenerationApi.minimumInterval)))
        yield* pushes.onPush(key.taskId, handle.checkNow())
        return watched(key.taskId, handle.events)
      }
      case "mixpeek": {
        const body = { plan: name }
        const { key } = yield* mixpeek.tasks.submit!(
          work.kind === "batch" ? { kind: "batch", bucketId: "bkt_demo", body } : { kind: work.kind, body }
        )
        if (work.watches === "resource" && key.fallback !== undefined) {
          return watched(
            key.taskId,
            Poll.events(
              mixpeek.resources,
              key.fallback,
              waiting(mixpeek.resources, key.fallback, Mixpeek.minimumInterval)
            )
          )
        }
        if (work.killAfterSeconds === undefined) {
          return watched(
            key.taskId,
            Poll.events(mixpeek.tasks, key, waiting(mixpeek.tasks, key, Mixpeek.minimumInterval))
          )
        }
        const handle = yield* counted(
          checks,
          "checks"
        )(Poll.start(mixpeek.tasks, key, waiting(mixpeek.tasks, key, Mixpeek.minimumInterval)))
        const canBeKilled = work.kind !== "taxonomy"
        const kill = handle.cancel.pipe(
          Effect.as(canBeKilled ? undefined : "the kill of a taxonomy was not refused"),
          Effect.catch((error) =>
            Effect.succeed(!canBeKilled && error.error instanceof Mixpeek.CancelUnsupported ? undefined : error.message)
          ),
          Effect.delay(real(work.killAfterSeconds))
        )
        return watched(key.taskId, handle.events, kill)
      }
      case "queue": {
        const { key } = yield* queue.tasks.submit!({
          targetUrl: `${pushes.url}/target`,
          payload: { plan: name },
          maxWaitTime: work.maxWaitSeconds === undefined ? undefined : Duration.seconds(work.maxWaitSeconds),
          onCompleteUrl: work.onComplete === true ? `${pushes.url}/complete` : undefined
        })
        const deadline = work.deadlineSeconds === undefined ? defaultDeadline : real(work.deadlineSeconds)
        if (work.onComplete !== true)
          return watched(
            key,
            Poll.events(queue.tasks, key, waiting(queue.tasks, key, AsyncQueue.minimumInterval, deadline))
          )
        const handle = yield* counted(
          checks,
          "checks"
        )(Poll.start(queue.tasks, key, waiting(queue.tasks, key, AsyncQueue.minimumInterval, deadline)))
        yield* pushes.onPush(key, handle.checkNow())
        return watched(key, handle.events)
      }
      case "signal": {
        const maxWaitTime = Duration.seconds(work.maxWaitSeconds)
        const { key, signalToken } = yield* queue.submitSignalTask({
          targetUrl: `${pushes.url}/target`,
          payload: { plan: name },
          maxWaitTime
        })
        const deadline = AsyncQueue.defaultDeadline(maxWaitTime, { timeScale })
        if (work.signal === undefined)
          return watched(
            key,
            Poll.events(queue.signalTasks, key, waiting(queue.signalTasks, key, AsyncQueue.minimumInterval, deadline))
          )
        const { afterSeconds, lane, lost, result, status, twice } = work.signal
        // In the lane "asked" nothing tells the wait. In the lane "told" its first check would come after the signal.
        const ours =
          lane === "asked"
            ? undefined
            : yield* own(Signal.make(reviews, key, { maxWaitTime: real(work.maxWaitSeconds) }))
        const events = Poll.events(
          reviews,
          key,
          ours === undefined
            ? waiting(reviews, key, AsyncQueue.minimumInterval, deadline)
            : { deadline, signal: ours.events, behind: lane === "told" ? rarely : slowly }
        )
        const tell =
          ours === undefined || lost === true
            ? Effect.void
            : own(
                status === "completed"
                  ? Signal.complete(reviews, ours.token, result)
                  : Signal.fail(reviews, ours.token, messageOf(result))
              )
        const send = (expected: "accepted" | "alreadySignaled") =>
          queue.signal(signalToken, { status, result }).pipe(
            Effect.map((actual) => (actual === expected ? undefined : `a signal was ${actual} and not ${expected}`)),
            Effect.catch((error) => Effect.succeed(error.message))
          )
        const first = send("accepted").pipe(Effect.delay(real(afterSeconds)), Effect.tap(tell))
        const both = Effect.flatMap(first, (error) => Effect.map(send("alreadySignaled"), (second) => error ?? second))
        return watched(key, events, twice === true ? both : first)
      }
    }
  })

  return { launch, mixpeek }
}

// ---- internal ----

const watched = (
  id: string,
  events: Stream.Stream<PollEvent<unknown, unknown, HttpCheckError>, never, HttpClient.HttpClient>,
  action: Launched["action"] = Effect.undefined
): Launched => ({ id, events, action })

/** The failure that the service makes of the result of a signal. */
const messageOf = (result: unknown): string =>
  hasProperty(result, "message") && typeof result.message === "string" ? result.message : "failed by signal"

/** The same API with each of its strategies. */
const generationBy = (
  baseUrl: string,
  timeScale: number
): Readonly<Record<GenerationStrategy, GenerationApi.GenerationApi>> => {
  const common = { baseUrl, token: Redacted.make(token), timeScale }
  const by = (strategy: Strategy.Strategy) =>
    GenerationApi.make({ ...common, strategy: Strategy.scale(strategy, timeScale) })
  return {
    adaptive: GenerationApi.make(common),
    fixed: by(GenerationApi.fixed),
    exponential: by(GenerationApi.exponential),
    many: by(GenerationApi.many),
    resilient: GenerationApi.make({ ...common, ...GenerationApi.resilient({ timeScale }) })
  }
}

const ClusterRun = Schema.Struct({
  status: Schema.Literals(["queued", "running", "ready", "error"]),
  clusters: Schema.optional(Schema.Unknown),
  error: Schema.optional(Schema.String)
})

const ClusterStatus = StatusSchema.fromField(ClusterRun, "status", {
  queued: Status.pending(),
  running: Status.pending(),
  ready: (run) => Status.succeeded(run.clusters),
  error: (run) => Status.failed(run.error ?? "Unknown error")
})

/** The parts of a taste-cluster job that the caller gives: its requests, its states and its strategy. */
const tasteClusters = (baseUrl: string, timeScale: number) => {
  const runs = `${baseUrl}/events/evt_demo/taste_clusters/runs`
  return EventPlatform.tasteClusters({
    check: (id: string) => HttpClientRequest.get(`${runs}/${id}`),
    status: ClusterStatus,
    submit: (plan: string) =>
      HttpCheck.send(HttpClientRequest.post(runs), Schema.Struct({ run_id: Schema.String }), { body: { plan } }).pipe(
        Effect.map(({ hint, value }): Job.Receipt<string> => ({ key: value.run_id, hint }))
      ),
    strategy: Strategy.scale(Strategy.linear({ initial: "1 second", increment: "2 seconds" }), timeScale)
  })
}
