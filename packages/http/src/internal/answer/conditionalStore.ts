import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { Headers } from "effect/http/Headers"
import * as Url from "effect/http/Url"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as CheckResult from "effect-poll/CheckResult"

// The last answer of each URL, with the validators that ask whether it still holds.

export interface Entry {
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  readonly schema: unknown
  readonly found: CheckResult.CheckResult<unknown, unknown>
  readonly run: CheckResult.Run | undefined
}

/** The store of a `Conditional`. */
export const storeOf = (self: { readonly "~@effect-poll/http/Conditional": unknown }): Store =>
  // Only `Conditional.make` writes under this key, and it writes stores.
  self["~@effect-poll/http/Conditional"] as Store

export class Store {
  private readonly entries = new Map<string, Entry>()
  private readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get size(): number {
    return this.entries.size
  }

  /** What a request last found; undefined if that is not known, or if it has conditions of its own. */
  recall(request: HttpClientRequest.HttpClientRequest, schema: unknown): Entry | undefined {
    const key = cacheKey(request)
    const known = key === undefined ? undefined : this.entries.get(key)
    return known?.schema === schema && conditions.every((header) => request.headers[header] === undefined)
      ? known
      : undefined
  }

  /** Keeps what a request found. An end is forgotten: it is not asked for again. */
  keep(
    request: HttpClientRequest.HttpClientRequest,
    headers: Headers,
    now: Pick<Entry, "schema" | "found" | "run"> & Partial<Entry>
  ): void {
    const key = cacheKey(request)
    if (key === undefined) return
    // The one that was checked last stands last.
    this.entries.delete(key)
    const etag = headers["etag"] ?? now.etag
    const lastModified = headers["last-modified"] ?? now.lastModified
    if (now.found._tag !== "Pending" || (etag === undefined && lastModified === undefined)) return
    this.entries.set(key, { etag, lastModified, schema: now.schema, found: now.found, run: now.run })
    if (this.entries.size > this.capacity) this.entries.delete(this.entries.keys().next().value!)
  }

  forget(request: HttpClientRequest.HttpClientRequest): void {
    const key = cacheKey(request)
    if (key !== undefined) this.entries.delete(key)
  }
}

export const conditionally = (
  request: HttpClientRequest.HttpClientRequest,
  { etag, lastModified }: Entry
): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.setHeaders(request, {
    ...(etag === undefined ? undefined : { "if-none-match": etag }),
    ...(lastModified === undefined ? undefined : { "if-modified-since": lastModified })
  })

// ---- internal ----

const conditions = ["if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range"]

const cacheKey = ({ hash, method, url, urlParams }: HttpClientRequest.HttpClientRequest): string | undefined => {
  if (method !== "GET") return undefined
  const made = Url.make(url, urlParams, Option.getOrUndefined(hash))
  return Result.isSuccess(made) ? made.success.href : undefined
}
