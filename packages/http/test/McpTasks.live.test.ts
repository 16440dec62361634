import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import * as McpTasks from "@effect-poll/http/McpTasks"

/** A server that answers over an event stream in pieces, and never ends it. */
const streaming = Effect.acquireRelease(
  Effect.callback<{ readonly server: Server; readonly url: string; readonly closed: Promise<void> }>((resume) => {
    let close = () => {}
    const closed = new Promise<void>((resolve) => {
      close = resolve
    })
    const server = createServer((request, response) => {
      let body = ""
      request.setEncoding("utf8")
      request.on("data", (chunk: string) => {
        body += chunk
      })
      request.on("end", () => {
        const { id, params } = JSON.parse(body)
        const answer = JSON.stringify({ jsonrpc: "2.0", id, result: { taskId: params.taskId, status: "working" } })
        response.on("close", close)
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write(': hello\n\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n')
        response.write(`data: ${answer.slice(0, 30)}`)
        setTimeout(() => response.write(`${answer.slice(30)}\n\n`), 20)
      })
    })
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      resume(Effect.succeed({ server, closed, url: `http://127.0.0.1:${port}/mcp` }))
    })
  }),
  ({ server }) =>
    Effect.callback<void>((resume) => {
      server.closeAllConnections()
      server.close(() => resume(Effect.void))
    })
)

describe("McpTasks", () => {
  for (const [name, layer] of [
    ["undici", NodeHttpClient.layerUndici],
    ["fetch", FetchHttpClient.layer]
  ] as const) {
    it.live(`http - reads the answer out of a stream that stays open, and lets go of it (${name})`, () =>
      Effect.gen(function* () {
        const { closed, url } = yield* streaming
        const result = yield* McpTasks.http({ url })("tasks/get", { taskId: "t1" })
        assert.deepStrictEqual(result, { taskId: "t1", status: "working" })
        // By the client, since the server never ends the stream.
        yield* Effect.promise(() => closed)
      }).pipe(Effect.provide(layer))
    )
  }
})
