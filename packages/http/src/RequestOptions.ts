/**
 * The options that every request of this package has: how large an answer may be, how its text is parsed, and which
 * origins may be asked with which headers.
 *
 * **Details**
 *
 * A server can name URLs: in the `Location` of a redirect, as the place of an operation or of a result. These rules
 * decide whether such a URL is asked. A URL that they refuse is a permanent `HttpCheckError` with the reason `Refused`,
 * which names the rule and shows the URL without query, user and password.
 *
 * | rule | refuses |
 * |---|---|
 * | `scheme` | whatever is not `http:` or `https:` |
 * | `https` | `http:` where the URL that was asked first, or the one that named it, is `https:` |
 * | `userinfo` | a user or password in the URL, unless the URL that named it has the same |
 * | `private` | loopback, private, link-local and other special addresses, `localhost` and private names, unless listed |
 * | `origin` | an origin that `allowedOrigins` does not allow |
 * | `loop`, `hops` | a redirect to a URL that was asked before, and the eleventh redirect in a row |
 * | `url` | what cannot be parsed |
 *
 * Whatever the rules allow, credentials go to the origin that was asked first and to no other: `Authorization`,
 * `Proxy-Authorization`, `Cookie`, all headers whose names look like credentials, and `secretHeaders` are left out of
 * a request to another origin, and `Authorization.client` adds no token to it.
 *
 * **Gotchas**
 *
 * - Names are not resolved: a public name may have a private address. Use a proxy or a firewall against that.
 * - In the pages and workers of a browser `fetch` follows redirects by itself and does not show where they lead. There
 *   the rules are applied to the final URL before the body is read, and the browser drops `Authorization` by itself,
 *   but keeps other headers: do not send API keys from a page.
 * - A header that an `HttpClient` adds after its own redirects, as with `HttpClient.transform`, cannot be left out
 *   here.
 *
 * @since 0.1.0
 */
import type * as ByteSize from "effect/ByteSize"

/**
 * The origins that a server may name: `"same"` (only the origin that was asked first), `"any"` (every public origin),
 * or a list of further origins such as `"https://storage.example.com"`.
 *
 * @category models
 * @since 0.1.0
 */
export type AllowedOrigins = "same" | "any" | ReadonlyArray<string>

/**
 * The options of a request.
 *
 * @category models
 * @since 0.1.0
 */
export interface RequestOptions {
  /**
   * How large the body of an answer may be after decompression, in bytes or with a unit (`"1 MiB"`), or `"unbounded"`.
   * A larger one is cut off and its connection closed: a permanent `HttpCheckError` with the reason `TooLarge`, or, if
   * the status is not 2xx, an answer with as much of the body as fits. Default: `"8 MiB"`. Less than 1 byte is a
   * RangeError.
   */
  readonly maxBody?: ByteSize.Input | "unbounded" | undefined
  /**
   * Parses the text of a body: for JSON with a prefix, `NaN` or large integers. A `SyntaxError` means that the text is
   * not JSON; anything else that it throws is a permanent `HttpCheckError` with the reason `Reader`. Default:
   * `JSON.parse`.
   */
  readonly parse?: ((text: string) => unknown) | undefined
  /**
   * The origins that the server may name in redirects and as URLs of operations and results: `"same"`, `"any"`, or a
   * list of origins that are allowed besides the one that was asked first, such as `["https://storage.example.com"]`.
   * An entry that is not an origin is a RangeError. Default: `"same"`.
   */
  readonly allowedOrigins?: AllowedOrigins | undefined
  /**
   * The names of further headers that are credentials and go to the origin that was asked first only. `Authorization`,
   * `Cookie` and all names that contain words such as `auth`, `token`, `key`, `secret` or `session` (`X-Api-Key`,
   * `Mcp-Session-Id`) are among them anyway; `Idempotency-Key` is not. Default: none.
   */
  readonly secretHeaders?: ReadonlyArray<string> | undefined
  /**
   * Stands in errors and traces in place of the URL, for one that holds a secret in its path. Default: the URL without
   * query, fragment, user and password.
   */
  readonly shownUrl?: string | undefined
}
