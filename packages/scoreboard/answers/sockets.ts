// Real servers on the loopback interface, for what only sockets show: broken connections, bodies without end, and which
// headers really arrive where.
import * as http from "node:http"
import * as net from "node:net"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type { Complaint } from "./case.ts"
import { type Observed, observed, type Program, Watch } from "./lab.ts"
import type { Asked, Seen } from "./server.ts"

/** The clients whose networks are tried. */
export const clients = {
  fetch: FetchHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  node: NodeHttpClient.layerNodeHttp
} as const

export type Client = keyof typeof clients

/** A server on a port of its own: an origin. */
export interface Origin extends Asked {
  readonly origin: string
  readonly port: number
  /** Bytes that were written to the sockets of this server. */
  readonly written: () => number
}

export type Respond = (request: Seen, response: http.ServerResponse, n: number) => void

export class Sockets {
  readonly #servers: Array<net.Server> = []
  readonly #sockets = new Set<net.Socket>()
  readonly #started = performance.now()

  /** Starts an HTTP server. */
  async serve(respond: Respond): Promise<Origin> {
    const requests: Array<Seen> = []
    const server = http.createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        requests.push({
          at: performance.now() - this.#started,
          method: request.method ?? "GET",
          url: new URL(request.url ?? "/", `http://${request.headers.host ?? "localhost"}`),
          headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
          body: Buffer.concat(chunks).toString(),
          cache: undefined
        })
        respond(requests.at(-1)!, response, requests.length)
      })
    })
    return this.#listen(server, requests)
  }

  /** Starts a server that writes what it likes to each socket, once a request has come. */
  async raw(write: (socket: net.Socket, n: number) => void): Promise<Origin> {
    let n = 0
    const server = net.createServer((socket) => socket.once("data", () => write(socket, ++n)))
    return this.#listen(server, [])
  }

  /** Runs a program over one of the clients, for at most 20 seconds. */
  async observe(origin: Origin, client: Client, program: Program): Promise<Observed> {
    const watch = new Watch()
    const run = watch.recorded(program).pipe(Effect.provide(clients[client]), Effect.timeoutOption("20 seconds"))
    const exit = await Effect.runPromiseExit(run)
    const ended = Exit.isSuccess(exit)
      ? exit.value._tag === "Some"
        ? Exit.succeed(exit.value.value)
        : undefined
      : exit
    return observed(ended, performance.now() - this.#started, watch, origin)
  }

  /** Runs a program over each of the clients in turn; the first complaint counts. */
  async each(run: (client: Client) => Promise<Complaint>): Promise<Complaint> {
    for (const client of Object.keys(clients) as ReadonlyArray<Client>) {
      const complaint = await run(client)
      if (complaint !== undefined) return `over ${client}: ${complaint}`
    }
    return undefined
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))))
  }

  async #listen(server: net.Server, requests: Array<Seen>): Promise<Origin> {
    const sockets = new Set<net.Socket>()
    server.on("connection", (socket) => {
      this.#sockets.add(socket)
      sockets.add(socket)
      // What the client does to the socket is what is tested.
      socket.on("error", () => {})
    })
    this.#servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as net.AddressInfo
    return {
      origin: `http://127.0.0.1:${port}`,
      port,
      requests,
      written: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0),
      get times() {
        return requests.map(({ at }) => at)
      },
      get paths() {
        return requests.map(({ method, url }) => `${method} ${url.pathname}${url.search}`)
      }
    }
  }
}

/** Answers with JSON. */
export const send = (
  response: http.ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {}
): void => {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(text)
}
