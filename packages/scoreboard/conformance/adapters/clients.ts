// The polling helpers of API clients, with a fetch that reaches the scripted server.
import { peer } from "../../peers.ts"
import { type Adapter, type Ended, given, set, type Setup } from "../adapter.ts"
import { failure, result } from "../server.ts"
import { endOfError } from "./caller.ts"

interface VectorStoreFile {
  readonly status: string
  readonly attributes: unknown
  readonly last_error?: unknown
}

const openai = async (): Promise<Adapter> => {
  const { default: OpenAI } = await peer<{
    readonly default: new (options: object) => {
      readonly vectorStores: {
        readonly files: { readonly poll: (store: string, file: string, options: object) => Promise<VectorStoreFile> }
      }
    }
  }>("openai")
  return {
    name: "openai",
    packages: ["openai"],
    how: "`vectorStores.files.poll` with pollIntervalMs and signal; where the requested delay matters, pollIntervalMs is omitted, since it takes precedence",
    features: set("abort", "signal", "hint", "busy", "words", "states", "errors", "http", "failures"),
    words: { running: "in_progress", succeeded: "completed", canceled: "cancelled" },
    body: (status) => ({
      id: "file",
      status,
      attributes: status === "completed" ? { result } : null,
      last_error: status === "failed" ? { code: "server_error", message: failure } : null
    }),
    hint: (seconds) => ({ "openai-poll-after-ms": String(seconds * 1_000) }),
    wait: async (setup): Promise<Ended> => {
      const client = new OpenAI({ apiKey: "none", baseURL: "https://jobs.example", fetch: setup.server.fetch })
      const options = { signal: setup.signal, ...given(setup, { pollIntervalMs: setup.interval }) }
      try {
        const file = await client.vectorStores.files.poll("store", "file", options)
        if (file.status === "completed") return { tag: "succeeded", value: file.attributes }
        return { tag: file.status === "failed" ? "failed" : "canceled", error: file.last_error }
      } catch (error) {
        if ((error as { readonly status?: number }).status === 404) return { tag: "missing", error }
        const { constructor } = error as object
        return constructor.name === "APIUserAbortError" ? { tag: "aborted", error } : endOfError(error, setup.signal)
      }
    }
  }
}

interface Prediction {
  readonly id: string
  readonly status: string
  readonly output?: unknown
}

interface Replicate {
  readonly wait: (prediction: Prediction, options: object) => Promise<Prediction>
  readonly run: (model: string, options: object, progress?: () => void) => Promise<unknown>
}

const replicate = async (): Promise<ReadonlyArray<Adapter>> => {
  const { default: Client } = await peer<{ readonly default: new (options: object) => Replicate }>("replicate")
  const created: Prediction = { id: "job-1", status: "starting" }
  const clientOf = ({ server, submitHangs = false }: Setup): Replicate => {
    const fetch = (url: unknown, init?: { readonly method?: string; readonly signal?: AbortSignal }) =>
      init?.method === "POST" && String(url).endsWith("/predictions")
        ? submitHangs
          ? unanswered(init.signal)
          : Promise.resolve(Response.json(created))
        : server.fetch(url, init)
    return new Client({ auth: "none", baseUrl: "https://jobs.example", fetch, useFileOutput: false })
  }
  const endOf = (error: unknown): Ended => {
    const { message, response } = error as { readonly message: string; readonly response?: { readonly status: number } }
    if (response?.status === 404) return { tag: "missing", error }
    return message.startsWith("Prediction failed") ? { tag: "failed", error } : endOfError(error)
  }
  const words = { running: "processing" }
  const body = (status: string) => ({
    id: "job-1",
    status,
    ...(status === "succeeded" && { output: result }),
    ...(status === "failed" && { error: failure })
  })
  return [
    {
      name: "replicate wait",
      packages: ["replicate"],
      how: "`replicate.wait` with interval; requests are retried by the client itself",
      features: set("words", "states", "errors", "http", "failures", "busy"),
      words,
      body,
      wait: async (setup) => {
        try {
          const prediction = await clientOf(setup).wait(created, given(setup, { interval: setup.interval }))
          return prediction.status === "succeeded"
            ? { tag: "succeeded", value: prediction.output }
            : { tag: prediction.status === "canceled" ? "canceled" : "pending", error: prediction }
        } catch (error) {
          return endOf(error)
        }
      }
    },
    {
      name: "replicate run",
      packages: ["replicate"],
      how: '`replicate.run` with `wait: { mode: "poll", interval }`, signal and progress; it cancels the prediction on abort',
      features: set(
        "abort",
        "signal",
        "words",
        "states",
        "errors",
        "http",
        "failures",
        "busy",
        "progress",
        "cancelRemote",
        "submits"
      ),
      words,
      body,
      wait: async (setup) => {
        const wait = { mode: "poll", ...given(setup, { interval: setup.interval }) }
        const version = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
        try {
          const options = { input: {}, wait, signal: setup.signal }
          return {
            tag: "succeeded",
            value: await clientOf(setup).run(`owner/model:${version}`, options, setup.progress)
          }
        } catch (error) {
          return endOf(error)
        }
      }
    }
  ]
}

/** A request that is never answered; as with fetch, an abort ends it. */
const unanswered = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_resolve, reject) => {
    if (signal?.aborted === true) reject(signal.reason as Error)
    signal?.addEventListener("abort", () => reject(signal.reason as Error))
  })

export const adapters = async (): Promise<ReadonlyArray<Adapter>> => [await openai(), ...(await replicate())]
