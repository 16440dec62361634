// B5, B8, B9: operations whose URL moves, first requests that are sent again, and what messages show.
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Strategy from "effect-poll/Strategy"
import * as LongRunning from "@effect-poll/http/LongRunning"
import { type Case, complain, first, unless, wait } from "../case.ts"
import type { Observed } from "../lab.ts"
import { type Handler, type Reply, routes, script } from "../server.ts"
import { base, eachSecond } from "./kit.ts"
import { acceptedAt, job, peer, plain, Report, report, start } from "./operationKit.ts"

const moving = (steps: number, end: Reply): Handler => {
  let at = 0
  return ({ method, url }) => {
    if (method === "POST") return acceptedAt("/operations/0")
    if (url.pathname !== `/operations/${at}`) return { status: 404, json: { error: "gone from here" } }
    if (at === steps) return end
    at++
    return acceptedAt(`/operations/${at}`)
  }
}

const failure = (status = 500): Reply => ({ status, json: { error: { message: "try again" } } })

const sealed = "c2VhbGVkLXNlY3JldC1zdGF0ZQ".repeat(8)

const hides = [sealed, "sig=0af1"]

const signed = `/operations/1?sig=0af1&sealed=${sealed}`

/** A failure of an operation whose URL holds secrets. */
const failing = (end: Reply) => ({
  server: routes({ "POST /exports": acceptedAt(signed), "/operations/1": script({ status: 202 }, end) }),
  program: () => plain
})

const short = ({ error }: Observed) =>
  unless((error as Error).message.length < 500, `the message has ${(error as Error).message.length} characters`)

export const operationLife: ReadonlyArray<Case> = [
  wait("B5.a", "the URL moves with each answer", {
    server: moving(8, report),
    program: () => LongRunning.run(start, job),
    peer,
    ends: { tag: "Succeeded", value: { pages: 3 }, requests: 10 }
  }),
  wait("B5.b", "the URL moves and nothing else changes: that is a stall", {
    server: moving(10_000, report),
    program: () => LongRunning.run(start, { ...job, stall: { after: "30 seconds" } }),
    peer,
    ends: { tag: "JobStalled" }
  }),
  wait("B5.c", "two waits of a Poller follow a moving operation together, also after one of them left", {
    server: moving(12, report),
    program: () =>
      Effect.gen(function* () {
        const Exports = LongRunning.job("exports", { result: Report })
        const { key } = yield* Exports.submit(start)
        const poller = yield* Poller.make()
        const first = yield* poller.add(Exports, key, eachSecond)
        yield* Effect.sleep("3500 millis")
        const second = yield* poller.add(Exports, Exports.key.decode(Exports.key.encode(key)), eachSecond)
        yield* Effect.sleep("3 seconds")
        yield* first.interrupt
        return yield* second.await
      }).pipe(Effect.scoped),
    ends: { tag: "Succeeded", value: { pages: 3 } }
  }),
  wait("B5.d", "a token of a moving operation holds where it is now", {
    server: moving(8, report),
    program: () => {
      const Exports = LongRunning.job("exports", { result: Report })
      return Effect.gen(function* () {
        const { key } = yield* Exports.submit(start)
        const token = yield* Effect.scoped(
          Effect.gen(function* () {
            const handle = yield* Poll.start(Exports, key, eachSecond)
            yield* Effect.sleep("4500 millis")
            return yield* handle.token
          })
        )
        return yield* Poll.resume(Exports, token, { strategy: Strategy.spaced("1 second") })
      })
    },
    ends: { tag: "Succeeded", value: { pages: 3 } }
  }),

  ...(["put", "delete"] as const).map((method, index) =>
    wait(`B8.${"ab"[index]!}`, `a ${method.toUpperCase()} that gets a 500 is sent again by option`, {
      server: routes({
        [`${method.toUpperCase()} /things/1`]: script(failure(), failure(503), acceptedAt("/operations/1")),
        "/operations/1": script({ status: 202 }, report)
      }),
      program: () =>
        LongRunning.run(HttpClientRequest.make(method === "put" ? "PUT" : "DELETE")(`${base}/things/1`), {
          ...job,
          resend: 3
        }),
      ends: { tag: "Succeeded", value: { pages: 3 }, requests: 5 }
    })
  ),
  wait("B8.c", "a POST that gets a 500 is not sent again", {
    server: routes({ "POST /exports": script(failure(), acceptedAt("/operations/1")), "/operations/1": report }),
    program: () => LongRunning.run(start, job),
    ends: { tag: "HttpCheckError", requests: 1 }
  }),
  wait("B8.d", "a PUT that is refused for good is not sent again", {
    server: routes({ "PUT /things/1": failure(403) }),
    program: () => LongRunning.run(HttpClientRequest.put(`${base}/things/1`), { ...job, resend: 3 }),
    ends: { tag: "HttpCheckError", requests: 1 }
  }),
  wait("B8.e", "a PUT whose connection broke is sent again", {
    server: routes({
      "PUT /things/1": script({ network: "ECONNRESET" }, acceptedAt("/operations/1")),
      "/operations/1": report
    }),
    program: () => LongRunning.run(HttpClientRequest.put(`${base}/things/1`), { ...job, resend: 3 }),
    ends: { tag: "Succeeded", requests: 3 }
  }),

  wait("B9.a", "a failure shows method, URL without query and the server's words", {
    ...failing({ status: 400, json: { error: { code: "BadInput", message: "the column is unknown" } } }),
    ends: { tag: "CheckRejected", says: /POST https:\/\/api\.example\/exports|operations\/1/, hides },
    check: short
  }),
  wait("B9.b", "an operation that failed shows its inner errors too", {
    server: routes({
      "POST /exports": { status: 202, headers: { "operation-location": signed } },
      "/operations/1": {
        json: {
          status: "Failed",
          error: {
            code: "DeploymentFailed",
            message: "at least one resource failed",
            details: [{ code: "Conflict", message: "the zone has no capacity" }]
          }
        }
      }
    }),
    program: () => plain,
    peer,
    ends: { tag: "JobFailed", says: /DeploymentFailed[\s\S]*no capacity/, hides },
    check: short
  }),
  wait("B9.c", "a wait that times out shows no sealed part", {
    ...failing({ status: 202 }),
    ends: { tag: "PollTimeout", hides },
    check: short
  }),
  wait("B9.d", "log lines and spans of an operation that is throttled and then missing", {
    server: routes({
      "POST /exports": acceptedAt(signed),
      "/operations/1": script({ status: 429 }, { status: 500 }, { network: "ECONNRESET" }, { status: 404, json: {} })
    }),
    program: () => plain,
    ends: { tag: "JobNotFound", hides },
    check: (seen) => first(short(seen), complain(seen, { tag: "JobNotFound" }))
  })
]
