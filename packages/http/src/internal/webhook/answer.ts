import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Effects } from "../../DeliveryLog.ts"

/** The response to a request, and what the log says of it. */
export interface Answer {
  readonly response: HttpServerResponse.HttpServerResponse
  readonly did: Effects
  readonly verified: boolean
  readonly id: string | undefined
  readonly size: number | undefined
  readonly reason: string | undefined
}

const titles = {
  400: "Bad Request",
  401: "Unauthorized",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  500: "Internal Server Error",
  503: "Service Unavailable"
} as const

export type ProblemStatus = keyof typeof titles

/** What an answer has besides its response. */
export type Facts = Partial<Omit<Answer, "response">>

/** A problem. Its body depends on nothing but the status: it does not tell a stranger what was wrong. */
export const problem = (status: ProblemStatus, reason: string, facts: Facts = {}): Answer => {
  const headers: Record<string, string> = { "cache-control": "no-store" }
  if (status === 405) headers["allow"] = "POST"
  if (status === 503) headers["retry-after"] = "1"
  // The rest of the body is not read, so the connection cannot be used again.
  if (status === 408 || status === 413) headers["connection"] = "close"
  const body = { status, title: titles[status] }
  return {
    response: HttpServerResponse.jsonUnsafe(body, { status, headers, contentType: "application/problem+json" }),
    did: "nothing",
    verified: false,
    id: undefined,
    size: undefined,
    reason,
    ...facts
  }
}

/** A request that was received. The body is the same for all. */
export const received = (did: Effects, facts: Facts): Answer => ({
  response: HttpServerResponse.jsonUnsafe({ received: true }, { headers: { "cache-control": "no-store" } }),
  verified: false,
  id: undefined,
  size: undefined,
  reason: undefined,
  ...facts,
  did
})
