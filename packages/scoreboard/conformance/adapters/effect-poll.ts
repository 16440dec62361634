// Ours: the entry points of `Poll` and a `Poller`, each with a `Job` whose checks are HTTP requests to the scripted
// server.
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Handle } from "effect-poll/Handle"
import type { Observation } from "effect-poll/Observation"
import type { Notification } from "effect-poll/Observer"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import type { Options } from "effect-poll/Poll"
import type { ToldOptions } from "effect-poll/PollOptions"
import * as Poller from "effect-poll/Poller"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import {
  type Adapter,
  type Bad,
  type Ended,
  type Feature,
  type ManySetup,
  type Said,
  set,
  type Setup,
  type Watcher
} from "../adapter.ts"
import { failure, result } from "../server.ts"

const url = "https://jobs.example/jobs/job-1"

const Answer = Schema.Struct({
  status: Schema.Literals(["queued", "running", "succeeded", "failed", "canceled"]),
  action: Schema.optional(Schema.String),
  progress: Schema.optional(Schema.Number),
  result: Schema.optional(Schema.String),
  error: Schema.optional(Schema.Struct({ code: Schema.String, message: Schema.String }))
})

const AnswerStatus = StatusSchema.fromField(Answer, "status", {
  queued: Status.pending(),
  running: ({ action, progress }) =>
    Status.pending({ progress, action: action === undefined ? undefined : { id: action } }),
  succeeded: ({ result }) => Status.succeeded(result),
  failed: ({ error }) => Status.failed(error),
  canceled: Status.canceled()
})

/** The job on the server of a case. */
export const jobOf = (setup: Setup) => {
  const client = Effect.provide(FetchHttpClient.layer)
  const fetch = Effect.provideService(FetchHttpClient.Fetch, setup.server.fetch as typeof globalThis.fetch)
  const runOf = (body: unknown) => generation((body as { readonly run?: number }).run)
  return Job.make("conformance", {
    submit: (_scene: string) =>
      setup.submitHangs === true
        ? Effect.never
        : Effect.succeed({ key: "job-1", hint: setup.submitHint === undefined ? undefined : seconds(setup) }),
    check: () => HttpCheck.get(url, AnswerStatus, { run: runOf }).pipe(client, fetch),
    cancel: () => HttpCheck.send(HttpClientRequest.delete(url), Schema.Unknown).pipe(client, fetch),
    missing: { grace: "10 seconds" }
  })
}

const generation = (run: number | undefined): CheckResult.Run | undefined =>
  run === undefined ? undefined : { generation: run }

const seconds = ({ submitHint = 0 }: Setup) => Duration.seconds(submitHint)

export const optionsOf = (setup: Setup): Options<HttpCheckError> & Pushed => ({
  // Omitted if the case sets no deadline, as an untyped program could do.
  ...({ deadline: setup.deadline === Number.POSITIVE_INFINITY ? "unbounded" : setup.deadline } as {
    readonly deadline: number
  }),
  strategy: strategyOf(setup),
  since: generation(setup.run),
  stall: setup.stall === undefined ? undefined : { after: setup.stall },
  ...(setup.cancelRemote === true && { onTimeout: "cancelRemote", onInterrupt: "cancelRemote" }),
  confirm: setup.confirm,
  stateLimits: setup.stateLimits,
  minInterval: setup.minInterval,
  onAction: onActionOf(setup),
  push: pushOf(setup),
  observers: [{ observe: ({ event }) => Effect.sync(() => report(setup, event)) }]
})

const onActionOf = ({ onAction }: Setup): Job.OnAction => {
  if (onAction === undefined || onAction === "fail") return onAction ?? "report"
  return ({ id }) => Effect.promise(() => onAction(id))
}

type Failure = { readonly code: string; readonly message: string } | undefined
type Pushed = Pick<ToldOptions<string, Failure>, "push">

/** What the case tells, be it a signal or a webhook: both are the same kind of stream. */
const pushOf = ({ told }: Setup): Pushed["push"] =>
  told === undefined
    ? undefined
    : Stream.callback((queue) => Effect.sync(() => told((said) => void Queue.offerUnsafe(queue, toldOf(said)))))

const toldOf = (said: Said): Told.Told<string, Failure> => {
  if (said === "changed") return Told.wake
  return Told.ended(said === "succeeded" ? Status.succeeded(result) : Status.failed({ code: "E1", message: failure }))
}

/** Calls the listeners of a case. */
const report = (setup: Setup, event: Notification["event"]): void => {
  setup.progress?.()
  if (event._tag === "Ended") setup.ended?.()
  if (event._tag === "Changed" && event.status._tag === "Pending" && event.status.progress !== undefined)
    setup.progressed?.(event.status.progress)
  if (event._tag === "CancelAnswered") setup.canceled?.(event)
}

const strategyOf = ({
  backoff,
  interval,
  checks,
  waiter = false
}: Setup): Schedule.Schedule<unknown, Observation> | undefined => {
  if (interval === undefined) return undefined
  // A schedule of effect: the strategies of ours reject an interval of 0.
  if (interval === 0) return Schedule.forever
  if (waiter) {
    return Strategy.exponential({ initial: interval, cap: backoff?.cap }).pipe(
      Strategy.jittered({ atLeast: interval }),
      Strategy.skipNearDeadline(interval)
    )
  }
  const delays =
    backoff === undefined
      ? Strategy.spaced(interval)
      : Strategy.exponential({ initial: interval, factor: backoff.factor, cap: backoff.cap })
  const spread = backoff?.jitter === true ? Strategy.jittered(delays, "equal") : delays
  return checks === undefined ? spread : Strategy.maxAttempts(spread, checks)
}

const tags: Readonly<Record<string, Bad>> = {
  JobFailed: "failed",
  JobCanceled: "canceled",
  JobNotFound: "missing",
  JobStalled: "stalled",
  PollTimeout: "timeout",
  SubmitTimeout: "timeout",
  ActionRequired: "action",
  UnknownState: "unknown",
  CheckRejected: "error",
  CheckErrorsExhausted: "error"
}

const endOfError = (error: unknown, signal: AbortSignal | undefined): Ended => {
  const tag = tags[(error as { readonly _tag?: string })._tag ?? ""]
  return { tag: tag ?? (signal?.aborted === true ? "aborted" : "error"), error }
}

export const endOf = (exit: Exit.Exit<unknown, unknown>, signal: AbortSignal | undefined): Ended =>
  Exit.isSuccess(exit) ? { tag: "succeeded", value: exit.value } : endOfError(Cause.squash(exit.cause), signal)

export const run = async (wait: Effect.Effect<unknown, unknown>, signal?: AbortSignal): Promise<Ended> =>
  endOf(await Effect.runPromiseExit(wait, { signal }), signal)

/** A wait as an Effect. If the case is about the submit, it starts with that. */
const waitOf = (setup: Setup): Effect.Effect<unknown, unknown> => {
  const options = optionsOf(setup)
  const { receiptHangs = false, submitHangs = false, submitHint } = setup
  if (submitHint === undefined && !submitHangs && !receiptHangs) return Poll.until(jobOf(setup), "job-1", options)
  return Poll.run(jobOf(setup), "scene", receiptHangs ? { ...options, onReceipt: () => Effect.never } : options)
}

export const common: ReadonlyArray<Feature> = [
  "deadline",
  "limit",
  "abort",
  "hint",
  "retryAfter",
  "busy",
  "words",
  "states",
  "errors",
  "http",
  "failures",
  "missing",
  "backoff",
  "jitter",
  "progress",
  "stall",
  "runs",
  "cancelRemote",
  "waiter",
  "confirm",
  "stateLimits",
  "gap",
  "action",
  "percent",
  "told"
]

export const packages = ["effect-poll", "effect"]

const until: Adapter = {
  name: "effect-poll until",
  packages,
  how: "`Poll.until` of a Job with `HttpCheck`, `Poll.run` where the submit matters; aborted through the signal of `Effect.runPromise`",
  features: set(...common, "reuse", "submit", "submits", "receipt"),
  wait: (setup) => run(waitOf(setup), setup.signal),
  watch: (setup) => {
    const wait = waitOf(setup)
    return { wait: (signal) => run(wait, signal) }
  }
}

/** Starts a handle in a scope that is never closed. */
const started = (setup: Setup): Promise<Handle<unknown, unknown, unknown>> =>
  new Promise((resolve, reject) => {
    const kept = Poll.start(jobOf(setup), "job-1", optionsOf(setup)).pipe(
      Effect.tap((handle) => Effect.sync(() => resolve(handle))),
      Effect.andThen(Effect.never),
      Effect.scoped
    )
    Effect.runPromise(kept).catch(reject)
  })

const watcherOf = (handle: Promise<Handle<unknown, unknown, unknown>>): Watcher => ({
  wait: async (signal) => run((await handle).await, signal),
  listen: () => {
    const controller = new AbortController()
    void handle.then(({ events }) => run(Stream.runDrain(events), controller.signal))
    return () => controller.abort()
  },
  token: async () => ResumeToken.toJson(await Effect.runPromise((await handle).token)),
  wake: () => void handle.then(({ checkNow }) => Effect.runPromise(checkNow())),
  leave: async () => ResumeToken.toJson(await Effect.runPromise((await handle).leave))
})

const start: Adapter = {
  name: "effect-poll start",
  packages,
  how: "`Poll.start` and its handle; a single wait is scoped, and aborted as with `until`, which closes the scope (`onClose`)",
  features: set(...common, "share", "listeners", "wake", "resume", "leave"),
  wait: (setup) =>
    run(
      Effect.scoped(
        Effect.flatMap(
          // An abort closes the scope.
          Poll.start(jobOf(setup), "job-1", {
            ...optionsOf(setup),
            ...(setup.cancelRemote && { onClose: "cancelRemote" })
          }),
          (handle): Effect.Effect<unknown, unknown> => handle.await
        )
      ),
      setup.signal
    ),
  watch: (setup) => watcherOf(started(setup)),
  resume: (token, setup) =>
    run(
      Effect.flatMap(ResumeToken.fromJson(token), (read): Effect.Effect<unknown, unknown> => {
        const { deadline: _deadline, since: _since, ...options } = optionsOf(setup)
        return Poll.resume(jobOf(setup), read, options)
      })
    )
}

const promise: Adapter = {
  name: "effect-poll promise",
  packages,
  how: "`Poll.promise` with its own signal",
  features: set(...common, "signal"),
  wait: async (setup) => {
    try {
      const value = await Poll.promise(jobOf(setup), "job-1", { ...optionsOf(setup), signal: setup.signal })
      return { tag: "succeeded", value }
    } catch (error) {
      return endOfError(error, setup.signal)
    }
  }
}

/** A Poller in a scope that is never closed. */
const opened = (): Promise<Poller.Service> =>
  new Promise((resolve) => {
    Effect.runFork(Effect.scoped(Effect.andThen(Effect.map(Poller.make(), resolve), Effect.never)))
  })

/** A wait in its own Poller. */
const added = (setup: Setup): Watcher => {
  const poller = opened()
  const handle = poller.then((made) => Effect.runPromise(made.add(jobOf(setup), "job-1", optionsOf(setup))))
  return {
    ...watcherOf(handle),
    close: async () => (await Effect.runPromise((await poller).shutdown)).map((token) => ResumeToken.toJson(token))
  }
}

/** Many jobs behind an endpoint for a hundred ids; checks are gathered for up to a second. */
export const manyJob = (
  server: ManySetup["server"],
  strategy?: (id: string) => Strategy.Strategy
): Job.Job<string, string, string, "lost"> => {
  const checkOf = (word: string | undefined): CheckResult.CheckResult<string, string> => {
    if (word === undefined) return CheckResult.missing
    if (word === "running") return Status.pending()
    return word === "succeeded" ? Status.succeeded(word) : Status.failed(word)
  }
  const ask = (keys: ReadonlyArray<string>) =>
    Effect.tryPromise({ try: () => server.lookup(keys), catch: () => "lost" as const })
  return Job.make("conformance", {
    strategy,
    check: (id: string) => Effect.map(ask([id]), (words) => checkOf(words.get(id))),
    checkMany: {
      max: server.size,
      slack: "1 second",
      check: (keys) =>
        Effect.map(ask(keys), (words) => ({
          results: new Map(Array.from(words, ([id, word]) => [id, Result.succeed(checkOf(word))]))
        }))
    }
  })
}

/** The strategy of the nth of many jobs. */
export const strategyOfMany = ({ interval, jitter }: ManySetup, index: number): Strategy.Strategy => {
  const every = Strategy.spaced(interval(index))
  return jitter ? Strategy.jittered(every, "equal") : every
}

const many = async (setup: ManySetup): Promise<void> => {
  const { deadline, ended, ids } = setup
  const job = manyJob(setup.server)
  const poller = await opened()
  const watch = (id: string, index: number) => {
    const strategy = strategyOfMany(setup, index)
    return Effect.flatMap(poller.add(job, id, { strategy, deadline }), (handle) =>
      Effect.map(Effect.exit(handle.await), (exit) => ended(index, endOf(exit, undefined)))
    )
  }
  Effect.runFork(Effect.forEach(ids, watch, { concurrency: "unbounded", discard: true }))
}

const poller: Adapter = {
  name: "effect-poll poller",
  packages,
  how: "`until` and `add` of a `Poller`; many jobs with a `checkMany` of 100 ids and a slack of one second",
  features: set(...common, "share", "listeners", "wake", "resume", "batch", "leave", "close"),
  wait: (setup) =>
    run(
      Effect.scoped(
        Effect.flatMap(Poller.make(), (made): Effect.Effect<unknown, unknown> =>
          made.until(jobOf(setup), "job-1", optionsOf(setup))
        )
      ),
      setup.signal
    ),
  watch: added,
  many: (setup) => void many(setup),
  resume: (token, setup) =>
    run(
      Effect.gen(function* () {
        const read = yield* ResumeToken.fromJson(token)
        const { deadline: _deadline, since: _since, ...options } = optionsOf(setup)
        const made = yield* Poller.make()
        const handle: Handle<unknown, unknown, unknown> = yield* made.resume(jobOf(setup), read, options)
        return yield* handle.await
      }).pipe(Effect.scoped)
    )
}

export const adapters: ReadonlyArray<Adapter> = [until, start, promise, poller]
