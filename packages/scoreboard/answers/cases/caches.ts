// A20: caches on the way.
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Conditional from "@effect-poll/http/Conditional"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { type Case, wait } from "../case.ts"
import { type Handler, type Reply, script, type Seen } from "../server.ts"
import { done, eachSecond, JobStatus, running, url } from "./kit.ts"

/** A cache before a server: it answers from memory, for so long, whoever does not ask past it. */
const cached = (handler: Handler, keepMillis: number, keeps: (reply: Reply) => boolean = () => true): Handler => {
  let kept: { readonly reply: Reply; readonly at: number } | undefined
  return (request, n) => {
    if (kept !== undefined && request.at - kept.at < keepMillis && !asksPast(request)) return kept.reply
    const reply = handler(request, n)
    kept = keeps(reply) ? { reply, at: request.at } : undefined
    return reply
  }
}

const asksPast = ({ headers }: Seen): boolean =>
  /no-cache|no-store|max-age=0/.test(headers["cache-control"] ?? "") || headers["pragma"] === "no-cache"

/** A job that ends after so many milliseconds. */
const after =
  (millis: number): Handler =>
  ({ at }) =>
    at < millis ? running : done

const conditionally = () =>
  Effect.flatMap(Conditional.make(), (conditional) =>
    Poll.until(HttpCheck.get(url, JobStatus, { conditional }), eachSecond)
  )

export const caches: ReadonlyArray<Case> = [
  wait("A20.a", "a cache keeps the answer for a minute", {
    server: cached(after(5_000), 60_000),
    program: () => Poll.until(HttpCheck.get(url, JobStatus), eachSecond),
    ends: { tag: "Succeeded", requests: 6 }
  }),
  wait("A20.b", "a CDN keeps the 404 of a job that was just made", {
    server: cached(
      ({ at }) => (at < 2_000 ? { status: 404, json: { error: "no such job" } } : done),
      300_000,
      ({ status }) => status === 404
    ),
    program: () =>
      Poll.until(
        Job.make("render", {
          check: () => HttpCheck.get(url, JobStatus),
          missing: { grace: "20 seconds" }
        }),
        "1",
        eachSecond
      ),
    ends: { tag: "Succeeded" }
  }),
  wait("A20.c", "a cache answers 304 by itself for what it has in memory", {
    server: (request, n) => {
      if (request.headers["if-none-match"] !== undefined && !asksPast(request)) return { status: 304 }
      const reply = after(4_000)(request, n)
      return { ...reply, headers: { etag: `"${(reply.json as { readonly status: string }).status}"` } }
    },
    program: conditionally,
    ends: { tag: "Succeeded" }
  }),
  wait("A20.d", "a conditional check still gets the 304 of the server itself", {
    server: (request, n) => {
      const reply = after(4_000)(request, n)
      const etag = `"${(reply.json as { readonly status: string }).status}"`
      return request.headers["if-none-match"] === etag ? { status: 304 } : { ...reply, headers: { etag } }
    },
    program: conditionally,
    ends: { tag: "Succeeded", requests: 5, states: ["running"] }
  }),
  wait("A20.e", "a check by POST asks past caches as well", {
    server: cached(after(3_000), 60_000),
    program: () => Poll.until(HttpCheck.make(HttpClientRequest.post(url), JobStatus), eachSecond),
    ends: { tag: "Succeeded", requests: 4 }
  }),
  wait("A20.f", "the request's own cache-control is kept", {
    server: script(running, done),
    program: () =>
      Poll.until(
        HttpCheck.make(
          HttpClientRequest.setHeader(HttpClientRequest.get(url), "cache-control", "max-age=0"),
          JobStatus
        ),
        eachSecond
      ),
    ends: { tag: "Succeeded" },
    check: ({ server }) =>
      server.requests.every(({ headers }) => headers["cache-control"]?.includes("max-age=0") === true)
        ? undefined
        : `the header was replaced by ${server.requests[0]!.headers["cache-control"]}`
  })
]
