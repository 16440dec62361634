// Runs a row of the table with @azure/core-lro in a favorable setup: a client that keeps cookies, retries 5xx, resolves
// relative URLs and parses every body, whatever its content type.
import type { Outcome, Scenario } from "../../http/test/LongRunningAzure.ts"
import { load } from "../peers/load.ts"

/** The part of the package that is used, typed by hand: compiling does not need the package. */
interface CoreLro {
  readonly createHttpPoller: (
    operation: {
      readonly sendInitialRequest: () => Promise<unknown>
      readonly sendPollRequest: (path: string) => Promise<unknown>
    },
    options: { readonly intervalInMs: number; readonly resourceLocationConfig?: string }
  ) => { readonly pollUntilDone: () => Promise<unknown> }
}

/** Runs a row. One that takes longer than 20 seconds ends as `other`. */
export const coreLro = async (base: string, row: Scenario): Promise<Outcome> => {
  const { createHttpPoller } = (await load("@azure/core-lro")) as CoreLro
  const client = makeClient(base, row)
  const poller = createHttpPoller(
    {
      sendInitialRequest: () => client(row.method, `${base}${row.url}`),
      sendPollRequest: (path) => client("GET", path)
    },
    {
      intervalInMs: 1,
      ...(row.finalStateVia === undefined ? {} : { resourceLocationConfig: row.finalStateVia })
    }
  )
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve({ kind: "other", message: "it did not end" }), 20_000)
  })
  const ended = poller.pollUntilDone().then((body): Outcome => ({ kind: "success", body }), outcomeOf)
  return Promise.race([ended, late]).finally(() => clearTimeout(timer))
}

// ---- internal ----

const outcomeOf = (error: unknown): Outcome => {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof RestError) return { kind: "http-error", status: error.statusCode, message }
  if (error instanceof SyntaxError) return { kind: "invalid-response", message }
  if (/has failed/.test(message)) return { kind: "failed", message }
  return { kind: /canceled/.test(message) ? "canceled" : "other", message }
}

class RestError extends Error {
  override readonly name = "RestError"
  readonly statusCode: number
  constructor(statusCode: number) {
    super(`the server answered ${statusCode}`)
    this.statusCode = statusCode
  }
}

const makeClient = (base: string, row: Scenario) => {
  const cookies = new Map<string, string>()

  const send = async (method: string, url: string): Promise<Response> => {
    // The peer has no HTTP client of its own.
    // @effect-diagnostics-next-line globalFetch:off
    const response = await fetch(url, {
      method,
      headers: {
        ...row.requestHeaders,
        ...(cookies.size === 0 ? {} : { cookie: [...cookies].map((pair) => pair.join("=")).join("; ") }),
        ...(method === "GET" || method === "DELETE" ? {} : { "content-type": "application/json" })
      },
      body: method === "GET" || method === "DELETE" ? null : "{}"
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (name !== undefined && value) cookies.set(name, value)
      else if (name !== undefined) cookies.delete(name)
    }
    return response
  }

  return async (method: string, path: string) => {
    const url = new URL(path, base).href
    let response = await send(method, url)
    for (let retries = 0; response.status >= 500 && retries < 3; retries++) {
      await response.text()
      response = await send(method, url)
    }
    const text = await response.text()
    if (!response.ok) throw new RestError(response.status)
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
}
