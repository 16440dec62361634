/**
 * The wire of AsyncQueue: tasks that may wait for a signal.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as JobStore from "./JobStore.ts"
import type { Provider } from "./Provider.ts"
import * as Wire from "./wire.ts"

/** Creates the wire of AsyncQueue. */
export const make = (store: JobStore.JobStore): Provider => {
  const flags = new Map<JobStore.Job, Flag>()

  const create: Provider["create"] = Effect.fnUntraced(function* (kind, input) {
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
      says: ["succeeded", "failed", "expired"],
      ending: (end, script) => {
        const own = waits && !script.endsWithoutSignal ? Infinity : end.at
        return own <= submittedAt + limit
          ? { ...end, at: own }
          : { at: submittedAt + limit, outcome: "expired", result: undefined, failure: undefined }
      }
    })
    const flag = { pushed: false, signaled: false }
    flags.set(job, flag)
    yield* store.fork(
      (body.targetUrl === undefined ? Effect.void : store.push(body.targetUrl, body.payload ?? {})).pipe(
        Effect.andThen(
          Effect.sync(() => {
            flag.pushed = true
          })
        )
      )
    )
    const onComplete = body.onCompleteUrl
    if (onComplete !== undefined) {
      yield* store.fork(Effect.flatMap(store.awaitEnd(job), (end) => store.push(onComplete, task(job, end.at))))
    }
    return job
  })

  // A target that never answers must not hold the task for ever.
  const hasPaused = (job: JobStore.Job, now: number): boolean =>
    job.ids["signalToken"] !== undefined &&
    (flags.get(job)?.pushed === true || now >= job.submittedAt + store.scale(patience))

  const status = (job: JobStore.Job, now: number): string =>
    JobStore.wordOf(job, now, hasPaused(job, now) ? { ...words, queued: "waiting", running: "waiting" } : words)

  const signal = (job: JobStore.Job, flag: Flag, value: typeof Signal.Type): Effect.Effect<Wire.Answer> =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const end = JobStore.endOf(job, now)
      if (flag.signaled) return Wire.json({ id: job.id, status: status(job, now), alreadySignaled: true })
      if (end?.outcome === "expired") {
        return Wire.json({ code: "token_expired", error: "nobody signaled within maxWaitTime" }, 410)
      }
      if (end !== undefined) {
        return Wire.json({ code: "task_finished", error: "the task has finished by itself" }, 409)
      }
      flag.signaled = true
      yield* store.settle(job, endOf(value))
      return Wire.json({ id: job.id, status: status(job, now) })
    })

  const task = (job: JobStore.Job, now: number): unknown => {
    const end = JobStore.endOf(job, now)
    return { id: job.id, status: status(job, now), result: end?.result, error: end?.failure?.message }
  }

  return {
    name: "AsyncQueue",
    prefix: "/async-queue",
    kinds: ["task"],
    create,
    routes: [
      Wire.route("POST", "/v1/tasks", (incoming) =>
        Effect.flatMap(readSubmission(incoming), ({ sent: body }) =>
          store.submit({
            provider: "AsyncQueue",
            kind: "task",
            params: {},
            body,
            create: (script) => create("task", { script, params: {}, body }),
            answer: (job, now) =>
              Wire.json({ task: { id: job.id, status: status(job, now) }, signalToken: job.ids["signalToken"] }, 201)
          })
        )
      ),
      Wire.route("GET", "/v1/tasks/:id", ({ param }) => {
        const job = store.find(param("id"))
        return store.check(job?.provider === "AsyncQueue" && job.id === param("id") ? job : undefined, (job, now) =>
          Wire.json(task(job, now))
        )
      }),
      Wire.route("POST", "/v1/signals/:token", (incoming) =>
        Effect.gen(function* () {
          const token = incoming.param("token")
          const job = store.find(token)
          const flag = job === undefined ? undefined : flags.get(job)
          if (job === undefined || flag === undefined || job.ids["signalToken"] !== token) {
            return Wire.json({ code: "unknown_token", error: "no task has this token" }, 404)
          }
          const { value } = yield* readSignal(incoming)
          return yield* store.act(job, "signal", signal(job, flag, value))
        })
      )
    ]
  }
}

// ---- internal ----

/** What happened to a task from outside. */
interface Flag {
  pushed: boolean
  signaled: boolean
}

const words = {
  queued: "pending",
  running: "processing",
  succeeded: "completed",
  failed: "failed",
  expired: "timeout"
}

/** How long a task waits for its target before it pauses all the same. */
const patience = Duration.seconds(5)

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

const endOf = (signal: typeof Signal.Type): Omit<JobStore.End, "at"> =>
  signal.status === "completed"
    ? { outcome: "succeeded", result: signal.result, failure: undefined }
    : {
        outcome: "failed",
        result: signal.result,
        failure: { code: "signal", message: isMessage(signal.result) ? signal.result.message : "failed by signal" }
      }
