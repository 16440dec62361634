// The long-running operations of the cases, with @azure/core-lro: the same server, and a client that resolves relative
// URLs and parses every body.
import { isDeepStrictEqual } from "node:util"
import { peer } from "../peers.ts"
import type { Expected } from "./case.ts"
import type { Lab } from "./lab.ts"
import type { Handler, Server } from "./server.ts"

interface CoreLro {
  readonly createHttpPoller: (
    operation: {
      readonly sendInitialRequest: () => Promise<unknown>
      readonly sendPollRequest: (path: string) => Promise<unknown>
    },
    options: { readonly intervalInMs: number }
  ) => { readonly pollUntilDone: () => Promise<unknown> }
}

/** What is wrong with how the peer ends an operation that a POST to `url` starts; null if nothing is. */
export const judgeOperation = async (
  lab: Lab,
  handler: Handler,
  url: string,
  ends: Expected
): Promise<string | null> => {
  const { createHttpPoller } = await peer<CoreLro>("@azure/core-lro")
  const server = lab.server(handler)
  const send = sender(server, url)
  let ended: { readonly value: unknown } | { readonly error: unknown } | undefined
  void Promise.resolve()
    .then(() =>
      createHttpPoller(
        { sendInitialRequest: () => send("POST", url), sendPollRequest: (path) => send("GET", path) },
        { intervalInMs: 1_000 }
      ).pollUntilDone()
    )
    .then(
      (value) => (ended = { value }),
      (error: unknown) => (ended = { error })
    )
  await lab.clock.advance(lab.clock.now + 3_600_000, () => ended !== undefined)
  if (ended === undefined) return ends.tag.includes("PollTimeout") || ends.tag === "JobStalled" ? null : "no end"
  const wanted = ends.tag === "Succeeded"
  if ("error" in ended) return wanted ? `expected a success, got ${String(ended.error).slice(0, 150)}` : null
  if (!wanted) return `expected ${ends.tag}, got a success with ${JSON.stringify(ended.value)}`
  return ends.value === undefined || isDeepStrictEqual(ended.value, ends.value)
    ? null
    : `expected ${JSON.stringify(ends.value)}, got ${JSON.stringify(ended.value)}`
}

// ---- internal ----

class RestError extends Error {}

const sender = (server: Server, base: string) => async (method: string, path: string) => {
  const url = new URL(path, base).href
  const response = await server.fetch(url, { method })
  const text = await response.text()
  if (!response.ok) throw new RestError(`the server answered ${response.status}`)
  const body: unknown = text.trim() === "" ? undefined : JSON.parse(text)
  return {
    flatResponse: body,
    rawResponse: {
      statusCode: response.status,
      request: { method, url },
      headers: Object.fromEntries(response.headers),
      body
    }
  }
}
