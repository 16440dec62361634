import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Scope from "effect/Scope"

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any
}

const send = (
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<Reply, HttpClientError, HttpClient.HttpClient> =>
  Effect.gen(function* () {
    const response = yield* HttpClient.execute(request)
    const text = yield* response.text
    const json =
      response.headers["content-type"]?.startsWith("application/json") === true ? JSON.parse(text) : undefined
    return { status: response.status, headers: response.headers, text, json }
  })

export const get = (url: string, headers: Record<string, string> = {}) => send(HttpClientRequest.get(url, { headers }))

export const post = (url: string, body?: unknown, headers: Record<string, string> = {}) =>
  send(withBody(HttpClientRequest.post(url, { headers }), body))

export const put = (url: string, body?: unknown) => send(withBody(HttpClientRequest.put(url), body))

const withBody = (request: HttpClientRequest.HttpClientRequest, body: unknown) =>
  body === undefined
    ? request
    : typeof body === "string"
      ? HttpClientRequest.bodyText(request, body, "application/json")
      : HttpClientRequest.bodyJsonUnsafe(request, body)

/** Allows for a busy machine. */
const timeout = 30_000

type Body<E> = () => Effect.Effect<void, E, HttpClient.HttpClient | Scope.Scope>

/** A test whose server has the TestClock: jobs age by `TestClock.adjust`, sockets work in real time. */
export const aged = <E>(name: string, body: Body<E>): void =>
  it.effect(name, () => Effect.provide(Effect.suspend(body), NodeHttpClient.layerNodeHttp), timeout)

/** A test in real time. */
export const live = <E>(name: string, body: Body<E>): void =>
  it.live(name, () => Effect.provide(Effect.suspend(body), NodeHttpClient.layerNodeHttp), timeout)
