import { assert, describe, it, vi } from "@effect/vitest"
import * as Push from "@effect-poll/http/Push"
import * as Webhook from "@effect-poll/http/Webhook"
import * as WebhookSender from "@effect-poll/testing/WebhookSender"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import { Buffer } from "node:buffer"
import { connect } from "node:net"
import { gzipSync } from "node:zlib"
import { basics, recording, send, serve } from "./webhookServer.ts"

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const Changed = Push.from(Schema.Struct({ id: Schema.String }), ({ id }) => ({ key: id, result: undefined }))
const Renders = Job.make("render", { check: (_: string) => Effect.succeed(Status.pending()) })

/** Sockets need real time, on a busy machine more of it. */
vi.setConfig({ testTimeout: 60_000 })

const setUp = Effect.fnUntraced(function* (options?: Parameters<typeof Webhook.signals>[2]) {
  const sink = recording()
  const routes = [
    Webhook.route("/h", { verify: Webhook.standard(secret), push: Changed, jobs: [Renders], ...options }),
    Webhook.route("/open", { verify: Webhook.unsigned(), push: Changed, jobs: [Renders], ...options })
  ]
  const server = yield* serve(routes, Layer.merge(basics, sink.layer))
  const sender = yield* WebhookSender.make({ url: `${server.url}/h`, scheme: WebhookSender.standard(secret) })
  return { ...sink, server, sender, url: `${server.url}/h` }
})

/** Writes bytes to a socket and yields what comes back until the server closes or the time is over. */
const raw = (port: number, parts: ReadonlyArray<string>, end: boolean): Effect.Effect<string> =>
  Effect.callback((resume) => {
    let text = ""
    const socket = connect(port, "127.0.0.1", () => {
      for (const part of parts) socket.write(part)
      if (end) socket.end()
    })
    socket.setEncoding("latin1")
    const finish = () => {
      socket.destroy()
      resume(Effect.succeed(text))
    }
    socket.on("data", (chunk: string) => {
      text += chunk
      // One response is enough: the server may keep the connection.
      if (/\r\n\r\n[^]*\}/.test(text)) finish()
    })
    socket.on("close", finish)
    socket.on("error", finish)
  })

describe("Webhook under attack", () => {
  it.effect(
    "R71: a forged, changed, truncated, stale or future request gets a 401 without a reason, and is not remembered",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { sender, server, told } = yield* setUp()
          yield* TestClock.adjust("1 hour")
          const good = yield* sender.sign({ id: "r1" })
          const stranger = yield* WebhookSender.make({
            url: `${server.url}/h`,
            scheme: WebhookSender.standard("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
          })
          yield* TestClock.setTime(3_000_000)
          const early = yield* sender.sign({ id: "r1" })
          yield* TestClock.setTime(4_200_000)
          const late = yield* sender.sign({ id: "r1" })
          yield* TestClock.setTime(3_600_000)
          const bad = [
            yield* stranger.sign({ id: "r1" }),
            WebhookSender.tamper(good),
            WebhookSender.truncate(good),
            WebhookSender.truncate(good, 0),
            WebhookSender.withId(good, "msg_9"),
            WebhookSender.withHeaders(good, { "webhook-timestamp": "0" }),
            WebhookSender.withHeaders(good, { "webhook-signature": "v1,AAAA" }),
            early,
            late
          ]
          const answers = yield* Effect.forEach(bad, ({ body, headers }) =>
            send(`${server.url}/h`, { headers: { ...headers }, body })
          )
          assert.deepStrictEqual(
            answers.map(({ status }) => status),
            bad.map(() => 401)
          )
          assert.deepStrictEqual(
            [...new Set(answers.map(({ text }) => text))],
            ['{"status":401,"title":"Unauthorized"}']
          )
          const names = (headers: object) =>
            Object.keys(headers)
              .filter((name) => name !== "date")
              .toSorted()
          for (const { headers } of answers) assert.deepStrictEqual(names(headers), names(answers[0]!.headers))
          assert.deepStrictEqual(told, [])
          // The id that the forged ones claimed is still free.
          assert.strictEqual(yield* sender.post(good), 200)
          assert.strictEqual(told.length, 1)
          const reasons = (yield* server.log.entries).map(({ reason, verified }) => (verified ? undefined : reason))
          assert.includeMembers(reasons, ["no signature matches", "the timestamp is too far from now"])
        })
      )
  )

  it.effect("R71: the tolerance applies in both directions, to the millisecond", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { sender } = yield* setUp()
        yield* TestClock.adjust("1 hour")
        const request = yield* sender.sign({ id: "r1" })
        const at = (offset: number) =>
          Effect.gen(function* () {
            yield* TestClock.setTime(3_600_000 + offset)
            return yield* sender.post(request)
          })
        assert.strictEqual(yield* at(-300_001), 401)
        assert.strictEqual(yield* at(300_001), 401)
        assert.strictEqual(yield* at(-300_000), 200)
        assert.strictEqual(yield* at(300_000), 200)
      })
    )
  )

  it.effect("R73: methods other than POST get a 405 and do nothing", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { sender, told, url } = yield* setUp()
        const { body, headers } = yield* sender.sign({ id: "r1" })
        for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"]) {
          const hasBody = method !== "GET" && method !== "HEAD"
          const answer = yield* send(url, { method, headers: { ...headers }, ...(hasBody ? { body } : {}) })
          assert.strictEqual(answer.status, 405, method)
          assert.strictEqual(answer.headers["allow"], "POST", method)
        }
        assert.deepStrictEqual(told, [])
      })
    )
  )

  it.effect("R73: a body that is too large gets a 413, with a length or in chunks, and reading stops", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { sender, server, told, url } = yield* setUp({ maxBody: "10 KiB" })
        const fits = yield* sender.sign(JSON.stringify({ id: "r1" }).padEnd(10 * 1024))
        assert.strictEqual(yield* sender.post(fits), 200)
        const big = yield* sender.sign(JSON.stringify({ id: "r1" }).padEnd(10 * 1024 + 1))
        for (const chunked of [false, true]) {
          assert.strictEqual((yield* send(url, { headers: { ...big.headers }, body: big.body, chunked })).status, 413)
        }
        assert.strictEqual(told.length, 1)
        const head = (length: string) => `POST /h HTTP/1.1\r\nHost: x\r\n${length}\r\n\r\n`
        for (const length of ["104857600", "9007199254740993"]) {
          assert.match(yield* raw(server.port, [head(`Content-Length: ${length}`)], false), /^HTTP\/1.1 413/)
        }
        assert.match(
          yield* raw(server.port, [head("Transfer-Encoding: chunked"), `6400000\r\n${"x".repeat(100_000)}`], false),
          /^HTTP\/1.1 413/
        )
      })
    )
  )

  it.effect("R73: bodies of 100 MB do not take memory", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url } = yield* setUp()
        const body = Buffer.alloc(100 * 1024 * 1024, 120)
        const before = process.memoryUsage().arrayBuffers
        const statuses = yield* Effect.forEach(
          Array.from({ length: 8 }),
          (_, n) => Effect.map(send(url, { body, chunked: n % 2 === 1 }), ({ status }) => status),
          { concurrency: 4 }
        )
        // A client that is still writing may see the connection close before it reads the response.
        for (const status of statuses) assert.oneOf(status, [413, 0])
        assert.isBelow(process.memoryUsage().arrayBuffers - before, 50 * 1024 * 1024)
      })
    )
  )

  it.live(
    "R73: a body that does not arrive in time gets a 408",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { server, told } = yield* setUp({ bodyTimeout: "200 millis" })
          const slow = [
            ["POST /h HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", "{"],
            ["POST /h HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n{\r\n"],
            ["POST /open HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"]
          ]
          const answers = yield* Effect.forEach(slow, (parts) => raw(server.port, parts, false), { concurrency: 3 })
          for (const answer of answers) assert.match(answer, /^HTTP\/1.1 408/)
          assert.deepStrictEqual(told, [])
        })
      ),
    30_000
  )

  it.effect("R73: a body that is cut off does nothing", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { sender, server, told } = yield* setUp()
        const { body, headers } = yield* sender.sign({ id: "r1" })
        const lines = Object.entries(headers)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join("")
        const text = Buffer.from(body).toString()
        for (const path of ["/h", "/open"]) {
          const head = `POST ${path} HTTP/1.1\r\nHost: x\r\n${lines}Connection: close\r\n`
          yield* raw(server.port, [`${head}Content-Length: ${text.length}\r\n\r\n${text.slice(0, 5)}`], true)
          yield* raw(server.port, [`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n${text.slice(0, 5)}\r\n`], true)
          yield* raw(server.port, [`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n${text}`], true)
        }
        assert.deepStrictEqual(told, [])
        assert.strictEqual(yield* sender.post({ id: "", headers, body }), 200)
      })
    )
  )

  it.effect("R73: a body with a Content-Encoding gets a 415, whatever it contains", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { sender, told, url } = yield* setUp()
        const signed = yield* sender.sign({ id: "r1" })
        for (const coding of ["gzip", "GZIP", "br", "x-unknown", "gzip, identity", "identity, identity", "*"]) {
          const body = coding === "gzip" ? gzipSync(signed.body) : signed.body
          const answer = yield* send(url, { headers: { ...signed.headers, "Content-Encoding": coding }, body })
          assert.strictEqual(answer.status, 415, coding)
        }
        assert.deepStrictEqual(told, [])
        const plain = { ...signed.headers, "Content-Encoding": "identity" }
        assert.strictEqual((yield* send(url, { headers: plain, body: signed.body })).status, 200)
      })
    )
  )

  it.effect("R71: header names are case-insensitive, and an id or a timestamp that is sent twice does not verify", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { sender, told, url } = yield* setUp()
        const { body, headers } = yield* sender.sign({ id: "r1" }, { id: "evt_1" })
        const odd = Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [
            name.replaceAll(/[a-z]/g, (c, i: number) => (i % 2 ? c : c.toUpperCase())),
            value
          ])
        )
        assert.strictEqual((yield* send(url, { headers: odd, body })).status, 200)
        for (const name of ["webhook-id", "webhook-timestamp"]) {
          const value = headers[name]!
          for (const second of [value, `${value}0`]) {
            assert.strictEqual(
              (yield* send(url, { headers: { ...headers, [name]: [value, second] }, body })).status,
              401
            )
          }
        }
        assert.strictEqual(told.length, 1)
      })
    )
  )

  it.effect("R73: empty, malformed and hostile JSON gets a 400 and does nothing", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { told, server } = yield* setUp()
        const deep = `${'{"id":'.repeat(100_000)}1${"}".repeat(100_000)}`
        for (const body of [
          "",
          "null",
          "[]",
          "{",
          '{"id":null}',
          '{"__proto__":{"id":"r1"}}',
          deep,
          "\u0000",
          "\ufeff"
        ]) {
          const answer = yield* send(`${server.url}/open`, { body })
          assert.strictEqual(answer.status, 400, body.slice(0, 20))
          assert.strictEqual(answer.text, '{"status":400,"title":"Bad Request"}')
        }
        assert.deepStrictEqual(told, [])
      })
    )
  )

  it.effect("R73: only the paths of the routes are answered", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { sender, server, told } = yield* setUp()
        const { body, headers } = yield* sender.sign({ id: "r1" })
        for (const path of ["/h/x", "/h%2f", "/x/../h/x", "/", "//"]) {
          const answer = yield* send(server.url, { path, headers: { ...headers }, body })
          assert.strictEqual(answer.status, 404, path)
        }
        assert.deepStrictEqual(told, [])
      })
    )
  )

  it.effect("R72: 300 hostile posts among 300 honest ones, tripled and shuffled: each honest one once, no other", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { sender, told, url } = yield* setUp()
        const honest = yield* Effect.forEach(Array.from({ length: 300 }), (_, n) => sender.sign({ id: `r${n}` }))
        const hostile = honest.map((request, n) =>
          n % 3 === 0
            ? WebhookSender.tamper(request)
            : n % 3 === 1
              ? WebhookSender.truncate(request)
              : WebhookSender.withId(request, `other_${n}`)
        )
        const all = yield* WebhookSender.shuffle([...WebhookSender.duplicate(honest, 3), ...hostile])
        yield* Effect.forEach(all, (request) => send(url, { headers: { ...request.headers }, body: request.body }), {
          concurrency: 16
        })
        const keys = told.map(({ key }) => key)
        assert.sameMembers(
          keys,
          honest.map((_, n) => `r${n}`)
        )
        assert.strictEqual(keys.length, 300)
      })
    )
  )
})
