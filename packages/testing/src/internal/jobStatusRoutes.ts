/**
 * The routes of JobStatus.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Events from "./eventRoutes.ts"
import * as Job from "./job.ts"
import type { JobStore } from "./jobStore.ts"
import type { Provider } from "./provider.ts"
import * as Wire from "./wire.ts"

/** Creates the API of JobStatus. */
export const make = (store: JobStore): Provider => {
  const create: Provider["create"] = (kind, input) => {
    const id = store.nextId("job")
    return store.add({
      ...input,
      provider: "JobStatus",
      kind,
      id,
      ids: { jobId: id },
      outcomes: ["succeeded", "failed"]
    })
  }

  return {
    name: "JobStatus",
    prefix: "/job-status",
    kinds: ["job"],
    create,
    routes: [
      Wire.route("POST", "/api/start-async-job", (incoming) =>
        Effect.flatMap(readAny(incoming), ({ sent: body }) =>
          store.submit({
            provider: "JobStatus",
            kind: "job",
            params: {},
            body,
            create: (script) => create("job", { script, params: {}, body }),
            respond: (job) => Wire.json({ jobId: job.id }, 202)
          })
        )
      ),
      Wire.route("GET", "/api/job-status/:jobId", ({ param }) =>
        store.check(ownJob(store, param("jobId")), (job, now) => Wire.json(status(job, now)))
      ),
      Wire.route("GET", "/api/job-status/:jobId/events", ({ param, request }) =>
        Events.open(store, ownJob(store, param("jobId")), request, status)
      )
    ]
  }
}

// ---- internal ----

const readAny = Wire.body(Wire.AnyObject)

const states = { queued: "pending", running: "processing", succeeded: "completed", failed: "failed" }

const ownJob = (store: JobStore, id: string): Job.Job | undefined => {
  const job = store.find(id)
  return job?.provider === "JobStatus" ? job : undefined
}

const status = (job: Job.Job, now: number): unknown => {
  const end = Job.endOf(job, now)
  const progress = Job.progressOf(job, now)
  return {
    jobId: job.id,
    status: Job.stateOf(job, now, states),
    progress: progress === undefined ? undefined : Math.floor(progress * 100),
    result: end?.result,
    errorMessage: end?.failure?.message
  }
}
