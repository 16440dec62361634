import * as Context from "effect/Context"
import * as FetchHttpClient from "effect/http/FetchHttpClient"

// Settings of a client besides the request: it must not follow redirects, and must bypass its cache.

/**
 * Adds the settings to the services of a request. They are set by the Effect of the request, since a client merges the
 * services that it was built with.
 */
export const add = (context: Context.Context<never>, fresh: boolean): Context.Context<never> => {
  const init = Context.getOrUndefined(context, FetchHttpClient.RequestInit)
  const undici = Context.get(context, UndiciOptions)
  return Context.add(
    Context.add(context, FetchHttpClient.RequestInit, requestInit(init, fresh)),
    UndiciOptions,
    undici.maxRedirections === 0 ? undici : { ...undici, maxRedirections: 0 }
  )
}

/**
 * Whether this is a page or a worker of a browser. There a redirect that is not followed cannot be read, and a
 * `cache-control` header would make the browser send a preflight request first.
 */
export const inBrowser = (): boolean => userAgent().startsWith("Mozilla/")

// ---- internal ----

/** The reference of this key in `@effect/platform-node`, which this package does not need otherwise. */
const UndiciOptions = /*#__PURE__*/ Context.Reference<Readonly<Record<string, unknown>>>(
  "@effect/platform-node/NodeHttpClient/UndiciOptions",
  { defaultValue: () => noOptions }
)

const noOptions: Readonly<Record<string, unknown>> = { maxRedirections: 0 }

const requestInit = (given: Init | undefined, fresh: boolean): Init => {
  const init: { redirect?: string | undefined; cache?: string | undefined } = { ...given }
  // A stricter setting stays.
  if (!inBrowser() && init.redirect !== "error") init.redirect = "manual"
  // Cloudflare's workers have no cache to bypass, and reject the option.
  if (fresh && init.cache === undefined && userAgent() !== "Cloudflare-Workers") init.cache = "no-store"
  return init
}

/** As much of `RequestInit` as is set here. */
interface Init {
  readonly redirect?: string | undefined
  readonly cache?: string | undefined
}

const userAgent = (): string => {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } | undefined }
  return navigator?.userAgent ?? ""
}
