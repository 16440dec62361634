// A13, A14: text that is almost JSON, and results that are none.
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { type Case, wait } from "../case.ts"
import { replies } from "../peer.ts"
import { type Reply, routes, script } from "../server.ts"
import { base, done, eachSecond, JobStatus, running, url } from "./kit.ts"

const text = (body: string, type = "application/json"): Reply => ({ headers: { "content-type": type }, body })

const withParse = (parse: (text: string) => unknown) => () =>
  Poll.until(HttpCheck.get(url, JobStatus, { parse }), eachSecond)

const parseNaN = (given: string): unknown => JSON.parse(given.replaceAll(/\bNaN\b|-?\bInfinity\b/g, "null"))

const parseGuarded = (given: string): unknown => JSON.parse(given.replace(/^\)\]\}',?\n/, ""))

const Submitted = Schema.Struct({ id: Schema.String })

/** Integers that a number cannot hold stay texts. */
const parseExact = (given: string): unknown =>
  JSON.parse(given, ((_key: string, value: unknown, context: { readonly source?: string }) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^\d+$/.test(context.source ?? "")
      ? context.source
      : value) as (key: string, value: unknown) => unknown)

const Big = Job.make("big", {
  submit: (_input: string) =>
    Effect.map(
      HttpCheck.send(HttpClientRequest.post(`${base}/jobs`), Submitted, { parse: parseExact }),
      ({ value }) => ({
        key: value.id
      })
    ),
  check: (id: string) => HttpCheck.get(`${base}/jobs/${id}`, JobStatus)
})

const file = `${base}/files/1`

/** Only the code says that the job runs; what is not 202 is the result. */
const resultAs = <const As extends "json" | "text" | "bytes" | "stream">(as: As) =>
  HttpCheck.get(file, StatusSchema.succeeded(Schema.Any), { as })

const csv = "id;name\n1;Jürgen\n"

export const bodies: ReadonlyArray<Case> = [
  wait("A13.a", "a training run reports a loss of NaN", {
    server: script(text('{"status": "running", "loss": NaN}'), text('{"status": "done", "url": "m", "loss": NaN}')),
    program: withParse(parseNaN),
    ends: { tag: "Succeeded", value: "m", requests: 2, states: ["running"] },
    peer: { server: replies({ body: '{"status": "running", "loss": NaN}' }, { word: "succeeded" }), ends: "succeeded" }
  }),
  wait("A13.b", "a guard against script inclusion stands before the JSON", {
    server: script(text(')]}\'\n{"status":"running"}'), text(')]}\'\n{"status":"done","url":"g"}')),
    program: withParse(parseGuarded),
    ends: { tag: "Succeeded", value: "g", requests: 2 }
  }),
  wait("A13.c", "an id of 19 digits in the answer to a submit", {
    server: routes({ "POST /jobs": text('{"id": 9007199254740993123}'), "/jobs/9007199254740993123": done }),
    program: () => Poll.run(Big, "scene", eachSecond),
    ends: { tag: "Succeeded", paths: ["POST /jobs", "GET /jobs/9007199254740993123"] }
  }),
  wait("A13.d", "the last line of a log in JSON lines is the state", {
    server: script(
      text('{"status":"queued"}\n{"status":"running"}\n'),
      text('{"status":"running"}\n{"status":"done","url":"l"}')
    ),
    program: withParse((given) => JSON.parse(given.trim().split("\n").at(-1)!)),
    ends: { tag: "Succeeded", value: "l", requests: 2, states: ["running"] }
  }),
  wait("A13.e", "a state in XML, read by an expression", {
    server: script(
      text("<job><status>running</status></job>", "application/xml"),
      text("<job><status>done</status></job>", "application/xml")
    ),
    program: withParse((given) => ({ status: /<status>(.*)<\/status>/.exec(given)?.[1] })),
    ends: { tag: "Succeeded", requests: 2 }
  }),
  wait("A13.f", "a parse that throws is a typed error, and no defect", {
    server: script(running, text("oops, my-secret-text"), done),
    program: withParse((given) => JSON.parse(given)),
    ends: { tag: "Succeeded", requests: 3, hides: "my-secret-text" }
  }),

  wait("A14.a", "the result is text", {
    server: script({ status: 202 }, text("the transcript, as it was spoken", "text/plain")),
    program: () => Poll.until(resultAs("text"), eachSecond),
    ends: { tag: "Succeeded", value: "the transcript, as it was spoken", requests: 2 }
  }),
  wait("A14.b", "the result is CSV", {
    server: script({ status: 202 }, { status: 202 }, text(csv, "text/csv; charset=utf-8")),
    program: () => Poll.until(resultAs("text"), eachSecond),
    ends: { tag: "Succeeded", value: csv, requests: 3 }
  }),
  wait("A14.c", "the result is bytes that are no text", {
    server: script(
      { status: 204 },
      { headers: { "content-type": "image/png" }, body: new Uint8Array([0xff, 0xfe, 0, 0x80]) }
    ),
    program: () => Poll.until(resultAs("bytes"), eachSecond),
    ends: { tag: "Succeeded", value: new Uint8Array([0xff, 0xfe, 0, 0x80]), requests: 2 }
  }),
  wait("A14.d", "the result is a stream that is read later", {
    server: script({ status: 202 }, text("one,two,three", "application/octet-stream")),
    program: () =>
      Poll.until(resultAs("stream"), eachSecond).pipe(
        Effect.flatMap((stream) => Stream.mkString(Stream.decodeText(stream as Stream.Stream<Uint8Array, unknown>)))
      ),
    ends: { tag: "Succeeded", value: "one,two,three", requests: 2 }
  }),
  wait("A14.e", "an empty file is a result", {
    server: script({ status: 202 }, text("", "text/csv")),
    program: () => Poll.until(resultAs("text"), eachSecond),
    ends: { tag: "Succeeded", value: "", requests: 2 }
  }),
  wait("A14.f", "a text that looks like JSON stays a text", {
    server: script({ status: 202 }, text('{"status":"running"}', "text/plain")),
    program: () => Poll.until(resultAs("text"), eachSecond),
    ends: { tag: "Succeeded", value: '{"status":"running"}', requests: 2 }
  })
]
