/**
 * How one HTTP request of a check can fail, and whether a further check may succeed.
 *
 * **Details**
 *
 * | reason | what happened | kind |
 * |---|---|---|
 * | `Transport` | no answer, or one that broke off | transient |
 * | `Authorization` | the token could not be read or refreshed (see `Authorization`) | that of its cause, by default transient |
 * | `InvalidRequest` | the request has an invalid URL, or a body that cannot be encoded | permanent |
 * | `Status` | an answer outside of 200..299, or one that `interpret` makes an error | that of `interpret`, or see `isTransientStatus` and the table of `HttpCheck` |
 * | `NotJson` | 2xx, but the body is empty, not JSON or not valid in its charset: a proxy's page, a captive portal | transient |
 * | `Decode` | JSON, but the Schema rejects it | permanent |
 * | `Undecodable` | 2xx with a content coding that neither the client nor the platform removes | permanent |
 * | `TooLarge` | 2xx with a body larger than `maxBody` | permanent |
 * | `TooDeep` | 2xx with JSON nested deeper than 512 | permanent |
 * | `Unrecognized` | a first answer shows a long-running operation, but not where to check it | permanent |
 * | `Refused` | the server named a URL that is not allowed (see `RequestOptions`) | permanent |
 * | `Reader` | a function among the options threw, or returned an invalid value | permanent |
 *
 * Handle one of these with `Effect.catchReason("HttpCheckError", "Status", ...)`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import * as CheckError from "effect-poll/CheckError"
import { escape } from "./internal/text.ts"
import * as urls from "./internal/request/urls.ts"

/**
 * Why a request failed.
 *
 * @category models
 * @since 0.1.0
 */
export type Reason =
  | Transport
  | Authorization
  | InvalidRequest
  | Status
  | NotJson
  | Decode
  | Undecodable
  | TooLarge
  | TooDeep
  | Unrecognized
  | Refused
  | Reader

/**
 * The server did not answer, or its answer broke off.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transport {
  readonly _tag: "Transport"
  /** The code of the innermost error that has one, such as `"ECONNRESET"`. */
  readonly code: string | undefined
  /**
   * The message of the innermost error, such as `"Invalid character in chunk size"`; `undefined` if it has none. URLs
   * and the values of headers and parameters are replaced by `...`, control characters are escaped, and at most 200
   * characters are kept.
   */
  readonly detail: string | undefined
  /** The error of the HTTP client. It may contain the URL or a header, so it is redacted. */
  readonly cause: Redacted.Redacted<unknown>
}

/**
 * The token of the request could not be read or refreshed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Authorization {
  readonly _tag: "Authorization"
  /** Which Effect of the `Authorization` failed. */
  readonly step: "token" | "refresh"
  /** The error of that Effect. */
  readonly cause: Redacted.Redacted<unknown>
}

/**
 * The request cannot be sent.
 *
 * @category models
 * @since 0.1.0
 */
export interface InvalidRequest {
  readonly _tag: "InvalidRequest"
  /** What is invalid: the URL cannot be parsed, or the body cannot be encoded. */
  readonly part: "url" | "body"
}

/**
 * The server answered with a status code outside of 200..299, or with an answer that `interpret` makes an error.
 *
 * @category models
 * @since 0.1.0
 */
export interface Status {
  readonly _tag: "Status"
  readonly status: number
  readonly body: BodyKind
  readonly retryAfter: Duration.Duration | "unreadable" | undefined
  /** The kind of the error, if not the status code alone decides it. Default: see `isTransientStatus`. */
  readonly kind?: "throttled" | "transient" | "permanent" | undefined
  /** The server's own words, at most 1,000 characters; see the option `reason`. Default: none. */
  readonly detail?: string | undefined
}

/**
 * The server answered with a status of 200..299 and a body that is not JSON.
 *
 * @category models
 * @since 0.1.0
 */
export interface NotJson {
  readonly _tag: "NotJson"
  readonly status: number
  readonly body: BodyKind
  readonly retryAfter: Duration.Duration | "unreadable" | undefined
}

/**
 * The server answered with JSON that the Schema rejects.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decode {
  readonly _tag: "Decode"
  readonly status: number
  /** The path and what the Schema expected there, without the values of the body. */
  readonly issue: string
}

/**
 * The server answered with a status of 200..299 and a body whose `Content-Encoding` the HTTP client did not remove, and
 * the platform cannot remove: it knows `gzip` and `deflate`, and `br` where `DecompressionStream` has it. A body that is read as
 * a stream is never decompressed by a check.
 *
 * @category models
 * @since 0.1.0
 */
export interface Undecodable {
  readonly _tag: "Undecodable"
  readonly status: number
  /** The codings that are left, such as `"zstd"`. */
  readonly encoding: string
}

/**
 * The server answered with a status of 200..299 and a body larger than the option `maxBody`. The rest of the body was
 * not read.
 *
 * @category models
 * @since 0.1.0
 */
export interface TooLarge {
  readonly _tag: "TooLarge"
  readonly status: number
  /** The value of `maxBody`, in bytes after decompression. */
  readonly maxBytes: number
}

/**
 * The server answered with a status of 200..299 and JSON whose objects and arrays are nested deeper than `maxDepth`.
 *
 * @category models
 * @since 0.1.0
 */
export interface TooDeep {
  readonly _tag: "TooDeep"
  readonly status: number
  /** The maximum number of nested objects and arrays: 512. */
  readonly maxDepth: number
}

/**
 * The first answer of a `LongRunning` operation shows that the operation runs, but not where it can be checked.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unrecognized {
  readonly _tag: "Unrecognized"
  readonly status: number
  readonly body: BodyKind
  /** What shows the operation, such as `status "RUNNING"` or `done false`; undefined if the status code does. */
  readonly sign: string | undefined
  /** The names of the headers of the answer, at most 32. */
  readonly headers: ReadonlyArray<string>
}

/**
 * The server named a URL that the rules of `RequestOptions` do not allow.
 *
 * @category models
 * @since 0.1.0
 */
export interface Refused {
  readonly _tag: "Refused"
  /** The rule that refuses the URL; see `RequestOptions`. */
  readonly rule: "origin" | "https" | "private" | "userinfo" | "scheme" | "url" | "loop" | "hops"
  /** The URL that was refused, without query, fragment, user and password. */
  readonly url: string
}

/**
 * A function among the options threw, or returned an invalid value.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reader {
  readonly _tag: "Reader"
  /** The name of the option. */
  readonly reader:
    | "interpret"
    | "hint"
    | "run"
    | "as"
    | "attach"
    | "parse"
    | "reason"
    | "items"
    | "key"
    | "check"
    | "checkMany"
    | "checkUrl"
    | "cursor"
    | "ending"
    | "fetchResult"
    | "protocol"
    | "rebase"
    | "unknownState"
  /** What is wrong with the value, such as `"yielded a promise: it must not be async"`. Default: the function threw. */
  readonly issue?: string | undefined
  /**
   * What the function threw, or an error about the invalid value. It may contain a part of the answer, so it is
   * redacted.
   */
  readonly cause: Redacted.Redacted<unknown>
}

/**
 * The kind of a body. The error does not keep the body itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface BodyKind {
  readonly kind: "json" | "empty" | "other"
  /** The media type of the answer, without parameters; undefined if it has none. */
  readonly type: string | undefined
  /** The charset in which the body is not valid, such as `"utf-8"`; it is not JSON then. Default: it is valid. */
  readonly invalidIn?: string | undefined
}

/**
 * The place of an operation that the server accepted, although the submit failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface AcceptedOperation {
  /** The URL without query, fragment, user and password. */
  readonly url: string
  /** The whole URL. It may contain a secret, so it is redacted. */
  readonly href: Redacted.Redacted<string>
}

/**
 * The error of a request.
 *
 * **Details**
 *
 * Its kind (`CheckError.kind`) is that of its reason, with the requested delay if the server sent one. `url` and
 * `message` contain no query, fragment, user or password of the URL, and no body. For a secret in the path, use the
 * option `shownUrl`.
 *
 * @category errors
 * @since 0.1.0
 */
export class HttpCheckError
  extends /*#__PURE__*/ Data.TaggedError("HttpCheckError")<{
    readonly method: string
    readonly url: string
    readonly reason: Reason
    /**
     * The place of the operation that the server may have accepted, in an error of the first request of a `LongRunning`
     * operation. Default: none, or the place is unknown.
     */
    readonly operation?: AcceptedOperation | undefined
  }>
  implements CheckError.WithKind
{
  get [CheckError.kind](): CheckError.Kind {
    const { reason } = this
    switch (reason._tag) {
      case "Transport":
        return CheckError.transient()
      case "Status":
        switch (reason.kind ?? (isTransientStatus(reason.status) ? "transient" : "permanent")) {
          case "throttled":
            return CheckError.throttled({ retryAfter: reason.retryAfter })
          case "transient":
            return CheckError.transient({ retryAfter: reason.retryAfter })
          case "permanent":
            return CheckError.permanent()
        }
      case "NotJson":
        return CheckError.transient({ retryAfter: reason.retryAfter })
      case "Authorization":
        return CheckError.kindOf(Redacted.value(reason.cause))
      case "InvalidRequest":
      case "Decode":
      case "Undecodable":
      case "TooLarge":
      case "TooDeep":
      case "Unrecognized":
      case "Refused":
      case "Reader":
        return CheckError.permanent()
    }
  }
  override get message(): string {
    const at = this.operation === undefined ? "" : `; the accepted operation is at ${this.operation.url}`
    return `${this.method} ${this.url}: ${describe(this.reason)}${at}`
  }
}

/**
 * Tests whether a status code is transient: a later request may be answered differently.
 *
 * **Details**
 *
 * True for 408, 425, 429, 500..599, and redirects that were not followed, except 301 and 308.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTransientStatus = (status: number): boolean =>
  status >= 500 || (status < 400 ? status !== 301 && status !== 308 : [408, 425, 429].includes(status))

/**
 * Removes from a URL what must not be in logs: query, fragment, user and password.
 *
 * **Details**
 *
 * The URL is parsed and normalized by the URL parser, and its path is cut at 1,000 characters. A text that cannot be
 * parsed is shown as `<not a URL>`. Of a URL such as `data:` or `javascript:` only the scheme is shown. In a browser a
 * relative URL is relative to the page.
 *
 * **Example** (A password in an unusual form)
 *
 * ```ts
 * import * as HttpCheckError from "@effect-poll/http/HttpCheckError"
 *
 * HttpCheckError.safeUrl("https:/user:p@ss@api.example.com/tasks/1?key=secret") // => "https://api.example.com/tasks/1"
 * ```
 *
 * @category destructors
 * @since 0.1.0
 */
export const safeUrl = (url: string): string => urls.safeUrl(url)

// ---- internal ----

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "Transport":
      return describeTransport(reason)
    case "Authorization":
      return reason.step === "token" ? "no token could be read" : "the token could not be refreshed"
    case "InvalidRequest":
      return reason.part === "url" ? "the URL is not valid" : "the body cannot be encoded"
    case "Status":
      return `${reason.status}${reason.detail === undefined ? describeBody(reason.body) : `: ${escape(reason.detail)}`}`
    case "NotJson":
      return `${reason.status}${describeBody(reason.body)}`
    case "Decode":
      return `${reason.status} with unexpected JSON: ${reason.issue.replace(/\s*\n\s*/g, " ")}`
    case "Undecodable":
      return `${reason.status} with a body in the content coding ${escape(reason.encoding)}, which cannot be removed`
    case "TooLarge":
      return `${reason.status} with a body of more than ${reason.maxBytes} bytes (option maxBody)`
    case "TooDeep":
      return `${reason.status} with JSON nested deeper than ${reason.maxDepth}`
    case "Unrecognized":
      return describeUnrecognized(reason)
    case "Refused":
      return `${refusals[reason.rule]}: ${reason.url}`
    case "Reader":
      return `the function of the option ${reason.reader} ${reason.issue ?? "threw"}`
  }
}

const refusals: Readonly<Record<Refused["rule"], string>> = {
  origin: "the server named another origin, which allowedOrigins does not allow",
  https: "the server named a URL without TLS",
  private: "the server named a private address, which allowedOrigins does not list",
  userinfo: "the server named a URL with a user or password",
  scheme: "the server named a URL that is not http or https",
  url: "the server named a URL that cannot be parsed",
  loop: "the server redirects in a circle",
  hops: "the server redirected more than 10 times, at last to"
}

const describeUnrecognized = ({ body, headers, sign, status }: Unrecognized): string => {
  const type = body.type === undefined ? "" : ` (${body.type})`
  const shown = escape(sign ?? `the status ${status}`)
  const names = headers.length === 0 ? "no headers" : `headers: ${headers.map(escape).join(", ")}`
  return `${status}${type} shows by ${shown} that an operation runs, but not where to check it; ${names}`
}

const describeTransport = ({ code, detail }: Transport): string => {
  const name = code === undefined ? "network error" : `network error (${code})`
  return detail === undefined ? name : `${name}: ${detail}`
}

const describeBody = ({ invalidIn, kind, type }: BodyKind): string => {
  if (kind === "json") return ""
  if (invalidIn !== undefined) return ` with a body that is not valid ${escape(invalidIn)}`
  return kind === "empty"
    ? " with an empty body"
    : ` with a body that is not JSON${type === undefined ? "" : ` (${type})`}`
}
