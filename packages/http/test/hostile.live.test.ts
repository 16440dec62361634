// The road to the network over real sockets: what hostile and broken servers on loopback make of each client.
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Agent, interceptors } from "@effect/platform-node/Undici"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { type AddressInfo, createServer as createRawServer, type Socket } from "node:net"
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from "node:zlib"
import * as Authorization from "@effect-poll/http/Authorization"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import type { RequestOptions } from "@effect-poll/http/RequestOptions"

// Megabytes over loopback, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const clients: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  fetch: FetchHttpClient.layer,
  "node:http": NodeHttpClient.layerNodeHttp,
  undici: NodeHttpClient.layerUndici,
  "undici that follows redirects": Layer.provide(
    NodeHttpClient.layerUndiciNoDispatcher,
    Layer.sync(NodeHttpClient.Dispatcher, () => new Agent().compose(interceptors.redirect({ maxRedirections: 5 })))
  )
}

const names = Object.keys(clients)

interface Server {
  readonly origin: string
  readonly seen: Array<{ readonly url: string; readonly method: string; readonly headers: IncomingMessage["headers"] }>
  /** Resolves once a connection was closed by the client while an answer was under way. */
  readonly aborted: Promise<void>
  readonly connections: () => number
  readonly written: () => number
}

/** A server that answers by path. */
const serve = (
  routes: Readonly<Record<string, (response: ServerResponse, request: IncomingMessage) => void>>
): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Server & { readonly close: () => void }>((resume) => {
        const seen: Array<Server["seen"][number]> = []
        const sockets = new Set<Socket>()
        let connections = 0
        let done = 0
        let abort = () => {}
        const aborted = new Promise<void>((resolve) => (abort = resolve))
        const server = createServer((request, response) => {
          seen.push({ url: request.url!, method: request.method!, headers: request.headers })
          response.on("close", () => {
            if (!response.writableFinished) abort()
          })
          const route = routes[request.url!.split("?")[0]!]
          if (route === undefined) response.writeHead(404).end()
          else route(response, request)
        })
        server.on("connection", (socket) => {
          connections++
          sockets.add(socket)
          socket.on("error", () => {})
          socket.on("close", () => {
            done += socket.bytesWritten
            sockets.delete(socket)
          })
        })
        server.listen(0, "127.0.0.1", () =>
          resume(
            Effect.succeed({
              origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
              seen,
              aborted,
              connections: () => connections,
              written: () => done + [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
              close: () => {
                server.close()
                server.closeAllConnections()
              }
            })
          )
        )
      }),
      ({ close }) => Effect.sync(close)
    ),
    (server): Server => server
  )

/** A server that answers each connection with these bytes. */
const raw = (bytes: string | ((socket: Socket) => void)) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
        const sockets = new Set<Socket>()
        const server = createRawServer((socket) => {
          sockets.add(socket)
          socket.on("error", () => {})
          socket.once("data", () => (typeof bytes === "string" ? socket.end(bytes, "latin1") : bytes(socket)))
        })
        server.listen(0, "127.0.0.1", () =>
          resume(
            Effect.succeed({
              url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
              close: () => {
                server.close()
                for (const socket of sockets) socket.destroy()
              }
            })
          )
        )
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ url }) => url
  )

const redirect =
  (location: string, status = 302) =>
  (response: ServerResponse) =>
    void response.writeHead(status, { location }).end()

const json = (body: string) => (response: ServerResponse) =>
  void response.writeHead(200, { "content-type": "application/json" }).end(body)

/** Writes for ever, as fast as the client reads. */
const endless =
  (chunk: Buffer, head: (response: ServerResponse) => void = () => {}) =>
  (response: ServerResponse) => {
    head(response)
    const more = () => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on("drain", more)
    more()
  }

const send = (request: HttpClientRequest.HttpClientRequest, options?: RequestOptions) =>
  Effect.map(HttpCheck.send(request, Schema.Unknown, options), ({ value }) => value)

const get = (url: string, options?: RequestOptions) => send(HttpClientRequest.get(url), options)

const failure = (
  effect: Effect.Effect<unknown, HttpCheckError, HttpClient.HttpClient>
): Effect.Effect<HttpCheckError, unknown, HttpClient.HttpClient> => Effect.flip(effect)

describe.each(names)("over %s", (name) => {
  const live = <A, E>(title: string, effect: () => Effect.Effect<A, E, HttpClient.HttpClient | Scope.Scope>) =>
    it.live(title, () => Effect.provide(effect(), clients[name]!))

  describe("origins", () => {
    live("a redirect to another origin is refused, and that origin is not asked", () =>
      Effect.gen(function* () {
        const evil = yield* serve({ "/x": json("1") })
        const home = yield* serve({ "/": redirect(`${evil.origin}/x?token=SECRET`) })
        const error = yield* failure(get(`${home.origin}/`))
        assert.strictEqual(error.reason._tag === "Refused" ? error.reason.url : error.message, `${evil.origin}/x`)
        assert.strictEqual(evil.seen.length, 0)
      })
    )

    live("a listed origin gets no credentials, however they were added", () =>
      Effect.gen(function* () {
        const storage = yield* serve({
          // As presigned URLs do: a second credential is an error.
          "/object": (response, { headers }) =>
            headers.authorization === undefined && headers.cookie === undefined
              ? json('"result"')(response)
              : void response.writeHead(400).end()
        })
        const home = yield* serve({ "/": redirect(`${storage.origin}/object?sig=1`, 303) })
        const authorization = yield* Authorization.make({ token: Effect.succeed(Redacted.make("SECRET")) })
        const found = yield* Effect.updateService(
          send(
            HttpClientRequest.get(`${home.origin}/`).pipe(
              HttpClientRequest.setHeaders({
                cookie: "SECRET",
                "x-api-key": "SECRET",
                "x-own": "SECRET",
                "x-version": "1"
              })
            ),
            { allowedOrigins: [storage.origin], secretHeaders: ["X-Own"] }
          ),
          HttpClient.HttpClient,
          (client) =>
            Authorization.client(
              HttpClient.mapRequest(client, HttpClientRequest.setHeader("x-auth-token", "SECRET")),
              authorization
            )
        )
        assert.strictEqual(found, "result")
        assert.strictEqual(home.seen[0]?.headers.authorization, "Bearer SECRET")
        assert.strictEqual(home.seen[0]?.headers["x-auth-token"], "SECRET")
        assert.notInclude(JSON.stringify(storage.seen), "SECRET")
        assert.strictEqual(storage.seen[0]?.headers["x-version"], "1")
      })
    )

    live("redirects within the origin are followed, and their connections used again", () =>
      Effect.gen(function* () {
        const home = yield* serve({
          "/a": redirect("/b", 307),
          "/b": redirect("c", 308),
          "/c": redirect("/d?x", 303),
          "/d": json("7")
        })
        const request = HttpClientRequest.post(`${home.origin}/a`).pipe(HttpClientRequest.bodyJsonUnsafe({ a: 1 }))
        assert.strictEqual(yield* send(request), 7)
        assert.deepStrictEqual(
          home.seen.map(({ method, url }) => `${method} ${url}`),
          ["POST /a", "POST /b", "POST /c", "GET /d?x"]
        )
        if (name !== "node:http") assert.isAtMost(home.connections(), 2)
      })
    )

    live("a circle is refused", () =>
      Effect.gen(function* () {
        const home = yield* serve({ "/a": redirect("/b"), "/b": redirect("/a") })
        const error = yield* failure(get(`${home.origin}/a`))
        assert.strictEqual(error.reason._tag === "Refused" ? error.reason.rule : error.message, "loop")
        assert.strictEqual(home.seen.length, 2)
      })
    )

    live("the endless body of a redirect is not read", () =>
      Effect.gen(function* () {
        const home = yield* serve({
          "/": endless(Buffer.alloc(65_536), (response) => response.writeHead(302, { location: "/b" })),
          "/b": json("1")
        })
        assert.strictEqual(yield* get(`${home.origin}/`), 1)
        yield* Effect.promise(() => home.aborted)
        assert.isBelow(home.written(), 40_000_000)
      })
    )
  })

  describe("bodies", () => {
    live("an endless body is cut off, and its connection closed", () =>
      Effect.gen(function* () {
        const home = yield* serve({ "/": endless(Buffer.alloc(65_536, " ")) })
        const error = yield* failure(get(`${home.origin}/`, { maxBody: "1 MiB" }))
        assert.strictEqual(error.reason._tag, "TooLarge")
        yield* Effect.promise(() => home.aborted)
        // What is under way in sockets and streams comes on top.
        assert.isBelow(home.written(), 40_000_000)
      })
    )

    live("the endless body of a refusal leaves its status", () =>
      Effect.gen(function* () {
        const home = yield* serve({ "/": endless(Buffer.alloc(65_536, "x"), (response) => response.writeHead(403)) })
        const error = yield* failure(get(`${home.origin}/`, { maxBody: "1 MiB" }))
        assert.strictEqual(error.reason._tag === "Status" ? error.reason.status : error.message, 403)
        yield* Effect.promise(() => home.aborted)
      })
    )

    live("a declared length beyond the limit is cut off as well", () =>
      Effect.gen(function* () {
        const home = yield* serve({
          "/": endless(Buffer.alloc(65_536, " "), (response) =>
            response.writeHead(200, { "content-length": "3000000000" })
          )
        })
        const error = yield* failure(get(`${home.origin}/`, { maxBody: "1 MiB" }))
        assert.strictEqual(error.reason._tag, "TooLarge")
        yield* Effect.promise(() => home.aborted)
        assert.isBelow(home.written(), 40_000_000)
      })
    )

    live("a small answer is read, with a length and in chunks, and the connection used again", () =>
      Effect.gen(function* () {
        const home = yield* serve({
          "/length": json('{"a":"ä"}'),
          "/chunks": (response) => {
            response.write('{"a"')
            setImmediate(() => response.end(':"ä"}'))
          }
        })
        for (const path of ["/length", "/chunks", "/length", "/chunks"]) {
          assert.deepStrictEqual(yield* get(home.origin + path), { a: "ä" })
        }
        if (name !== "node:http") assert.isAtMost(home.connections(), 2)
      })
    )

    live("an endless answer costs no more memory than a few times the limit", () =>
      Effect.gen(function* () {
        const home = yield* serve({ "/": endless(Buffer.alloc(262_144, " ")) })
        const before = process.memoryUsage().rss
        let peak = before
        const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5)
        for (let round = 0; round < 3; round++) {
          const error = yield* failure(get(`${home.origin}/`))
          assert.strictEqual(error.reason._tag, "TooLarge")
        }
        clearInterval(sampling)
        // Three answers of 8 MiB, of which little may have been collected.
        assert.isBelow(Math.max(peak, process.memoryUsage().rss) - before, 160_000_000)
      })
    )
  })

  describe("transport errors", () => {
    const cases: ReadonlyArray<readonly [string, string | ((socket: Socket) => void), RegExp]> = [
      [
        "a malformed chunk",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\nhello\r\n",
        /chunk size|aborted/i
      ],
      ["garbage", "what?\r\n\r\n", /HTTP|protocol|parse/i],
      ["a header that is none", "HTTP/1.1 200 OK\r\nbad header\r\n\r\n", /header|token/i],
      [
        "a body that ends early",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        /closed|aborted|terminated|mismatch/i
      ],
      ["a reset", (socket) => socket.resetAndDestroy(), /ECONNRESET|closed|hang up/],
      ["no answer", (socket) => socket.end(), /closed|hang up/],
      ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", /length/i]
    ]
    it.live.each(cases)("%s is named", ([, bytes, words]) =>
      Effect.gen(function* () {
        const url = yield* raw(bytes)
        const error = yield* failure(get(url))
        assert.strictEqual(error.reason._tag, "Transport", error.message)
        assert.match(error.message, /^GET http:\/\/127\.0\.0\.1:\d+\/: network error/)
        assert.match(error.message, words)
      }).pipe(Effect.provide(clients[name]!))
    )

    live("a port that nothing listens on is named", () =>
      Effect.gen(function* () {
        const url = yield* Effect.scoped(raw("x"))
        const error = yield* failure(get(url))
        assert.match(error.message, /network error \(ECONNREFUSED\): .*ECONNREFUSED/)
      })
    )

    live("a server without TLS is named", () =>
      Effect.gen(function* () {
        const url = yield* raw("HTTP/1.1 400 Bad Request\r\n\r\n")
        const error = yield* failure(get(url.replace("http:", "https:")))
        assert.match(error.message, /network error \(\w+\): .*(?:SSL|TLS|wrong version)/i)
      })
    )

    live("a host that does not exist is named", () =>
      Effect.gen(function* () {
        const error = yield* failure(get("http://does-not-exist.invalid/"))
        assert.match(error.message, /network error \((?:ENOTFOUND|EAI_AGAIN)\): getaddrinfo/)
      })
    )
  })
})

describe("decompression", () => {
  const zeros = Buffer.alloc(64 * 1024 * 1024, " ")
  const bombs: Readonly<Record<string, () => Buffer>> = {
    gzip: () => gzipSync(zeros),
    br: () => brotliCompressSync(zeros),
    deflate: () => deflateSync(zeros),
    "gzip, gzip": () => gzipSync(gzipSync(zeros))
  }
  const decompressing: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
    fetch: FetchHttpClient.layer,
    undici: Layer.provide(
      NodeHttpClient.layerUndiciNoDispatcher,
      Layer.sync(NodeHttpClient.Dispatcher, () => new Agent().compose(interceptors.decompress()))
    )
  }

  for (const [client, layer] of Object.entries(decompressing)) {
    it.live.each(Object.keys(bombs))(`a bomb of %s over ${client} is cut off`, (encoding) =>
      Effect.gen(function* () {
        const bomb = bombs[encoding]!()
        const home = yield* serve({
          "/": (response) =>
            void response.writeHead(200, { "content-encoding": encoding, "content-length": bomb.length }).end(bomb)
        })
        const error = yield* failure(get(`${home.origin}/`, { maxBody: "1 MiB" }))
        assert.strictEqual(error.reason._tag, "TooLarge", error.message)
      }).pipe(Effect.provide(layer))
    )

    it.live(`an endless gzip over ${client} is cut off`, () =>
      Effect.gen(function* () {
        const home = yield* serve({
          "/": (response) => {
            response.writeHead(200, { "content-encoding": "gzip" })
            const zip = createGzip()
            zip.pipe(response)
            const more = () => {
              while (!response.destroyed && zip.write(zeros.subarray(0, 65_536)));
            }
            zip.on("drain", more)
            more()
          }
        })
        const error = yield* failure(get(`${home.origin}/`, { maxBody: "1 MiB" }))
        assert.strictEqual(error.reason._tag, "TooLarge")
        yield* Effect.promise(() => home.aborted)
      }).pipe(Effect.provide(layer))
    )

    it.live(`a small answer in gzip over ${client} is read`, () =>
      Effect.gen(function* () {
        const body = gzipSync('{"a":1}')
        const home = yield* serve({
          "/": (response) =>
            void response.writeHead(200, { "content-encoding": "gzip", "content-length": body.length }).end(body)
        })
        assert.deepStrictEqual(yield* get(`${home.origin}/`), { a: 1 })
      }).pipe(Effect.provide(layer))
    )
  }
})

describe("Authorization.client", () => {
  it.live.each(["fetch", "node:http", "undici"])(
    "under effect's own followRedirects over %s the token stays at home",
    (name) =>
      Effect.gen(function* () {
        const evil = yield* serve({ "/x": json("1") })
        const home = yield* serve({ "/a": redirect("/b"), "/b": redirect(`${evil.origin}/x`) })
        const authorization = yield* Authorization.make({ token: Effect.succeed(Redacted.make("SECRET")) })
        const client = HttpClient.followRedirects(Authorization.client(yield* HttpClient.HttpClient, authorization))
        const response = yield* client.get(`${home.origin}/a`)
        assert.strictEqual(yield* response.text, "1")
        assert.deepStrictEqual(
          home.seen.map(({ headers }) => headers.authorization),
          ["Bearer SECRET", "Bearer SECRET"]
        )
        assert.strictEqual(evil.seen.length, 1)
        assert.notInclude(JSON.stringify(evil.seen), "SECRET")
      }).pipe(
        Effect.provide(clients[name]!),
        Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" })
      )
  )

  it.live("with origins sends the token to these and to no others", () =>
    Effect.gen(function* () {
      const other = yield* serve({ "/x": json("1") })
      const third = yield* serve({ "/y": json("2") })
      const home = yield* serve({ "/": redirect(`${other.origin}/x`), "/z": redirect(`${third.origin}/y`) })
      const authorization = yield* Authorization.make({
        token: Effect.succeed(Redacted.make("SECRET")),
        origins: [home.origin, other.origin]
      })
      yield* Effect.updateService(
        Effect.andThen(
          get(`${home.origin}/`, { allowedOrigins: [other.origin] }),
          get(`${home.origin}/z`, { allowedOrigins: [third.origin] })
        ),
        HttpClient.HttpClient,
        Authorization.client(authorization)
      )
      assert.strictEqual(other.seen[0]?.headers.authorization, "Bearer SECRET")
      assert.strictEqual(third.seen[0]?.headers.authorization, undefined)
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})
