import * as Base64 from "effect/encoding/Base64"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Result from "effect/Result"
import { type HttpCheckError, isTransientStatus } from "../HttpCheckError.ts"
import { execute, failFor, isOk, notJsonReason, statusReason, withBody } from "./httpRequest.ts"
import { at, parse, textAt } from "./json.ts"
import { wireCode } from "./jsonRpcCode.ts"

// One JSON-RPC request over HTTP, answered by JSON or by an event stream that holds the answer.

/** The error of an answer. */
export interface RpcError {
  readonly code: number
  readonly description: string
  readonly data: unknown
}

/** Sends one request; yields the result, or the error that the answer holds. */
export const call = Effect.fnUntraced(function* (
  request: HttpClientRequest.HttpClientRequest,
  id: number,
  method: string,
  params: Readonly<Record<string, unknown>>
): Effect.fn.Return<
  { readonly result: unknown } | { readonly error: RpcError },
  HttpCheckError,
  HttpClient.HttpClient
> {
  const fail = failFor(request, undefined)
  const body = { jsonrpc: "2.0", id, method, params }
  const sent = yield* withBody(request, body, fail)
  const answer = yield* execute(HttpClientRequest.accept(sent, "application/json, text/event-stream"), fail, {
    pickEvent: (data) => answersTo(id, Result.getOrUndefined(parse(data)))
  })
  const ok = isOk(answer)
  // A status that may pass goes before what the body says, for its Retry-After.
  if (!ok && isTransientStatus(answer.status)) return yield* fail(statusReason(answer))
  const error = errorIn(answer.body)
  if (error !== undefined) return { error }
  if (!ok) return yield* fail(statusReason(answer))
  if (answer.content.kind !== "json") return yield* fail(notJsonReason(answer))
  if (hasProperty(answer.body, "result") && answersTo(id, answer.body)) return { result: answer.body.result }
  return yield* fail({
    _tag: "Decode",
    status: answer.status,
    issue: `Expected the JSON-RPC answer to the request ${id}`
  })
})

/** A text as the value of a header: as it is, or in Base64 where a header cannot hold it (MCP 2026-07-28). */
export const headerValue = (text: string): string =>
  /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text)
    ? text
    : `=?base64?${Base64.encode(text)}?=`

// ---- internal ----

const errorIn = (json: unknown): RpcError | undefined => {
  const error = at(json, "error")
  const code = wireCode(error)
  return code === undefined ? undefined : { code, description: textAt(error, "message") ?? "", data: at(error, "data") }
}

/** An error may be without an id, where the server could not read that of the request. */
const answersTo = (id: number, message: unknown): boolean => {
  if (!hasProperty(message, "result") && !hasProperty(message, "error")) return false
  const own = at(message, "id")
  return own === id || (hasProperty(message, "error") && (own === undefined || own === null))
}
