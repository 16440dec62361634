/**
 * The routes of AsyncQueue: tasks that may wait for a signal.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Job from "./job.ts"
import type { JobStore } from "./jobStore.ts"
import type { Provider } from "./provider.ts"
import * as Wire from "./wire.ts"

/** Creates the API of AsyncQueue. */
export const make = (store: JobStore): Provider => {
  const api: Api = { store, progress: new Map() }
  return {
    name: "AsyncQueue",
    prefix: "/async-queue",
    kinds: ["task"],
    create: (kind, input) => create(api, kind, input),
    routes: [
      Wire.route("POST", "/v1/tasks", (incoming) => submit(api, incoming)),
      Wire.route("GET", "/v1/tasks/:id", ({ param }) => {
        const job = store.find(param("id"))
        return store.check(job?.provider === "AsyncQueue" && job.id === param("id") ? job : undefined, (own, now) =>
          Wire.json(task(api, own, now))
        )
      }),
      Wire.route("POST", "/v1/signals/:token", (incoming) => signal(api, incoming))
    ]
  }
}

// ---- internal ----

interface Api {
  readonly store: JobStore
  readonly progress: Map<Job.Job, Progress>
}

type Create = Provider["create"]

const create = Effect.fnUntraced(function* (
  { progress, store }: Api,
  kind: string,
  input: Parameters<Create>[1]
): Effect.fn.Return<Job.Job> {
  const body = Option.getOrElse(decodeLenient(input.body), (): Lenient => ({}))
  const waits = body.waitForSignal === true
  const limit = body.maxWaitTime === undefined ? Infinity : store.scale(Duration.seconds(body.maxWaitTime))
  const id = store.nextId("aq")
  const submittedAt = yield* Clock.currentTimeMillis
  const job = yield* store.add({
    ...input,
    provider: "AsyncQueue",
    kind,
    id,
    ids: waits ? { id, signalToken: store.nextId("sgn") } : { id },
    outcomes: ["succeeded", "failed", "expired"],
    adjustEnd: (end, script) => {
      const endedAt = waits && !script.endsWithoutSignal ? Infinity : end.endedAt
      return endedAt <= submittedAt + limit
        ? { ...end, endedAt }
        : { endedAt: submittedAt + limit, outcome: "expired", result: undefined, failure: undefined }
    }
  })
  const own = { delivered: false, signaled: false }
  progress.set(job, own)
  yield* store.fork(
    (body.targetUrl === undefined ? Effect.void : store.push(body.targetUrl, body.payload ?? {})).pipe(
      Effect.andThen(
        Effect.sync(() => {
          own.delivered = true
        })
      )
    )
  )
  const onComplete = body.onCompleteUrl
  if (onComplete !== undefined) {
    const ended = Effect.flatMap(store.awaitEnd(job), (end) =>
      store.push(onComplete, task({ progress, store }, job, end.endedAt))
    )
    yield* store.fork(ended)
  }
  return job
})

const submit = (api: Api, incoming: Wire.Incoming) =>
  Effect.flatMap(readSubmission(incoming), ({ sent: body }) =>
    api.store.submit({
      provider: "AsyncQueue",
      kind: "task",
      params: {},
      body,
      create: (script) => create(api, "task", { script, params: {}, body }),
      respond: (job, now) =>
        Wire.json({ task: { id: job.id, status: status(api, job, now) }, signalToken: job.ids["signalToken"] }, 201)
    })
  )

const signal = Effect.fnUntraced(function* (api: Api, incoming: Wire.Incoming) {
  const token = incoming.param("token")
  const job = api.store.find(token)
  const own = job === undefined ? undefined : api.progress.get(job)
  if (job === undefined || own === undefined || job.ids["signalToken"] !== token) {
    return Wire.json({ code: "unknown_token", error: "no task has this token" }, 404)
  }
  const { value } = yield* readSignal(incoming)
  return yield* api.store.act(job, "signal", signaled(api, job, own, value))
})

const signaled = (api: Api, job: Job.Job, own: Progress, value: typeof Signal.Type): Effect.Effect<Wire.Response> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const end = Job.endOf(job, now)
    if (own.signaled) return Wire.json({ id: job.id, status: status(api, job, now), alreadySignaled: true })
    if (end?.outcome === "expired") {
      return Wire.json({ code: "token_expired", error: "no signal within maxWaitTime" }, 410)
    }
    if (end !== undefined) {
      return Wire.json({ code: "task_finished", error: "the task ended without a signal" }, 409)
    }
    own.signaled = true
    yield* api.store.settle(job, endOf(value))
    return Wire.json({ id: job.id, status: status(api, job, now) })
  })

/** The task pauses even if its target never responds. */
const hasPaused = ({ progress, store }: Api, job: Job.Job, now: number): boolean =>
  job.ids["signalToken"] !== undefined &&
  (progress.get(job)?.delivered === true || now >= job.submittedAt + store.scale(deliveryTimeout))

const status = (api: Api, job: Job.Job, now: number): string =>
  Job.stateOf(job, now, hasPaused(api, job, now) ? { ...states, queued: "waiting", running: "waiting" } : states)

const task = (api: Api, job: Job.Job, now: number): unknown => {
  const end = Job.endOf(job, now)
  return { id: job.id, status: status(api, job, now), result: end?.result, error: end?.failure?.message }
}

/** What has happened to a task besides its script. */
interface Progress {
  delivered: boolean
  signaled: boolean
}

const states = {
  queued: "pending",
  running: "processing",
  succeeded: "completed",
  failed: "failed",
  expired: "timeout"
}

/** How long a task waits for the response of its target before it pauses. */
const deliveryTimeout = Duration.seconds(5)

const fields = {
  payload: Schema.optional(Schema.Unknown),
  waitForSignal: Schema.optional(Schema.Boolean),
  maxWaitTime: Schema.optional(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
  onCompleteUrl: Schema.optional(Schema.String)
}

const Lenient = Schema.Struct({ ...fields, targetUrl: Schema.optional(Schema.String) })

type Lenient = typeof Lenient.Type

const decodeLenient = Schema.decodeUnknownOption(Lenient)

const readSubmission = Wire.body(Schema.Struct({ ...fields, targetUrl: Schema.String }))

const Signal = Schema.Struct({
  status: Schema.Literals(["completed", "failed"]),
  result: Schema.optional(Schema.Unknown)
})

const readSignal = Wire.body(Signal)

const isMessage = Schema.is(Schema.Struct({ message: Schema.String }))

const endOf = (signal: typeof Signal.Type): Omit<Job.End, "endedAt"> =>
  signal.status === "completed"
    ? { outcome: "succeeded", result: signal.result, failure: undefined }
    : {
        outcome: "failed",
        result: signal.result,
        failure: { code: "signal", message: isMessage(signal.result) ? signal.result.message : "failed by signal" }
      }
