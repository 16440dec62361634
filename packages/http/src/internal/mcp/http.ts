import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpCheckError } from "../../HttpCheckError.ts"
import { JsonRpcError } from "../../McpTaskError.ts"
import type { Call, HttpOptions } from "../../McpTaskJob.ts"
import * as jsonRpc from "./jsonRpc.ts"
import * as mcpSession from "./session.ts"
import { InterpretedAnswer, withMeta } from "./task.ts"
import * as requestPolicy from "../request/requestPolicy.ts"
import * as validate from "../validate.ts"

// The transport Streamable HTTP of MCP: sessions, headers, and what an answer without a result is.

export const make = <E, R, EI, RI>(
  options: HttpOptions<E, R, EI, RI>
): Call<JsonRpcError | HttpCheckError | E | EI, HttpClient.HttpClient | R | RI> => {
  const { interpret, protocolVersion, sessionId: id } = options
  const base = HttpClientRequest.post(validate.nonEmpty("McpTasks.http: url", options.url))
  const settings = { interpret, policy: requestPolicy.make("McpTasks.http", options) }
  const meta = metaOf(options)
  let sent = 0
  const nextId = () => ++sent
  const within = mcpSession.make({ id, version: protocolVersion }, opener(options, base, settings.policy, nextId))
  return (method, params) => {
    const headers = { "mcp-method": jsonRpc.headerValue(method), ...nameHeader(params) }
    const body = meta === undefined ? params : withMeta(params, meta)
    return within((session) =>
      Effect.suspend(() =>
        jsonRpc.call(
          HttpClientRequest.setHeaders(base, { ...headers, ...mcpSession.headersOf(session) }),
          { id: nextId(), method, params: body },
          settings
        )
      )
    ).pipe(
      Effect.flatMap((answer): Effect.Effect<unknown, JsonRpcError> => {
        if ("interpreted" in answer) return Effect.succeed(new InterpretedAnswer(answer.interpreted))
        return "error" in answer
          ? Effect.fail(new JsonRpcError({ method, ...answer.error, status: answer.status }))
          : Effect.succeed(answer.result)
      }),
      Effect.updateService(Headers.CurrentRedactedNames, (names) => [...names, "mcp-session-id", "mcp-name"])
    )
  }
}

// ---- internal ----

/** The versions whose servers have sessions, and no `_meta` with the version. */
const lastWithSessions = "2025-11-25"

const metaOf = ({
  meta,
  protocolVersion
}: Pick<HttpOptions, "meta" | "protocolVersion">): Readonly<Record<string, unknown>> | undefined =>
  protocolVersion === undefined || protocolVersion <= lastWithSessions
    ? meta
    : { "io.modelcontextprotocol/protocolVersion": protocolVersion, ...meta }

const nameHeader = (params: Readonly<Record<string, unknown>>): Record<string, string> => {
  const name = [params["taskId"], params["name"], params["uri"]].find((each) => typeof each === "string")
  return name === undefined ? {} : { "mcp-name": jsonRpc.headerValue(name) }
}

/** How a session is opened; undefined if none is. */
const opener = <E, R>(
  {
    initialize,
    openSession,
    protocolVersion
  }: Pick<HttpOptions<E, R>, "initialize" | "openSession" | "protocolVersion">,
  base: HttpClientRequest.HttpClientRequest,
  policy: requestPolicy.RequestPolicy,
  nextId: () => number
): mcpSession.Open<E, R> | undefined => {
  if (initialize !== undefined && openSession !== undefined) {
    throw new RangeError("McpTasks.http: initialize must be left out if there is an openSession")
  }
  if (openSession !== undefined) return Effect.map(openSession, (id) => ({ id, version: protocolVersion }))
  if (initialize === undefined) return undefined
  const { capabilities = {}, clientInfo } = initialize
  validate.nonEmpty("McpTasks.http: initialize.clientInfo.name", clientInfo.name)
  validate.nonEmpty("McpTasks.http: initialize.clientInfo.version", clientInfo.version)
  const hello = { version: protocolVersion ?? lastWithSessions, capabilities, clientInfo }
  return mcpSession.initialize(base, hello, policy, nextId)
}
