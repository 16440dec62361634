/**
 * A real HTTP server on loopback that runs scripted jobs and keeps the truth about them.
 *
 * It speaks the wires of five providers, each under its own prefix, with JSON written by hand. A test of a poller lets
 * it check this server, then compares what the poller learned with what the server knows.
 *
 * **Details**
 *
 * - a job's state is computed from its script and the time when someone checks; only pushes run as fibers
 * - time is the Clock's; `speed` divides every duration of scripts and submissions, but no `Retry-After`
 * - the server ends with its scope, at once: open connections are cut, pushes are interrupted
 *
 * **Gotchas**
 *
 * Sockets live in real time. Under a TestClock jobs age by `TestClock.adjust`, and requests still take their while.
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
import * as AsyncQueue from "./internal/asyncQueueRoutes.ts"
import * as EventPlatform from "./internal/eventPlatformRoutes.ts"
import * as Generation from "./internal/generationRoutes.ts"
import * as JobStore from "./internal/JobStore.ts"
import * as JobStatus from "./internal/jobStatusRoutes.ts"
import * as Loopback from "./internal/loopback.ts"
import * as Mixpeek from "./internal/mixpeekRoutes.ts"
import type { Provider } from "./internal/Provider.ts"
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
  /** Chooses the script of a job that is submitted over HTTP. Default: success after 1 second. */
  readonly script?: ((submission: Submission) => JobScript.JobScript) | undefined
  /** How many nominal seconds pass in a real one. Default: 1. */
  readonly speed?: number | undefined
  /** The bearer token that GenerationApi demands, with a 401 for any other. Default: none is demanded. */
  readonly token?: string | Redacted.Redacted<string> | undefined
  /** How many tasks, the newest first, Mixpeek's list answers at most; it does not say when it left some off. Default: all. */
  readonly pageSize?: number | undefined
  /**
   * Where Mixpeek posts `collection.documents.written` when a batch has succeeded; the post names no task. Default: it is
   * told to nobody.
   */
  readonly documentsWrittenUrl?: string | undefined
}

/**
 * The kinds of job that each provider has.
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
 * The ids of a job that was created.
 *
 * **Details**
 *
 * `id` is the one that its status is looked up by. `ids` holds all of them by their wire names: `task_id`, `batch_id`
 * and `bucket_id`, or `id` and `signalToken`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Receipt {
  readonly id: string
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
    /** The URL of the server, without a slash at its end. */
    readonly url: string
    /** The base URL of each provider, without a slash at its end. */
    readonly urls: Readonly<Record<ProviderName, string>>
    /**
     * Creates a job without HTTP. `body` is what the submission would have sent (an AsyncQueue task reads its options
     * there, a GenerationApi one its callback), `params` its path parameters (`eid`, `bucket_id`).
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
    /** What really happened to every job so far, in the order of submission. */
    readonly truth: Effect.Effect<ReadonlyArray<Truth>>
    /** What really happened to the job that has this id, be it a task, a resource or a signal token. */
    readonly truthOf: (id: string) => Effect.Effect<Truth, NoSuchElementError>
    /** How many HTTP requests of any kind have come in. */
    readonly requests: Effect.Effect<number>
  }
>()("@effect-poll/testing/JobServer/JobServer") {}

/**
 * Starts a server that ends with the scope.
 *
 * **Gotchas**
 *
 * Throws a `RangeError` that names the option when `speed` is not a finite number above zero, or `pageSize` not an
 * integer of at least 1.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Effect.Effect<JobServer["Service"], ServeError, Scope.Scope> => {
  const speed = Validate.positive("JobServer.make: speed", options.speed ?? 1)
  const pageSize =
    options.pageSize === undefined ? Infinity : Validate.integer("JobServer.make: pageSize", options.pageSize, 1)
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
      requests: Effect.sync(() => requests)
    })
  })
}

/**
 * Provides a server that ends with the layer's scope.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<JobServer, ServeError> => Layer.effect(JobServer, make(options))
