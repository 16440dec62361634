// The server of the HTTP rows, in a process of its own: prints its port, answers by size, counts connections.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { bodies } from "./bodies.ts"

let connections = 0

const server = createServer((request, response) => {
  const path = request.url!.slice(1)
  if (path === "connections") connections--
  const body = path === "connections" ? Buffer.from(String(connections)) : bodies[path as keyof typeof bodies]
  if (body === undefined) {
    response.writeHead(404).end()
    return
  }
  response.writeHead(200, { "content-type": "application/json", "content-length": body.byteLength })
  response.end(body)
})

server.on("connection", () => {
  connections++
})
// Longer than a round of all rows takes.
server.keepAliveTimeout = 600_000
server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port))
process.on("disconnect", () => process.exit())
