import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as TestClock from "effect/testing/TestClock"
import * as Poll from "effect-poll/Poll"
import type { PollError } from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { SubmitError } from "effect-poll/SubmitError"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as LongRunning from "@effect-poll/http/LongRunning"
import type { LongRunningFailure } from "@effect-poll/http/LongRunningFailure"
import * as LongRunningProtocol from "@effect-poll/http/LongRunningProtocol"
import * as Server from "./LongRunningServer.ts"

type Method = "PUT" | "PATCH" | "POST" | "DELETE" | "GET"
type Row = readonly [name: string, routes: Server.Routes, end: string, asked: string, options?: Options]
type Options = LongRunningProtocol.AzureOptions & Partial<LongRunning.RunOptions>

/** The ends of an operation in a few words, and what was asked after the first request. */
const play = (
  method: Method,
  routes: Server.Routes,
  protocol: LongRunningProtocol.Protocol | undefined,
  options: Partial<LongRunning.RunOptions>
) =>
  Effect.gen(function* () {
    const server = Server.make(routes)
    const run = LongRunning.run(HttpClientRequest.make(method)("http://h/vm"), {
      strategy: Strategy.spaced("1 second"),
      deadline: "1 minute",
      protocol,
      checkErrors: { maxConsecutive: 1 },
      ...options
    })
    const fiber = yield* Effect.forkChild(Effect.exit(server.provide(run)), { startImmediately: true })
    yield* TestClock.adjust("1 hour")
    const asked = server.log.slice(1).map((line) => line.replace(/ @.*| GET /g, "").replace("GET ", ""))
    return { end: inWords(yield* Fiber.join(fiber)), asked: asked.join(" ") }
  })

const inWords = (
  exit: Exit.Exit<unknown, PollError<LongRunningFailure, HttpCheckError> | SubmitError | HttpCheckError>
): string => {
  if (Exit.isSuccess(exit)) return JSON.stringify(exit.value) ?? "nothing"
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") return "defect"
  switch (error.value._tag) {
    case "JobFailed":
      return `failed ${String(error.value.failure)}`
    case "UnknownState":
      return `unknown ${error.value.state}`
    case "HttpCheckError":
      return `refused ${error.value.reason._tag}`
    case "CheckRejected":
      return `rejected ${error.value.error.reason._tag}`
    default:
      return error.value._tag
  }
}

const split = ({ finalState, resultPath, words, ...options }: Options) => ({
  protocol: LongRunningProtocol.azure({ finalState, resultPath, words }),
  options
})

const resource = (provisioningState: string, more?: object) => ({
  json: { properties: { provisioningState }, ...more }
})
const status = (word: unknown, more?: object) => ({ json: { status: word, ...more } })
const monitor = { "azure-asyncoperation": "http://h/status" }
const result = { json: "result" }
const there = { "GET /status": [status("Succeeded")], "GET /vm": [result], "GET /location": [{ json: "located" }] }

describe("LongRunningProtocol", () => {
  describe("azure - what is checked", () => {
    const rows: ReadonlyArray<readonly [Method, ...Row]> = [
      // Without headers: the resource itself.
      [
        "PUT",
        "200 Succeeded",
        { "PUT /vm": [resource("Succeeded")] },
        '{"properties":{"provisioningState":"Succeeded"}}',
        ""
      ],
      ["PUT", "200 without a state", { "PUT /vm": [result] }, '"result"', ""],
      ["PUT", "201 without a body", { "PUT /vm": [201] }, "nothing", ""],
      [
        "PUT",
        "200 Failed",
        { "PUT /vm": [resource("Failed", { error: { code: "C", message: "m" } })] },
        "failed [C] m",
        ""
      ],
      ["PUT", "200 Canceled", { "PUT /vm": [resource("canceled")] }, "JobCanceled", ""],
      ["PUT", "204", { "PUT /vm": [{ status: 204, headers: monitor }] }, "nothing", ""],
      [
        "PUT",
        "201 Creating",
        { "PUT /vm": [{ ...resource("Creating"), status: 201 }], "GET /vm": [resource("Creating"), result] },
        '"result"',
        "/vm /vm"
      ],
      [
        "PATCH",
        "200 Updating",
        { "PATCH /vm": [resource("Updating")], "GET /vm": [resource("SUCCEEDED", { id: 1 })] },
        '{"properties":{"provisioningState":"SUCCEEDED"},"id":1}',
        "/vm"
      ],
      [
        "PUT",
        "a state on top",
        {
          "PUT /vm": [{ json: { provisioningState: "Creating" } }],
          "GET /vm": [{ json: { provisioningState: "Failed" } }]
        },
        "failed no reason given",
        "/vm"
      ],
      [
        "PUT",
        "an unknown word, then a known one",
        { "PUT /vm": [resource("Odd")], "GET /vm": [resource("Succeeded")] },
        '{"properties":{"provisioningState":"Succeeded"}}',
        "/vm"
      ],
      [
        "PUT",
        "an unknown word that stays",
        { "PUT /vm": [resource("Odd")], "GET /vm": [resource("Odd")] },
        "unknown Odd",
        "/vm"
      ],
      ["PUT", "202", { "PUT /vm": [202], "GET /vm": [202, { status: 204 }] }, "nothing", "/vm /vm"],
      [
        "PUT",
        "a resource without a body is checked again",
        { "PUT /vm": [resource("Creating")], "GET /vm": [200, result] },
        '"result"',
        "/vm /vm"
      ],
      ["PUT", "a resource that is gone", { "PUT /vm": [resource("Creating")], "GET /vm": [404] }, "JobNotFound", "/vm"],
      ["PUT", "no JSON", { "PUT /vm": [{ text: "{" }] }, "refused NotJson", ""],
      ["POST", "200", { "POST /vm": [result] }, '"result"', ""],
      ["POST", "a 202 that names no place", { "POST /vm": [202] }, "refused Decode", ""],
      ["POST", "a 303 that names no place", { "POST /vm": [303] }, "refused Decode", ""],
      ["DELETE", "204", { "DELETE /vm": [204] }, "nothing", ""],
      // Location.
      [
        "POST",
        "202 and Location",
        { "POST /vm": [{ status: 202, headers: { location: "/location" } }], "GET /location": [202, result] },
        '"result"',
        "/location /location"
      ],
      [
        "POST",
        "a Location that moves",
        {
          "POST /vm": [{ status: 202, headers: { location: "/a" } }],
          "GET /a": [{ status: 202, headers: { location: "b" } }],
          "GET /b": [result]
        },
        '"result"',
        "/a /b"
      ],
      [
        "DELETE",
        "200 and Location",
        { "DELETE /vm": [{ status: 200, headers: { location: "/location" } }], "GET /location": [202, 204] },
        "nothing",
        "/location /location"
      ],
      [
        "DELETE",
        "the status counts, whatever the body says",
        { "DELETE /vm": [{ status: 202, headers: { location: "/location" } }], "GET /location": [resource("Failed")] },
        '{"properties":{"provisioningState":"Failed"}}',
        "/location"
      ],
      [
        "PUT",
        "202, Location and a body",
        {
          "PUT /vm": [{ ...resource("Accepted"), status: 202, headers: { location: "/location" } }],
          "GET /location": [result]
        },
        '"result"',
        "/location"
      ],
      [
        "PUT",
        "201, Location and a state",
        {
          "PUT /vm": [{ ...resource("Creating"), status: 201, headers: { location: "/location" } }],
          "GET /location": [resource("Creating"), result]
        },
        '"result"',
        "/location /location"
      ],
      [
        "PUT",
        "200, Location and an end",
        { "PUT /vm": [{ ...resource("Succeeded"), headers: { location: "/location" } }] },
        '{"properties":{"provisioningState":"Succeeded"}}',
        ""
      ],
      [
        "POST",
        "200, Location and a body",
        { "POST /vm": [{ ...result, headers: { location: "/location" } }] },
        '"result"',
        ""
      ],
      [
        "PUT",
        "Location with a resource that failed",
        {
          "PUT /vm": [{ status: 202, headers: { location: "/location" } }],
          "GET /location": [resource("Failed", { error: { code: "C" } })]
        },
        "failed [C] no reason given",
        "/location"
      ],
      [
        "PUT",
        "Location with a resource of an unknown word",
        { "PUT /vm": [{ status: 202, headers: { location: "/location" } }], "GET /location": [resource("Ready")] },
        '{"properties":{"provisioningState":"Ready"}}',
        "/location"
      ],
      [
        "POST",
        "303, Location and a body",
        {
          "POST /vm": [{ status: 303, text: "See there", headers: { location: "/location" } }],
          "GET /location": [result]
        },
        '"result"',
        "/location"
      ],
      // A status monitor.
      [
        "PATCH",
        "200 and a monitor",
        { "PATCH /vm": [{ ...result, headers: monitor }], ...there },
        '"result"',
        "/status /vm"
      ],
      [
        "PUT",
        "201 and a monitor",
        { "PUT /vm": [{ ...resource("Creating"), status: 201, headers: monitor }], ...there },
        '"result"',
        "/status /vm"
      ],
      [
        "PUT",
        "200 Succeeded and a monitor",
        { "PUT /vm": [{ ...resource("Succeeded"), headers: monitor }], ...there },
        '"result"',
        "/status /vm"
      ],
      [
        "PATCH",
        "200 Succeeded and a monitor",
        { "PATCH /vm": [{ ...resource("Succeeded"), headers: monitor }] },
        '{"properties":{"provisioningState":"Succeeded"}}',
        ""
      ],
      [
        "PATCH",
        "200 Updating and a monitor",
        { "PATCH /vm": [{ ...resource("Updating"), headers: monitor }], ...there },
        '"result"',
        "/status /vm"
      ],
      [
        "PATCH",
        "202 Succeeded and a monitor",
        { "PATCH /vm": [{ ...resource("Succeeded"), status: 202, headers: monitor }], ...there },
        '"result"',
        "/status /vm"
      ],
      [
        "POST",
        "200 and a monitor",
        { "POST /vm": [{ status: 200, headers: monitor }], ...there },
        '{"status":"Succeeded"}',
        "/status"
      ],
      [
        "PUT",
        "Operation-Location goes before Azure-AsyncOperation",
        {
          "PUT /vm": [{ status: 201, headers: { ...monitor, "operation-location": "/first", location: "/bad" } }],
          "GET /first": [status("Succeeded")],
          "GET /vm": [result]
        },
        '"result"',
        "/first /vm"
      ],
      [
        "POST",
        "a monitor that moves",
        {
          "POST /vm": [{ status: 202, headers: monitor }],
          "GET /status": [{ ...status("Running"), headers: { "operation-location": "/next" } }],
          "GET /next": [status("Running"), status("Succeeded")]
        },
        '{"status":"Succeeded"}',
        "/status /next /next"
      ],
      [
        "POST",
        "a move to no URL is none",
        {
          "POST /vm": [{ status: 202, headers: monitor }],
          "GET /status": [{ ...status("Running"), headers: { "operation-location": "http://" } }, status("Succeeded")]
        },
        '{"status":"Succeeded"}',
        "/status /status"
      ],
      [
        "POST",
        "a monitor that answers 202 without a body",
        { "POST /vm": [{ status: 202, headers: monitor }], "GET /status": [202, status("Succeeded")] },
        '{"status":"Succeeded"}',
        "/status /status"
      ],
      [
        "POST",
        "a word counts more than 202",
        { "POST /vm": [{ status: 202, headers: monitor }], "GET /status": [{ ...status("Succeeded"), status: 202 }] },
        '{"status":"Succeeded"}',
        "/status"
      ],
      [
        "DELETE",
        "a monitor that answers 204",
        { "DELETE /vm": [{ status: 202, headers: monitor }], "GET /status": [204] },
        "nothing",
        "/status"
      ],
      [
        "POST",
        "a monitor that says no word",
        { "POST /vm": [{ status: 202, headers: monitor }], "GET /status": [{ json: { id: 1 } }] },
        '{"id":1}',
        "/status"
      ],
      [
        "POST",
        "a monitor that became the resource",
        { "POST /vm": [{ status: 202, headers: monitor }], "GET /status": [resource("Running"), resource("Failed")] },
        "failed no reason given",
        "/status /status"
      ],
      [
        "POST",
        "a monitor that says nothing",
        { "POST /vm": [{ status: 202, headers: monitor }], "GET /status": [200, status("Succeeded")] },
        '{"status":"Succeeded"}',
        "/status /status"
      ],
      [
        "POST",
        "a monitor whose status is no word",
        { "POST /vm": [{ status: 202, headers: monitor }], "GET /status": [status(200)] },
        "rejected Decode",
        "/status"
      ],
      ["POST", "a monitor that is gone", { "POST /vm": [{ status: 202, headers: monitor }] }, "JobNotFound", "/status"]
    ]

    it.effect.each(rows)("%s %s", ([method, _, routes, end, asked]) =>
      Effect.gen(function* () {
        const played = yield* play(method, routes, LongRunningProtocol.azure(), {})
        assert.deepStrictEqual(played, { end, asked })
      })
    )
  })

  describe("azure - where the result is", () => {
    const both = { status: 202, headers: { ...monitor, location: "http://h/location" } }
    const elsewhere = {
      "GET /status": [status("Succeeded", { resourceLocation: "/elsewhere" })],
      "GET /elsewhere": [{ json: "else" }]
    }
    const rows: ReadonlyArray<readonly [Method, ...Row]> = [
      ["PUT", "the resource", { "PUT /vm": [both], ...there }, '"result"', "/status /vm"],
      [
        "PUT",
        "the resource, whatever the operation could say",
        { "PUT /vm": [both], ...there },
        '"result"',
        "/status /vm",
        { finalState: "azure-async-operation" }
      ],
      [
        "PUT",
        "the Location, if that is said",
        { "PUT /vm": [both], ...there },
        '"located"',
        "/status /location",
        { finalState: "location" }
      ],
      ["PUT", "resourceLocation", { "PUT /vm": [both], ...there, ...elsewhere }, '"else"', "/status /elsewhere"],
      [
        "PUT",
        "the original URL, if that is said",
        { "PUT /vm": [both], ...there, ...elsewhere },
        '"result"',
        "/status /vm",
        { finalState: "original-uri" }
      ],
      ["PATCH", "the resource", { "PATCH /vm": [both], ...there }, '"result"', "/status /vm"],
      [
        "PATCH",
        "the Location, if the resource is not found",
        { "PATCH /vm": [both], ...there, "GET /vm": [404] },
        '"located"',
        "/status /vm /location"
      ],
      [
        "PATCH",
        "neither of them",
        { "PATCH /vm": [both], ...there, "GET /vm": [404], "GET /location": [404] },
        "rejected Status",
        "/status /vm /location"
      ],
      ["POST", "the Location", { "POST /vm": [both], ...there }, '"located"', "/status /location"],
      [
        "POST",
        "the Location, where it was moved to",
        {
          "POST /vm": [both],
          ...there,
          "GET /status": [{ ...status("Running"), headers: { location: "/moved" } }, status("Succeeded")],
          "GET /moved": [{ json: "moved" }]
        },
        '"moved"',
        "/status /status /moved"
      ],
      [
        "POST",
        "a Location that the first answer did not promise",
        {
          "POST /vm": [{ status: 202, headers: monitor }],
          "GET /status": [
            { ...status("Running"), headers: { location: "/location" } },
            status("Succeeded", { resourceLocation: null })
          ]
        },
        '{"status":"Succeeded","resourceLocation":null}',
        "/status /status"
      ],
      ["POST", "resourceLocation", { "POST /vm": [both], ...there, ...elsewhere }, '"else"', "/status /elsewhere"],
      [
        "POST",
        "the operation, if that is said",
        { "POST /vm": [both], ...there, ...elsewhere },
        '{"status":"Succeeded","resourceLocation":"/elsewhere"}',
        "/status",
        { finalState: "azure-async-operation" }
      ],
      [
        "POST",
        "the same under its other name",
        { "POST /vm": [both], ...there },
        '{"status":"Succeeded"}',
        "/status",
        { finalState: "operation-location" }
      ],
      [
        "POST",
        "the original URL, if that is said",
        { "POST /vm": [both], ...there },
        '"result"',
        "/status /vm",
        { finalState: "original-uri" }
      ],
      [
        "POST",
        "the Location that is not there",
        { "POST /vm": [{ status: 202, headers: monitor }], ...there },
        '{"status":"Succeeded"}',
        "/status",
        { finalState: "location" }
      ],
      [
        "POST",
        "a path in the operation",
        {
          "POST /vm": [{ status: 202, headers: monitor }],
          "GET /status": [status("Succeeded", { properties: { output: [1] } })]
        },
        "[1]",
        "/status",
        { resultPath: ["properties", "output"] }
      ],
      [
        "POST",
        "a path that is not there",
        { "POST /vm": [{ status: 202, headers: monitor }], "GET /status": [status("Succeeded")] },
        "nothing",
        "/status",
        { resultPath: ["properties", "output"] }
      ],
      [
        "POST",
        "a list",
        { "POST /vm": [both], ...there, "GET /location": [{ json: [{ id: 1 }] }] },
        '[{"id":1}]',
        "/status /location"
      ],
      [
        "GET",
        "the Location",
        { "GET /vm": [both], "GET /status": [status("Succeeded")], "GET /location": [{ json: "located" }] },
        '"located"',
        "/status /location"
      ],
      [
        "DELETE",
        "nowhere else",
        { "DELETE /vm": [both], ...there, ...elsewhere },
        '{"status":"Succeeded","resourceLocation":"/elsewhere"}',
        "/status"
      ],
      [
        "DELETE",
        "nowhere else, whatever is said",
        { "DELETE /vm": [both], ...there },
        '{"status":"Succeeded"}',
        "/status",
        { finalState: "location" }
      ],
      [
        "POST",
        "a result that is not ready yet",
        { "POST /vm": [both], ...there, "GET /location": [202, { json: "located" }] },
        '"located"',
        "/status /location /location"
      ],
      [
        "POST",
        "an empty result",
        { "POST /vm": [both], ...there, "GET /location": [204] },
        "nothing",
        "/status /location"
      ],
      [
        "POST",
        "a page instead of the result",
        { "POST /vm": [both], ...there, "GET /location": [{ text: "<html>" }, { json: "located" }] },
        '"located"',
        "/status /location /location"
      ]
    ]

    it.effect.each(rows)("%s %s", ([method, _, routes, end, asked, given]) =>
      Effect.gen(function* () {
        const { options, protocol } = split(given ?? {})
        assert.deepStrictEqual(yield* play(method, routes, protocol, options), { end, asked })
      })
    )

    it.effect("finalState - is kept in the operation", () =>
      Effect.gen(function* () {
        const server = Server.make({ "POST /vm": [both], ...there })
        const here = LongRunning.job("vm", { protocol: LongRunningProtocol.azure({ finalState: "original-uri" }) })
        const { key } = yield* server.provide(here.submit(HttpClientRequest.post("http://h/vm")))
        const other = LongRunning.job("vm")
        const stored = other.key.decode(here.key.encode(key))
        assert.strictEqual(yield* server.provide(Poll.until(other, stored, { deadline: "1 minute" })), "result")
      })
    )
  })

  describe("azure - words", () => {
    const ended = (word: string, options: Options = {}) =>
      Effect.gen(function* () {
        const { protocol, options: rest } = split(options)
        const routes = { "POST /vm": [{ status: 202, headers: monitor }], "GET /status": [status(word)] }
        return (yield* play("POST", routes, protocol, rest)).end
      })

    it.effect("succeeded, failed and canceled in any case, and in both spellings", () =>
      Effect.gen(function* () {
        for (const word of ["Succeeded", "succeeded", "SUCCEEDED"]) assert.include(yield* ended(word), "status")
        for (const word of ["Failed", "failed", "FAILED"])
          assert.strictEqual(yield* ended(word), "failed no reason given")
        for (const word of ["Canceled", "cancelled", "CANCELLED"]) assert.strictEqual(yield* ended(word), "JobCanceled")
      })
    )

    it.effect("pending words are those of the rules, and participles", () =>
      Effect.gen(function* () {
        const words = [
          "NotStarted",
          "not started",
          "InProgress",
          "IN_PROGRESS",
          "Accepted",
          "Queued",
          "Created",
          "Pending"
        ]
        const participles = [
          "Running",
          "running",
          "CREATING",
          "PreparingVMDisk",
          "MountingDrives",
          "Canceling",
          "Cancelling"
        ]
        for (const word of [...words, ...participles]) assert.strictEqual(yield* ended(word), "PollTimeout", word)
      })
    )

    it.effect("any other word is unknown, whatever it contains", () =>
      Effect.gen(function* () {
        const words = [
          "NotSucceeded",
          "PartiallySucceeded",
          "VerificationFailed",
          "Expired",
          "Deleted",
          "TimedOut",
          "Rejected"
        ]
        for (const word of [...words, "Unknown", "Ready", "Completed"]) {
          assert.strictEqual(yield* ended(word), `unknown ${word}`)
        }
      })
    )

    it.effect("words - says what further words mean", () =>
      Effect.gen(function* () {
        const words = {
          partially_succeeded: "succeeded",
          TimedOut: "expired",
          Ready: "pending",
          Created: "failed",
          Gone: "canceled"
        } as const
        assert.strictEqual(yield* ended("PartiallySucceeded", { words }), '{"status":"PartiallySucceeded"}')
        assert.strictEqual(yield* ended("timedout", { words }), "JobExpired")
        assert.strictEqual(yield* ended("READY", { words }), "PollTimeout")
        assert.strictEqual(yield* ended("Created", { words }), "failed no reason given")
        assert.strictEqual(yield* ended("Gone", { words }), "JobCanceled")
      })
    )

    it.effect("unknownState - the policy of the wait", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* ended("Odd", { unknownState: "continue" }), "PollTimeout")
        const treatAs = () => Status.succeeded("fine")
        assert.strictEqual(yield* ended("Odd", { unknownState: { treatAs } }), '"fine"')
      })
    )

    it.effect("a first answer with an ended word of one's own", () =>
      Effect.gen(function* () {
        const protocol = LongRunningProtocol.azure({ words: { TimedOut: "expired" } })
        assert.deepStrictEqual(yield* play("PUT", { "PUT /vm": [resource("TimedOut")] }, protocol, {}), {
          end: "JobExpired",
          asked: ""
        })
      })
    )

    it.effect("percentComplete is the progress", () =>
      Effect.gen(function* () {
        const server = Server.make({
          "POST /vm": [{ status: 202, headers: monitor }],
          "GET /status": [status("Running", { percentComplete: 12.5 })]
        })
        const job = LongRunning.job("vm")
        const { key } = yield* server.provide(job.submit(HttpClientRequest.post("http://h/vm")))
        const handle = yield* server.provide(Poll.start(job, key, { deadline: "1 hour" }))
        yield* TestClock.adjust(0)
        const seen = yield* handle.status
        assert.strictEqual(seen?._tag === "Pending" ? seen.progress : undefined, 0.125)
        assert.strictEqual(seen?.state, "Running")
      })
    )

    it.effect("the failure carries what the server says of it", () =>
      Effect.gen(function* () {
        const error = {
          code: "InvalidSku",
          message: "There is no such SKU.",
          target: "sku",
          details: [{ code: "A", message: "a" }],
          innererror: { code: "B" }
        }
        const server = Server.make({
          "POST /vm": [{ status: 202, headers: monitor }],
          "GET /status": [status("Failed", { error })]
        })
        const run = LongRunning.run(HttpClientRequest.post("http://h/vm"), { deadline: "1 minute" })
        const failed = yield* Effect.flip(server.provide(run))
        assert.strictEqual(failed._tag, "JobFailed")
        if (failed._tag !== "JobFailed") return
        assert.deepStrictEqual({ ...failed.failure }, error)
        assert.include(failed.message, "failed: [InvalidSku] There is no such SKU.")
      })
    )
  })

  describe("google", () => {
    const operation = (more: object) => ({ json: { name: "operations/1", ...more } })
    const at = (path: string, ...replies: ReadonlyArray<Server.Reply>): Server.Routes => ({
      "POST /vm": [operation({})],
      [`GET ${path}`]: replies
    })
    const google = (base = "http://h/v1/") => LongRunningProtocol.google({ baseUrl: base })
    const rows: ReadonlyArray<readonly [string, Server.Routes, string, string, LongRunningProtocol.Protocol?]> = [
      [
        "done with a response",
        at("/v1/operations/1", operation({ done: false }), operation({ done: true, response: { rows: 7 } })),
        '{"rows":7}',
        "/v1/operations/1 /v1/operations/1"
      ],
      ["done without a response", at("/v1/operations/1", operation({ done: true })), "nothing", "/v1/operations/1"],
      [
        "done with an error",
        at("/v1/operations/1", operation({ done: true, error: { code: 5, message: "no such zone", details: [{}] } })),
        "failed [5] no such zone",
        "/v1/operations/1"
      ],
      [
        "canceled",
        at("/v1/operations/1", operation({ done: true, error: { code: 1, message: "canceled" } })),
        "JobCanceled",
        "/v1/operations/1"
      ],
      ["done at once", { "POST /vm": [operation({ done: true, response: 7 })] }, "7", ""],
      [
        "failed at once",
        { "POST /vm": [operation({ done: true, error: { code: 5 } })] },
        "failed [5] no reason given",
        ""
      ],
      ["gone", at("/v1/operations/1", operation({}), 404), "JobNotFound", "/v1/operations/1 /v1/operations/1"],
      ["no operation at all", at("/v1/operations/1", { json: 7 }), "rejected Decode", "/v1/operations/1"],
      [
        "a done that is no boolean",
        at("/v1/operations/1", operation({ done: "DONE" })),
        "rejected Decode",
        "/v1/operations/1"
      ],
      [
        "an empty answer is checked again",
        at("/v1/operations/1", 200, operation({ done: true, response: 7 })),
        "7",
        "/v1/operations/1 /v1/operations/1"
      ],
      ["a first answer without a name", { "POST /vm": [{ json: {} }] }, "refused Decode", ""],
      ["a first answer that is no JSON", { "POST /vm": [{ text: "{" }] }, "refused NotJson", ""],
      [
        "a base without a version",
        at("/operations/1", operation({ done: true, response: 7 })),
        "7",
        "/operations/1",
        LongRunningProtocol.google()
      ]
    ]

    it.effect.each(rows)("%s", ([_, routes, end, asked, protocol]) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* play("POST", routes, protocol ?? google(), {}), { end, asked })
      })
    )

    it.effect("recognizes an operation, and finds its base in the URL of the request", () =>
      Effect.gen(function* () {
        const name = "projects/p/operations/1"
        const server = Server.make({
          "POST /v1beta1/projects/p/vms": [{ json: { name, metadata: {} } }],
          [`GET /v1beta1/${name}`]: [{ json: { name, done: true, response: 7 } }]
        })
        const run = LongRunning.run(HttpClientRequest.post("http://h/v1beta1/projects/p/vms"), { deadline: "1 minute" })
        assert.strictEqual(yield* server.provide(run), 7)
      })
    )

    it.effect("a plain resource is no operation", () =>
      Effect.gen(function* () {
        const first = { json: { name: "projects/p/vms/1" } }
        assert.deepStrictEqual(yield* play("POST", { "POST /vm": [first] }, undefined, {}), {
          end: '{"name":"projects/p/vms/1"}',
          asked: ""
        })
      })
    )

    it.effect("progress - is read from the metadata, which the status carries", () =>
      Effect.gen(function* () {
        const metadata = { percent: 40 }
        const server = Server.make({
          "POST /vm": [operation({})],
          "GET /operations/1": [operation({}), operation({ metadata })]
        })
        const protocol = LongRunningProtocol.google({
          progress: (metadata) => (metadata as { readonly percent: number }).percent / 100
        })
        const job = LongRunning.job("vm", { protocol })
        const { key } = yield* server.provide(job.submit(HttpClientRequest.post("http://h/vm")))
        const handle = yield* server.provide(Poll.start(job, key, { deadline: "1 hour" }))
        yield* TestClock.adjust("1 minute")
        const seen = yield* handle.status
        assert.strictEqual(seen?._tag === "Pending" ? seen.progress : undefined, 0.4)
        assert.deepStrictEqual(
          seen?._tag === "Pending" ? (seen.detail as LongRunning.Detail).metadata : undefined,
          metadata
        )
      })
    )
  })

  describe("finding out the protocol", () => {
    const compute = (status: string) => ({
      kind: "compute#operation",
      name: "operation-1",
      status,
      selfLink: "http://h/compute/v1/projects/p/zones/z/operations/operation-1"
    })
    const rows: ReadonlyArray<readonly [string, Method, Server.Reply, string]> = [
      ["an operation of AIP-151", "POST", { json: { name: "operations/1" } }, "google"],
      ["Operation-Location", "POST", { status: 202, headers: { "operation-location": "/1" } }, "azure"],
      ["Azure-AsyncOperation", "POST", { status: 202, headers: { "azure-asyncoperation": "/1" } }, "azure"],
      ["a provisioningState of a PUT", "PUT", resource("Creating"), "azure"],
      ["an operation of Compute Engine", "POST", { json: compute("RUNNING") }, "compute"],
      ["a selfLink of an operation", "POST", { json: { ...compute("PENDING"), kind: undefined } }, "compute"],
      ["a bare name beside done", "POST", { json: { name: "123", done: false } }, "google"],
      ["Location", "PUT", { status: 202, headers: { location: "/1" } }, "accepted"],
      ["nothing", "POST", { json: 7 }, "accepted"]
    ]

    it.effect.each(rows)("%s", ([_, method, reply, protocol]) =>
      Effect.gen(function* () {
        const server = Server.make({ [`${method} /vm`]: [reply] })
        const { key } = yield* server.provide(
          LongRunning.job("vm").submit(HttpClientRequest.make(method)("http://h/vm"))
        )
        assert.strictEqual(key.protocol, protocol)
      })
    )
  })
})
