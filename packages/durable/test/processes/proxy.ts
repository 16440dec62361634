/** A TCP proxy that delays, holds and cuts connections. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { connect, createServer, type Socket } from "node:net"

export interface Proxy {
  readonly port: number
  /** Delays what passes, in both directions. */
  readonly delay: (millis: number) => Effect.Effect<void>
  /** Resets all connections, and refuses new ones until `open`. */
  readonly cut: Effect.Effect<void>
  /** Keeps connections open, but nothing passes until `open`. */
  readonly hold: Effect.Effect<void>
  readonly open: Effect.Effect<void>
}

export const startProxy = (targetPort: number): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Proxy & { readonly close: () => void }>((resume) => {
      const pairs = new Set<readonly [Socket, Socket]>()
      let delayMillis = 0
      let state: "open" | "cut" | "held" = "open"
      const pass = (from: Socket, to: Socket) => {
        from.on("data", (data) => {
          if (delayMillis === 0) return to.write(data)
          setTimeout(() => to.write(data), delayMillis)
        })
      }
      const drop = () => {
        for (const [client, target] of pairs) {
          client.resetAndDestroy()
          target.destroy()
        }
        pairs.clear()
      }
      const server = createServer((client) => {
        if (state === "cut") {
          client.resetAndDestroy()
          return
        }
        const target = connect(targetPort, "127.0.0.1")
        const pair = [client, target] as const
        pairs.add(pair)
        for (const socket of pair) {
          socket.setNoDelay(true)
          if (state === "held") socket.pause()
          socket.on("error", () => {})
          socket.on("close", () => {
            client.destroy()
            target.destroy()
            pairs.delete(pair)
          })
        }
        pass(client, target)
        pass(target, client)
        if (state === "held") for (const socket of pair) socket.pause()
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(
          Effect.succeed({
            port: typeof address === "object" && address !== null ? address.port : 0,
            delay: (millis) => Effect.sync(() => void (delayMillis = millis)),
            cut: Effect.sync(() => {
              state = "cut"
              drop()
            }),
            hold: Effect.sync(() => {
              state = "held"
              for (const pair of pairs) for (const socket of pair) socket.pause()
            }),
            open: Effect.sync(() => {
              state = "open"
              for (const pair of pairs) for (const socket of pair) socket.resume()
            }),
            close: () => {
              drop()
              server.close()
            }
          })
        )
      })
    }),
    (proxy) => Effect.sync(proxy.close)
  )
