// A21: requested delays on lists and on the answers to submits.
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { type Case, wait } from "../case.ts"
import { type Handler, type Reply, routes } from "../server.ts"
import { base, done, eachSecond, JobStatus } from "./kit.ts"

const listed = () =>
  Job.make("listed", {
    check: (id: string) => HttpCheck.get(`${base}/jobs/${id}`, JobStatus),
    checkMany: {
      max: 100,
      check: HttpCheck.list(
        (ids: ReadonlyArray<string>) =>
          HttpClientRequest.setUrlParam(HttpClientRequest.get(`${base}/jobs`), "ids", ids.join(",")),
        { items: "jobs", key: "id", status: JobStatus }
      )
    }
  })

/** Waits for the jobs a, b and c in a Poller. */
const three = () =>
  Effect.gen(function* () {
    const Listed = listed()
    const poller = yield* Poller.make()
    return yield* Effect.forEach(["a", "b", "c"], (id) => poller.until(Listed, id, eachSecond), {
      concurrency: "unbounded"
    })
  }).pipe(Effect.scoped)

const list = (
  status: string,
  ids: ReadonlyArray<string> = ["a", "b", "c"],
  headers: Record<string, string> = {}
): Reply => ({
  json: { jobs: ids.map((id) => ({ id, status, url: id })) },
  headers
})

const lists = (...replies: ReadonlyArray<Reply>): Handler => {
  const scripted = (n: number) => replies[Math.min(n, replies.length) - 1]!
  return (_request, n) => scripted(n)
}

const all = { tag: "Succeeded", value: ["a", "b", "c"] } as const

const submitted = (headers: Record<string, string>) => ({
  "POST /jobs": { status: 202, json: { id: "1" }, headers },
  "/jobs/1": done
})

const Submitted = Schema.Struct({ id: Schema.String })

const Sent = Job.make("sent", {
  submit: (_scene: string) =>
    Effect.map(HttpCheck.send(HttpClientRequest.post(`${base}/jobs`), Submitted), ({ hint, value }) => ({
      key: value.id,
      hint
    })),
  check: (id: string) => HttpCheck.get(`${base}/jobs/${id}`, JobStatus)
})

const send = () => Poll.run(Sent, "scene", eachSecond)

export const hints: ReadonlyArray<Case> = [
  wait("A21.a", "Retry-After on a list is a floor for all of its keys", {
    server: lists(list("running", undefined, { "retry-after": "40" }), list("done")),
    program: three,
    ends: { ...all, requests: 2, gaps: [40_000] }
  }),
  wait("A21.b", "Retry-After on the answer to a submit is a floor for the first check", {
    server: routes(submitted({ "retry-after": "25" })),
    program: send,
    ends: { tag: "Succeeded", value: "a.mp4", times: [0, 25_000] }
  }),
  wait("A21.c", "milliseconds on the answer to a submit", {
    server: routes(submitted({ "retry-after-ms": "7500" })),
    program: send,
    ends: { tag: "Succeeded", times: [0, 7_500] }
  }),
  wait("A21.d", "a key that the list lacks keeps to its delay, and is then checked alone", {
    server: routes({
      "/jobs": lists(list("running", ["a", "b"], { "retry-after": "30" }), list("done", ["a", "b"])),
      "/jobs/c": { json: { status: "done", url: "c" } }
    }),
    program: three,
    ends: all,
    check: ({ server }) => {
      const alone = server.requests.find(({ url }) => url.pathname === "/jobs/c")
      return alone !== undefined && alone.at >= 30_000 ? undefined : `c was checked alone at ${alone?.at} ms`
    }
  }),
  wait("A21.e", "a list that is throttled is a floor, and no error", {
    server: lists(list("running"), { status: 429, headers: { "retry-after": "60" } }, list("done")),
    program: three,
    ends: { ...all, requests: 3, gaps: [1_000, 60_000] }
  }),
  wait("A21.f", "one item that the Schema rejects is the error of its key alone", {
    server: routes({
      "/jobs": lists({
        json: {
          jobs: [
            { id: "a", status: "done", url: "a" },
            { id: "b", status: 7 },
            { id: "c", status: "done", url: "c" }
          ]
        }
      }),
      "/jobs/b": { json: { status: "done", url: "b" } }
    }),
    program: () =>
      Effect.gen(function* () {
        const Listed = listed()
        const poller = yield* Poller.make()
        return yield* Effect.forEach(["a", "b", "c"], (id) => Effect.exit(poller.until(Listed, id, eachSecond)), {
          concurrency: "unbounded"
        })
      }).pipe(
        Effect.scoped,
        Effect.map((exits) => exits.map(({ _tag }) => _tag))
      ),
    ends: { tag: "Succeeded", value: ["Success", "Failure", "Success"] }
  })
]
