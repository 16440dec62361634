// The scripted server: one job, asked for its state over something like HTTP.
import type { VirtualClock } from "./clock.ts"

/** What the server says to one request. */
export interface Reply {
  /** The state word; default "running". The body is JSON with it, unless `body` is given. */
  readonly word?: string | undefined
  /** The HTTP status; default 200. */
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  /** The answer takes so many milliseconds; default 0. */
  readonly after?: number | undefined
  /** No answer ever comes. */
  readonly hang?: boolean | undefined
  /** The connection breaks. */
  readonly network?: boolean | undefined
  /** The run of the job that the answer speaks of. */
  readonly run?: number | undefined
}

/** What a client receives. Names of headers are in lower case. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** One request, as the server saw it. */
export interface Request {
  readonly at: number
  endedAt: number | undefined
  /** The client gave it up. */
  aborted: boolean
}

/** How the API of a poller says it. */
export interface Api {
  /** Its own words for "running", "succeeded", "failed" and "canceled". */
  readonly words?: Readonly<Record<string, string>> | undefined
  /** The body of an answer with a word. */
  readonly body?: ((word: string) => object) | undefined
}

/** Answers the nth request (from 1), made at a time since the world began. */
export type Script = (n: number, at: number) => Reply

export class Server {
  readonly requests: Array<Request> = []
  /** Checks that a poller asked for although the caller had aborted; only the caller's own signal kept them back. */
  late = 0
  /** Requests under way at once, at most. */
  concurrent = 0
  /** More requests came than any poller may send: from then on nothing is answered. */
  flooded = false
  cancels = 0
  /** A request to cancel the job is never answered. */
  cancelHangs = false
  #open = 0
  readonly #clock: VirtualClock
  readonly #script: Script
  readonly #api: Api

  constructor(clock: VirtualClock, script: Script, api: Api = {}) {
    this.#clock = clock
    this.#script = script
    this.#api = api
  }

  /** When the requests came. */
  get times(): ReadonlyArray<number> {
    return this.requests.map(({ at }) => at)
  }

  /** The times between requests. */
  get gaps(): ReadonlyArray<number> {
    return this.times.slice(1).map((at, index) => at - this.times[index]!)
  }

  get count(): number {
    return this.requests.length
  }

  /** The most requests within any second. */
  get perSecond(): number {
    const { times } = this
    let most = 0
    let from = 0
    for (let to = 0; to < times.length; to++) {
      while (times[to]! - times[from]! >= 1_000) from++
      most = Math.max(most, to - from + 1)
    }
    return most
  }

  /** A request for the state of the job. As fetch does, one whose signal has aborted is not even sent. */
  request(signal?: AbortSignal | null): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error)
      const request: Request = { at: this.#clock.now, endedAt: undefined, aborted: false }
      this.requests.push(request)
      this.concurrent = Math.max(this.concurrent, ++this.#open)
      this.flooded ||= this.count > most || this.#clock.now - (this.requests.at(-perSecond)?.at ?? Number.NaN) < 1_000
      const end = (): void => {
        if (request.endedAt !== undefined) return
        request.endedAt = this.#clock.now
        this.#open--
        signal?.removeEventListener("abort", abort)
      }
      const abort = (): void => {
        request.aborted = true
        this.#clock.clear(timer)
        end()
        reject(signal!.reason as Error)
      }
      const reply = this.#script(this.count, this.#clock.now)
      let timer: unknown
      signal?.addEventListener("abort", abort)
      if (reply.hang === true || this.flooded) return
      const answer = (): void => {
        end()
        if (reply.network === true) reject(networkError())
        else resolve(this.#answer(reply))
      }
      if (reply.after === undefined) answer()
      else timer = this.#clock.set(answer, reply.after).unref()
    })
  }

  /** The same as fetch; a request to cancel the job is counted. */
  readonly fetch = async (
    _url: unknown,
    init?: { signal?: AbortSignal | null; method?: string }
  ): Promise<Response> => {
    if (init?.method !== undefined && init.method.toUpperCase() !== "GET") {
      this.cancels++
      if (this.cancelHangs) await new Promise(() => {})
      return Response.json({ id: "job-1", status: "running" })
    }
    const { body, headers, status } = await this.request(init?.signal)
    return new Response(body, { status, headers })
  }

  #answer({ body, headers = {}, run, status = 200, word = "running" }: Reply): Answer {
    return {
      status,
      headers: { "content-type": (body ?? "{").startsWith("{") ? "application/json" : "text/html", ...headers },
      body: body ?? JSON.stringify({ ...(this.#api.body ?? bodyOf)(this.#api.words?.[word] ?? word), run })
    }
  }
}

/** The failure that a failed job tells, and the result of one that succeeded. */
export const failure = "out of paper"
export const result = "file.pdf"

/** The page of a gateway that has lost its server. */
export const badGateway: Reply = { status: 502, body: "<html><body><h1>502 Bad Gateway</h1></body></html>" }

export const unavailable: Reply = { status: 503, body: "<html><body>Service Unavailable</body></html>" }

/** Running until a time, then as said. */
export const until =
  (time: number, word: string): Script =>
  (_n, at) => ({ word: at < time ? "running" : word })

/** Says one thing after the other, and the last one from then on. */
export const script =
  (...replies: ReadonlyArray<Reply>): Script =>
  (n) =>
    replies[Math.min(n, replies.length) - 1]!

// ---- internal ----

/** No poller of a case needs more requests, in all and within a second. */
const most = 5_000
const perSecond = 300

const bodyOf = (word: string) => {
  const id = "job-1"
  const lower = word.toLowerCase()
  if (lower === "failed") return { id, status: word, error: { code: "E1", message: failure } }
  return lower === "succeeded" ? { id, status: word, result } : { id, status: word }
}

const networkError = (): Error =>
  new TypeError("fetch failed", { cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }) })
