// A server that is a table: what it answers, one answer after the other, to each method and path.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"

/** An answer: a status, or a JSON body with 200, or the parts. `"drop"` is no answer at all. */
export type Reply = number | "drop" | { readonly json: unknown } | Parts

interface Parts {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly text?: string
}

/** Answers by `METHOD /path?query` on `http://h`; the last answer of a list is given again and again. */
export type Routes = Readonly<Record<string, ReadonlyArray<Reply>>>

export interface Server {
  readonly client: HttpClient.HttpClient
  readonly provide: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, HttpClient.HttpClient>>
  /** What was asked, and when, in milliseconds from the first request: `GET /operations/1 @1000`. */
  readonly log: ReadonlyArray<string>
  readonly requests: ReadonlyArray<HttpClientRequest.HttpClientRequest>
}

export const make = (routes: Routes): Server => {
  const log: Array<string> = []
  const requests: Array<HttpClientRequest.HttpClientRequest> = []
  const given = new Map<string, number>()
  let started: number | undefined
  const client = HttpClient.make((request, url) =>
    Effect.gen(function* () {
      const asked = `${request.method} ${url.href.replace(/^http:\/\/(?:[^/@]*@)?h(?=\/)/, "")}`
      requests.push(request)
      const now = yield* Clock.currentTimeMillis
      started ??= now
      log.push(`${asked} @${now - started}`)
      const replies = routes[asked] ?? [404]
      const at = given.get(asked) ?? 0
      given.set(asked, at + 1)
      const reply = replies[Math.min(at, replies.length - 1)]!
      if (reply === "drop") {
        return yield* new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
      }
      const { headers, json, status, text }: Parts = typeof reply === "number" ? { status: reply } : reply
      const body = json === undefined ? (text ?? null) : JSON.stringify(json)
      return HttpClientResponse.fromWeb(request, new Response(body, { status: status ?? 200, headers: headers ?? {} }))
    })
  )
  return { client, provide: Effect.provideService(HttpClient.HttpClient, client), log, requests }
}
