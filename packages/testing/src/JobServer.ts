/**
 * A real HTTP server on loopback that runs scripted jobs and records what happens to them.
 *
 * It serves the APIs of five providers, each under its own prefix, with JSON written by hand. A test points a poller at
 * this server, then compares what the poller found with what the server recorded.
 *
 * **Details**
 *
 * - The state of a job is computed from its script and the time at each request; only webhooks need fibers.
 * - Time comes from the Clock. `speed` divides the durations of scripts and submissions, but not a `Retry-After`.
 * - When its scope closes, the server stops at once: open connections are cut, webhooks are interrupted.
 *
 * **Gotchas**
 *
 * Sockets work in real time. Under a TestClock jobs age by `TestClock.adjust`, but requests still take real time.
 *
 * @since 0.1.0
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { NoSuchElementError } from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Recorded } from "./EventConnection.ts"
import * as AsyncQueue from "./internal/asyncQueueRoutes.ts"
import * as EventPlatform from "./internal/eventPlatformRoutes.ts"
import * as Generation from "./internal/generationRoutes.ts"
import * as JobStore from "./internal/jobStore.ts"
import * as JobStatus from "./internal/jobStatusRoutes.ts"
import * as Loopback from "./internal/loopback.ts"
import * as Mixpeek from "./internal/mixpeekRoutes.ts"
import type { Provider } from "./internal/provider.ts"
import * as Validate from "./internal/validate.ts"
import * as Wire from "./internal/wire.ts"
import * as JobScript from "./JobScript.ts"
import type { Submission } from "./Submission.ts"
import type { ProviderName, Truth } from "./Truth.ts"

/**
 * Options of a server.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Chooses the script of a submitted job. Default: success after 1 second. */
  readonly script?: ((submission: Submission) => JobScript.JobScript) | undefined
  /** How many nominal seconds pass per second of the Clock; a positive finite number. Default: 1. */
  readonly speed?: number | undefined
  /** The bearer token that GenerationApi requires; any other gets a 401. Default: none is required. */
  readonly token?: string | Redacted.Redacted<string> | undefined
  /**
   * How many tasks, newest first, a list of Mixpeek contains at most; an integer >= 1. The response does not indicate that
   * it leaves tasks out. Default: no limit.
   */
  readonly pageSize?: number | undefined
  /**
   * The URL to which Mixpeek posts `collection.documents.written` when a batch succeeds; the body names no task. Default:
   * none, so there is no such webhook.
   */
  readonly documentsWrittenUrl?: string | undefined
}

/**
 * The kinds of job of each provider.
 *
 * @category models
 * @since 0.1.0
 */
export interface Kinds {
  readonly JobStatus: "job"
  readonly EventPlatform: "task" | "campaign" | "package" | "tasteClusters"
  /** The name of a model. */
  readonly GenerationApi: string
  readonly Mixpeek: "batch" | "cluster" | "taxonomy"
  readonly AsyncQueue: "task"
}

/**
 * The ids of a created job.
 *
 * @category models
 * @since 0.1.0
 */
export interface Receipt {
  /** The id that the status of the job is looked up by. */
  readonly id: string
  /** Every id of the job by its name on the wire, such as `task_id`, `batch_id` and `bucket_id`, or `signalToken`. */
  readonly ids: Readonly<Record<string, string>>
}

/**
 * A running job server.
 *
 * @category services
 * @since 0.1.0
 */
export class JobServer extends Context.Service<
  JobServer,
  {
    /** The URL of the server, without a trailing slash. */
    readonly url: string
    /** The base URL of each provider, without a trailing slash. */
    readonly urls: Readonly<Record<ProviderName, string>>
    /**
     * Creates a job without an HTTP request. `script` defaults to the one that the option `script` chooses. `body` is the
     * JSON that a submit would send, which contains the options of an AsyncQueue task and the callback of a GenerationApi
     * task; it defaults to an empty object. `params` are the path parameters that a submit would have (`eid`,
     * `bucket_id`). An unknown kind is a defect with a RangeError.
     */
    readonly create: <Name extends ProviderName>(
      provider: Name,
      kind: Kinds[Name],
      script?: JobScript.JobScript,
      options?: {
        readonly body?: unknown
        readonly params?: Readonly<Record<string, string>> | undefined
      }
    ) => Effect.Effect<Receipt>
    /** What happened to every job so far, in the order of submission. */
    readonly truth: Effect.Effect<ReadonlyArray<Truth>>
    /** What happened to the job with this id, which may be that of a task or a resource, or a signal token. */
    readonly truthOf: (id: string) => Effect.Effect<Truth, NoSuchElementError>
    /** The connections to the server-sent events of jobs so far, in the order in which they were opened. */
    readonly eventConnections: Effect.Effect<ReadonlyArray<Recorded>>
    /** How many HTTP requests of any kind have arrived. */
    readonly requests: Effect.Effect<number>
  }
>()("@effect-poll/testing/JobServer/JobServer") {}

/**
 * Starts a server that runs until the scope closes. An invalid option throws a RangeError that names it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Effect.Effect<JobServer["Service"], ServeError, Scope.Scope> => {
  const speed = Validate.positive("JobServer.make: speed", options.speed ?? 1)
  const pageSize =
    options.pageSize === undefined ? Infinity : Validate.count("JobServer.make: pageSize", options.pageSize, 1)
  const token = Redacted.isRedacted(options.token) ? Redacted.value(options.token) : options.token
  const script = options.script ?? (() => JobScript.make())

  return Effect.gen(function* () {
    const client = yield* Layer.build(NodeHttpClient.layerNodeHttp)
    const store = yield* JobStore.make({ speed, script }).pipe(Effect.provideContext(client))
    const providers: Readonly<Record<ProviderName, Provider>> = {
      JobStatus: JobStatus.make(store),
      EventPlatform: EventPlatform.make(store, { speed }),
      GenerationApi: Generation.make(store, { token }),
      Mixpeek: Mixpeek.make(store, { pageSize, documentsWrittenUrl: options.documentsWrittenUrl }),
      AsyncQueue: AsyncQueue.make(store)
    }
    const router = yield* HttpRouter.make
    for (const provider of Object.values(providers)) {
      yield* router.prefixed(provider.prefix).addAll(provider.routes)
    }
    yield* router.add("*", "/*", Wire.notFound("path"))

    let requests = 0
    const app = router.asHttpEffect()
    const url = yield* Loopback.serve(
      Effect.suspend(() => {
        requests++
        return app
      })
    )

    return JobServer.of({
      url,
      urls: {
        JobStatus: url + providers.JobStatus.prefix,
        EventPlatform: url + providers.EventPlatform.prefix,
        GenerationApi: url + providers.GenerationApi.prefix,
        Mixpeek: url + providers.Mixpeek.prefix,
        AsyncQueue: url + providers.AsyncQueue.prefix
      },
      create: (name, kind, script, { body = {}, params = {} } = {}) =>
        Effect.suspend(() => {
          const provider = providers[name]
          Validate.oneOf("JobServer.create: kind", provider.kinds ?? [kind], kind)
          return provider.create(kind, { script, body, params })
        }).pipe(Effect.map((job): Receipt => ({ id: job.id, ids: job.ids }))),
      truth: store.truths,
      truthOf: (id) => Effect.flatMap(store.truthOf(id), Effect.fromNullishOr),
      eventConnections: Effect.sync(() => Array.from(store.eventConnections, (each) => ({ ...each }))),
      requests: Effect.sync(() => requests)
    })
  })
}

/**
 * Provides a server that runs as long as the layer. An invalid option throws a RangeError that names it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<JobServer, ServeError> => Layer.effect(JobServer, make(options))
