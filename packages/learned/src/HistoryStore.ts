/**
 * Where histories are stored between runs of a program.
 *
 * **Details**
 *
 * | store | for |
 * |---|---|
 * | `layerMemory` | tests, and programs that need not remember |
 * | `layerKeyValueStore` | effect's `KeyValueStore`: files, a browser, a database |
 *
 * A store keeps one value for each job. A history adds what it has learned since it last stored to what is there, so
 * that several histories of a job can share a value.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { KeyValueStore, prefix as withPrefix } from "effect/persistence/KeyValueStore"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { HistoryData } from "./HistoryData.ts"

/**
 * The store failed, or what it has is not a history.
 *
 * @category errors
 * @since 0.1.0
 */
export class HistoryStoreError
  extends /*#__PURE__*/ Data.TaggedError("HistoryStoreError")<{
    /** The name of the `Job`. */
    readonly job: string
    /** The method that failed. */
    readonly method: "get" | "update"
    readonly cause: unknown
  }>
{
  override get message(): string {
    return `the history of ${this.job} could not be ${this.method === "get" ? "read" : "stored"}`
  }
}

/**
 * The methods of a store.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  /** Yields what is stored of a job; `undefined` if there is nothing. */
  readonly get: (job: string) => Effect.Effect<HistoryData | undefined, HistoryStoreError>
  /**
   * Replaces what is stored of a job by what `f` makes of it, and yields that. Two updates of a job do not overlap, as far
   * as the store can see to it.
   */
  readonly update: (
    job: string,
    f: (stored: HistoryData | undefined) => HistoryData
  ) => Effect.Effect<HistoryData, HistoryStoreError>
}

/**
 * Where histories are stored.
 *
 * @category services
 * @since 0.1.0
 */
export class HistoryStore extends Context.Service<HistoryStore, Service>()("@effect-poll/learned/HistoryStore") {}

/**
 * A store in the memory of this process.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<HistoryStore> = /*#__PURE__*/ Layer.sync(HistoryStore, () => {
  const stored = new Map<string, HistoryData>()
  return {
    get: (job) => Effect.sync(() => stored.get(job)),
    update: (job, f) =>
      Effect.sync(() => {
        const data = f(stored.get(job))
        stored.set(job, data)
        return data
      })
  }
})

/**
 * A store in effect's `KeyValueStore`, as JSON.
 *
 * **Details**
 *
 * Updates of this process do not overlap. A `KeyValueStore` has no atomic update: of two processes that store at the same
 * moment, one loses what it has learned since it last stored.
 *
 * A value that is not a history, for example because it was written by a later version, fails with a `HistoryStoreError`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerKeyValueStore = (options?: {
  /** The beginning of all keys of this store. Default `"effect-poll/histories/"`. */
  readonly prefix?: string | undefined
}): Layer.Layer<HistoryStore, never, KeyValueStore> =>
  Layer.effect(
    HistoryStore,
    Effect.gen(function* () {
      const entries = withPrefix(yield* KeyValueStore, options?.prefix ?? "effect-poll/histories/")
      const semaphore = yield* Semaphore.make(1)
      const read = Effect.fnUntraced(function* (job: string) {
        const json = yield* entries.get(job)
        return json === undefined ? undefined : yield* decode(json)
      })
      const failing = (job: string, method: "get" | "update") =>
        Effect.mapError((cause: unknown) => new HistoryStoreError({ job, method, cause }))
      return {
        get: (job) => failing(job, "get")(read(job)),
        update: (job, f) =>
          Effect.gen(function* () {
            const data = f(yield* read(job))
            yield* entries.set(job, JSON.stringify(data))
            return data
          }).pipe(semaphore.withPermits(1), failing(job, "update"))
      }
    })
  )

// ---- internal ----

const decode = /*#__PURE__*/ Schema.decodeUnknownEffect(/*#__PURE__*/ Schema.fromJsonString(HistoryData))
