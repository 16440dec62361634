import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import type * as Told from "effect-poll/Told"
import * as Sse from "@effect-poll/http/Sse"

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({ state: Schema.Literals(["busy", "done"]), result: Schema.optionalKey(Schema.String) }),
  "state",
  { busy: Status.pending(), done: ({ result }) => Status.succeeded(result ?? "") }
)

const url = "https://api.example.com/tasks/1/events"
const busy = '{ "state": "busy" }'
const done = '{ "state": "done" }'

const encoder = new TextEncoder()

/** A connection that a test writes to. */
class Connection {
  isOpen = true
  private controller!: ReadableStreamDefaultController<Uint8Array>
  readonly request: HttpClientRequest.HttpClientRequest
  readonly response: Response

  constructor(request: HttpClientRequest.HttpClientRequest, init: ResponseInit = {}) {
    this.request = request
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.controller = controller
      },
      cancel: () => {
        this.isOpen = false
      }
    })
    this.response = new Response(init.status === 204 ? null : body, {
      headers: { "content-type": "text/event-stream" },
      ...init
    })
  }

  send(data: string | Uint8Array) {
    this.controller.enqueue(typeof data === "string" ? encoder.encode(data) : data)
  }

  close() {
    this.isOpen = false
    this.controller.close()
  }

  break() {
    this.isOpen = false
    this.controller.error(new Error("the connection broke"))
  }
}

/** A client whose connections a test writes to. `answers` are those of the first connections; all others are streams. */
const serving = (answers: ReadonlyArray<ResponseInit | "never"> = []) => {
  const connections: Array<Connection> = []
  const client = HttpClient.make((request) =>
    Effect.suspend(() => {
      const answer = answers[connections.length]
      const connection = new Connection(request, answer === "never" ? {} : answer)
      connections.push(connection)
      if (answer === "never") return Effect.never
      const response = HttpClientResponse.fromWeb(request, connection.response)
      return Effect.promise(() => new Promise((resume) => setImmediate(() => resume(response))))
    })
  )
  return { connections, provide: Effect.provideService(HttpClient.HttpClient, client) }
}

/** Lets what was sent arrive. */
const settle = Effect.promise(async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resume) => setImmediate(resume))
})

const later = (duration: "1 second" | "44 seconds" | "1 minute" | "59 minutes" | "9 seconds" | "4 seconds") =>
  Effect.andThen(Effect.andThen(settle, TestClock.adjust(duration)), settle)

const inWords = (told: Told.Told<unknown, unknown>): string => {
  if (told._tag === "Wake") return "wake"
  const result = told._tag === "Report" ? CheckResult.unannotated(told.result) : told.status
  return Status.isStatus(result)
    ? Status.describe(result)
    : result._tag === "UnknownState"
      ? `unknown ${result.state}`
      : result._tag
}

/** What a stream tells that consists of these chunks and then ends. */
const tells = (chunks: ReadonlyArray<string | Uint8Array>, options?: Sse.Options) => {
  const client = HttpClient.make((request) => {
    const connection = new Connection(request)
    for (const chunk of chunks) connection.send(chunk)
    connection.close()
    return Effect.succeed(HttpClientResponse.fromWeb(request, connection.response))
  })
  return Sse.checks(HttpClientRequest.get(url), TaskStatus, { onOpen: "nothing", ...options }).pipe(
    Stream.map(inWords),
    Stream.catch((error) => Stream.succeed(error.message)),
    Stream.runCollect,
    Effect.provideService(HttpClient.HttpClient, client)
  )
}

const check: Effect.Effect<Status.Status<string>> = Effect.succeed(Status.pending())

const bytesOf = (text: string) => Array.from(encoder.encode(text), (byte) => Uint8Array.of(byte))

describe("Sse", () => {
  const parsed: ReadonlyArray<readonly [string, ReadonlyArray<string | Uint8Array>, ReadonlyArray<string>]> = [
    ["lines that end with LF", [`data: ${busy}\n\ndata: ${done}\n\n`], ["Pending busy", "Succeeded done"]],
    ["lines that end with CR", [`data: ${busy}\r\rdata: ${done}\r\r`], ["Pending busy", "Succeeded done"]],
    ["lines that end with CRLF", [`data: ${busy}\r\n\r\n`], ["Pending busy"]],
    ["a CRLF in two chunks", [`data: ${busy}\r`, "\n\r", "\n"], ["Pending busy"]],
    ["a byte order mark", [`\uFEFFdata: ${busy}\n\n`], ["Pending busy"]],
    ["only one byte order mark", [`\uFEFF\uFEFFdata: ${done}\n\ndata: ${busy}\n\n`], ["Pending busy"]],
    ["a field without a space", [`data:${busy}\n\n`], ["Pending busy"]],
    ["data of several lines", ['data: { "state":\ndata: "busy" }\n\n'], ["Pending busy"]],
    ["comments and unknown fields", [`: hello\nfoo: bar\nfoo\ndata: ${busy}\n\n: bye\n\n`], ["Pending busy"]],
    ["events with other names", [`event: log\ndata: ${done}\n\nevent: message\ndata: ${busy}\n\n`], ["Pending busy"]],
    ["a name that counts for one event only", [`event: log\ndata: 1\n\ndata: ${busy}\n\n`], ["Pending busy"]],
    ["an event without data", ["event: message\n\nid: 1\n\n"], []],
    ["an event that breaks off", [`data: ${busy}\n\ndata: ${done}\n`], ["Pending busy"]],
    [
      "each byte alone",
      bytesOf(`\uFEFFdata: ${busy}\r\n\r\ndata: ${done}\r\n\r\n`),
      ["Pending busy", "Succeeded done"]
    ],
    ["a state that the Schema does not list", ['data: { "state": "odd" }\n\n'], ["unknown odd"]],
    ["data that is not JSON", [`data: oops\n\ndata: ${done}\n\n`], ["wake", "Succeeded done"]],
    ["data that the Schema rejects", ["data: {}\n\n"], ["wake"]],
    ["empty data", ["data\n\n"], ["wake"]],
    [
      "JSON that is nested too deep",
      [`data: { "state": "done", "more": ${"[".repeat(2_000)}${"]".repeat(2_000)} }\n\n`],
      ["wake"]
    ],
    ["several reasons to check in one chunk", ["data: 1\n\ndata: 2\n\ndata: 3\n\n"], ["wake"]]
  ]
  for (const [name, chunks, expected] of parsed) {
    it.effect(`checks - reads ${name}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* tells(chunks), expected)
      })
    )
  }

  it.effect("checks - keeps characters whose bytes are in two chunks", () =>
    Effect.gen(function* () {
      const { connections, provide } = serving()
      const push = Sse.checks(HttpClientRequest.get(url), TaskStatus)
      const fiber = yield* Effect.forkChild(provide(Poll.until(check, { deadline: "1 hour", push })))
      yield* settle
      for (const byte of bytesOf('data: { "state": "done", "result": "größer 🚀" }\n\n')) connections[0]!.send(byte)
      assert.strictEqual(yield* Fiber.join(fiber), "größer 🚀")
    })
  )

  const options: ReadonlyArray<readonly [string, Sse.Options, string, ReadonlyArray<string>]> = [
    ["onOpen - a wake", { onOpen: "wake" }, `data: ${done}\n\n`, ["wake", "Succeeded done"]],
    ["as - a wake for each chunk", { as: "wake" }, `data: ${done}\n\ndata: oops\n\n`, ["wake"]],
    ["event - a name", { event: "status" }, `data: ${done}\n\nevent: status\ndata: ${busy}\n\n`, ["Pending busy"]],
    [
      "event - several names",
      { event: ["a", "b"] },
      `event: a\ndata: ${busy}\n\nevent: b\ndata: ${done}\n\nevent: c\ndata: 1\n\n`,
      ["Pending busy", "Succeeded done"]
    ],
    [
      "read - what the Schema decodes",
      { event: "done", read: ({ event, data }) => ({ state: event, result: data }) },
      "event: done\ndata: cat.png\n\n",
      ["Succeeded done"]
    ],
    ["read - undefined is nothing", { read: () => undefined }, "data: 1\n\n", []],
    ["read - a throw is a wake", { read: () => assert.fail("oops") }, "data: 1\n\n", ["wake"]],
    ["read - a promise is a wake", { read: async () => assert.fail("oops") }, "data: 1\n\n", ["wake"]],
    ["run - a throw is a wake", { run: () => assert.fail("oops") }, `data: ${done}\n\n`, ["wake"]],
    [
      "parse - reads what is almost JSON",
      { parse: (text) => JSON.parse(text.slice(4)) },
      `data: )]}'${done}\n\n`,
      ["Succeeded done"]
    ],
    [
      "done - a function that throws finds nothing",
      { done: () => assert.fail("oops") },
      `data: ${done}\n\n`,
      ["Succeeded done"]
    ],
    [
      "maxEventSize - breaks the stream after the events before",
      { maxEventSize: 30 },
      `data: ${busy}\n\ndata: ${" ".repeat(40)}\n\n`,
      ["Pending busy", "the events of https://api.example.com/tasks/1/events: an event has more than 30 characters"]
    ]
  ]
  for (const [name, given, text, expected] of options) {
    it.effect(`checks - ${name}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* tells([text], given), expected)
      })
    )
  }

  it("checks - throws a RangeError for an option that is out of range", () => {
    const get = HttpClientRequest.get(url)
    assert.throws(() => Sse.checks(get, TaskStatus, { idleTimeout: 0 }), RangeError, "Sse.checks: idleTimeout")
    assert.throws(() => Sse.checks(get, TaskStatus, { maxEventSize: 0 }), RangeError, "Sse.checks: maxEventSize")
    assert.throws(() => Sse.checks(get, TaskStatus, { event: [] }), RangeError, "Sse.checks: event")
    assert.throws(() => Sse.checks(get, TaskStatus, { event: "" }), RangeError, "Sse.checks: event")
    assert.throws(() => Sse.checks(get, TaskStatus, { as: "ended" as never }), RangeError, "Sse.checks: as")
    assert.throws(() => Sse.checks(get, TaskStatus, { onOpen: "status" as never }), RangeError, "Sse.checks: onOpen")
    assert.throws(() => Sse.checks(HttpClientRequest.get(""), TaskStatus), RangeError, "Sse.checks: request.url")
    assert.throws(
      () => Sse.checks(get, TaskStatus, { allowedOrigins: ["*"] }),
      RangeError,
      "Sse.checks: allowedOrigins"
    )
  })

  /** A wait whose checks find a pending job, and its connections. */
  const waiting = (given?: Sse.Options, answers?: ReadonlyArray<ResponseInit | "never">) =>
    Effect.gen(function* () {
      const { connections, provide } = serving(answers)
      const breaks: Array<unknown> = []
      let checked = 0
      const fiber = yield* Effect.forkChild(
        provide(
          Poll.until(
            Effect.sync((): Status.Status<string> => {
              checked++
              return Status.pending()
            }),
            {
              deadline: "1 day",
              behind: Strategy.spaced("1 day"),
              push: Sse.checks(HttpClientRequest.get(url), TaskStatus, given),
              observers: [
                {
                  observe: ({ event }) =>
                    Effect.sync(() => void (event._tag === "SourceBroke" && breaks.push(event.error)))
                }
              ]
            }
          )
        )
      )
      yield* settle
      return { connections, breaks, checked: () => checked, fiber }
    })

  const idOf = ({ request }: Connection) => request.headers["last-event-id"]

  it.effect("checks - an opened stream asks for one check besides the first one", () =>
    Effect.gen(function* () {
      const { checked, connections, fiber } = yield* waiting()
      yield* later("44 seconds")
      assert.strictEqual(checked(), 2)
      assert.strictEqual(connections[0]!.request.headers["accept"], "text/event-stream")
      assert.strictEqual(idOf(connections[0]!), undefined)
      connections[0]!.send(`data: ${done}\n\n`)
      assert.strictEqual(yield* Fiber.join(fiber), "")
      yield* settle
      assert.isFalse(connections[0]!.isOpen)
    })
  )

  it.effect("checks - an interrupted wait closes its connection", () =>
    Effect.gen(function* () {
      const { connections, fiber } = yield* waiting()
      assert.isTrue(connections[0]!.isOpen)
      yield* Fiber.interrupt(fiber)
      yield* settle
      assert.isFalse(connections[0]!.isOpen)
    })
  )

  it.effect("checks - a stream that ends is opened again, with the id of the last event", () =>
    Effect.gen(function* () {
      const { breaks, connections } = yield* waiting()
      connections[0]!.send(`id: a\ndata: ${busy}\n\ndata: ${busy}\n\nid: b\ndata: ${busy}`)
      yield* settle
      connections[0]!.close()
      yield* later("1 second")
      assert.strictEqual(idOf(connections[1]!), "a")
      assert.deepStrictEqual(breaks, [undefined])
      // A stream without ids keeps that of the one before, and an empty id is none.
      connections[1]!.send(`data: ${busy}\n\n`)
      yield* settle
      connections[1]!.break()
      yield* later("4 seconds")
      assert.strictEqual(idOf(connections[2]!), "a")
      connections[2]!.send(`id\ndata: ${busy}\n\n`)
      yield* settle
      connections[2]!.close()
      yield* later("9 seconds")
      assert.strictEqual(idOf(connections[3]!), undefined)
    })
  )

  for (const [name, id, header] of [
    ["in UTF-8", "größer", "gr\u00c3\u00b6\u00c3\u009fer"],
    ["not with control characters", "a\u0001b", undefined],
    ["not with more than 1,024 characters", "a".repeat(1_025), undefined]
  ] as const) {
    it.effect(`checks - the id of the last event is sent ${name}`, () =>
      Effect.gen(function* () {
        const { connections } = yield* waiting()
        connections[0]!.send(`id: ${id}\ndata: ${busy}\n\n`)
        yield* settle
        connections[0]!.close()
        yield* later("1 second")
        assert.strictEqual(idOf(connections[1]!), header)
      })
    )
  }

  it.effect("checks - waits that share a stream have ids of their own", () =>
    Effect.gen(function* () {
      const { connections, provide } = serving()
      const push = Sse.checks(HttpClientRequest.get(url), TaskStatus)
      const wait = provide(Poll.until(check, { deadline: "1 day", behind: Strategy.spaced("1 day"), push }))
      yield* Effect.forkChild(wait)
      yield* settle
      yield* Effect.forkChild(wait)
      yield* settle
      connections[0]!.send(`id: a\ndata: ${busy}\n\n`)
      yield* settle
      for (const connection of connections.slice(0, 2)) connection.close()
      yield* later("1 second")
      assert.sameMembers(connections.slice(2).map(idOf), ["a", undefined])
    })
  )

  for (const kind of ["a job", "a job with services provided"] as const) {
    it.effect(`checks - ${kind} keeps the id from one connection to the next`, () =>
      Effect.gen(function* () {
        const { connections, provide } = serving()
        class Name extends Context.Service<Name, string>()("Name") {}
        const bare = Job.make("job", {
          check: () => check,
          push: (id: string) =>
            Sse.checks(
              Effect.map(Name, (name) => HttpClientRequest.get(`${url}?id=${id}&name=${name}`)),
              TaskStatus
            )
        })
        const layer = Layer.succeed(Name, "me")
        const options = { deadline: "1 day", behind: Strategy.spaced("1 day") } as const
        yield* Effect.forkChild(
          provide(
            kind === "a job"
              ? Effect.provide(Poll.until(bare, "1", options), layer)
              : Poll.until(Job.provide(bare, layer), "1", options)
          )
        )
        yield* settle
        connections[0]!.send(`id: a\ndata: ${busy}\n\n`)
        yield* settle
        connections[0]!.close()
        yield* later("1 second")
        assert.strictEqual(idOf(connections[1]!), "a")
        assert.strictEqual(connections[1]!.request.url, `${url}?id=1&name=me`)
      })
    )
  }

  it.effect("checks - the id of another URL is not sent", () =>
    Effect.gen(function* () {
      const { connections, provide } = serving()
      let nonce = 0
      const push = Sse.checks(
        Effect.sync(() => HttpClientRequest.get(`${url}?nonce=${++nonce}`)),
        TaskStatus
      )
      yield* Effect.forkChild(provide(Poll.until(check, { deadline: "1 day", behind: Strategy.spaced("1 day"), push })))
      yield* settle
      connections[0]!.send(`id: a\ndata: ${busy}\n\n`)
      yield* settle
      connections[0]!.close()
      yield* later("1 second")
      assert.deepStrictEqual(connections.map(idOf), [undefined, undefined])
    })
  )

  for (const [name, answers, text] of [
    ["the retry field", [], "retry: 10000\n\n"],
    ["a Retry-After", [{ status: 503, headers: { "retry-after": "10" } }], undefined]
  ] as const) {
    it.effect(`checks - ${name} is a minimum for the next connection`, () =>
      Effect.gen(function* () {
        const { connections } = yield* waiting({}, answers)
        if (text !== undefined) {
          connections[0]!.send(text)
          yield* settle
          connections[0]!.close()
        }
        yield* later("9 seconds")
        assert.strictEqual(connections.length, 1)
        yield* later("1 second")
        assert.strictEqual(connections.length, 2)
      })
    )
  }

  for (const retry of ["99999999999", "9".repeat(400)]) {
    it.effect(`checks - a retry field of ${retry.length} digits counts as one hour`, () =>
      Effect.gen(function* () {
        const { connections } = yield* waiting()
        connections[0]!.send(`retry: ${retry}\n\n`)
        yield* settle
        connections[0]!.close()
        yield* later("59 minutes")
        assert.strictEqual(connections.length, 1)
        yield* later("1 minute")
        assert.strictEqual(connections.length, 2)
      })
    )
  }

  for (const [name, given, text] of [
    ["a 204", [{ status: 204 }], undefined],
    ["the event that done describes", [], "event: end\ndata: [DONE]\n\n"]
  ] as const) {
    it.effect(`checks - ${name} asks for a check, and the stream is not opened again`, () =>
      Effect.gen(function* () {
        const { breaks, checked, connections, fiber } = yield* waiting({ done: "[DONE]", onOpen: "nothing" }, given)
        if (text !== undefined) {
          assert.strictEqual(checked(), 1)
          connections[0]!.send(text)
          yield* settle
          assert.isFalse(connections[0]!.isOpen)
        }
        yield* later("59 minutes")
        assert.strictEqual(checked(), 2)
        assert.strictEqual(connections.length, 1)
        assert.deepStrictEqual(breaks, [])
        yield* Fiber.interrupt(fiber)
      })
    )
  }

  it.effect("checks - a stream is broken after 45 seconds without a byte; comments are bytes", () =>
    Effect.gen(function* () {
      const { breaks, connections } = yield* waiting()
      for (let times = 0; times < 3; times++) {
        yield* later("44 seconds")
        connections[0]!.send(":\n")
        yield* settle
      }
      assert.deepStrictEqual(breaks, [])
      yield* later("44 seconds")
      yield* later("1 second")
      assert.strictEqual(
        String(breaks[0]),
        "SseError: the events of https://api.example.com/tasks/1/events: nothing arrived for 45000 ms"
      )
      assert.isFalse(connections[0]!.isOpen)
      yield* later("1 second")
      assert.strictEqual(connections.length, 2)
    })
  )

  it.effect("checks - a server that does not answer is a broken stream after that time, too", () =>
    Effect.gen(function* () {
      const { breaks, connections } = yield* waiting({ idleTimeout: "4 seconds" }, ["never"])
      yield* later("4 seconds")
      assert.strictEqual(breaks.length, 1)
      yield* later("1 second")
      assert.strictEqual(connections.length, 2)
    })
  )

  it.effect("checks - an unbounded idleTimeout waits on", () =>
    Effect.gen(function* () {
      const { breaks } = yield* waiting({ idleTimeout: "unbounded" })
      yield* later("59 minutes")
      assert.deepStrictEqual(breaks, [])
    })
  )

  for (const [name, answer] of [
    ["an HTML page", { headers: { "content-type": "text/html" } }],
    ["no content type", { headers: {} }],
    ["202", { status: 202, headers: { "content-type": "text/event-stream" } }],
    ["500", { status: 500 }],
    ["401", { status: 401 }]
  ] as const) {
    it.effect(`checks - ${name} in place of a stream is not read, and asked again`, () =>
      Effect.gen(function* () {
        const { breaks, checked, connections } = yield* waiting({}, [answer])
        assert.strictEqual(breaks.length, 1)
        assert.strictEqual(checked(), 1)
        assert.isFalse(connections[0]!.isOpen)
        yield* later("1 second")
        assert.strictEqual(connections.length, 2)
        assert.isTrue(connections[1]!.isOpen)
      })
    )
  }

  it.effect("checks - 10,000 events that cannot be decoded are one reason to check", () =>
    Effect.gen(function* () {
      const { checked, connections } = yield* waiting({ onOpen: "nothing" })
      assert.strictEqual(checked(), 1)
      for (let chunk = 0; chunk < 100; chunk++) {
        connections[0]!.send("data: oops\n\n".repeat(100))
        yield* settle
      }
      assert.isAtMost(checked(), 2)
      yield* later("44 seconds")
      assert.strictEqual(checked(), 2)
    })
  )

  for (const [name, text] of [
    ["a line without an end", "data: x"],
    ["a comment without an end", ":"],
    ["an event of lines without an end", "data: x\n"],
    ["an id without an end", "id: x"]
  ] as const) {
    it.effect(`checks - no more is read of ${name} than maxEventSize allows`, () =>
      Effect.gen(function* () {
        let sent = 0
        let isOpen = true
        const client = HttpClient.make((request) => {
          const body = new ReadableStream<Uint8Array>({
            pull: (controller) => {
              const chunk = encoder.encode(sent === 0 || text.endsWith("\n") ? text.repeat(1_024) : "x".repeat(1_024))
              sent += chunk.byteLength
              controller.enqueue(chunk)
            },
            cancel: () => {
              isOpen = false
            }
          })
          const response = new Response(body, { headers: { "content-type": "text/event-stream" } })
          return Effect.succeed(HttpClientResponse.fromWeb(request, response))
        })
        const error = yield* Sse.checks(HttpClientRequest.get(url), TaskStatus, { maxEventSize: 100_000 }).pipe(
          Stream.runDrain,
          Effect.flip,
          Effect.provideService(HttpClient.HttpClient, client)
        )
        assert.include(error.message, "more than 100000 characters")
        assert.isAtMost(sent, 450_000)
        assert.isFalse(isOpen)
      })
    )
  }
})
