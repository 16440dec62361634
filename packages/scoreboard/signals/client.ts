// Sends posts, in a process of its own, so that it is not measured with the receiver: reads an `Order` as JSON from its
// input, prints what it saw as JSON.
import { Buffer } from "node:buffer"
import { Agent, request } from "node:http"
import { connect } from "node:net"
import { text } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import type { Post } from "./posts.ts"

export interface Order {
  readonly url: string
  /** After this time a client gives up whose headers never end. */
  readonly patienceMillis: number
  readonly posts: ReadonlyArray<Post>
}

export interface Seen {
  /** The number of posts that were sent, retries of honest senders not counted. */
  readonly posts: number
  /** The number of hostile posts that were answered by 2xx although they must be refused, by kind. */
  readonly accepted: Readonly<Record<string, number>>
  /** How often each status was seen, by kind and status. */
  readonly statuses: Readonly<Record<string, number>>
  /** How often the signal of a key was answered by 200. */
  readonly signals: Readonly<Record<string, number>>
  /** Bytes of large bodies that could be sent before the connection was closed. */
  readonly largeBytes: number
}

const honest: ReadonlySet<string> = new Set(["standard", "github", "signal"])

/** Posts under way at a time: those that are answered soon, and those that hold their connection. */
const lanes = 48
const slowLanes = 64

const { patienceMillis, posts, url } = JSON.parse(await text(process.stdin)) as Order
const { hostname, port } = new URL(url)
const agent = new Agent({ keepAlive: true, maxSockets: lanes })

let largeBytes = 0
const accepted: Record<string, number> = {}
const statuses: Record<string, number> = {}
const signals: Record<string, number> = {}

const add = (counts: Record<string, number>, name: string): void => void (counts[name] = (counts[name] ?? 0) + 1)

/** Sends a post once, and yields the status; 0 if there was none. */
const send = (post: Post): Promise<number> =>
  new Promise((resolve) => {
    const body = Buffer.from(post.body, "base64")
    const outgoing = request(
      {
        hostname,
        port,
        agent,
        path: post.path,
        method: post.method,
        headers: { ...post.headers, "content-type": "application/json", "content-length": body.length }
      },
      (incoming) => {
        incoming.resume()
        incoming.on("close", () => resolve(incoming.statusCode ?? 0))
      }
    )
    outgoing.on("error", () => resolve(0))
    outgoing.end(body)
  })

/** An honest sender tries again after a 5xx and after a connection that broke. */
const deliver = async (post: Post): Promise<number> => {
  let status = await send(post)
  for (let tries = 1; (status === 0 || status >= 500) && tries < 12; tries++) {
    await sleep(Math.min(1_000, 10 * 2 ** tries))
    status = await send(post)
  }
  return status
}

/** Writes to a socket, and yields the status of the answer; 0 if the connection was closed without one, or after `millis`. */
const raw = (head: string, millis: number, write: (write: (bytes: string) => boolean) => NodeJS.Timeout | undefined) =>
  new Promise<number>((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const socket = connect(Number(port), hostname, () => {
      socket.write(head)
      timer = write((bytes) => (socket.writable ? socket.write(bytes) : false))
    })
    const end = (status: number): void => {
      clearTimeout(giveUp)
      clearInterval(timer)
      socket.destroy()
      resolve(status)
    }
    const giveUp = setTimeout(() => end(0), millis)
    socket.setEncoding("latin1")
    socket.on("data", (chunk: string) => {
      const [, status] = /^HTTP\/1\.1 (\d+)/.exec(chunk) ?? []
      if (status !== undefined) end(Number(status))
    })
    socket.on("error", () => end(0))
    socket.on("close", () => end(0))
  })

const headOf = (post: Post, length: string): string =>
  [
    `POST ${post.path} HTTP/1.1`,
    "host: x",
    ...Object.entries(post.headers).map(([name, value]) => `${name}: ${value}`),
    length
  ].join("\r\n")

const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`

const turns = { large: 0, slow: 0 }
const holding = async (post: Post): Promise<number> => {
  const turn = turns[post.kind as keyof typeof turns]++ % 2
  if (post.kind === "large") {
    // Both send for as long as they are let.
    const head = headOf(post, turn === 0 ? "content-length: 314572800" : "transfer-encoding: chunked")
    return raw(`${head}\r\n\r\n`, 20_000, (write) =>
      setInterval(() => {
        for (let n = 0; n < 16 && write(chunk); n++) largeBytes += chunk.length
      }, 1)
    )
  }
  const head = headOf(post, "content-length: 100")
  return turn === 0
    ? raw(`${head}\r\n\r\n`, 20_000, (write) => setInterval(() => write("{"), patienceMillis / 2))
    : raw(`${head}\r\n`, patienceMillis, (write) => setInterval(() => write("x"), patienceMillis / 2))
}

const count = (post: Post, status: number): void => {
  add(statuses, `${post.kind} ${status}`)
  const isOk = status >= 200 && status < 300
  if (post.kind === "signal" && isOk) add(signals, post.key)
  if (isOk && post.mustBeRefused) add(accepted, post.kind)
}

const isHolding = (post: Post): boolean => post.kind === "large" || post.kind === "slow"

/** Works on the posts in their order, so many at a time. */
const work = async (own: ReadonlyArray<Post>, many: number, one: (post: Post) => Promise<number>): Promise<void> => {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let post = own[next++]; post !== undefined; post = own[next++]) count(post, await one(post))
  }
  await Promise.all(Array.from({ length: many }, lane))
}

await Promise.all([
  work(posts.filter(isHolding), slowLanes, holding),
  work(
    posts.filter((post) => !isHolding(post)),
    lanes,
    (post) => (honest.has(post.kind) ? deliver(post) : send(post))
  )
])
const seen: Seen = { posts: posts.length, accepted, statuses, signals, largeBytes }
process.stdout.write(JSON.stringify(seen), () => process.exit(0))
