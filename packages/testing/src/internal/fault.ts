/**
 * Applies the faults of a script to requests.
 *
 * @since 0.1.0
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Fault from "../Fault.ts"
import type { Scale } from "./job.ts"
import * as Wire from "./wire.ts"

/** A request that faults may affect. */
export interface Request {
  readonly faults: ReadonlyArray<Fault.Fault>
  readonly operation: Fault.Operation
  /** The number of the request among those of its operation, from 1. */
  readonly nth: number
  readonly scale: Scale
  /** Called once for each fault that is applied. */
  readonly onServed: () => void
}

/** Responds to a request with its faults; `handle` does what the request asks for, if the faults let it. */
export const apply = Effect.fnUntraced(function* <E>(
  { faults, nth, onServed, operation, scale }: Request,
  handle: Effect.Effect<Wire.Response, E>
): Effect.fn.Return<Wire.Response, E, HttpServerRequest.HttpServerRequest> {
  const own = faults.filter((fault) => fault.nth === nth && (fault.on ?? "check") === operation)
  for (const fault of own) {
    if (fault._tag === "Latency") {
      onServed()
      yield* Effect.sleep(scale(fault.delay))
    }
  }
  const fault = own.find((each) => each._tag !== "Latency")
  if (fault === undefined) return yield* handle
  if (fault.carriedOut ?? fault._tag !== "TooManyRequests") yield* Effect.ignore(handle)
  onServed()
  return yield* respond(fault)
})

// ---- internal ----

const respond = (
  fault: Exclude<Fault.Fault, Fault.Latency>
): Effect.Effect<Wire.Response, never, HttpServerRequest.HttpServerRequest> => {
  switch (fault._tag) {
    case "Drop":
      // The server interrupts the handler once it notices that the connection is gone.
      return Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
        NodeHttpServerRequest.toIncomingMessage(request).socket.destroy()
        return Effect.never
      })
    case "ServerError":
      return Effect.succeed(Wire.json({ error: "internal server error" }, 500))
    case "BadGateway":
      return Effect.succeed(page("502 Bad Gateway", 502))
    case "TooManyRequests":
      return Effect.map(Clock.currentTimeMillis, (now) =>
        Wire.withRetryAfter(Wire.json({ error: "too many requests" }, 429), fault.retryAfter, fault.as, now)
      )
    case "BadBody":
      return Effect.succeed(Wire.json({ unexpected: [true] }))
    case "Html":
      return Effect.succeed(page("Sign in to the network", 200))
  }
}

const page = (title: string, status: number): Wire.Response =>
  HttpServerResponse.text(
    `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`,
    {
      status,
      contentType: "text/html; charset=utf-8"
    }
  )
