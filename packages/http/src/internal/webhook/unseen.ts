import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import { HttpServerRequest } from "effect/http/HttpServerRequest"

/**
 * Whether a URL may have something secret after one of these paths. It is generous: letter case, doubled slashes, percent
 * encoding, a prefix and what divides the secret from the path do not matter, since what misses the route is logged too.
 */
export const isBelow = (paths: ReadonlyArray<string>): ((url: string) => boolean) => {
  const folded = paths.map((path) => new RegExp(`${path.toLowerCase().replaceAll(".", "\\.")}(?![a-z0-9._~-])`))
  return (url) => {
    const path = fold(url)
    return folded.some((each) => each.test(path))
  }
}

const fold = (url: string): string =>
  url
    .replaceAll(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll(/[/\\]+/g, "/")
    .toLowerCase()

/**
 * Keeps the URLs of such requests out of effect's log of responses, and out of the span of the server.
 *
 * The server starts its span before any route is asked, and writes the URL of the request to it at the end. Only the
 * reference `TracerDisabledWhen` of the server prevents the span. Where that is not set, the URL is what is left.
 */
export const middleware =
  (isSecret: (url: string) => boolean) =>
  <A, E, R>(app: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | HttpServerRequest> =>
    Effect.flatMap(HttpServerRequest, (request) =>
      isSecret(request.url)
        ? Effect.ensuring(
            HttpMiddleware.withLoggerDisabled(app),
            Effect.sync(() => redactUrl(request))
          )
        : app
    )

/** The property is writable in the requests of effect's servers; of another one the URL stays. */
const redactUrl = (request: HttpServerRequest): void => {
  try {
    Object.defineProperty(request, "url", { value: "/<redacted>", configurable: true })
  } catch {
    // A frozen request. `TracerDisabledWhen` is the way then.
  }
}
