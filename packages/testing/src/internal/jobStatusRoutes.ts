/**
 * The wire of JobStatus.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as JobStore from "./JobStore.ts"
import type { Provider } from "./Provider.ts"
import * as Wire from "./wire.ts"

/** Creates the wire of JobStatus. */
export const make = (store: JobStore.JobStore): Provider => {
  const create: Provider["create"] = (kind, input) => {
    const id = store.nextId("job")
    return store.add({ ...input, provider: "JobStatus", kind, id, ids: { jobId: id }, says: ["succeeded", "failed"] })
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
            answer: (job) => Wire.json({ jobId: job.id }, 202)
          })
        )
      ),
      Wire.route("GET", "/api/job-status/:jobId", ({ param }) => store.check(ownJob(store, param("jobId")), status))
    ]
  }
}

// ---- internal ----

const readAny = Wire.body(Wire.AnyObject)

const words = { queued: "pending", running: "processing", succeeded: "completed", failed: "failed" }

const ownJob = (store: JobStore.JobStore, id: string): JobStore.Job | undefined => {
  const job = store.find(id)
  return job?.provider === "JobStatus" ? job : undefined
}

const status = (job: JobStore.Job, now: number): Wire.Answer => {
  const end = JobStore.endOf(job, now)
  const progress = JobStore.progressOf(job, now)
  return Wire.json({
    jobId: job.id,
    status: JobStore.wordOf(job, now, words),
    progress: progress === undefined ? undefined : Math.floor(progress * 100),
    result: end?.result,
    errorMessage: end?.failure?.message
  })
}
