import { randomInt } from "node:crypto"
import { createServer } from "node:net"

// Below the range from which systems take the ports of outgoing connections: such a port can be taken by a connection before
// a server listens on it, and while the server restarts.
const lowest = 15_000
const highest = 30_000

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => void server.close(() => resolve(true)))
  })

/** A port of loopback that nobody uses. */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(lowest, highest)
    if (await listens(port)) return port
  }
  throw new Error(`no free port from ${lowest} to ${highest}`)
}
