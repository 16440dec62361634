// S3-S5: what a server may nest, hide in a URL, or forge.
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as LongRunning from "@effect-poll/http/LongRunning"
import { type Case, type Complaint, type Expected, first, unless, wait } from "../case.ts"
import type { Observed } from "../lab.ts"
import { type Reply, routes, script } from "../server.ts"
import { base, done, eachSecond, JobStatus, running, url } from "./kit.ts"

const submit = HttpClientRequest.post(`${base}/exports`)

const poll = () => Poll.until(HttpCheck.get(url, JobStatus), eachSecond)

const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels)

const deep = (levels: number, status = "running"): Reply => ({
  headers: { "content-type": "application/json" },
  body: `{"status":"${status}","url":"u","detail":${nested(levels)}}`
})

const Detailed = StatusSchema.fromField(
  Schema.Struct({ status: Schema.Literals(["running", "done"]), detail: Schema.Any }),
  "status",
  { running: ({ detail }) => Status.pending({ detail: detail as unknown }), done: Status.succeeded("ended") }
)

const detailed = () => Poll.until(HttpCheck.get(url, Detailed), { ...eachSecond, stall: { after: "10 minutes" } })

const tooDeep: Expected = { tag: "CheckRejected", error: { "error.reason._tag": "TooDeep" }, requests: 1 }

const deepValue = (levels: number): unknown => {
  let value: unknown = "x"
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

const password = "pa55w0rd"

/** A URL in which a password stands oddly: it is shown in no form, whatever else comes of it. */
const odd = (id: string, text: string): Case =>
  wait(id, `a check of ${JSON.stringify(text)}`, {
    server: script({ status: 403 }),
    program: () => Poll.until(HttpCheck.get(text, JobStatus), { ...eachSecond, deadline: "1 minute" }),
    ends: { tag: "any", hides: password }
  })

const noErrors = ({ logs }: Observed): Complaint => {
  const loud = logs.find(({ level }) => level === "Error" || level === "Fatal")
  return loud === undefined ? undefined : `an ending is logged as ${loud.level}: ${loud.text.slice(0, 100)}`
}

const control = /\p{Cc}|[\u2028\u2029]/u

/** Log lines and messages of one line each, without control characters. */
const oneLine = ({ error, logs }: Observed): Complaint => {
  const texts = [error instanceof Error ? error.message : "", ...logs.map(({ text }) => text)]
  const forged = texts.find((text) => control.test(text))
  return forged === undefined ? undefined : `a line is forged: ${JSON.stringify(forged.slice(0, 200))}`
}

const forged = "busy\nERROR the disk is gone\u001b[31m\u0007"

const inLogs =
  (secret: string) =>
  ({ logs, spans }: Observed): Complaint =>
    unless(
      !JSON.stringify([logs, spans.map((span) => [span.name, [...span.attributes]])]).includes(secret),
      `${secret} is logged`
    )

export const safety: ReadonlyArray<Case> = [
  wait("S3.a", "a pending answer nested 3,000 deep", {
    server: script(deep(3_000), done),
    program: detailed,
    ends: tooDeep
  }),
  wait("S3.b", "an answer nested 100,000 deep", {
    server: script(deep(100_000, "done")),
    program: poll,
    ends: tooDeep
  }),
  wait("S3.c", "400 levels are read", {
    server: script(deep(400), deep(400), { json: { status: "done", detail: 1 } }),
    program: detailed,
    ends: { tag: "Succeeded", value: "ended", requests: 3 }
  }),
  wait("S3.d", "a check of one's own with a detail of 50,000 levels", {
    server: script(done),
    program: () => {
      let n = 0
      return Poll.until(
        Effect.sync(() => (n++ < 3 ? Status.pending({ detail: deepValue(50_000) }) : Status.succeeded("ended"))),
        { ...eachSecond, stall: { after: "10 minutes" } }
      )
    },
    ends: { tag: "Succeeded", value: "ended" }
  }),
  wait("S3.e", "metadata of an operation nested 20,000 deep", {
    server: routes({
      "POST /exports": { json: { name: "operations/1", done: false } },
      "/operations/1": {
        headers: { "content-type": "application/json" },
        body: `{"name":"operations/1","done":false,"metadata":${nested(20_000)}}`
      }
    }),
    program: () => LongRunning.run(submit, eachSecond),
    ends: { tag: "CheckRejected" }
  }),

  odd("S4.a", `https://user:${password}@api.example/jobs/1`),
  odd("S4.b", `https://user:x/${password}@api.example/jobs/1`),
  odd("S4.c", `https://user:x#${password}@api.example/jobs/1`),
  odd("S4.d", `https://user:x?${password}@api.example/jobs/1`),
  odd("S4.e", `https:\\\\user:${password}@api.example\\jobs\\1`),
  odd("S4.f", `ht\ttps://user:${password}@api.example/jobs/1`),
  odd("S4.g", `https:user:${password}@api.example/jobs/1`),
  odd("S4.h", `//user:${password}@api.example/jobs/1`),
  odd("S4.i", `https://api.example/jobs/1?sig=${password}`),
  odd("S4.j", `https:///user:${password}@api.example:99999/jobs/1`),

  wait("S5.a", "a failure is no ERROR line, and its words are in no log", {
    server: script(running, { json: { status: "failed", error: "card 4111-1111" } }),
    program: poll,
    ends: { tag: "JobFailed" },
    check: (seen) => first(noErrors(seen), inLogs("4111-1111")(seen))
  }),
  wait("S5.b", "a timeout is no ERROR line", {
    server: script(running),
    program: poll,
    ends: { tag: "PollTimeout" },
    check: noErrors
  }),
  wait("S5.c", "an unlisted state with newlines and escapes", {
    server: script(running, { json: { status: forged } }),
    program: poll,
    ends: { tag: "UnknownState" },
    check: oneLine
  }),
  wait("S5.d", "a forged state in a 202, then a timeout", {
    server: script({ status: 202, json: { status: forged } }),
    program: poll,
    ends: { tag: "PollTimeout" },
    check: oneLine
  }),
  wait("S5.e", "a forged reason of a canceled job", {
    server: script({ json: { state: "CANCELED", why: forged } }),
    program: () =>
      Poll.until(
        HttpCheck.get(
          url,
          StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["CANCELED"]), why: Schema.String }), "state", {
            CANCELED: ({ why }) => Status.canceled({ reason: why })
          })
        ),
        eachSecond
      ),
    ends: { tag: "JobCanceled" },
    check: oneLine
  })
]
