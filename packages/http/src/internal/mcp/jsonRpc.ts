import * as Base64 from "effect/encoding/Base64"
import * as Effect from "effect/Effect"
import type { Headers } from "effect/http/Headers"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Result from "effect/Result"
import type { CheckResult } from "effect-poll/CheckResult"
import { type HttpCheckError, isTransientStatus } from "../../HttpCheckError.ts"
import type { Interpret } from "../../Interpretation.ts"
import type { Failure } from "../../McpTaskError.ts"
import {
  execute,
  type Fail,
  failFor,
  isOk,
  notJsonReason,
  type ReceivedAnswer,
  statusReason,
  withBody
} from "../request/httpRequest.ts"
import { interpretAnswer } from "../answer/interpretation.ts"
import { at, parse, textAt } from "../json.ts"
import { wireCode } from "./jsonRpcCode.ts"
import type { RequestPolicy } from "../request/requestPolicy.ts"
import * as text from "../text.ts"
import { isThrottled } from "../answer/throttling.ts"

// One JSON-RPC request over HTTP, answered by JSON or by an event stream that holds the answer.

/** The error of an answer, its text cut. */
export interface RpcError {
  readonly code: number
  readonly description: string
  readonly data: unknown
}

/** What a request came to by JSON-RPC: its result, or the error that the answer holds. */
export type RpcReply =
  | { readonly result: unknown; readonly headers: Headers }
  | { readonly error: RpcError; readonly status: number }

/** What a request came to: a reply, or what `interpret` made of the answer. */
export type RpcAnswer = RpcReply | { readonly interpreted: CheckResult<never, Failure> }

/** A request, as its body has it. */
export interface Message {
  readonly id: number
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

/** What holds for all requests to a server. */
export interface Settings<E, R> {
  readonly policy: RequestPolicy
  readonly interpret: Interpret<never, Failure, E, R> | undefined
}

/** Sends one request. */
export const call = <E, R>(
  request: HttpClientRequest.HttpClientRequest,
  message: Message,
  { interpret, policy }: Settings<E, R>
): Effect.Effect<RpcAnswer, HttpCheckError | E, HttpClient.HttpClient | R> => {
  const fail = failFor(request, policy.shownUrl)
  return Effect.flatMap(
    send(request, message, policy, fail),
    (answer): Effect.Effect<RpcAnswer, HttpCheckError | E, R> => {
      if (interpret === undefined) return read(message.id, answer, fail, false)
      return Effect.flatMap(
        interpretAnswer(interpret, answer, fail),
        (verdict): Effect.Effect<RpcAnswer, HttpCheckError> =>
          verdict === undefined || verdict._tag === "Decode"
            ? read(message.id, answer, fail, verdict !== undefined)
            : Effect.succeed({ interpreted: verdict })
      )
    }
  )
}

/** Sends one request whose answer is not interpreted. */
export const callPlain = (
  request: HttpClientRequest.HttpClientRequest,
  message: Message,
  policy: RequestPolicy
): Effect.Effect<RpcReply, HttpCheckError, HttpClient.HttpClient> => {
  const fail = failFor(request, policy.shownUrl)
  return Effect.flatMap(send(request, message, policy, fail), (answer) => read(message.id, answer, fail, false))
}

/** Sends a notification, which has no answer. */
export const notify = Effect.fnUntraced(function* (
  request: HttpClientRequest.HttpClientRequest,
  method: string,
  policy: RequestPolicy
): Effect.fn.Return<void, HttpCheckError, HttpClient.HttpClient> {
  const fail = failFor(request, policy.shownUrl)
  const sent = yield* withBody(request, { jsonrpc: "2.0", method }, fail)
  const answer = yield* execute(HttpClientRequest.accept(sent, accepted), fail, { policy, pickEvent: () => true })
  if (!isOk(answer)) return yield* fail(refusal(answer))
})

/** A text as the value of a header: unchanged, or in Base64 if a header cannot contain it (MCP 2026-07-28). */
export const headerValue = (value: string): string =>
  /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/.test(value) && !/^=\?base64\?.*\?=$/.test(value)
    ? value
    : `=?base64?${Base64.encode(value)}?=`

// ---- internal ----

const accepted = "application/json, text/event-stream"

const send = (
  request: HttpClientRequest.HttpClientRequest,
  { id, method, params }: Message,
  policy: RequestPolicy,
  fail: Fail
): Effect.Effect<ReceivedAnswer, HttpCheckError, HttpClient.HttpClient> =>
  Effect.flatMap(withBody(request, { jsonrpc: "2.0", id, method, params }, fail), (sent) =>
    execute(HttpClientRequest.accept(sent, accepted), fail, {
      policy,
      pickEvent: (data) => answersTo(id, Result.getOrUndefined(parse(data)))
    })
  )

/** Reads an answer as JSON-RPC. `whatever` is the status: then only the body counts. */
const read = (
  id: number,
  answer: ReceivedAnswer,
  fail: Fail,
  whatever: boolean
): Effect.Effect<RpcReply, HttpCheckError> => {
  const { body, content, headers, status } = answer
  const ok = whatever || isOk(answer)
  // A status that is transient goes before what the body says, for its Retry-After.
  if (!ok && (isTransientStatus(status) || isThrottled(answer))) return Effect.fail(fail(refusal(answer)))
  const error = errorIn(body)
  if (error !== undefined) return Effect.succeed({ error, status })
  if (!ok) return Effect.fail(fail(refusal(answer)))
  if (content.kind !== "json") return Effect.fail(fail(notJsonReason(answer)))
  return hasProperty(body, "result") && answersTo(id, body)
    ? Effect.succeed({ result: body.result, headers })
    : Effect.fail(fail({ _tag: "Decode", status, issue: `Expected the JSON-RPC answer to the request ${id}` }))
}

const refusal = (answer: ReceivedAnswer) => statusReason(answer, isThrottled(answer) ? "throttled" : undefined)

const maxTextLength = 1_000

const errorIn = (json: unknown): RpcError | undefined => {
  const error = at(json, "error")
  const code = wireCode(error)
  if (code === undefined) return undefined
  return { code, description: text.cut(textAt(error, "message") ?? "", maxTextLength), data: at(error, "data") }
}

/** An error may be without an id, where the server could not read that of the request. */
const answersTo = (id: number, message: unknown): boolean => {
  if (!hasProperty(message, "result") && !hasProperty(message, "error")) return false
  const own = at(message, "id")
  return own === id || (hasProperty(message, "error") && (own === undefined || own === null))
}
