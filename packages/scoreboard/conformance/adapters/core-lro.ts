// Azure core-lro, as the generated clients of the Azure SDK use it: requests go through core-rest-pipeline with its
// default retry policy, and an unexpected status is a RestError.
import { peer } from "../../peers.ts"
import { type Adapter, type Ended, given, set, type Setup, type Watcher } from "../adapter.ts"
import { endOfError } from "./caller.ts"

interface Poller {
  readonly operationState: { readonly status: string } | undefined
  readonly pollUntilDone: (options?: object) => Promise<{ readonly body: { readonly result?: unknown } }>
  readonly onProgress: (listener: () => void) => void
  readonly serialize: () => Promise<string>
}

interface CoreLro {
  readonly createHttpPoller: (operation: object, options: object) => Poller
}

interface PipelineResponse {
  readonly status: number
  readonly bodyAsText: string
  readonly headers: { readonly toJSON: () => Record<string, string> }
}

interface Pipeline {
  readonly createEmptyPipeline: () => {
    readonly addPolicy: (policy: unknown) => void
    readonly sendRequest: (client: object, request: unknown) => Promise<PipelineResponse>
  }
  readonly defaultRetryPolicy: () => unknown
  readonly createPipelineRequest: (options: object) => { readonly abortSignal?: AbortSignal }
  readonly createHttpHeaders: (headers: object) => unknown
  readonly RestError: new (message: string, options: object) => Error & { readonly statusCode?: number }
}

const url = "https://jobs.example/operations/1"

export const adapters = async (): Promise<ReadonlyArray<Adapter>> => {
  const { createHttpPoller } = await peer<CoreLro>("@azure/core-lro")
  const rest = await peer<Pipeline>("@azure/core-rest-pipeline")

  const sender = ({ server }: Setup) => {
    const pipeline = rest.createEmptyPipeline()
    pipeline.addPolicy(rest.defaultRetryPolicy())
    const client = {
      sendRequest: async (request: { readonly abortSignal?: AbortSignal }): Promise<unknown> => {
        try {
          const { body, headers, status } = await server.request(request.abortSignal)
          return { status, bodyAsText: body, headers: rest.createHttpHeaders(headers), request }
        } catch (cause) {
          if (request.abortSignal?.aborted === true) {
            throw Object.assign(new Error("The operation was aborted."), { name: "AbortError" })
          }
          throw new rest.RestError((cause as Error).message, { code: "ECONNRESET", request })
        }
      }
    }
    return async (path: string, abortSignal: AbortSignal | undefined) => {
      const request = rest.createPipelineRequest(given({ server }, { url: path, abortSignal }))
      const response = await pipeline.sendRequest(client, request)
      if (response.status !== 200 && response.status !== 202) {
        throw new rest.RestError(`Unexpected status code: ${response.status}`, { statusCode: response.status, request })
      }
      const headers = response.headers.toJSON()
      const json = headers["content-type"]?.includes("json") === true
      const body: unknown = json ? JSON.parse(response.bodyAsText) : response.bodyAsText
      return {
        flatResponse: { body },
        rawResponse: { statusCode: response.status, headers, body, request: { method: "GET", url: path } }
      }
    }
  }

  const pollerOf = (setup: Setup, restoreFrom?: string): Poller => {
    const send = sender(setup)
    const headers: Record<string, string> = {
      "operation-location": url,
      ...(setup.submitHint !== undefined && { "retry-after": String(setup.submitHint) })
    }
    const accepted = {
      flatResponse: {},
      rawResponse: { statusCode: 202, headers, request: { method: "POST", url }, body: {} }
    }
    const operation = {
      sendInitialRequest: () => (setup.submitHangs === true ? new Promise(() => {}) : Promise.resolve(accepted)),
      sendPollRequest: (path: string, options?: { readonly abortSignal?: AbortSignal }) =>
        send(path, options?.abortSignal)
    }
    const poller = createHttpPoller(operation, {
      ...given(setup, { intervalInMs: setup.interval }),
      ...(restoreFrom !== undefined && { restoreFrom })
    })
    if (setup.progress !== undefined) poller.onProgress(setup.progress)
    return poller
  }

  const wait = async (poller: Poller, signal?: AbortSignal): Promise<Ended> => {
    try {
      const { body } = await poller.pollUntilDone(signal === undefined ? {} : { abortSignal: signal })
      return { tag: "succeeded", value: body.result ?? body }
    } catch (error) {
      const { name, statusCode } = error as { readonly name: string; readonly statusCode?: number }
      if (name === "RestError") return { tag: statusCode === 404 ? "missing" : "error", error }
      if (name === "AbortError") return { tag: "aborted", error }
      const status = poller.operationState?.status
      return status === "failed" || status === "canceled" ? { tag: status, error } : endOfError(error, signal)
    }
  }

  return [
    {
      name: "@azure/core-lro",
      packages: ["@azure/core-lro", "@azure/core-rest-pipeline"],
      how: "`createHttpPoller` with operation-location and `pollUntilDone({ abortSignal })`; requests through core-rest-pipeline with `defaultRetryPolicy`, an unexpected status is a RestError, as in its generated clients; a wait is left by an abort, then `serialize`",
      features: set(
        "abort",
        "signal",
        "hint",
        "retryAfter",
        "busy",
        "words",
        "states",
        "errors",
        "http",
        "failures",
        "progress",
        "share",
        "reuse",
        "second",
        "resume",
        "leave",
        "submit",
        "submits"
      ),
      words: { running: "Running", succeeded: "Succeeded", failed: "Failed", canceled: "Canceled" },
      wait: (setup) => wait(pollerOf(setup), setup.signal),
      watch: (setup): Watcher => {
        const poller = pollerOf(setup)
        const left = new AbortController()
        return {
          wait: (signal) => wait(poller, signal === undefined ? left.signal : AbortSignal.any([left.signal, signal])),
          token: () => poller.serialize(),
          leave: () => {
            left.abort()
            return poller.serialize()
          }
        }
      },
      resume: (token, setup) => wait(pollerOf(setup, token))
    }
  ]
}
