/**
 * Login on a device without a browser: the OAuth 2.0 device authorization grant of RFC 8628.
 *
 * The server hands out a code for the person to type in elsewhere and a secret code for the device; the device asks for
 * its token again and again until the person has agreed. `authorize` does all of it. `request` and `job` are its parts,
 * for whoever wants a handle, events or another process to go on.
 *
 * **Details**
 *
 * | answer to the token request | the check |
 * |---|---|
 * | a token | succeeded |
 * | `authorization_pending` | pending |
 * | `slow_down` | pending; this and all later delays are 5 seconds longer (or what its `interval` says, if that is more) |
 * | `access_denied` | failed, with `AccessDenied` |
 * | `expired_token` | expired |
 * | any other `error` | failed, with `Refused`, which holds the code |
 * | no answer, 408, 425, 429, 5xx, or no JSON | a transient `HttpCheckError` |
 * | anything else | a permanent `HttpCheckError` |
 *
 * What the server wishes is kept to (RFC 8628, sections 3.2 and 3.5): the first request comes after `interval` seconds,
 * and no two are closer. `interval` is 5 seconds if the server does not say, and at least 1 second. After a request
 * that failed the delay is twice the interval, and doubles with each failure in a row, up to 2 minutes. `expires_in` is
 * the deadline, counted from the answer that brought it.
 *
 * Device code, client secret and tokens are `Redacted`: they are in no error, log, span or event. The key of the wait,
 * which is in all of them, is the user code: it is shown on a screen anyway, and worth nothing without a person who
 * agrees to it.
 *
 * **Gotchas**
 *
 * - A token is handed out once. If its answer is lost on the way, the server refuses the device code from then on
 *   (`Refused`, mostly with `invalid_grant`), and the person has to start anew.
 * - Do not start anew by yourself after an end: the specification asks to wait for the person, so as not to ask for
 *   ever.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import type { Observation } from "effect-poll/Observation"
import * as Poll from "effect-poll/Poll"
import * as CheckError from "effect-poll/CheckError"
import type * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type HttpCheckError, isTransientStatus } from "./HttpCheckError.ts"
import {
  decodeWith,
  execute,
  type Fail,
  failFor,
  isOk,
  notJsonReason,
  type ReceivedAnswer,
  statusReason
} from "./internal/httpRequest.ts"
import { at, textAt } from "./internal/json.ts"
import * as validate from "./internal/validate.ts"

/**
 * The server, and what it knows us by.
 *
 * @category models
 * @since 0.1.0
 */
export interface Client {
  /** The device authorization endpoint (`device_authorization_endpoint` of the server's metadata). */
  readonly deviceAuthorizationUrl: string
  /** The token endpoint. */
  readonly tokenUrl: string
  readonly clientId: string
  /** Sent as `client_secret`, for servers that want one of a device; default none. */
  readonly clientSecret?: Redacted.Redacted | undefined
  /** Scopes, with spaces between them; default: those of the server. */
  readonly scope?: string | undefined
  /** Further fields of the device authorization request, as `audience` or `resource`. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
}

/**
 * What the person needs to know.
 *
 * @category models
 * @since 0.1.0
 */
export interface Prompt {
  /** To be typed in at `verificationUri`. */
  readonly userCode: string
  readonly verificationUri: string
  /** The same with the user code in it, for a QR code or a link, if the server has one. */
  readonly verificationUriComplete?: string | undefined
  /** When the codes expire, in wall-clock milliseconds. */
  readonly expiresAt: number
}

/**
 * What the server granted: the prompt for the person, and the secret half for the device.
 *
 * @category models
 * @since 0.1.0
 */
export interface Grant extends Prompt {
  readonly deviceCode: Redacted.Redacted
  /** The least time between two token requests. */
  readonly interval: Duration.Duration
}

/**
 * The Schema of a grant, to store one. Encoded, it is plain JSON: `intervalMillis` is the interval in milliseconds,
 * `expiresAt` wall-clock milliseconds.
 *
 * **Gotchas**
 *
 * The encoded form holds the device code in clear text. Until it is used or expires, it is as good as a token.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Grant: Schema.Codec<
  Grant,
  {
    readonly deviceCode: string
    readonly userCode: string
    readonly verificationUri: string
    readonly verificationUriComplete?: string | undefined
    readonly expiresAt: number
    readonly intervalMillis: number
  }
> = /*#__PURE__*/ Schema.Struct({
  deviceCode: /*#__PURE__*/ Schema.RedactedFromValue(Schema.NonEmptyString, { label: "deviceCode" }),
  userCode: Schema.NonEmptyString,
  verificationUri: Schema.NonEmptyString,
  verificationUriComplete: /*#__PURE__*/ Schema.optional(Schema.String),
  expiresAt: Schema.Finite,
  interval: Schema.DurationFromMillis
}).pipe(/*#__PURE__*/ Schema.encodeKeys({ interval: "intervalMillis" }))

/**
 * What the login yields.
 *
 * @category models
 * @since 0.1.0
 */
export interface Token {
  readonly accessToken: Redacted.Redacted
  /** Mostly `Bearer`. */
  readonly tokenType: string
  /** When the access token expires, in wall-clock milliseconds; undefined if the server does not say. */
  readonly expiresAt: number | undefined
  readonly refreshToken: Redacted.Redacted | undefined
  readonly idToken: Redacted.Redacted | undefined
  /** The scopes that were granted; undefined if they are those that were asked for. */
  readonly scope: string | undefined
}

/**
 * How a login can fail: the person said no, or the server refused it with a code of its own.
 *
 * @category models
 * @since 0.1.0
 */
export type Failure =
  | { readonly _tag: "AccessDenied"; readonly description: string | undefined }
  | {
      readonly _tag: "Refused"
      /** `invalid_grant`, `invalid_client` and the like. */
      readonly code: string
      readonly description: string | undefined
    }

/**
 * The server refused to begin a login: the client is unknown, or the scope is not for it.
 *
 * @category errors
 * @since 0.1.0
 */
export class AuthorizationRefused
  extends /*#__PURE__*/ Data.TaggedError("AuthorizationRefused")<{
    /** `invalid_client`, `invalid_scope` and the like. */
    readonly code: string
    readonly description: string | undefined
  }>
{
  override get message(): string {
    return `the server refused to begin a login: ${this.code}${this.description === undefined ? "" : ` (${this.description})`}`
  }
}

/**
 * The options of `authorize`: the client, what to do with the prompt, and the options of the wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface AuthorizeOptions<out E = never, out R = never, out RS = never>
  extends Client, Omit<Poll.Options<HttpCheckError, RS>, "deadline"> {
  /**
   * Shows the prompt. It runs beside the wait, and is interrupted when that ends: it may return at once, or keep a
   * dialog open. If it fails, so does the login.
   */
  readonly onPrompt: (prompt: Prompt) => Effect.Effect<unknown, E, R>
}

/**
 * Logs in: asks for the codes, shows them, and waits for the token.
 *
 * **Details**
 *
 * - The deadline is the `expires_in` of the server. A login that nobody took up ends as `JobExpired` if the server says
 *   so, otherwise as `PollTimeout`; both mean the same here.
 * - `strategy` and `checkErrors` replace what `job` says; the interval of the server is kept to whatever the strategy
 *   is.
 * - Bad options are RangeErrors at the call.
 *
 * **Example** (A login from a terminal)
 *
 * ```ts no-run
 * import * as Console from "effect/Console"
 * import * as DeviceFlow from "@effect-poll/http/DeviceFlow"
 *
 * export const login = DeviceFlow.authorize({
 *   deviceAuthorizationUrl: "https://id.example.com/device",
 *   tokenUrl: "https://id.example.com/token",
 *   clientId: "tv",
 *   scope: "profile",
 *   onPrompt: (prompt) => Console.log(`Enter ${prompt.userCode} at ${prompt.verificationUri}`)
 * })
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const authorize = <E = never, R = never, RS = never>(
  options: AuthorizeOptions<E, R, RS>
): Effect.Effect<
  Token,
  PollError.PollError<Failure, HttpCheckError> | AuthorizationRefused | HttpCheckError | E,
  HttpClient.HttpClient | R | RS
> => {
  const { onPrompt } = options
  const begin = request(options)
  const wait = (grant: Grant, deadline: number) =>
    Poll.until(job(options, grant), grant.userCode, { ...options, deadline })
  // What is wrong with the options of the wait is told at the call too, and not when there is a grant.
  void wait(noGrant, 1)
  return Effect.gen(function* () {
    const grant = yield* begin
    const { expiresAt, userCode, verificationUri, verificationUriComplete } = grant
    const prompt = { userCode, verificationUri, verificationUriComplete, expiresAt }
    const left = expiresAt - (yield* Clock.currentTimeMillis)
    return yield* Effect.raceFirst(wait(grant, Math.max(1, left)), Effect.andThen(onPrompt(prompt), Effect.never))
  })
}

/**
 * Asks the server for the codes of a login.
 *
 * **Details**
 *
 * Sent once, and not again if it fails. `verification_url`, which some servers say, counts as `verification_uri`. An
 * empty URL or client id is a RangeError at the call.
 *
 * @category constructors
 * @since 0.1.0
 */
export const request = (
  client: Client
): Effect.Effect<Grant, AuthorizationRefused | HttpCheckError, HttpClient.HttpClient> => {
  checkClient("DeviceFlow.request", client)
  const { fail, sent } = post(client.deviceAuthorizationUrl, client, {
    ...client.parameters,
    ...(client.scope === undefined ? {} : { scope: client.scope })
  })
  return Effect.gen(function* () {
    const answer = yield* sent
    const refusal = refusalOf(answer)
    if (refusal !== undefined) return yield* new AuthorizationRefused(refusal)
    if (!isOk(answer)) return yield* fail(statusReason(answer))
    if (answer.content.kind !== "json") return yield* fail(notJsonReason(answer))
    const wire = yield* decodeWith(decodeGrant, answer, fail)
    return {
      deviceCode: wire.device_code,
      userCode: wire.user_code,
      verificationUri: "verification_uri" in wire ? wire.verification_uri : wire.verification_url,
      verificationUriComplete: wire.verification_uri_complete,
      expiresAt: (yield* Clock.currentTimeMillis) + wire.expires_in * 1000,
      interval: Duration.seconds(Math.max(minIntervalSeconds, wire.interval ?? defaultIntervalSeconds))
    }
  })
}

/**
 * Makes the `Job` of one grant: the key to wait for is its `userCode`.
 *
 * **Details**
 *
 * - It remembers how far the server slowed it down, as that holds for the device code and not for a wait: make one job
 *   per grant.
 * - It sends nothing once the grant has expired, and is expired then, whatever the deadline of the wait is.
 * - A `ResumeToken` of its wait holds the user code, when the next request may come, and the deadline; not the device
 *   code, and not the interval after the next request. To go on in another process store the `Grant` as well, as
 *   secretly as a password, and `Poll.resume(DeviceFlow.job(client, grant), token)`: the interval begins at that of the
 *   grant again, until the server says `slow_down` again.
 *
 * An empty URL or client id is a RangeError.
 *
 * **Example** (A handle to the login)
 *
 * ```ts no-run
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as DeviceFlow from "@effect-poll/http/DeviceFlow"
 *
 * const client = {
 *   deviceAuthorizationUrl: "https://id.example.com/device",
 *   tokenUrl: "https://id.example.com/token",
 *   clientId: "tv"
 * }
 * export const login = Effect.gen(function* () {
 *   const grant = yield* DeviceFlow.request(client)
 *   const handle = yield* Poll.start(DeviceFlow.job(client, grant), grant.userCode, { deadline: "unbounded" })
 *   // For a button "I have agreed": checks as soon as the server allows it.
 *   yield* handle.checkNow()
 *   return yield* handle.await
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const job = (
  client: Client,
  grant: Grant
): Job.Job<string, Token, Failure, HttpCheckError, HttpClient.HttpClient> => {
  checkClient("DeviceFlow.job", client)
  const { fail, sent } = post(client.tokenUrl, client, {
    grant_type: "urn:ietf:params:oauth:grant-type:device_code",
    device_code: Redacted.value(grant.deviceCode)
  })
  const baseMillis = Math.max(1000 * minIntervalSeconds, Duration.toMillis(grant.interval))
  // The longest interval that the server requested.
  let intervalMillis = baseMillis
  const pending = (answer: ReceivedAnswer, state: string): CheckResult.CheckResult<never> => {
    const asked = answer.hint === undefined || answer.hint === "unreadable" ? 0 : Duration.toMillis(answer.hint)
    return CheckResult.withHint(Status.pending({ state, detail: { intervalMillis } }), Math.max(intervalMillis, asked))
  }
  return Job.make("device-login", {
    check: () =>
      Effect.gen(function* (): Effect.fn.Return<
        CheckResult.CheckResult<Token, Failure>,
        HttpCheckError,
        HttpClient.HttpClient
      > {
        if ((yield* Clock.currentTimeMillis) > grant.expiresAt) return Status.expired()
        const answer = yield* sent
        const code = errorCodeOf(answer)
        switch (code) {
          case "authorization_pending":
            return pending(answer, code)
          case "slow_down":
            intervalMillis = Math.max(intervalMillis + slowDownMillis, secondsIn(answer) * 1000)
            return pending(answer, code)
          case "expired_token":
            return Status.expired({ state: code })
        }
        const refusal = refusalOf(answer)
        if (refusal !== undefined) return Status.failed(failureOf(refusal), { state: refusal.code })
        return Status.succeeded(yield* tokenIn(answer, fail))
      }),
    strategy: Strategy.withFirstWait(Strategy.spaced(baseMillis), baseMillis),
    checkErrors: {
      schedule: Strategy.make({
        decide: (step, _elapsed, { status }) => {
          const current = intervalMillisIn(status, baseMillis)
          return Math.max(2 * current, Math.min(maxErrorDelayMillis, current * 2 ** step))
        }
      }),
      // A request that failed was one all the same: the interval holds for a check that is asked for, too.
      kindOf: (error) => {
        const kind = CheckError.kindOf(error)
        if (kind._tag === "Permanent") return kind
        const { retryAfter } = kind
        const asked = retryAfter === undefined || retryAfter === "unreadable" ? 0 : Duration.toMillis(retryAfter)
        return CheckError.transient({ retryAfter: Duration.millis(Math.max(intervalMillis, asked)) })
      }
    }
  })
}

// ---- internal ----

const defaultIntervalSeconds = 5
const minIntervalSeconds = 1

const slowDownMillis = 5_000
const maxErrorDelayMillis = 120_000

/** Stands for a grant while only the options are checked. */
const noGrant: Grant = {
  deviceCode: /*#__PURE__*/ Redacted.make("none"),
  userCode: "none",
  verificationUri: "",
  verificationUriComplete: undefined,
  expiresAt: 0,
  interval: /*#__PURE__*/ Duration.seconds(defaultIntervalSeconds)
}

const Secret = (label: string) => Schema.RedactedFromValue(Schema.NonEmptyString, { label })

const grantFields = {
  device_code: /*#__PURE__*/ Secret("deviceCode"),
  user_code: Schema.NonEmptyString,
  verification_uri_complete: /*#__PURE__*/ Schema.optional(Schema.String),
  expires_in: /*#__PURE__*/ Schema.Finite.check(/*#__PURE__*/ Schema.isGreaterThan(0)),
  interval: /*#__PURE__*/ Schema.optional(Schema.Finite)
}

const decodeGrant = /*#__PURE__*/ Schema.decodeUnknownEffect(
  /*#__PURE__*/ Schema.Union([
    /*#__PURE__*/ Schema.Struct({ ...grantFields, verification_uri: Schema.NonEmptyString }),
    /*#__PURE__*/ Schema.Struct({ ...grantFields, verification_url: Schema.NonEmptyString })
  ])
)

const maybe = <A, I>(schema: Schema.Codec<A, I>) => Schema.optional(Schema.NullOr(schema))

const decodeToken = /*#__PURE__*/ Schema.decodeUnknownEffect(
  /*#__PURE__*/ Schema.Struct({
    access_token: /*#__PURE__*/ Secret("accessToken"),
    token_type: Schema.String,
    expires_in: /*#__PURE__*/ maybe(/*#__PURE__*/ Schema.Union([Schema.Finite, Schema.FiniteFromString])),
    refresh_token: /*#__PURE__*/ maybe(/*#__PURE__*/ Secret("refreshToken")),
    id_token: /*#__PURE__*/ maybe(/*#__PURE__*/ Secret("idToken")),
    scope: /*#__PURE__*/ maybe(Schema.String)
  })
)

const checkClient = (name: string, { clientId, deviceAuthorizationUrl, tokenUrl }: Client): void => {
  for (const [option, value] of Object.entries({ clientId, deviceAuthorizationUrl, tokenUrl })) {
    validate.nonEmpty(`${name}: ${option}`, value)
  }
}

/** A form for one of the two endpoints. */
const post = (url: string, { clientId, clientSecret }: Client, fields: Readonly<Record<string, string>>) => {
  const form = HttpClientRequest.post(url).pipe(
    HttpClientRequest.bodyUrlParams({
      client_id: clientId,
      ...(clientSecret === undefined ? {} : { client_secret: Redacted.value(clientSecret) }),
      ...fields
    })
  )
  const fail = failFor(form, undefined)
  return { fail, sent: execute(form, fail) }
}

/** Some servers send an error with a 200: the body goes before the status. */
const errorCodeOf = (answer: ReceivedAnswer): string | undefined => textAt(answer.body, "error")

/** What the server refuses for good; an error with a status that may pass is no such thing. */
const refusalOf = (
  answer: ReceivedAnswer
): { readonly code: string; readonly description: string | undefined } | undefined => {
  const code = errorCodeOf(answer)
  return code === undefined || (!isOk(answer) && isTransientStatus(answer.status))
    ? undefined
    : { code, description: textAt(answer.body, "error_description") }
}

const failureOf = ({
  code,
  description
}: {
  readonly code: string
  readonly description: string | undefined
}): Failure =>
  code === "access_denied" ? { _tag: "AccessDenied", description } : { _tag: "Refused", code, description }

const tokenIn = Effect.fnUntraced(function* (
  answer: ReceivedAnswer,
  fail: Fail
): Effect.fn.Return<Token, HttpCheckError> {
  if (!isOk(answer)) return yield* fail(statusReason(answer))
  if (answer.content.kind !== "json") return yield* fail(notJsonReason(answer))
  const wire = yield* decodeWith(decodeToken, answer, fail)
  return {
    accessToken: wire.access_token,
    tokenType: wire.token_type,
    expiresAt:
      typeof wire.expires_in === "number" ? (yield* Clock.currentTimeMillis) + wire.expires_in * 1000 : undefined,
    refreshToken: wire.refresh_token ?? undefined,
    idToken: wire.id_token ?? undefined,
    scope: wire.scope ?? undefined
  }
})

/** The interval that a server may send with `slow_down`, in seconds. */
const secondsIn = (answer: ReceivedAnswer): number => {
  const value = at(answer.body, "interval")
  return typeof value === "number" && Number.isFinite(value) ? value : 0
}

/** The interval in the detail of the last pending status. */
const intervalMillisIn = ({ detail }: Observation["status"], otherwise: number): number =>
  hasProperty(detail, "intervalMillis") && typeof detail.intervalMillis === "number" ? detail.intervalMillis : otherwise
