import * as JobServer from "@effect-poll/testing/JobServer"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import type * as Scope from "effect/Scope"
import { createLogger, createServer, type Logger, preview, type PreviewOptions, type ServerOptions } from "vite"
import { scriptOf } from "./scripts.ts"

/** Vite cannot listen on the port. */
export class PortError extends Data.TaggedError("PortError")<{ readonly port: number; readonly reason: string }> {
  override get message(): string {
    return `port ${this.port} cannot be used (${this.reason}): choose another one with --port`
  }
}

/** A running app. */
export interface App {
  /** The URL of the page, without a trailing slash. */
  readonly url: string
  readonly jobs: JobServer.JobServer["Service"]
}

/** Starts the server of the jobs, and Vite in front of it, until the scope closes. */
export const serve = (options: {
  readonly port: number
  /** The folder of a build to serve. Default: the sources, which the page follows as they change. */
  readonly built?: string | undefined
  /** How many times faster than they say the scripts run. Default: 1. */
  readonly speed?: number | undefined
}): Effect.Effect<App, ServeError | PortError, Scope.Scope> =>
  Effect.gen(function* () {
    const jobs = yield* JobServer.make({ script: scriptOf, speed: options.speed })
    const address = { host, port: options.port, strictPort: true, proxy: proxyTo(jobs.urls) }
    yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => (options.built === undefined ? sources(address) : build(options.built, address)),
        catch: (error) => new PortError({ port: options.port, reason: reasonOf(error) })
      }),
      (vite) => Effect.promise(() => vite.close())
    )
    return { url: `http://${host}:${options.port}`, jobs }
  })

// ---- internal ----

const common = () => ({ root: new URL("..", import.meta.url).pathname, customLogger: quietLogger() })

interface Vite {
  readonly close: () => Promise<void>
}

type Address = ServerOptions & PreviewOptions

const sources = async (address: Address): Promise<Vite> => {
  const vite = await createServer({ ...common(), server: address })
  try {
    return await vite.listen()
  } catch (error) {
    await vite.close()
    throw error
  }
}

const build = (outDir: string, address: Address): Promise<Vite> =>
  preview({ ...common(), build: { outDir }, preview: address })

const host = "127.0.0.1"

/**
 * The page and the API have one origin, as behind any reverse proxy: a check is one request without a preflight, and
 * needs neither CORS nor a URL in the page.
 */
const proxyTo = (urls: JobServer.JobServer["Service"]["urls"]): Record<string, string> => ({
  "/api": urls.JobStatus,
  "/v1": urls.Mixpeek,
  "/generateTask": urls.GenerationApi,
  "/package_builder": urls.EventPlatform,
  "/notifications": urls.EventPlatform,
  "/messages": urls.EventPlatform
})

/** Some scripts lose connections on purpose, which is no news here. */
const quietLogger = (): Logger => {
  const logger = createLogger("warn", { allowClearScreen: false })
  return {
    ...logger,
    error: (message, options) => {
      if (!message.includes("http proxy error")) logger.error(message, options)
    }
  }
}

const reasonOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error)
  return message.includes("already in use") ? "it is already in use" : message
}
