import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import { hasProperty } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { AuthorizationError } from "../../Authorization.ts"
import type { HttpCheckError, Reason } from "../../HttpCheckError.ts"
import { cut, escape } from "../text.ts"
import { parseUrl } from "./urls.ts"

// The error of a client, without the whole request that it contains.

/** The response of a client that fails on some statuses; other errors by their cause, the request or the network. */
export const responseOf = (
  error: unknown,
  fail: (reason: Reason) => HttpCheckError
): Effect.Effect<HttpClientResponse, HttpCheckError> => {
  const reason = HttpClientError.isHttpClientError(error) ? error.reason : undefined
  switch (reason?._tag) {
    case "StatusCodeError":
      return Effect.succeed(reason.response)
    case "InvalidUrlError":
      return Effect.fail(fail({ _tag: "InvalidRequest", part: "url" }))
    case "EncodeError":
      return Effect.fail(fail({ _tag: "InvalidRequest", part: "body" }))
    default:
      return Effect.fail(fail(transportReason(error)))
  }
}

/** The reason for an error of a client, or of one that reads a body; `request` is what it may quote. */
export const transportReason = (error: unknown, request?: HttpClientRequest.HttpClientRequest): Reason => {
  const reason = HttpClientError.isHttpClientError(error) ? error.reason : undefined
  const cause = reason !== undefined ? ("cause" in reason ? reason.cause : undefined) : error
  if (cause instanceof AuthorizationError) return { _tag: "Authorization", step: cause.step, cause: cause.cause }
  const { code, message } = innermost(cause)
  return {
    _tag: "Transport",
    code,
    detail: shown(message ?? reason?.description, [request, reason?.request]),
    cause: Redacted.make(cause)
  }
}

// ---- internal ----

const maxCauses = 8

/** The code and the message of the innermost errors that have one. */
const innermost = (cause: unknown): { readonly code: string | undefined; readonly message: string | undefined } => {
  let code: string | undefined
  let message: string | undefined
  for (let at = cause, depth = 0; at !== undefined && at !== null && depth < maxCauses; depth++) {
    if (hasProperty(at, "code") && typeof at.code === "string" && /^[\w-]{1,64}$/.test(at.code)) code = at.code
    if (hasProperty(at, "message") && typeof at.message === "string" && at.message.trim() !== "") message = at.message
    else if (typeof at === "string" && at.trim() !== "") message = at
    // Of the attempts on several addresses the first says as much as all.
    at = hasProperty(at, "cause")
      ? at.cause
      : hasProperty(at, "errors") && Array.isArray(at.errors)
        ? at.errors[0]
        : undefined
  }
  return { code, message }
}

const shown = (
  message: string | undefined,
  requests: ReadonlyArray<HttpClientRequest.HttpClientRequest | undefined>
): string | undefined => {
  if (message === undefined) return undefined
  let text = message.slice(0, 2_000).replace(/[a-z][a-z0-9+.-]*:\/\/[^\s'"]*/gi, "...")
  for (const secret of secretsOf(requests)) text = text.replaceAll(secret, "...")
  text = text.replace(/\s+/g, " ").trim()
  return text === "" ? undefined : cut(escape(text), 200)
}

/** All values of requests that a message may quote, the longest first. */
const secretsOf = (requests: ReadonlyArray<HttpClientRequest.HttpClientRequest | undefined>): ReadonlyArray<string> => {
  const parts = new Set<string>()
  for (const request of requests) {
    if (request === undefined) continue
    const url = parseUrl(request.url)
    const inUrl = url === undefined ? [request.url] : [url.username, url.password, url.pathname, url.search, url.hash]
    const inParams = request.urlParams.params.map(([, value]) =>
      Redacted.isRedacted(value) ? Redacted.value(value) : value
    )
    for (const text of [...Object.values(request.headers), ...inUrl, ...inParams]) {
      for (const part of [text, ...text.split(/[\s,;=:"&?#/]+/)]) if (part.length >= 4) parts.add(part)
    }
  }
  return [...parts].toSorted((a, b) => b.length - a.length)
}
