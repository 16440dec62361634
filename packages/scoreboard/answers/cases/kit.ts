// What the cases share: the job that most servers run, and how it is waited for.
import * as Schema from "effect/Schema"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import type { Reply } from "../server.ts"

export const base = "https://api.example"

/** Where the job of most cases is. */
export const url: string = `${base}/jobs/1`

const Job = Schema.Struct({
  status: Schema.Literals(["queued", "running", "done", "failed"]),
  url: Schema.optionalKey(Schema.String),
  error: Schema.optionalKey(Schema.String)
})

/** `{ status, url?, error? }`, with the states queued, running, done and failed. */
export const JobStatus = StatusSchema.fromField(Job, "status", {
  queued: Status.pending(),
  running: Status.pending(),
  done: (job) => Status.succeeded(job.url),
  failed: (job) => Status.failed(job.error)
})

/** A check each second, for at most ten minutes. */
export const eachSecond = { strategy: Strategy.spaced("1 second"), deadline: "10 minutes" } as const

export const running: Reply = { json: { status: "running" } }

export const done: Reply = { json: { status: "done", url: "a.mp4" } }

export const failed: Reply = { json: { status: "failed", error: "out of disk" } }

/** A reply so many times. */
export const times = <A>(count: number, reply: A): ReadonlyArray<A> => Array.from({ length: count }, () => reply)

export const html = (text: string, status = 200): Reply => ({
  status,
  headers: { "content-type": "text/html" },
  body: `<!doctype html><html><body>${text}</body></html>`
})
