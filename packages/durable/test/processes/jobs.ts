/** A server of jobs that decides how each one ends, and counts what happens to it. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"

/** What the server knows about a job. */
export interface Truth {
  readonly key: string
  readonly createdAt: number
  endsAt: number
  readonly fails: boolean
  checks: number
  /** How many checks found the end. */
  ends: number
  submits: number
  /** How often a hook was run for its end. */
  told: number
  /** Which workers have checked it, and when each began to. */
  readonly workers: Array<{ readonly worker: string; readonly at: number }>
}

export interface Jobs {
  readonly url: string
  readonly all: Map<string, Truth>
  /** Creates a job that ends after a time. */
  readonly create: (key: string, millis: number, fails?: boolean) => Truth
  /** Ends what is not over. */
  readonly finish: () => void
  /** Worker to the time of its last check. */
  readonly lastCheck: ReadonlyMap<string, number>
  /** How long an answer takes. */
  delayMillis: number
}

/** The value that a job with this key yields. */
export const valueOf = (key: string): string => `value of ${key}`

/** How long a job takes that is created by a submit. */
export const submittedMillis = 1500

export const startJobs: Effect.Effect<Jobs, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.callback<{ readonly jobs: Jobs; readonly close: () => void }>((resume) => {
      const all = new Map<string, Truth>()
      const lastCheck = new Map<string, number>()
      const create = (key: string, millis: number, fails = false): Truth => {
        const now = Date.now()
        const job = {
          key,
          createdAt: now,
          endsAt: now + millis,
          fails,
          checks: 0,
          ends: 0,
          submits: 0,
          told: 0,
          workers: []
        }
        all.set(key, job)
        return job
      }
      const answer = (request: IncomingMessage, response: ServerResponse) => {
        const [, what, key = ""] = (request.url ?? "/").split("/").map(decodeURIComponent)
        const worker = String(request.headers["x-worker"] ?? "")
        const reply = (status: number, body: unknown) => {
          const send = () => {
            response.writeHead(status, { "content-type": "application/json" })
            response.end(JSON.stringify(body))
          }
          if (jobs.delayMillis > 0) setTimeout(send, jobs.delayMillis)
          else send()
        }
        if (what === "submit") {
          const job = all.get(key) ?? create(key, submittedMillis)
          job.submits++
          return reply(200, { key })
        }
        const job = all.get(key)
        if (job === undefined) return reply(404, {})
        if (what === "told") {
          job.told++
          return reply(200, {})
        }
        const now = Date.now()
        job.checks++
        if (job.workers.at(-1)?.worker !== worker) job.workers.push({ worker, at: now })
        lastCheck.set(worker, now)
        if (now < job.endsAt) return reply(200, { state: "RUNNING" })
        job.ends++
        return reply(200, job.fails ? { state: "FAILED" } : { state: "DONE", value: valueOf(key) })
      }
      const server = createServer((request, response) => {
        request.resume()
        answer(request, response)
      })
      const finish = () => {
        const now = Date.now()
        for (const job of all.values()) job.endsAt = Math.min(job.endsAt, now)
      }
      const jobs: Jobs = { url: "", all, create, finish, lastCheck, delayMillis: 0 }
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(
          Effect.succeed({
            jobs: Object.assign(jobs, { url: `http://127.0.0.1:${port}` }),
            close: () => {
              server.close()
              server.closeAllConnections()
            }
          })
        )
      })
    }),
    ({ close }) => Effect.sync(close)
  ),
  ({ jobs }) => jobs
)
