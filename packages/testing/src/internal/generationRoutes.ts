/**
 * The routes of GenerationApi.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Job from "./job.ts"
import type { JobStore } from "./jobStore.ts"
import type { Provider } from "./provider.ts"
import * as Wire from "./wire.ts"

/** Creates the API of GenerationApi, which requires the bearer token if there is one. */
export const make = (store: JobStore, options: { readonly token: string | undefined }): Provider => {
  const authorize = ({ request }: Wire.Incoming): Effect.Effect<void, Wire.Response> =>
    options.token === undefined || request.headers["authorization"] === `Bearer ${options.token}`
      ? Effect.void
      : Effect.fail(Wire.json({ error: "unauthorized" }, 401))

  const create: Provider["create"] = (model, input) => {
    const id = store.nextId("gen")
    return store
      .add({
        ...input,
        provider: "GenerationApi",
        kind: model,
        id,
        ids: { taskId: id },
        outcomes: ["succeeded", "failed"],
        adjustEnd: (end) => (end.outcome === "succeeded" ? { ...end, result: resultOf(end.result, id) } : end)
      })
      .pipe(Effect.tap((job) => forkCallback(store, job, input.body)))
  }

  return {
    name: "GenerationApi",
    prefix: "/generation",
    kinds: undefined,
    create,
    routes: [
      Wire.route("POST", "/generateTask/:model", (incoming) =>
        Effect.gen(function* () {
          yield* authorize(incoming)
          const { sent: body, value } = yield* readSubmission(incoming)
          if (value.request_type === "callback" && value.callback_url === undefined) {
            return Wire.badRequest('callback_url is required when request_type is "callback"')
          }
          const kind = incoming.param("model")
          return yield* store.submit({
            provider: "GenerationApi",
            kind,
            params: {},
            body,
            create: (script) => create(kind, { script, params: {}, body }),
            respond: (job) => Wire.json({ data: { taskId: job.id } })
          })
        })
      ),
      Wire.route("GET", "/generateTask/:model/:taskId", (incoming) =>
        Effect.andThen(
          authorize(incoming),
          Effect.suspend(() => {
            const job = store.find(incoming.param("taskId"))
            const own = job?.provider === "GenerationApi" && job.kind === incoming.param("model")
            return store.check(own ? job : undefined, (job, now) => Wire.json(envelope(job, now)))
          })
        )
      )
    ]
  }
}

// ---- internal ----

const forkCallback = (store: JobStore, job: Job.Job, body: unknown): Effect.Effect<void> => {
  const url = isCallback(body) ? body.callback_url : undefined
  if (url === undefined) return Effect.void
  return store.fork(
    store.awaitEnd(job).pipe(
      Effect.andThen(Clock.currentTimeMillis),
      Effect.flatMap((now) => store.push(url, envelope(job, Math.max(now, job.scriptedEnd.endedAt))))
    )
  )
}

const readSubmission = Wire.body(
  Schema.Struct({
    request_type: Schema.Literals(["async", "callback"]),
    callback_url: Schema.optional(Schema.String),
    input: Schema.Struct({ prompt: Schema.String })
  })
)

const isCallback = Schema.is(
  Schema.Struct({
    request_type: Schema.Literal("callback"),
    callback_url: Schema.String
  })
)

const states = { queued: "waiting", running: "generating", succeeded: "success", failed: "failed" }

const resultOf = (result: unknown, id: string): unknown =>
  result === undefined
    ? { resultUrls: [`https://files.example.com/generated/${id}.png`] }
    : Array.isArray(result)
      ? { resultUrls: result }
      : result

const envelope = (job: Job.Job, now: number): unknown => {
  const end = Job.endOf(job, now)
  return {
    data: {
      taskId: job.id,
      model: job.kind,
      state: Job.stateOf(job, now, states),
      resultJson:
        end?.result === undefined ? null : typeof end.result === "string" ? end.result : JSON.stringify(end.result),
      failCode: end?.failure?.code ?? null,
      failMsg: end?.failure?.message ?? null
    }
  }
}
