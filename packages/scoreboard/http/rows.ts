// The loops that are compared: a check over each client bare, in an Effect written by hand, and with HttpCheck.
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Agent as UndiciAgent } from "@effect/platform-node/Undici"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Schema from "effect/Schema"
import { Agent, get as nodeGet } from "node:http"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"

/** Makes checks of one URL, one after another. */
export type Loop = (url: string, checks: number) => Promise<unknown>

export type Client = "undici" | "fetch" | "node:http"

export interface Row {
  readonly kind: "bare" | "by hand" | "HttpCheck"
  readonly client: Client
  readonly loop: Loop
}

export const rows = (): { readonly rows: ReadonlyArray<Row>; readonly close: () => Promise<void> } => {
  const agent = new Agent({ keepAlive: true })
  const dispatcher = new UndiciAgent()
  const bare: Readonly<Record<Client, (url: string) => Promise<unknown>>> = {
    undici: async (url) => {
      const { body, statusCode } = await dispatcher.request({ method: "GET", ...originAndPath(url) })
      return stateIn(statusCode, await body.json())
    },
    fetch: async (url) => {
      // @effect-diagnostics-next-line globalFetch:off
      const response = await fetch(url)
      return stateIn(response.status, await response.json())
    },
    "node:http": (url) =>
      new Promise((resolve, reject) => {
        nodeGet(url, { agent }, (response) => {
          const chunks: Array<Buffer> = []
          response.on("data", (chunk: Buffer) => chunks.push(chunk))
          response.on("end", () => {
            resolve(stateIn(response.statusCode!, JSON.parse(Buffer.concat(chunks).toString())))
          })
          response.on("error", reject)
        }).on("error", reject)
      })
  }
  const runtimes = Object.entries(layers).map(
    ([client, layer]) => [client as Client, ManagedRuntime.make(layer)] as const
  )
  const all: Array<Row> = []
  for (const [client, runtime] of runtimes) {
    const run =
      (check: (url: string) => Effect.Effect<unknown, unknown, HttpClient.HttpClient>): Loop =>
      (url, checks) =>
        runtime.runPromise(repeat(check(url), checks))
    all.push(
      {
        kind: "bare",
        client,
        loop: async (url, checks) => {
          for (let check = 0; check < checks; check++) await bare[client](url)
        }
      },
      { kind: "by hand", client, loop: run(byHand) },
      { kind: "HttpCheck", client, loop: run((url) => HttpCheck.get(url, TaskStatus)) }
    )
  }
  return {
    rows: all,
    close: async () => {
      agent.destroy()
      await dispatcher.destroy()
      for (const [, runtime] of runtimes) await runtime.dispose()
    }
  }
}

// ---- internal ----

const layers: Readonly<Record<Client, Layer.Layer<HttpClient.HttpClient>>> = {
  undici: NodeHttpClient.layerUndici,
  fetch: FetchHttpClient.layer,
  // The default agent of this client keeps no connection.
  "node:http": NodeHttpClient.layerNodeHttpOptions({ keepAlive: true })
}

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({ state: Schema.Literals(["running", "done"]), progress: Schema.optionalKey(Schema.Finite) }),
  "state",
  { running: ({ progress }) => Status.pending({ progress: (progress ?? 0) / 100 }), done: Status.succeeded("done") }
)

const decode = Schema.decodeUnknownEffect(TaskStatus)

/** What a user of `HttpClient` writes: the body of a 2xx, decoded by the same Schema. */
const byHand = (url: string): Effect.Effect<unknown, unknown, HttpClient.HttpClient> =>
  Effect.flatMap(HttpClient.get(url, { headers: { accept: "application/json" } }), (response) =>
    response.status >= 200 && response.status <= 299
      ? Effect.flatMap(response.json, decode)
      : Effect.die(response.status)
  )

const repeat = <E, R>(check: Effect.Effect<unknown, E, R>, checks: number): Effect.Effect<void, E, R> => {
  let left = checks
  return Effect.whileLoop({ while: () => left-- > 0, body: () => check, step: () => {} })
}

const stateIn = (status: number, body: unknown): unknown => {
  if (status < 200 || status > 299) throw new Error(String(status))
  return (body as { readonly state: unknown }).state
}

const originAndPath = (url: string) => {
  const at = url.indexOf("/", "http://".length)
  return { origin: url.slice(0, at), path: url.slice(at) }
}
