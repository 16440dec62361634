/**
 * Login on a device without a browser: the OAuth 2.0 device authorization grant of RFC 8628.
 *
 * The server issues a user code, which the person types in on another device, and a secret device code. The device
 * polls for its token until the person has approved the login. `run` does all of this. `request` and `job` are its
 * parts: for a handle, for events, or to continue in another process.
 *
 * **Details**
 *
 * | answer to the token request | the check |
 * |---|---|
 * | a token | succeeded |
 * | `authorization_pending` | pending |
 * | `slow_down` | pending; this and all later delays are 5 seconds longer (or what its `interval` says, if that is more) |
 * | `access_denied`, `authorization_declined` | failed, with `AccessDenied` |
 * | `expired_token` | expired |
 * | any other `error` | failed, with `Refused` and its `code` |
 * | 429; 503 with a hint; 400 or 403 with rate-limit headers or a throttling code | throttled |
 * | no answer, 408, 425, 5xx, or a body that cannot be read | a transient `HttpCheckError` |
 * | anything else | a permanent `HttpCheckError` |
 *
 * These codes are also read from `error.code`, `error_code`, `code` and `message`, whatever the status code. For a
 * server that reports a pending login in another way (a bare 400, 403, 404 or 418, a sentence), use the option
 * `interpret`, which reads an answer before this table:
 *
 * ```ts no-run
 * import * as Status from "effect-poll/Status"
 * import * as Interpretation from "@effect-poll/http/Interpretation"
 *
 * export const interpret = Interpretation.rules(
 *   [{ status: 418 }, Status.pending()],
 *   [{ status: 403, body: { message: /not approved yet/ } }, Status.pending()]
 * )
 * ```
 *
 * The server sets the pace (RFC 8628, sections 3.2 and 3.5): the first request is sent after `interval`, and later ones
 * at least `interval` apart. After a failed request the delay is twice the interval, and doubles with each consecutive
 * failure, up to 2 minutes. `expires_in` bounds the deadline, counted from the answer that contains it.
 *
 * | number | read from | default | bounds |
 * |---|---|---|---|
 * | `interval` | a number or a text, in seconds | 5 seconds, also if it is unreadable | 1 second to 1 hour |
 * | `expires_in` of the codes | a number or a text, in seconds | 15 minutes, also if it is unreadable, 0 or negative | up to 30 days |
 * | `expires_in` of a token | a number or a text, in seconds | unknown | up to the year 275760 |
 *
 * Answers are JSON, or form-encoded text. Requests are forms, or JSON with `encoding: "json"`.
 *
 * Device code, client secret and tokens are `Redacted`: they are in no error, log, span or event. The key of the wait
 * is the user code, which errors, logs, spans and events show. It is no secret: it is shown on a screen, and useless
 * without the approval of the person.
 *
 * **Gotchas**
 *
 * - The server issues the token once. If that answer is lost, the server rejects the device code from then on
 *   (`Refused`, mostly with `invalid_grant`), and the person has to log in again.
 * - Do not start another login without an action of the person: the specification forbids it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Types from "effect/Types"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as CheckError from "effect-poll/CheckError"
import type * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { HttpCheckError } from "./HttpCheckError.ts"
import type { Interpret } from "./Interpretation.ts"
import { carried } from "./internal/carried.ts"
import * as wire from "./internal/deviceFlowWire.ts"
import type { ReceivedAnswer } from "./internal/request/httpRequest.ts"
import { interpretAnswer } from "./internal/answer/interpretation.ts"
import * as requestPolicy from "./internal/request/requestPolicy.ts"
import { escape } from "./internal/text.ts"
import * as validate from "./internal/validate.ts"
import { ofRequest, without } from "./internal/without.ts"
import type { RequestOptions } from "./RequestOptions.ts"

/**
 * The endpoints of the server, and how the device identifies itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Client {
  /** The device authorization endpoint (`device_authorization_endpoint` of the server's metadata). */
  readonly deviceAuthorizationUrl: string
  /** The token endpoint. */
  readonly tokenUrl: string
  /** Sent as `client_id`. */
  readonly clientId: string
  /** Sent as `client_secret`, for a server that requires one. Default: none. */
  readonly clientSecret?: Redacted.Redacted | undefined
  /** The requested scopes, separated by spaces. Default: those of the server. */
  readonly scope?: string | undefined
  /** Further fields of the device authorization request, such as `audience` or `resource`. Default: none. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
  /** The encoding of request bodies: a form, as RFC 8628 requires, or JSON. Default: `"form"`. */
  readonly encoding?: "form" | "json" | undefined
}

/**
 * What the person needs to approve the login.
 *
 * @category models
 * @since 0.1.0
 */
export interface Prompt {
  /** The code that the person types in at `verificationUri`; at most 256 characters, without control characters. */
  readonly userCode: string
  /** The page where the person types in the code; at most 2,048 characters, without control characters. */
  readonly verificationUri: string
  /** A page that needs no typing, for a QR code or a link; undefined if the server has none. */
  readonly verificationUriComplete?: string | undefined
  /** When the codes expire, in wall-clock milliseconds. */
  readonly expiresAt: number
}

/**
 * What the server granted: the prompt for the person, and the secret device code.
 *
 * @category models
 * @since 0.1.0
 */
export interface Grant extends Prompt {
  /** Exchanged for the token. Until it is used or expires, it is as powerful as a token. */
  readonly deviceCode: Redacted.Redacted
  /** The minimum time between two token requests. */
  readonly interval: Duration.Duration
}

/**
 * The Schema of a grant, to store one. Encoded, it is plain JSON: `intervalMillis` is the interval in milliseconds,
 * `expiresAt` wall-clock milliseconds.
 *
 * **Gotchas**
 *
 * The encoded form contains the device code in clear text. Until it is used or expires, it is as powerful as a token.
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
 * The result of a login.
 *
 * @category models
 * @since 0.1.0
 */
export interface Token {
  /** The token to send with requests. */
  readonly accessToken: Redacted.Redacted
  /** The scheme with which the token is sent. Default: `Bearer`. */
  readonly tokenType: string
  /** When the access token expires, in wall-clock milliseconds; undefined if the server does not say. */
  readonly expiresAt: number | undefined
  /** The token with which to refresh the access token; undefined if the server issues none. */
  readonly refreshToken: Redacted.Redacted | undefined
  /** The OpenID Connect token about the person; undefined if the server issues none. */
  readonly idToken: Redacted.Redacted | undefined
  /** The granted scopes; undefined if they are the requested ones. */
  readonly scope: string | undefined
}

/**
 * How a login fails: the person denied access, or the server refused the request with a code of its own. Codes have at
 * most 200 characters, descriptions 1,000.
 *
 * @category models
 * @since 0.1.0
 */
export type Failure =
  | { readonly _tag: "AccessDenied"; readonly description: string | undefined }
  | {
      readonly _tag: "Refused"
      /** The error code, such as `invalid_grant` or `invalid_client`. */
      readonly code: string
      readonly description: string | undefined
    }

/**
 * The server refused to start a login, for example because the client is unknown or the scope is not allowed.
 *
 * @category errors
 * @since 0.1.0
 */
export class AuthorizationRefused
  extends /*#__PURE__*/ Data.TaggedError("AuthorizationRefused")<{
    /** The error code, such as `invalid_client` or `invalid_scope`; at most 200 characters. */
    readonly code: string
    /** The `error_description` of the server; at most 1,000 characters. */
    readonly description: string | undefined
  }>
{
  override get message(): string {
    return `the server refused to begin a login: ${escape(`${this.code}${this.description === undefined ? "" : ` (${this.description})`}`)}`
  }
}

/**
 * The options of `job`.
 *
 * @category models
 * @since 0.1.0
 */
export interface JobOptions<in out E = never, in out R = never>
  extends
    RequestOptions,
    Pick<
      Job.Options<string, Token, Failure, HttpCheckError | E, HttpClient.HttpClient | R>,
      "checkTimeout" | "stall" | "confirm" | "stateLimits" | "minInterval" | "onAction"
    > {
  /** The endpoints of the server, and how the device identifies itself. */
  readonly client: Client
  /** The grant that `request` yielded. */
  readonly grant: Grant
  /**
   * Decides what an answer of the token endpoint means, before the table of this module does. Whatever it yields, the
   * interval of the server still applies. Default: the table decides.
   */
  readonly interpret?: Interpret<Token, Failure, E, R> | undefined
}

/**
 * The options of `run`: those of `job` except client and grant, those of the wait, and what to do with the prompt.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunOptions<out E = never, out R = never, out RS = never, in out EI = never, in out RI = never>
  extends
    Omit<JobOptions<EI, RI>, "client" | "grant" | keyof Poll.Options<unknown>>,
    Omit<Poll.Options<HttpCheckError | EI, RS>, "deadline"> {
  /**
   * Shows the prompt. It runs concurrently with the wait and is interrupted when the wait ends. It may return at once,
   * or keep a dialog open. If it fails, the login fails.
   */
  readonly onPrompt: (prompt: Prompt) => Effect.Effect<unknown, E, R>
  /** The name of the job in errors, logs and metrics. Default: `device-login`. */
  readonly name?: string | undefined
  /** How long the person may take, at most `expires_in`; a positive finite duration. Default: `expires_in`. */
  readonly deadline?: Duration.Input | undefined
}

/**
 * Logs a person in: requests the codes, shows them, and waits for the token.
 *
 * **Details**
 *
 * - The deadline is the `expires_in` of the server, or `deadline` if that is shorter. Without an approval by then, the
 *   login fails with `JobExpired` or `PollTimeout`, depending on whether the server or the deadline comes first.
 * - The interval of the server applies, whatever `strategy` and `checkErrors` are.
 * - Out-of-range options are RangeErrors at the call.
 *
 * **Example** (A login from a terminal)
 *
 * ```ts no-run
 * import * as Console from "effect/Console"
 * import * as DeviceFlow from "@effect-poll/http/DeviceFlow"
 *
 * export const login = DeviceFlow.run(
 *   {
 *     deviceAuthorizationUrl: "https://id.example.com/device",
 *     tokenUrl: "https://id.example.com/token",
 *     clientId: "tv",
 *     scope: "profile"
 *   },
 *   { onPrompt: (prompt) => Console.log(`Enter ${prompt.userCode} at ${prompt.verificationUri}`) }
 * )
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = <E = never, R = never, RS = never, EI = never, RI = never>(
  client: Client,
  options: RunOptions<E, R, RS, EI, RI>
): Effect.Effect<
  Token,
  PollError.PollError<Failure, HttpCheckError | EI> | AuthorizationRefused | HttpCheckError | Types.NoInfer<E>,
  HttpClient.HttpClient | Types.NoInfer<R | RS | RI>
> => {
  const { deadline, interpret, name = "device-login", onPrompt, ...rest } = options
  const most = deadline === undefined ? Number.POSITIVE_INFINITY : validate.millis("DeviceFlow.run: deadline", deadline)
  const begin = requestFor("DeviceFlow.run", client, rest)
  const tolerance = rest.checkErrors && Job.checkErrorPolicy(rest.checkErrors)
  const wait = (grant: Grant, leftMillis: number) => {
    const ends = Math.max(1, Math.min(most, leftMillis))
    const login = makeLogin("DeviceFlow.run", { ...rest, client, grant, interpret })
    return Poll.until(jobOf(name, login), grant.userCode, {
      ...without(rest, ofRequest),
      checkErrors: { schedule: errorDelays(login), ...tolerance, kindOf: pacedKind(login, tolerance) },
      confirm: rest.confirm && confirmWithin(rest.confirm, ends, most),
      deadline: ends
    })
  }
  // Bad options of the wait are RangeErrors at the call too, not once there is a grant.
  void wait(noGrant, Number.MAX_SAFE_INTEGER)
  return Effect.gen(function* () {
    const grant = yield* begin
    const { expiresAt, userCode, verificationUri, verificationUriComplete } = grant
    const prompt = { userCode, verificationUri, verificationUriComplete, expiresAt }
    const left = expiresAt - (yield* Clock.currentTimeMillis)
    return yield* Effect.raceFirst(wait(grant, left), Effect.andThen(onPrompt(prompt), Effect.never))
  })
}

/**
 * Requests the codes of a login.
 *
 * **Details**
 *
 * The request is sent once. A field `verification_url`, which some servers send, counts as `verification_uri`.
 * Out-of-range options are RangeErrors at the call.
 *
 * @category constructors
 * @since 0.1.0
 */
export const request = (
  client: Client,
  options?: RequestOptions
): Effect.Effect<Grant, AuthorizationRefused | HttpCheckError, HttpClient.HttpClient> =>
  requestFor("DeviceFlow.request", client, options)

/**
 * Creates the `Job` of one grant. The key of its waits is the `userCode`.
 *
 * **Details**
 *
 * - The interval, including what `slow_down` added to it, is the cursor of the wait. All waits for the key in a
 *   `Poller` share it, and a resumed wait continues with it.
 * - Once the grant has expired, a check sends no request and finds the job expired, whatever the deadline of the wait.
 * - A `ResumeToken` contains the user code and the interval, not the device code. To continue in another process, also
 *   store the `Grant`, as you would a password, and call
 *   `Poll.resume(DeviceFlow.job("login", { client, grant }), token)`.
 * - Create one job per grant: the interval belongs to the device code.
 *
 * An empty name, URL or client id is a RangeError.
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
 *   const Login = DeviceFlow.job("login", { client, grant })
 *   const handle = yield* Poll.start(Login, grant.userCode, { deadline: "unbounded" })
 *   // For a button "I have approved": checks as soon as the interval allows.
 *   yield* handle.checkNow()
 *   return yield* handle.await
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const job = <E = never, R = never>(
  name: string,
  options: JobOptions<E, R>
): Job.Job<string, Token, Failure, HttpCheckError | E, HttpClient.HttpClient | R> =>
  Job.make(name, { ...jobOf(name, makeLogin("DeviceFlow.job", options)), ...carried(options) })

// ---- internal ----

const slowDownMillis = 5_000
const maxErrorDelayMillis = 120_000

/** Stands for a grant while only the options are validated. */
const noGrant: Grant = {
  deviceCode: /*#__PURE__*/ Redacted.make("none"),
  userCode: "none",
  verificationUri: "",
  verificationUriComplete: undefined,
  expiresAt: 0,
  interval: /*#__PURE__*/ Duration.seconds(5)
}

const requestFor = (
  name: string,
  client: Client,
  options: RequestOptions | undefined
): Effect.Effect<Grant, AuthorizationRefused | HttpCheckError, HttpClient.HttpClient> => {
  checkClient(name, client)
  const { scope } = client
  const { fail, sent } = wire.post(
    { ...client, url: client.deviceAuthorizationUrl },
    { ...client.parameters, ...(scope === undefined ? {} : { scope }) },
    requestPolicy.make(name, options)
  )
  return Effect.gen(function* () {
    const answer = yield* sent
    const refusal = wire.refusalIn(answer)
    if (refusal !== undefined) return yield* new AuthorizationRefused(refusal)
    return yield* wire.grantIn(answer, fail)
  })
}

/** One grant and its requests. */
interface Login<E, R> extends wire.Request {
  readonly grant: Grant
  readonly interpret: Interpret<Token, Failure, E, R> | undefined
  /**
   * The longest interval that the server requested. It is the cursor of the wait as well; failed checks, which have no
   * cursor, are paced by this field.
   */
  intervalMillis: number
}

/**
 * A wait refuses an end that has to hold for as long as the deadline. That of the server is not known to the caller: if it
 * comes sooner, the end is not confirmed in time.
 */
const confirmWithin = (confirm: Job.ConfirmPolicy, ends: number, most: number): Job.ConfirmPolicy => {
  const within = (policy: Job.Confirm | undefined): Job.Confirm | undefined => {
    if (policy?.for === undefined || ends === most) return policy
    const millis = Duration.toMillis(Duration.fromInputUnsafe(policy.for))
    return !(millis >= ends) ? policy : { for: Math.max(ends - 1, ends / 2) }
  }
  return { success: within(confirm.success), failure: within(confirm.failure) }
}

const makeLogin = <E, R>(
  name: string,
  options: RequestOptions & Pick<JobOptions<E, R>, "client" | "grant" | "interpret">
): Login<E, R> => {
  const { client, grant, interpret } = options
  checkClient(name, client)
  const { fail, sent } = wire.post(
    { ...client, url: client.tokenUrl },
    {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: Redacted.value(grant.deviceCode)
    },
    requestPolicy.make(name, options)
  )
  return { fail, sent, grant, interpret, intervalMillis: wire.intervalMillis(Duration.toMillis(grant.interval)) }
}

const jobOf = <E, R>(
  name: string,
  login: Login<E, R>
): Job.Job<string, Token, Failure, HttpCheckError | E, HttpClient.HttpClient | R> =>
  Job.make(name, {
    check: (_userCode: string, { cursor }) => check(login, cursor),
    strategy: Strategy.withFirstWait(Strategy.spaced(login.intervalMillis), login.intervalMillis),
    checkErrors: { schedule: errorDelays(login), kindOf: pacedKind(login, undefined) }
  })

type Checked<E, R> = Effect.Effect<
  CheckResult.CheckResult<Token, Failure>,
  HttpCheckError | E,
  HttpClient.HttpClient | R
>

const check = <E, R>(login: Login<E, R>, cursor: string | undefined): Checked<E, R> =>
  Effect.flatMap(Clock.currentTimeMillis, (now): Checked<E, R> => {
    const { fail, grant, interpret, sent } = login
    slowTo(login, Number(cursor ?? 0))
    if (now > grant.expiresAt) return Effect.succeed(Status.expired({ reason: "the grant has expired" }))
    return Effect.flatMap(sent, (answer): Checked<E, R> => {
      if (interpret === undefined) return read(login, answer, false)
      return Effect.flatMap(interpretAnswer(interpret, answer, fail), (verdict): Checked<E, R> => {
        const left = verdict === undefined || verdict._tag === "Decode"
        return left ? read(login, answer, verdict !== undefined) : Effect.succeed(paced(login, verdict))
      })
    })
  })

/** Reads an answer by the table of this module. With `whatever` only the body counts, not the status code. */
const read = <E, R>(login: Login<E, R>, answer: ReceivedAnswer, whatever: boolean): Checked<never, never> => {
  const code = wire.codeIn(answer.body)
  switch (code) {
    case "authorization_pending":
      return Effect.succeed(pending(login, answer, code))
    case "slow_down":
      slowTo(login, Math.max(login.intervalMillis + slowDownMillis, wire.millisAt(answer.body, "interval") ?? 0))
      return Effect.succeed(pending(login, answer, code))
    case "expired_token":
      return Effect.succeed(Status.expired({ state: code, reason: wire.descriptionIn(answer.body) }))
  }
  const refusal = wire.refusalIn(answer)
  return refusal === undefined
    ? Effect.map(wire.tokenIn(answer, login.fail, whatever), (token) => Status.succeeded(token))
    : Effect.succeed(Status.failed(failureOf(refusal), { state: refusal.code }))
}

const slowTo = (login: Login<unknown, unknown>, millis: number): void => {
  // An altered cursor is not a number.
  if (millis > login.intervalMillis) login.intervalMillis = wire.intervalMillis(millis)
}

const pending = (
  login: Login<unknown, unknown>,
  { hint }: ReceivedAnswer,
  state: string
): CheckResult.CheckResult<never> => {
  const { intervalMillis } = login
  const found = Status.pending({ state, detail: { intervalMillis } })
  return paced(login, hint === undefined ? found : CheckResult.withHint(found, hint))
}

/** Adds the interval to a result after which another request may follow. */
const paced = <A extends Token, F extends Failure>(
  { intervalMillis }: Login<unknown, unknown>,
  result: CheckResult.CheckResult<A, F>
): CheckResult.CheckResult<A, F> => {
  if (Status.isStatus(result) && Status.isTerminal(result)) return result
  const hint = result._tag === "Annotated" ? result.hint : undefined
  return CheckResult.withCursor(CheckResult.withHint(result, atLeast(intervalMillis, hint)), String(intervalMillis))
}

const atLeast = (millis: number, hint: CheckResult.Hint | undefined): number =>
  hint === undefined || hint === "unreadable" ? millis : Math.max(millis, Duration.toMillis(hint))

const errorDelays = (login: Login<unknown, unknown>): Strategy.Strategy =>
  Strategy.make({
    decide: (step) => {
      const { intervalMillis } = login
      return Math.max(2 * intervalMillis, Math.min(maxErrorDelayMillis, intervalMillis * 2 ** step))
    }
  })

/** The interval applies after a failed request as well, also to a check by `checkNow`. */
const pacedKind =
  <E>(login: Login<unknown, unknown>, policy: Job.CheckErrorPolicy<HttpCheckError | E> | undefined) =>
  (error: HttpCheckError | E): CheckError.Kind => {
    const kind = (policy?.kindOf ?? CheckError.kindOf)(error)
    return kind._tag === "Permanent"
      ? kind
      : { ...kind, retryAfter: Duration.millis(atLeast(login.intervalMillis, kind.retryAfter)) }
  }

const checkClient = (name: string, { clientId, deviceAuthorizationUrl, encoding, tokenUrl }: Client): void => {
  for (const [option, value] of Object.entries({ clientId, deviceAuthorizationUrl, tokenUrl })) {
    validate.nonEmpty(`${name}: ${option}`, value)
  }
  if (encoding !== undefined && encoding !== "form" && encoding !== "json") {
    throw new RangeError(`${name}: encoding must be "form" or "json", got ${validate.show(encoding)}`)
  }
}

const failureOf = ({ code, description }: wire.Refusal): Failure =>
  code === "access_denied" || code === "authorization_declined"
    ? { _tag: "AccessDenied", description }
    : { _tag: "Refused", code, description }
