// Content codings that a server uses unasked: `fetch` removes them, undici and node:http do not.
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"

const clients: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  fetch: FetchHttpClient.layer,
  "node:http": NodeHttpClient.layerNodeHttp,
  undici: NodeHttpClient.layerUndici
}

const serve = (encoding: string, body: Uint8Array) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer((_, response) => {
          response.writeHead(200, { "content-type": "application/json", "content-encoding": encoding }).end(body)
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/r`
  )

const text = '{"size":1}'
const bytes = new TextEncoder().encode(text)

const rows: ReadonlyArray<readonly [encoding: string, body: Uint8Array]> = [
  ["gzip", gzipSync(text)],
  ["x-gzip", gzipSync(text)],
  ["GZIP", gzipSync(text)],
  ["deflate", deflateSync(text)],
  ["deflate", deflateRawSync(text)],
  ["gzip, gzip", gzipSync(gzipSync(text))],
  ["deflate, gzip", gzipSync(deflateSync(text))],
  ["identity", bytes],
  ["aws-chunked", bytes]
]

describe.each(Object.keys(clients))("content codings with %s", (name) => {
  const provide = Effect.provide(clients[name]!)

  it.effect.each(rows)("%s", ([encoding, body]) =>
    Effect.gen(function* () {
      const url = yield* serve(encoding, body)
      const json = yield* HttpCheck.get(url, StatusSchema.succeeded(Schema.Struct({ size: Schema.Int })))
      assert.deepStrictEqual(json, Status.succeeded({ size: 1 }))
      const asText = yield* HttpCheck.get(url, StatusSchema.succeeded(Schema.String), { as: "text" })
      assert.deepStrictEqual(asText, Status.succeeded(text))
      const asBytes = yield* HttpCheck.get(url, StatusSchema.succeeded(Schema.Uint8Array), { as: "bytes" })
      assert.strictEqual(asBytes._tag === "Succeeded" && new TextDecoder().decode(asBytes.value), text)
    }).pipe(provide, Effect.scoped)
  )

  it.effect("a body is bounded after it is decompressed", () =>
    Effect.gen(function* () {
      const url = yield* serve("gzip", gzipSync(new Uint8Array(5_000_000)))
      const check = HttpCheck.get(url, StatusSchema.succeeded(Schema.Unknown), { as: "bytes", maxBody: "1 MiB" })
      assert.strictEqual((yield* Effect.flip(check)).reason._tag, "TooLarge")
    }).pipe(provide, Effect.scoped)
  )
})

describe.each(["node:http", "undici"])("content codings that %s leaves", (name) => {
  const provide = Effect.provide(clients[name]!)

  it.effect("one that the platform does not know is a permanent error that names it", () =>
    Effect.gen(function* () {
      const url = yield* serve("snappy, compress", new Uint8Array([1, 2, 3]))
      for (const as of ["json", "text", "bytes", "stream"] as const) {
        const error = yield* Effect.flip(HttpCheck.get(url, StatusSchema.succeeded(Schema.Unknown), { as }))
        assert(error.reason._tag === "Undecodable")
        assert.strictEqual(error.reason.encoding, "snappy, compress")
        assert.include(error.message, "content coding snappy, compress")
      }
    }).pipe(provide, Effect.scoped)
  )

  it.effect("bytes that are broken are a transient error", () =>
    Effect.gen(function* () {
      const url = yield* serve("gzip", gzipSync("x".repeat(1000)).subarray(0, 20))
      const error = yield* Effect.flip(HttpCheck.get(url, StatusSchema.succeeded(Schema.Unknown), { as: "text" }))
      assert.strictEqual(error.reason._tag, "Transport")
    }).pipe(provide, Effect.scoped)
  )
})
