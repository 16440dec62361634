// The scripted server of a case, reached by a fetch that behaves as Node's: it follows redirects unless told not to,
// without the credentials on a foreign origin, and reports the final URL.
import type { VirtualClock } from "../conformance/clock.ts"

/** One request, as the server saw it. Header names are in lower case. */
export interface Seen {
  /** Milliseconds since the start. */
  readonly at: number
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The cache mode of the fetch, if it had one. */
  readonly cache: string | undefined
}

/** The answer to one request. */
export interface Reply {
  /** The HTTP status; default 200. */
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is. */
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | undefined
  /** How long the answer takes, in milliseconds; default 0. */
  readonly after?: number | undefined
  /** No answer ever comes. */
  readonly hang?: boolean | undefined
  /** The connection breaks with this code. */
  readonly network?: string | undefined
}

/** Answers the nth request (from 1) to the server. */
export type Handler = (request: Seen, n: number) => Reply

/** The replies in order; the last one is repeated. */
export const script =
  (...replies: ReadonlyArray<Reply>): Handler =>
  (_request, n) =>
    replies[Math.min(n, replies.length) - 1]!

/** A script for each method and path: `"GET /jobs/1"`, or `"/jobs/1"` for any method. Others are answered by 404. */
export const routes = (scripts: Readonly<Record<string, Handler | Reply>>): Handler => {
  const counts = new Map<string, number>()
  return (request) => {
    const path = request.url.pathname
    const name = [`${request.method} ${request.url.origin}${path}`, `${request.method} ${path}`, path].find((key) =>
      Object.hasOwn(scripts, key)
    )
    if (name === undefined) return { status: 404, json: { error: { message: `no route ${request.method} ${path}` } } }
    const n = (counts.get(name) ?? 0) + 1
    counts.set(name, n)
    const one = scripts[name]!
    return typeof one === "function" ? one(request, n) : one
  }
}

/** What the requests to a server are compared by. */
export interface Asked {
  readonly requests: ReadonlyArray<Seen>
  /** When the requests came. */
  readonly times: ReadonlyArray<number>
  /** Methods and paths of the requests. */
  readonly paths: ReadonlyArray<string>
}

export class Server implements Asked {
  readonly requests: Array<Seen> = []
  readonly #clock: VirtualClock
  readonly #handler: Handler
  readonly #follows: boolean

  constructor(clock: VirtualClock, handler: Handler, follows = false) {
    this.#clock = clock
    this.#handler = handler
    this.#follows = follows
  }

  /** When the requests came. */
  get times(): ReadonlyArray<number> {
    return this.requests.map(({ at }) => at)
  }

  /** Methods and paths of the requests. */
  get paths(): ReadonlyArray<string> {
    return this.requests.map(({ method, url }) => `${method} ${url.pathname}${url.search}`)
  }

  readonly fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    let url = new URL(String(input))
    let { body, method = "GET" } = init
    let headers = new Headers(init.headers)
    for (let hops = 0; hops <= 20; hops++) {
      const response = await this.#send(url, { ...init, method, headers, body: body ?? null })
      const location = response.headers.get("location")
      const manual = init.redirect === "manual" && !this.#follows
      if (manual || location === null || !redirects.has(response.status)) {
        return Object.defineProperties(response, { url: { value: url.href }, redirected: { value: hops > 0 } })
      }
      if (init.redirect === "error") throw new TypeError("fetch failed")
      const next = new URL(location, url)
      if (next.origin !== url.origin) headers = without(headers, "authorization", "cookie", "host")
      if (response.status === 303 || (response.status < 303 && method === "POST")) {
        method = "GET"
        body = null
      }
      url = next
    }
    throw new TypeError("fetch failed", { cause: new Error("redirect count exceeded") })
  }

  async #send(url: URL, init: RequestInit): Promise<Response> {
    const { signal } = init
    if (signal?.aborted === true) throw signal.reason
    this.requests.push({
      at: this.#clock.now,
      method: init.method ?? "GET",
      url,
      headers: withCacheMode(Object.fromEntries(new Headers(init.headers)), init.cache),
      body: typeof init.body === "string" ? init.body : init.body == null ? "" : await new Response(init.body).text(),
      cache: init.cache
    })
    if (this.requests.length > most) return new Promise(() => {})
    const reply = this.#handler(this.requests.at(-1)!, this.requests.length)
    if (reply.hang === true || reply.after !== undefined) await this.#hold(reply, signal)
    if (reply.network !== undefined) throw networkError(reply.network)
    return responseOf(reply)
  }

  #hold({ after, hang }: Reply, signal: AbortSignal | null | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (hang !== true) this.#clock.set(() => resolve(), after).unref()
      signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true })
    })
  }
}

// ---- internal ----

/** As fetch does it: a cache mode becomes a header, unless the request has one of its own. */
const withCacheMode = (headers: Record<string, string>, cache: RequestCache | undefined): Record<string, string> => {
  if (headers["cache-control"] !== undefined) return headers
  if (cache === "no-cache") return { ...headers, "cache-control": "max-age=0" }
  return cache === "no-store" || cache === "reload"
    ? { ...headers, "cache-control": "no-cache", pragma: "no-cache" }
    : headers
}

/** More requests than any case needs: a hot loop ends here. */
const most = 5_000

const redirects = new Set([301, 302, 303, 307, 308])

const bodiless = new Set([101, 204, 205, 304])

const responseOf = ({ body, headers = {}, json, status = 200 }: Reply): Response => {
  const text = json === undefined ? (body ?? null) : JSON.stringify(json)
  const type = json === undefined ? {} : { "content-type": "application/json" }
  return new Response(bodiless.has(status) ? null : text, { status, headers: { ...type, ...headers } })
}

const without = (headers: Headers, ...names: ReadonlyArray<string>): Headers => {
  const left = new Headers(headers)
  for (const name of names) left.delete(name)
  return left
}

const networkError = (code: string): Error =>
  new TypeError("fetch failed", { cause: Object.assign(new Error(`read ${code}`), { code }) })
