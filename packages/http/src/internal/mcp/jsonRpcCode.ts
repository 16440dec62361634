import { hasProperty } from "effect/Predicate"

// The codes of JSON-RPC errors.

/** The code of an unknown task, and of a task that cannot be canceled any more. */
export const invalidParams = -32602

/** The code of a JSON-RPC error on the wire. */
export const wireCode = (error: unknown): number | undefined =>
  hasProperty(error, "code") && Number.isInteger(error.code) ? (error.code as number) : undefined

/**
 * The code of a JSON-RPC error about a task, wherever a client keeps it. Of another client than ours only a negative one:
 * there are clients that keep an HTTP status in `code`, and an aborted request has one too.
 */
export const rpcCodeOf = (error: unknown): number | undefined => {
  if (hasProperty(error, "_tag") && error._tag === "JsonRpcError") {
    // An error of a new session does not concern the task.
    return hasProperty(error, "method") && error.method === "initialize" ? undefined : wireCode(error)
  }
  const code = wireCode(error) ?? wireCode(hasProperty(error, "reason") ? error.reason : undefined)
  return code !== undefined && code < 0 ? code : undefined
}

/** Whether a code may be gone at the next check: an internal error, or one that the server or its client made up. */
export const isTransientCode = (code: number): boolean =>
  code === -32603 || (code <= -32000 && code >= -32099 && !ownCodes.has(code))

// ---- internal ----

/** Codes of MCP itself that another check cannot mend: headers, capabilities, version, a URL to be visited. */
const ownCodes: ReadonlySet<number> = /*#__PURE__*/ new Set([-32020, -32021, -32022, -32042])
