import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { performance } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"

// An API of jobs that keeps a log of all requests: those for permission (OPTIONS), and those that the page aborted.

/** What a job does. */
export interface Script {
  /** The number of the check that finds that the job has ended. Default: none does, until `end`. */
  readonly endsAtCheck?: number | undefined
  /** When the job ends, in milliseconds from its creation. Default: never. */
  readonly endsAfterMillis?: number | undefined
  /** How long each answer takes, in milliseconds. Default: 0. */
  readonly delayMillis?: number | undefined
  /** More headers of the answers about the pending job, such as `retry-after`. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** A request, as the server saw it. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  /** Whether it arrived at the other origin. */
  readonly isForeign: boolean
  /** When it arrived, in milliseconds, of a monotonic clock. */
  readonly at: number
  /** When the page sent it, by the clock of the page: the number `at` of its query, if there is one. */
  readonly sentAt: number
  /** The greatest number of requests for this job that were open at a time while this one was. */
  open: number
  outcome: "open" | "answered" | "aborted"
}

/** A job of the API. */
export interface Job {
  readonly id: string
  /** Its URLs, at the origin of the pages and at another one. */
  readonly url: string
  readonly foreignUrl: string
  /** All requests about it, those for permission and for its events included. */
  readonly requests: ReadonlyArray<Seen>
  /** The GET requests for its status. */
  readonly checks: ReadonlyArray<Seen>
  /** Waits until `count` checks have arrived, for at most a minute. */
  readonly checked: (count: number) => Promise<void>
  /** Waits until something holds of its requests, for at most a minute. */
  readonly until: (holds: () => boolean, what: string) => Promise<void>
  /** Waits until no request is open, for at most a minute. */
  readonly settled: () => Promise<void>
  /** Waits until no request is open, and none has arrived for half a second: one may have been on its way. */
  readonly quiet: () => Promise<void>
  /** Answers no check until `release`: such requests stay open. */
  readonly hold: () => void
  /** Waits until a request is held, for at most a minute. */
  readonly held: () => Promise<void>
  readonly release: () => void
  /** Ends the job. Streams of its events are told. */
  readonly end: () => void
}

export interface JobApi {
  /** Answers a request about a job. Yields whether it is one. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => boolean
  readonly job: (script?: Script) => Job
  /** How many streams of events are open. */
  readonly streams: () => number
  readonly close: () => void
}

/** Makes an API whose jobs are at `/jobs/<id>` of an origin, and of a foreign one. */
export const make = (origins: { readonly own: string; readonly foreign: string }): JobApi => {
  const jobs = new Map<string, Running>()
  return {
    handle: (request, response) => {
      const { pathname } = new URL(request.url!, origins.own)
      const [, , id, rest] = /^\/(jobs)\/([^/]+)(\/events)?$/.exec(pathname) ?? []
      const job = id === undefined ? undefined : jobs.get(id)
      job?.receive(request, response, pathname, rest !== undefined)
      return job !== undefined
    },
    job: (script = {}) => {
      const job = new Running(`job-${jobs.size + 1}`, script, origins)
      jobs.set(job.id, job)
      return job
    },
    streams: () => [...jobs.values()].reduce((sum, job) => sum + job.streams.size, 0),
    close: () => {
      for (const job of jobs.values()) job.close()
    }
  }
}

/** Listens on a free port of loopback. */
export const listen = async (
  handler: (request: IncomingMessage, response: ServerResponse) => void
): Promise<{ readonly origin: string; readonly server: Server }> => {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

// ---- internal ----

class Running implements Job {
  readonly id: string
  readonly url: string
  readonly foreignUrl: string
  readonly requests: Array<Seen> = []
  readonly streams = new Set<ServerResponse>()
  private readonly script: Script
  private readonly createdAt = performance.now()
  private readonly waiting: Array<() => void> = []
  private readonly listeners = new Set<() => void>()
  private readonly timers = new Set<NodeJS.Timeout>()
  private readonly foreignHost: string
  private isHolding = false
  private ended = false

  constructor(id: string, script: Script, { foreign, own }: { readonly own: string; readonly foreign: string }) {
    this.id = id
    this.script = script
    this.url = `${own}/jobs/${id}`
    this.foreignUrl = `${foreign}/jobs/${id}`
    this.foreignHost = new URL(foreign).host
  }

  get checks(): ReadonlyArray<Seen> {
    return this.requests.filter(({ method, path }) => method === "GET" && !path.endsWith("/events"))
  }

  checked(count: number): Promise<void> {
    return this.until(() => this.checks.length >= count, `${count} checks`)
  }

  settled(): Promise<void> {
    return this.until(() => this.requests.every(({ outcome }) => outcome !== "open"), "the end of all requests")
  }

  async quiet(): Promise<void> {
    for (;;) {
      await this.settled()
      const seen = this.requests.length
      await sleep(500)
      if (this.requests.length === seen) return this.settled()
    }
  }

  held(): Promise<void> {
    return this.until(() => this.waiting.length > 0, "a request to hold")
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    if (holds()) return
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error) => {
        clearTimeout(timer)
        this.listeners.delete(look)
        if (error === undefined) resolve()
        else reject(error)
      }
      const look = () => void (holds() && done())
      const timer = setTimeout(() => done(new Error(`${this.id} waited for ${what}, with ${this.shown()}`)), 60_000)
      this.listeners.add(look)
    })
  }

  private shown(): string {
    return this.requests.map(({ method, outcome }) => `${method} ${outcome}`).join(", ")
  }

  hold(): void {
    this.isHolding = true
  }

  release(): void {
    this.isHolding = false
    for (const answer of this.waiting.splice(0)) answer()
  }

  end(): void {
    this.ended = true
    for (const stream of this.streams) {
      this.event(stream)
      stream.end()
    }
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer)
    for (const stream of this.streams) stream.destroy()
  }

  receive(request: IncomingMessage, response: ServerResponse, path: string, isStream: boolean): void {
    const seen: Seen = {
      method: request.method!,
      path,
      headers: request.headers,
      isForeign: request.headers.host === this.foreignHost,
      at: performance.now(),
      sentAt: Number(new URL(request.url!, this.url).searchParams.get("at") ?? Number.NaN),
      open: 0,
      outcome: "open"
    }
    this.requests.push(seen)
    const open = this.requests.filter(({ outcome }) => outcome === "open")
    for (const each of open) each.open = Math.max(each.open, open.length)
    response.on("close", () => {
      seen.outcome = response.writableFinished ? "answered" : "aborted"
      for (const look of this.listeners) look()
    })
    if (seen.isForeign) {
      response.setHeader("access-control-allow-origin", "*")
      response.setHeader("access-control-allow-headers", "*")
      response.setHeader("access-control-expose-headers", "*")
      // So that the browser asks each time.
      response.setHeader("access-control-max-age", "0")
    }
    if (seen.method === "OPTIONS") response.writeHead(204).end()
    else if (isStream) this.stream(response)
    else this.check(response)
    for (const look of this.listeners) look()
  }

  private check(response: ServerResponse): void {
    const number = this.checks.length
    const answer = () => {
      const { endsAfterMillis = Infinity, endsAtCheck = Infinity, headers = {} } = this.script
      if (number >= endsAtCheck || performance.now() - this.createdAt >= endsAfterMillis) this.ended = true
      response.writeHead(200, { "content-type": "application/json", ...(this.ended ? {} : headers) })
      response.end(JSON.stringify(this.state(number)))
    }
    if (this.isHolding) this.waiting.push(answer)
    else if (this.script.delayMillis === undefined) answer()
    else {
      const timer = setTimeout(() => {
        this.timers.delete(timer)
        answer()
      }, this.script.delayMillis)
      this.timers.add(timer)
    }
  }

  private stream(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream" })
    response.flushHeaders()
    this.streams.add(response)
    response.on("close", () => this.streams.delete(response))
    this.event(response)
    if (this.ended) response.end()
  }

  private event(stream: ServerResponse): void {
    stream.write(`id: ${this.ended ? 2 : 1}\ndata: ${JSON.stringify(this.state(this.checks.length))}\n\n`)
  }

  /** The percentage grows with each check, so that a page that begins anew is seen. */
  private state(number: number): object {
    return this.ended
      ? { id: this.id, state: "done", percent: 100, result: `${this.id}.png` }
      : { id: this.id, state: "running", percent: Math.min(99, number * 10) }
  }
}
