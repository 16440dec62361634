/**
 * Serves the faults of a script.
 *
 * @since 0.1.0
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Fault from "../Fault.ts"
import * as Wire from "./wire.ts"

/** Answers a request with a fault. */
export const answer = (
  fault: Exclude<Fault.Fault, Fault.Latency>
): Effect.Effect<Wire.Answer, never, HttpServerRequest.HttpServerRequest> => {
  switch (fault.kind) {
    case "drop":
      // The handler is interrupted as soon as the connection is seen to be gone.
      return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
        NodeHttpServerRequest.toIncomingMessage(request).socket.destroy()
        return Effect.never
      })
    case "serverError":
      return Effect.succeed(Wire.json({ error: "internal server error" }, 500))
    case "badGateway":
      return Effect.succeed(page("502 Bad Gateway", 502))
    case "tooManyRequests":
      return Effect.map(Clock.currentTimeMillis, (now) =>
        Wire.withRetryAfter(Wire.json({ error: "too many requests" }, 429), fault.retryAfter, fault.as, now)
      )
    case "badBody":
      return Effect.succeed(Wire.json({ unexpected: [true] }))
    case "html":
      return Effect.succeed(page("Sign in to the network", 200))
  }
}

const page = (title: string, status: number): Wire.Answer =>
  HttpServerResponse.text(
    `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`,
    {
      status,
      contentType: "text/html; charset=utf-8"
    }
  )
