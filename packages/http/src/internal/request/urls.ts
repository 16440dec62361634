import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as Url from "effect/http/Url"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

// URLs are read by the URL parser or not at all: an expression reads them otherwise than what connects to them.

/** What the URL parser finds. */
export interface ParsedUrl {
  readonly protocol: string
  readonly username: string
  readonly password: string
  readonly host: string
  readonly hostname: string
  readonly origin: string
  readonly pathname: string
  readonly search: string
  readonly hash: string
  readonly href: string
}

/** Parses a URL; a relative one needs a base, or a page that it is relative to. */
export const parseUrl = (url: string, base?: string): ParsedUrl | undefined =>
  Result.getOrUndefined(Url.fromString(url, base ?? pageUrl()))

/** The whole URL of a request; undefined if it cannot be parsed. */
export const urlOf = ({ hash, url, urlParams }: HttpClientRequest): ParsedUrl | undefined =>
  Result.getOrUndefined(Url.make(url, urlParams, Option.getOrUndefined(hash)))

/** A URL without what may be secret. See `HttpCheckError.safeUrl`. */
export const safeUrl = (url: string): string => {
  const parsed = parseUrl(url) ?? parseRelative(url)
  if (parsed === undefined) return "<not a URL>"
  const { host, pathname, protocol } = parsed
  const path = pathname.length > maxPath ? `${pathname.slice(0, maxPath)}...` : pathname
  if (host === nowhere) return path
  return hierarchical.has(protocol) ? `${protocol}//${host}${path}` : `${protocol}<hidden>`
}

// ---- internal ----

const nowhere = "relative.invalid"

/** A path that a client completes, if it cannot be half of something else: `https//user:password@host` is one. */
const parseRelative = (url: string): ParsedUrl | undefined =>
  /^\s*\/(?![/\\])/.test(url) || /^[^:@/\\?#]*(?:\/[^:@]*)?(?:[?#].*)?$/s.test(url)
    ? parseUrl(url, `http://${nowhere}`)
    : undefined

const maxPath = 1_000

const hierarchical = new Set(["http:", "https:", "ws:", "wss:", "ftp:"])

/** In a page of a browser a URL may be relative. */
const pageUrl = (): string | undefined => {
  const { location } = globalThis as { readonly location?: { readonly href?: string } | undefined }
  return location?.href
}
