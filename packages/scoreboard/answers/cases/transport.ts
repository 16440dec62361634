// A22, S2: connections that break, and bodies without end. Real sockets.
import type { ServerResponse } from "node:http"
import { gzipSync } from "node:zlib"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as LongRunning from "@effect-poll/http/LongRunning"
import * as McpTasks from "@effect-poll/http/McpTasks"
import { type Case, complain, type Complaint, type Expected, first, overSockets, unless } from "../case.ts"
import type { Program } from "../lab.ts"
import { type Client, type Origin, send, type Sockets } from "../sockets.ts"
import { JobStatus } from "./kit.ts"

const fast = { strategy: Strategy.spaced("5 millis"), deadline: "15 seconds" } as const

/** No failed check is tolerated. */
const once = ({ origin }: Origin): Program =>
  Poll.until(HttpCheck.get(`${origin}/jobs/1`, JobStatus), { ...fast, checkErrors: { maxConsecutive: 0 } })

const broken = (
  id: string,
  name: string,
  write: Parameters<Sockets["raw"]>[0],
  says: Readonly<Record<Client, RegExp>>
): Case =>
  overSockets(id, name, async (sockets) => {
    const origin = await sockets.raw(write)
    return sockets.each(async (client) =>
      complain(await sockets.observe(origin, client, once(origin)), {
        tag: "CheckErrorsExhausted",
        error: { "error.reason._tag": "Transport" },
        says: says[client]
      })
    )
  })

/** What the parsers of Node say of bytes that are no HTTP. */
const parser = /HPE_|Parse Error|invalid|does not match the HTTP/i

const closed = /ECONNRESET|UND_ERR_SOCKET|EPIPE|other side closed|socket hang up|terminated|aborted|premature/i

const each = (text: RegExp): Readonly<Record<Client, RegExp>> => ({ fetch: text, undici: text, node: text })

const mebibyte = 1_048_576

/** What may have left the server when the client closes: the bound, and the buffers on the way. */
const mostWritten = 24 * mebibyte

/** Writes for ever, as fast as the client reads. */
const flood = (response: ServerResponse, chunk: Uint8Array): void => {
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once("drain", more)
  }
  more()
}

const spaces = new Uint8Array(65_536).fill(32)

const tooLarge: Expected = {
  tag: "CheckRejected",
  error: { "error.reason._tag": "TooLarge" },
  says: /large|bytes|MiB/i
}

const bounded = (
  id: string,
  name: string,
  respond: Parameters<Sockets["serve"]>[0],
  program: (origin: Origin) => Program,
  ends: Expected = tooLarge,
  only?: Client
): Case =>
  overSockets(id, name, async (sockets) => {
    const run = async (client: Client): Promise<Complaint> => {
      const origin = await sockets.serve(respond)
      const before = process.memoryUsage.rss()
      const seen = await sockets.observe(origin, client, program(origin))
      const grown = process.memoryUsage.rss() - before
      return first(
        complain(seen, ends),
        unless(origin.written() < mostWritten, `${origin.written()} bytes were read`),
        unless(grown < 200 * mebibyte, `memory grew by ${Math.round(grown / mebibyte)} MiB`)
      )
    }
    return only === undefined ? sockets.each(run) : run(only)
  })

const head = { "content-type": "application/json" }

const mcp = ({ origin }: Origin) => {
  const tasks = McpTasks.job("mcp", {
    dialect: "2025-11-25",
    call: McpTasks.http({ url: `${origin}/mcp` }),
    result: Schema.Unknown
  })
  return Poll.until(tasks, "task-1", { ...fast, checkErrors: { maxConsecutive: 0 } })
}

const bomb = gzipSync(new Uint8Array(256 * mebibyte).fill(32))

export const transport: ReadonlyArray<Case> = [
  broken(
    "A22.a",
    "a chunk whose length is no number",
    (socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    // Of a body that breaks off, node:http only says that it was aborted.
    { ...each(parser), node: /HPE_|aborted/ }
  ),
  broken(
    "A22.b",
    "an answer that is no HTTP",
    (socket) => socket.end("\u0000\u0001SSH-2.0-OpenSSH\r\n\r\n"),
    each(parser)
  ),
  broken("A22.c", "a connection that is reset", (socket) => void socket.resetAndDestroy(), each(closed)),
  broken(
    "A22.d",
    "a body that ends before its length",
    (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"),
    each(closed)
  ),
  overSockets("A22.e", "the port is closed", async (sockets) => {
    const origin = await sockets.raw(() => {})
    await sockets.close()
    return sockets.each(async (client) =>
      complain(await sockets.observe(origin, client, once(origin)), {
        tag: "CheckErrorsExhausted",
        says: "ECONNREFUSED"
      })
    )
  }),
  broken(
    "A22.f",
    "headers larger than any client takes",
    (socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${"h".repeat(300_000)}\r\n\r\n{}`),
    each(/HPE_HEADER_OVERFLOW|UND_ERR_HEADERS_OVERFLOW|header/i)
  ),
  overSockets("A22.g", "a broken connection is tolerated, and the next check succeeds", async (sockets) => {
    const origin = await sockets.raw((socket, n) => {
      const body = JSON.stringify({ status: "done", url: "a" })
      if (n === 1) socket.resetAndDestroy()
      else socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    })
    const program = Poll.until(HttpCheck.get(`${origin.origin}/jobs/1`, JobStatus), {
      ...fast,
      checkErrors: { schedule: Strategy.spaced("5 millis") }
    })
    return complain(await sockets.observe(origin, "fetch", program), { tag: "Succeeded", value: "a" })
  }),

  bounded("S2.a", "an answer without end", (_request, response) => flood(response.writeHead(200, head), spaces), once),
  bounded(
    "S2.b",
    "a gzip bomb: 250 KB that are 256 MiB",
    (_request, response) => response.writeHead(200, { ...head, "content-encoding": "gzip" }).end(bomb),
    once,
    tooLarge,
    "fetch"
  ),
  bounded(
    "S2.c",
    "one event of a stream without end",
    (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("event: message\ndata: ")
      flood(response, new Uint8Array(65_536).fill(120))
    },
    mcp,
    { tag: "CheckRejected" }
  ),
  bounded(
    "S2.d",
    "an error page without end is cut, and its status counts",
    (_request, response) => flood(response.writeHead(500, { "content-type": "text/html" }), spaces),
    once,
    { tag: "CheckErrorsExhausted", error: { "error.reason._tag": "Status" } }
  ),
  bounded(
    "S2.e",
    "an operation whose first answer has no end",
    (_request, response) => flood(response.writeHead(202, head), spaces),
    ({ origin }) => LongRunning.run(HttpClientRequest.post(`${origin}/operations`), fast),
    { tag: "HttpCheckError", error: { "reason._tag": "TooLarge" } }
  ),
  bounded(
    "S2.f",
    "a smaller bound by option",
    (_request, response) => send(response, 200, { status: "done", url: "u".repeat(20_000) }),
    ({ origin }) => Poll.until(HttpCheck.get(`${origin}/jobs/1`, JobStatus, { maxBody: 10_000 }), fast)
  ),
  bounded(
    "S2.g",
    "a body just below the bound is read",
    (_request, response) => send(response, 200, `{"status":"done","url":"a"}${" ".repeat(8 * mebibyte - 100)}`),
    once,
    { tag: "Succeeded", value: "a" }
  )
]
