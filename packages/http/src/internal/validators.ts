import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { Headers } from "effect/http/Headers"
import * as Url from "effect/http/Url"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as CheckResult from "effect-poll/CheckResult"

// What URLs last said of their jobs, with the validators to ask whether they still do.

export interface Known {
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  readonly schema: unknown
  readonly found: CheckResult.CheckResult<unknown, unknown>
  readonly run: CheckResult.Run | undefined
}

export class Store {
  readonly all = new Map<string, Known>()
  private readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** What a request last found; undefined if that is not known, or if it has conditions of its own. */
  recall(request: HttpClientRequest.HttpClientRequest, schema: unknown): Known | undefined {
    const name = nameOf(request)
    const known = name === undefined ? undefined : this.all.get(name)
    return known?.schema === schema && conditions.every((header) => request.headers[header] === undefined)
      ? known
      : undefined
  }

  /** Keeps what a request found. An end is forgotten: it is not asked for again. */
  keep(
    request: HttpClientRequest.HttpClientRequest,
    headers: Headers,
    now: Pick<Known, "schema" | "found" | "run"> & Partial<Known>
  ): void {
    const name = nameOf(request)
    if (name === undefined) return
    // The one that was checked last stands last.
    this.all.delete(name)
    const etag = headers["etag"] ?? now.etag
    const lastModified = headers["last-modified"] ?? now.lastModified
    if (now.found._tag !== "Pending" || (etag === undefined && lastModified === undefined)) return
    this.all.set(name, { etag, lastModified, schema: now.schema, found: now.found, run: now.run })
    if (this.all.size > this.capacity) this.all.delete(this.all.keys().next().value!)
  }

  forget(request: HttpClientRequest.HttpClientRequest): void {
    const name = nameOf(request)
    if (name !== undefined) this.all.delete(name)
  }
}

export const conditionally = (
  request: HttpClientRequest.HttpClientRequest,
  { etag, lastModified }: Known
): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.setHeaders(request, {
    ...(etag === undefined ? undefined : { "if-none-match": etag }),
    ...(lastModified === undefined ? undefined : { "if-modified-since": lastModified })
  })

// ---- internal ----

const conditions = ["if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range"]

const nameOf = ({ hash, method, url, urlParams }: HttpClientRequest.HttpClientRequest): string | undefined => {
  if (method !== "GET") return undefined
  const made = Url.make(url, urlParams, Option.getOrUndefined(hash))
  return Result.isSuccess(made) ? made.success.href : undefined
}
