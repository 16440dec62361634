/**
 * How one HTTP request of a check can fail, and whether a further check may succeed.
 *
 * **Details**
 *
 * | reason | what happened | kind |
 * |---|---|---|
 * | `Transport` | no answer, or one that broke off | transient |
 * | `Authorization` | no token could be had (see `Authorization`) | transient, unless its cause says otherwise |
 * | `InvalidRequest` | the request could not be sent as it is: a bad URL, a body that cannot be encoded | permanent |
 * | `Status` | an answer outside of 200..299, or one that `interpret` calls an error | as it says, or see `isTransientStatus` |
 * | `NotJson` | 2xx, but the body is empty or not JSON: a proxy's page, a captive portal | transient |
 * | `Decode` | 2xx and JSON, but not what the Schema expects | permanent |
 * | `TooLarge` | 2xx with a body larger than `maxBody` | permanent |
 * | `TooDeep` | 2xx with JSON nested deeper than 512 | permanent |
 * | `Unrecognized` | a first answer shows a long-running operation, but not where to check it | permanent |
 * | `Refused` | the server named a URL that must not be asked (see `RequestOptions`) | permanent |
 * | `Reader` | a function among the options threw, or yielded something that it must not | permanent |
 *
 * Handle one of them with `Effect.catchReason("HttpCheckError", "Status", ...)`.
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
 * Why a request told nothing of its job.
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
  /** The code of the innermost error that has one: `"ECONNRESET"` and the like. */
  readonly code: string | undefined
  /**
   * The message of the innermost error, such as `"Invalid character in chunk size"`; `undefined` if it has none. URLs
   * and the values of headers and parameters are replaced by `...`, control characters are escaped, and at most 200
   * characters are kept.
   */
  readonly detail: string | undefined
  /** What the HTTP client said. It may hold the URL or a header, so it is not shown: see `Redacted.value`. */
  readonly cause: Redacted.Redacted<unknown>
}

/**
 * There was no token to send the request with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Authorization {
  readonly _tag: "Authorization"
  readonly step: "token" | "refresh"
  /** What the Effect failed with that reads or refreshes the token. */
  readonly cause: Redacted.Redacted<unknown>
}

/**
 * The request could not be sent as it is.
 *
 * @category models
 * @since 0.1.0
 */
export interface InvalidRequest {
  readonly _tag: "InvalidRequest"
  readonly part: "url" | "body"
}

/**
 * The server answered with a status outside of 200..299, or with something that `interpret` calls an error.
 *
 * @category models
 * @since 0.1.0
 */
export interface Status {
  readonly _tag: "Status"
  readonly status: number
  readonly body: BodyKind
  readonly retryAfter: Duration.Duration | "unreadable" | undefined
  /** Whether a further check may succeed, as `interpret` says. Default: the status decides, see `isTransientStatus`. */
  readonly kind?: "throttled" | "transient" | "permanent" | undefined
  /** The server's own words, at most 1,000 characters, where an option asked for them. Default: none. */
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
 * The server answered with JSON that the Schema rejects. `issue` says where and what was expected, never what was
 * there.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decode {
  readonly _tag: "Decode"
  readonly status: number
  readonly issue: string
}

/**
 * The server answered with a status of 200..299 and a body larger than the option `maxBody` allows. The body was not
 * read to its end.
 *
 * @category models
 * @since 0.1.0
 */
export interface TooLarge {
  readonly _tag: "TooLarge"
  readonly status: number
  /** What `maxBody` allows, in bytes after decompression. */
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
  /** The number of nested objects and arrays that is allowed: 512. */
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
  /** What shows the operation, such as `status "RUNNING"` or `done false`. Default: the HTTP status does. */
  readonly sign: string | undefined
  /** The names of the headers of the answer, at most 32. */
  readonly headers: ReadonlyArray<string>
}

/**
 * The server named a URL that is not asked. The rules are those of `RequestOptions`.
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
 * A function among the options threw, or yielded something that it must not.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reader {
  readonly _tag: "Reader"
  /** The option whose function threw. */
  readonly reader:
    | "interpret"
    | "hint"
    | "run"
    | "as"
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
  /** What it threw. It may hold a part of the answer, so only its name is shown: see `Redacted.value`. */
  readonly cause: Redacted.Redacted<unknown>
}

/**
 * What kind of body an answer had; the body itself is kept nowhere.
 *
 * @category models
 * @since 0.1.0
 */
export interface BodyKind {
  readonly kind: "json" | "empty" | "other"
  /** The media type of the answer, without parameters. */
  readonly type: string | undefined
}

/**
 * Where an operation is that a server accepted, although its wait cannot begin.
 *
 * @category models
 * @since 0.1.0
 */
export interface AcceptedOperation {
  /** The URL without query, fragment, user and password. */
  readonly url: string
  /** The whole URL, as the server named it. It may hold a secret: see `Redacted.value`. */
  readonly href: Redacted.Redacted<string>
}

/**
 * A request that told nothing of its job.
 *
 * **Details**
 *
 * The error says of itself whether it is transient (`CheckError.kind`), with the server's Retry-After if it sent one.
 * `url` and `message` carry neither the query of the URL nor a user and password in it, and no body; a check with a
 * secret in its path has the option `shownUrl`.
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
     * Where the operation is that the server may have accepted, in the error of the first request of a `LongRunning`
     * operation. Default: none, or the server did not say where.
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
 * Tests whether a later request may be answered otherwise than with this status.
 *
 * **Details**
 *
 * True for 408, 425, 429, all of 500..599, and redirects that were not followed, except the permanent ones 301 and 308.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTransientStatus = (status: number): boolean =>
  status >= 500 || (status < 400 ? status !== 301 && status !== 308 : [408, 425, 429].includes(status))

/**
 * Takes from a URL what must not be seen in logs: query, fragment, user and password.
 *
 * **Details**
 *
 * The URL is read by the URL parser, as by what connects to it: it is normalized, and its path cut at 1,000 characters.
 * What cannot be parsed is shown as `<not a URL>`. Of a URL that is not hierarchical (`data:`, `javascript:`) only the
 * scheme is shown. In a page of a browser a relative URL is that of the page.
 *
 * **Example** (A password that an expression would miss)
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
    case "TooLarge":
      return `${reason.status} with a body of more than ${reason.maxBytes} bytes (option maxBody)`
    case "TooDeep":
      return `${reason.status} with JSON nested deeper than ${reason.maxDepth}`
    case "Unrecognized":
      return describeUnrecognized(reason)
    case "Refused":
      return `${refusals[reason.rule]}: ${reason.url}`
    case "Reader":
      return `the function of the option ${reason.reader} threw`
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

const describeBody = ({ kind, type }: BodyKind): string => {
  if (kind === "json") return ""
  return kind === "empty"
    ? " with an empty body"
    : ` with a body that is not JSON${type === undefined ? "" : ` (${type})`}`
}
