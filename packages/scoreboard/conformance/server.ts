// The scripted server: one job, checked over a minimal form of HTTP.
import type { VirtualClock } from "./clock.ts"

/** The answer to one request. */
export interface Reply {
  /** The state (default "running"), sent as JSON unless `body` is given. */
  readonly word?: string | undefined
  /** The HTTP status; default 200. */
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  /** How long the answer takes, in milliseconds; default 0. */
  readonly after?: number | undefined
  /** No answer ever comes. */
  readonly hang?: boolean | undefined
  /** The connection breaks. */
  readonly network?: boolean | undefined
  /** The run of the job that the answer is about. */
  readonly run?: number | undefined
  /** The id of the action that the job needs. */
  readonly action?: string | undefined
  /** How far the job is. */
  readonly progress?: number | undefined
}

/** What a client receives. Header names are in lower case. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** One request, as the server saw it. */
export interface Request {
  readonly at: number
  endedAt: number | undefined
  /** Whether the client aborted it. */
  aborted: boolean
}

/** The states and the body that a poller's API uses. */
export interface Api {
  /** Its states for "running", "succeeded", "failed" and "canceled". */
  readonly words?: Readonly<Record<string, string>> | undefined
  /** The body of an answer with a state. */
  readonly body?: ((word: string) => object) | undefined
}

/** Answers the nth request (from 1), made `at` milliseconds after the start. */
export type Script = (n: number, at: number) => Reply

export class Server {
  readonly requests: Array<Request> = []
  /** Checks that the poller started after the abort; only the caller's own signal stopped their requests. */
  late = 0
  /** The maximum number of requests in flight at once. */
  concurrent = 0
  /** Whether more requests came than any poller may send. A flooded server stops answering. */
  flooded = false
  cancels = 0
  /** Whether requests to cancel the job are left unanswered. */
  cancelHangs = false
  /** Whether requests to cancel the job are refused. */
  cancelRefused = false
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

  /** One check of the job. As with fetch, a request whose signal has already aborted is not sent. */
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

  /** `request` in the form of fetch. Any method other than GET counts as a cancel. */
  readonly fetch = async (
    _url: unknown,
    init?: { signal?: AbortSignal | null; method?: string }
  ): Promise<Response> => {
    if (init?.method !== undefined && init.method.toUpperCase() !== "GET") {
      this.cancels++
      if (this.cancelHangs) await new Promise(() => {})
      if (this.cancelRefused) return Response.json({ error: refusal }, { status: 409 })
      return Response.json({ id: "job-1", status: "running" })
    }
    const { body, headers, status } = await this.request(init?.signal)
    return new Response(status === 204 ? null : body, { status, headers })
  }

  #answer({ action, body, headers = {}, progress, run, status = 200, word = "running" }: Reply): Answer {
    return {
      status,
      headers: { "content-type": (body ?? "{").startsWith("{") ? "application/json" : "text/html", ...headers },
      body:
        body ??
        JSON.stringify({ ...(this.#api.body ?? bodyOf)(this.#api.words?.[word] ?? word), run, action, progress })
    }
  }
}

/** The message of a failed job, and the result of a successful one. */
export const failure = "out of paper"
export const result = "file.pdf"

/** What the server says when it refuses to cancel the job. */
export const refusal = "too late to cancel"

/** The page of a gateway whose server is down. */
export const badGateway: Reply = { status: 502, body: "<html><body><h1>502 Bad Gateway</h1></body></html>" }

export const unavailable: Reply = { status: 503, body: "<html><body>Service Unavailable</body></html>" }

/** Running until `time`, then in state `word`. */
export const until =
  (time: number, word: string): Script =>
  (_n, at) => ({ word: at < time ? "running" : word })

/** Sends the replies in order, and repeats the last one. */
export const script =
  (...replies: ReadonlyArray<Reply>): Script =>
  (n) =>
    replies[Math.min(n, replies.length) - 1]!

// ---- internal ----

/** More requests than any poller needs in a case, in total and within a second. */
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
