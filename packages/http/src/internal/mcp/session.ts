import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Semaphore from "effect/Semaphore"
import { HttpCheckError } from "../../HttpCheckError.ts"
import { JsonRpcError } from "../../McpTaskError.ts"
import { textAt } from "../json.ts"
import * as jsonRpc from "./jsonRpc.ts"
import { invalidParams } from "./jsonRpcCode.ts"
import type { RequestPolicy } from "../request/requestPolicy.ts"

// The session of an MCP server over Streamable HTTP: opened before the first request, and again when the server has lost
// it. See "Session Management" of https://modelcontextprotocol.io/specification/2025-11-25/basic/transports.

/** What the headers of a request say of the session. */
export interface Session {
  readonly id: Redacted.Redacted | undefined
  /** The version of the protocol that was agreed upon; undefined if none is said. */
  readonly version: string | undefined
}

/** What a client says of itself when it opens a session. */
export interface Hello {
  readonly version: string
  readonly clientInfo: unknown
  readonly capabilities: unknown
}

type OpenError<E> = E | JsonRpcError | HttpCheckError

/** Opens a session; yields what all requests within it say. */
export type Open<E, R> = Effect.Effect<Session, OpenError<E>, R | HttpClient.HttpClient>

/** Sends a request within a session. */
export type Send<E, R> = (
  session: Session
) => Effect.Effect<jsonRpc.RpcAnswer, HttpCheckError | E, HttpClient.HttpClient | R>

/**
 * Makes a function that sends requests within one session, and once more within a new one if the server has lost it.
 * `first` is a session that was opened elsewhere. Without `open` there is no other one.
 */
export const make = <E, R>(
  first: Session,
  open: Open<E, R> | undefined
): (<E2, R2>(
  send: Send<E2, R2>
) => Effect.Effect<jsonRpc.RpcAnswer, OpenError<E | E2>, R | R2 | HttpClient.HttpClient>) => {
  if (open === undefined) return (send) => send(first)
  let current: Session | undefined = first.id === undefined ? undefined : first
  // One session is opened at a time: requests that find it lost meanwhile take the new one.
  const opening = Semaphore.makeUnsafe(1)
  const ready: Open<E, R> = Effect.suspend(() =>
    current !== undefined
      ? Effect.succeed(current)
      : Effect.map(open, (session) => {
          current = session
          return session
        })
  )
  const session = Effect.suspend(() => (current === undefined ? opening.withPermit(ready) : Effect.succeed(current)))
  return <E2, R2>(send: Send<E2, R2>) =>
    Effect.flatMap(session, (used) => {
      const again = Effect.suspend(() => {
        if (current === used) current = undefined
        return Effect.flatMap(session, send)
      })
      return Effect.matchEffect(send(used), {
        onSuccess: (answer) => (isLost(answer, used) ? again : Effect.succeed(answer)),
        onFailure: (error): Effect.Effect<jsonRpc.RpcAnswer, OpenError<E | E2>, R | R2 | HttpClient.HttpClient> =>
          isRefused(error, used) ? again : Effect.fail(error)
      })
    })
}

/** The headers of a request within a session. */
export const headersOf = ({ id, version }: Session): Record<string, string> => ({
  ...(version === undefined ? {} : { "mcp-protocol-version": version }),
  ...(id === undefined ? {} : { "mcp-session-id": Redacted.value(id) })
})

/** Opens a session by `initialize` and `notifications/initialized`. */
export const initialize = (
  base: HttpClientRequest.HttpClientRequest,
  { capabilities, clientInfo, version }: Hello,
  policy: RequestPolicy,
  nextId: () => number
): Open<never, never> =>
  Effect.gen(function* () {
    const method = "initialize"
    const params = { protocolVersion: version, capabilities, clientInfo }
    const first = HttpClientRequest.setHeader(base, "mcp-method", method)
    const answer = yield* jsonRpc.callPlain(first, { id: nextId(), method, params }, policy)
    if ("error" in answer) return yield* new JsonRpcError({ method, ...answer.error, status: answer.status })
    const agreed = textAt(answer.result, "protocolVersion")
    const id = answer.headers["mcp-session-id"]
    const session: Session = {
      // A version or an id that no header can hold is not sent.
      version: agreed !== undefined && isToken(agreed, 64) ? agreed : version,
      id: id !== undefined && isToken(id, 4_096) ? Redacted.make(id, { label: "mcp-session-id" }) : undefined
    }
    const second = HttpClientRequest.setHeaders(base, { "mcp-method": initialized, ...headersOf(session) })
    yield* jsonRpc.notify(second, initialized, policy)
    return session
  })

// ---- internal ----

const initialized = "notifications/initialized"

/** A 404 to a request that named a session, without a JSON-RPC error: the specification has no more than that. */
const isRefused = (error: unknown, { id }: Session): boolean =>
  id !== undefined && error instanceof HttpCheckError && error.reason._tag === "Status" && error.reason.status === 404

/** A JSON-RPC error about the session. Its code is not specified, so with 400 the words decide. */
const isLost = (answer: jsonRpc.RpcAnswer, { id }: Session): boolean => {
  if (!("error" in answer) || answer.error.code === invalidParams) return false
  const { error, status } = answer
  return (status === 404 && id !== undefined) || (isSessionStatus(status) && aboutSession.test(error.description))
}

const isSessionStatus = (status: number): boolean => status === 400 || status === 404

const aboutSession = /session|initiali[sz]/i

/** Visible ASCII, as the specification has session ids. */
const isToken = (text: string, maxLength: number): boolean => text.length <= maxLength && /^[\x21-\x7e]+$/.test(text)
