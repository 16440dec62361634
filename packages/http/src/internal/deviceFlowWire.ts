import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type HttpCheckError, isTransientStatus } from "../HttpCheckError.ts"
import {
  decodeWith,
  execute,
  type Fail,
  failFor,
  isOk,
  notJsonReason,
  type ReceivedAnswer,
  statusReason
} from "./request/httpRequest.ts"
import { at, decimal, textAt } from "./json.ts"
import type { RequestPolicy } from "./request/requestPolicy.ts"
import * as text from "./text.ts"
import { isThrottled } from "./answer/throttling.ts"

// What the two endpoints of a device login send and answer (RFC 8628, RFC 6749). Servers deviate, so numbers are read
// from texts too, and errors from several fields.

/** A request to one of the endpoints. */
export interface Request {
  readonly fail: Fail
  readonly sent: Effect.Effect<ReceivedAnswer, HttpCheckError, HttpClient.HttpClient>
}

/** An error for good. */
export interface Refusal {
  readonly code: string
  readonly description: string | undefined
}

/** Posts fields to one of the two endpoints. */
export const post = (
  to: {
    readonly url: string
    readonly clientId: string
    readonly clientSecret?: Redacted.Redacted | undefined
    readonly encoding?: "form" | "json" | undefined
  },
  fields: Readonly<Record<string, string>>,
  policy: RequestPolicy
): Request => {
  const { clientId, clientSecret, encoding, url } = to
  const body = {
    client_id: clientId,
    ...(clientSecret === undefined ? {} : { client_secret: Redacted.value(clientSecret) }),
    ...fields
  }
  const encode = encoding === "json" ? HttpClientRequest.bodyJsonUnsafe : HttpClientRequest.bodyUrlParams
  const request = encode(HttpClientRequest.post(url), body)
  const fail = failFor(request, policy.shownUrl)
  return { fail, sent: execute(request, fail, { policy: { ...policy, parse: parseWith(policy.parse) } }) }
}

/** The least time between two requests within its bounds, in milliseconds. */
export const intervalMillis = (millis: number): number =>
  Math.min(maxIntervalMillis, Math.max(minIntervalMillis, millis))

/** The duration in a field that holds seconds, in milliseconds; undefined if it holds no number. */
export const millisAt = (body: unknown, name: string): number | undefined => {
  const value = at(body, name)
  const seconds = typeof value === "string" ? decimal(value) : value
  return typeof seconds === "number" && !Number.isNaN(seconds) ? seconds * 1000 : undefined
}

/** The code of an error in an answer, whatever its status: some servers send errors with a 200. */
export const codeIn = (body: unknown): string | undefined => {
  const code = textAt(body, "error") ?? textAt(body, "error", "code") ?? knownIn(body)
  if (code === undefined) return undefined
  const lowered = code.toLowerCase()
  return known.has(lowered) ? lowered : text.cut(code, maxCodeLength)
}

/** What the server says about an error. */
export const descriptionIn = (body: unknown): string | undefined => {
  const description = textAt(body, "error_description") ?? textAt(body, "error", "message")
  return description === undefined ? undefined : text.cut(description, maxTextLength)
}

/** What the server refuses for good; an error that is transient or throttling is not. */
export const refusalIn = (answer: ReceivedAnswer): Refusal | undefined => {
  const code = codeIn(answer.body)
  return code === undefined || (!isOk(answer) && (isTransientStatus(answer.status) || isThrottled(answer)))
    ? undefined
    : { code, description: descriptionIn(answer.body) }
}

/** Reads the codes of a login. */
export const grantIn = (
  answer: ReceivedAnswer,
  fail: Fail
): Effect.Effect<
  {
    readonly deviceCode: Redacted.Redacted
    readonly userCode: string
    readonly verificationUri: string
    readonly verificationUriComplete: string | undefined
    readonly expiresAt: number
    readonly interval: Duration.Duration
  },
  HttpCheckError
> =>
  Effect.gen(function* () {
    const { body } = answer
    const read = yield* decoded(decodeGrant, answer, fail, false)
    const complete = at(body, "verification_uri_complete") ?? at(body, "verification_url_complete")
    const expiresInMillis = millisAt(body, "expires_in") ?? 0
    return {
      deviceCode: read.device_code,
      userCode: read.user_code,
      verificationUri: "verification_uri" in read ? read.verification_uri : read.verification_url,
      verificationUriComplete: isUri(complete) ? complete : undefined,
      expiresAt:
        (yield* Clock.currentTimeMillis) +
        (expiresInMillis > 0 ? Math.min(maxExpiresInMillis, expiresInMillis) : defaultExpiresInMillis),
      interval: Duration.millis(intervalMillis(millisAt(body, "interval") ?? defaultIntervalMillis))
    }
  })

/** Reads the token of a login. `whatever` is the status: then only the body counts. */
export const tokenIn = (
  answer: ReceivedAnswer,
  fail: Fail,
  whatever: boolean
): Effect.Effect<
  {
    readonly accessToken: Redacted.Redacted
    readonly tokenType: string
    readonly expiresAt: number | undefined
    readonly refreshToken: Redacted.Redacted | undefined
    readonly idToken: Redacted.Redacted | undefined
    readonly scope: string | undefined
  },
  HttpCheckError
> =>
  Effect.gen(function* () {
    const read = yield* decoded(decodeToken, answer, fail, whatever)
    const expiresInMillis = millisAt(answer.body, "expires_in") ?? -1
    return {
      accessToken: read.access_token,
      tokenType: read.token_type ?? "Bearer",
      expiresAt:
        expiresInMillis < 0 ? undefined : Math.min(maxTime, (yield* Clock.currentTimeMillis) + expiresInMillis),
      refreshToken: read.refresh_token ?? undefined,
      idToken: read.id_token ?? undefined,
      scope: read.scope ?? undefined
    }
  })

// ---- internal ----

/** At most the default `maxHint` of a wait. */
const maxIntervalMillis = 3_600_000
const minIntervalMillis = 1_000
const defaultIntervalMillis = 5_000

/** Codes mostly live for 5 to 30 minutes. */
const defaultExpiresInMillis = 900_000
const maxExpiresInMillis = 30 * 24 * 3_600_000

/** The last time that a `Date` can hold. */
const maxTime = 8.64e15

const maxCodeLength = 200
const maxTextLength = 1_000

/** The codes that are read from other fields than `error` as well. */
const known: ReadonlySet<string> = /*#__PURE__*/ new Set([
  "authorization_pending",
  "slow_down",
  "expired_token",
  "access_denied",
  "authorization_declined"
])

const knownIn = (body: unknown): string | undefined =>
  ["error_code", "code", "message"]
    .map((name) => textAt(body, name))
    .find((found) => found !== undefined && known.has(found.toLowerCase()))

/** Parses form-encoded text too, which some servers answer whatever is asked for. */
const parseWith =
  (parse: RequestPolicy["parse"]) =>
  (body: string): unknown => {
    try {
      return parse === undefined ? JSON.parse(body) : parse(body)
    } catch (error) {
      const form = error instanceof SyntaxError ? formIn(body) : undefined
      if (form === undefined) throw error
      return form
    }
  }

const formIn = (body: string): Readonly<Record<string, string>> | undefined => {
  if (!/^\s*[a-z_]+=/i.test(body)) return undefined
  const fields = body.trim().split("&").map(fieldOf)
  const isAnswer = fields.some(([name]) => name === "error" || name === "access_token" || name === "device_code")
  return isAnswer ? Object.fromEntries(fields) : undefined
}

const fieldOf = (field: string): readonly [string, string] => {
  const [name = "", ...rest] = field.split("=").map(unescape)
  return [name, rest.join("=")]
}

const unescape = (encoded: string): string => {
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "))
  } catch {
    return encoded
  }
}

const decoded = <A>(
  decode: (body: unknown) => Effect.Effect<A, Schema.SchemaError>,
  answer: ReceivedAnswer,
  fail: Fail,
  whatever: boolean
): Effect.Effect<A, HttpCheckError> => {
  if (!whatever && !isOk(answer)) {
    return Effect.fail(fail(statusReason(answer, isThrottled(answer) ? "throttled" : undefined)))
  }
  return answer.content.kind === "json" ? decodeWith(decode, answer, fail) : Effect.fail(fail(notJsonReason(answer)))
}

const secret = (label: string) => Schema.RedactedFromValue(Schema.NonEmptyString, { label })

const maybe = <A, I>(schema: Schema.Codec<A, I>) => Schema.optional(Schema.NullOr(schema))

/** A text for a screen: it stands in logs too, so it is bounded, and has no control characters. */
const shown = (maxLength: number) =>
  Schema.NonEmptyString.check(
    Schema.makeFilter((value: string) =>
      isShown(value, maxLength) ? undefined : `Expected at most ${maxLength} characters, without control characters`
    )
  )

const isShown = (value: string, maxLength: number): boolean =>
  value.length <= maxLength && !/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(value)

const maxUriLength = 2_048

const isUri = (u: unknown): u is string => typeof u === "string" && u !== "" && isShown(u, maxUriLength)

const grantFields = {
  device_code: /*#__PURE__*/ secret("deviceCode"),
  user_code: /*#__PURE__*/ shown(256)
}

const decodeGrant = /*#__PURE__*/ Schema.decodeUnknownEffect(
  /*#__PURE__*/ Schema.Union([
    /*#__PURE__*/ Schema.Struct({ ...grantFields, verification_uri: /*#__PURE__*/ shown(maxUriLength) }),
    /*#__PURE__*/ Schema.Struct({ ...grantFields, verification_url: /*#__PURE__*/ shown(maxUriLength) })
  ])
)

const decodeToken = /*#__PURE__*/ Schema.decodeUnknownEffect(
  /*#__PURE__*/ Schema.Struct({
    access_token: /*#__PURE__*/ secret("accessToken"),
    token_type: /*#__PURE__*/ maybe(Schema.String),
    refresh_token: /*#__PURE__*/ maybe(/*#__PURE__*/ secret("refreshToken")),
    id_token: /*#__PURE__*/ maybe(/*#__PURE__*/ secret("idToken")),
    scope: /*#__PURE__*/ maybe(Schema.String)
  })
)
