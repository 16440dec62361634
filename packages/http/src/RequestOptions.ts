/**
 * The options of every request of this package: the size of an answer, its parser, and the origins that requests and
 * credentials are sent to.
 *
 * **Details**
 *
 * A server can name URLs: in the `Location` of a redirect, or as the place of an operation or a result. These rules
 * decide whether such a URL is requested. If a rule refuses it, the request fails with a permanent `HttpCheckError`
 * with the reason `Refused`, which names the rule and the URL without query, fragment, user and password.
 *
 * | rule | refuses |
 * |---|---|
 * | `scheme` | a scheme other than `http:` and `https:` |
 * | `https` | `http:` if the URL of the first request, or the one whose answer named it, is `https:` |
 * | `userinfo` | a user or password in the URL, unless the URL that named it has the same |
 * | `private` | loopback, private, link-local and other special addresses, `localhost`, names of one label and private ones (`.internal`, `.svc`, `.lan`), unless listed |
 * | `origin` | an origin that `allowedOrigins` does not allow |
 * | `loop`, `hops` | a redirect to a URL that was already requested, and the eleventh redirect in a row |
 * | `url` | a text that cannot be parsed as a URL |
 *
 * Whatever the rules allow, credentials go only to the origin of the first request. A request to another origin has no
 * `Authorization`, `Proxy-Authorization` or `Cookie`, no header whose name looks like a credential, and none of
 * `secretHeaders`; `Authorization.client` adds no token to it.
 *
 * **Gotchas**
 *
 * - Names are not resolved: a public name may have a private address. Block that with a proxy or a firewall.
 * - In the pages and workers of a browser `fetch` follows redirects by itself. The rules are applied to the final URL
 *   before the body is read. The browser drops `Authorization` on the way, but no other header: do not send API keys
 *   from a page.
 * - A header that an `HttpClient` adds while it sends, as with `HttpClient.transform`, reaches every origin.
 *
 * @since 0.1.0
 */
import type * as ByteSize from "effect/ByteSize"

/**
 * The origins that a server may name: `"same"` (only the origin of the first request), `"any"` (every public origin),
 * or that origin and a list of others such as `"https://storage.example.com"`.
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
   * The maximum size of a body after decompression, in bytes or with a unit (`"1 MiB"`), or `"unbounded"`. Beyond it
   * the connection is closed. A larger body of a 2xx is a permanent `HttpCheckError` with the reason `TooLarge`; with
   * any other status code the body is cut. Less than 1 byte is a RangeError. Default: `"8 MiB"`.
   */
  readonly maxBody?: ByteSize.Input | "unbounded" | undefined
  /**
   * Parses the text of a body, for JSON with a prefix, `NaN` or large integers; see `BodyParser`. If it throws a
   * `SyntaxError`, the body is not JSON; any other error is a permanent `HttpCheckError` with the reason `Reader`.
   * Default: `JSON.parse`.
   */
  readonly parse?: ((text: string) => unknown) | undefined
  /**
   * The origins that the server may name in redirects and as URLs of operations and results: `"same"`, `"any"`, or a
   * list of origins that are allowed besides that of the first request, such as `["https://storage.example.com"]`. An
   * entry that is not an origin is a RangeError. Default: `"same"`.
   */
  readonly allowedOrigins?: AllowedOrigins | undefined
  /**
   * The names of further headers that are sent only to the origin of the first request. `Authorization`, `Cookie` and
   * all names with words such as `auth`, `token`, `key`, `secret` or `session` (`X-Api-Key`, `Mcp-Session-Id`) need not
   * be listed; `Idempotency-Key` is not among them. Default: none.
   */
  readonly secretHeaders?: ReadonlyArray<string> | undefined
  /**
   * The text that errors and spans show in place of the URL, if its path contains a secret. Default: the URL without
   * query, fragment, user and password.
   */
  readonly shownUrl?: string | undefined
}
