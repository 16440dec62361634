/**
 * Login on a device without a browser: the OAuth 2.0 device authorization grant of RFC 8628.
 *
 * The server hands out a code for the person to type in elsewhere and a secret code for the device; the device asks for
 * its token again and again until the person has agreed. `run` does all of it. `request` and `job` are its parts, for a
 * handle, for events, or for another process to continue.
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
 * | any other `error` | failed, with `Refused`, which holds the code |
 * | 429; 503 with a hint; 400 or 403 with rate-limit headers or a throttling code | throttled |
 * | no answer, 408, 425, 5xx, or a body that cannot be read | a transient `HttpCheckError` |
 * | anything else | a permanent `HttpCheckError` |
 *
 * The first five codes are also read from `error.code`, `error_code`, `code` and `message`, with any status. A server
 * that says "pending" in another way (a bare 400, 403, 404 or 418, a sentence) needs the option `interpret`, which is
 * asked first:
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
 * The server paces the requests (RFC 8628, sections 3.2 and 3.5): the first one comes after `interval`, and no two are
 * closer. After a request that failed the delay is twice the interval, and doubles with each failure in a row, up to 2
 * minutes. `expires_in` bounds the deadline, counted from the answer that brought it.
 *
 * | number | read from | default | bounds |
 * |---|---|---|---|
 * | `interval` | a number or a text, in seconds | 5 seconds, also where it cannot be read | 1 second to 1 hour |
 * | `expires_in` of the codes | a number or a text, in seconds | 15 minutes, also for 0, less, or no number | up to 30 days |
 * | `expires_in` of a token | a number or a text, in seconds | not known | the year 275760 |
 *
 * Answers are JSON, or form-encoded text. Requests are forms, or JSON with `encoding: "json"`.
 *
 * Device code, client secret and tokens are `Redacted`: they are in no error, log, span or event. The key of the wait,
 * which is in all of them, is the user code: it is shown on a screen anyway, and is worth nothing without a person who
 * agrees to it.
 *
 * **Gotchas**
 *
 * - A token is handed out once. If its answer is lost on the way, the server refuses the device code from then on
 *   (`Refused`, mostly with `invalid_grant`), and the person has to start anew.
 * - Do not start anew by yourself after an end: the specification asks to wait for the person.
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
import * as wire from "./internal/deviceFlowWire.ts"
import type { ReceivedAnswer } from "./internal/request/httpRequest.ts"
import { interpretAnswer } from "./internal/answer/interpretation.ts"
import * as requestPolicy from "./internal/request/requestPolicy.ts"
import { escape } from "./internal/text.ts"
import * as validate from "./internal/validate.ts"
import type { RequestOptions } from "./RequestOptions.ts"

/**
 * The server, and how it knows the device.
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
  /** Sent as `client_secret`, for servers that want one of a device; default none. */
  readonly clientSecret?: Redacted.Redacted | undefined
  /** Scopes, with spaces between them; default: those of the server. */
  readonly scope?: string | undefined
  /** Further fields of the device authorization request, as `audience` or `resource`. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
  /** How request bodies are encoded: as a form, which RFC 8628 prescribes, or as JSON. Default: `"form"`. */
  readonly encoding?: "form" | "json" | undefined
}

/**
 * What the person needs to know.
 *
 * @category models
 * @since 0.1.0
 */
export interface Prompt {
  /** To be typed in at `verificationUri`; at most 256 characters, without control characters. */
  readonly userCode: string
  /** Where the person types in the code; at most 2,048 characters, without control characters. */
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
  /** What the device asks for its token with: until it is used, as good as a token. */
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
  /** The token to send with requests. */
  readonly accessToken: Redacted.Redacted
  /** How the token is sent, mostly `Bearer`, which is also the default. */
  readonly tokenType: string
  /** When the access token expires, in wall-clock milliseconds; undefined if the server does not say. */
  readonly expiresAt: number | undefined
  /** For a new access token later on; undefined if the server gives none. */
  readonly refreshToken: Redacted.Redacted | undefined
  /** The OpenID Connect token about the person; undefined if the server gives none. */
  readonly idToken: Redacted.Redacted | undefined
  /** The scopes that were granted; undefined if they are those that were asked for. */
  readonly scope: string | undefined
}

/**
 * How a login can fail: the person said no, or the server refused it with a code of its own. Codes are at most 200
 * characters, descriptions 1,000.
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
    /** `invalid_client`, `invalid_scope` and the like; at most 200 characters. */
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
 * The options of `job`: the client, the grant, and how its answers are read.
 *
 * @category models
 * @since 0.1.0
 */
export interface JobOptions<out E = never, in out R = never> extends RequestOptions {
  /** The server, and how it knows the device. */
  readonly client: Client
  /** What `request` yielded. */
  readonly grant: Grant
  /**
   * Says what an answer of the token endpoint means, before the table of this module does: for a server that says
   * "pending" in its own way. Pending results keep the interval. Default: the table alone.
   */
  readonly interpret?: Interpret<Token, Failure, E, R> | undefined
}

/**
 * The options of `run`: what to do with the prompt, how answers are read, and the options of the wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunOptions<out E = never, out R = never, out RS = never, in out EI = never, in out RI = never>
  extends Omit<JobOptions<EI, RI>, "client" | "grant">, Omit<Poll.Options<HttpCheckError | EI, RS>, "deadline"> {
  /**
   * Shows the prompt. It runs concurrently with the wait, and is interrupted when that ends: it may return at once, or
   * keep a dialog open. If it fails, so does the login.
   */
  readonly onPrompt: (prompt: Prompt) => Effect.Effect<unknown, E, R>
  /** The name of the job in errors, logs and metrics. Default: `device-login`. */
  readonly name?: string | undefined
  /** How long the person may take, at most `expires_in`; a positive finite duration. Default: `expires_in`. */
  readonly deadline?: Duration.Input | undefined
}

/**
 * Logs in: asks for the codes, shows them, and waits for the token.
 *
 * **Details**
 *
 * - The deadline is the `expires_in` of the server, or `deadline` if that is shorter. A login that is not taken up ends
 *   as `JobExpired` if the server says so, otherwise as `PollTimeout`; both mean the same here.
 * - The interval of the server holds, whatever `strategy` and `checkErrors` say.
 * - Bad options are RangeErrors at the call.
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
  const wait = (grant: Grant, leftMillis: number) => {
    const login = makeLogin("DeviceFlow.run", { ...rest, client, grant, interpret })
    return Poll.until(jobOf(name, login), grant.userCode, {
      ...rest,
      checkErrors: { schedule: errorDelays(login), ...rest.checkErrors, kindOf: pacedKind(login, rest.checkErrors) },
      deadline: Math.max(1, Math.min(most, leftMillis))
    })
  }
  // Bad options of the wait are RangeErrors at the call too, not once there is a grant.
  void wait(noGrant, 1)
  return Effect.gen(function* () {
    const grant = yield* begin
    const { expiresAt, userCode, verificationUri, verificationUriComplete } = grant
    const prompt = { userCode, verificationUri, verificationUriComplete, expiresAt }
    const left = expiresAt - (yield* Clock.currentTimeMillis)
    return yield* Effect.raceFirst(wait(grant, left), Effect.andThen(onPrompt(prompt), Effect.never))
  })
}

/**
 * Asks the server for the codes of a login.
 *
 * **Details**
 *
 * Sent once, and not again if it fails. `verification_url`, which some servers say, counts as `verification_uri`. Bad
 * options are RangeErrors at the call.
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
 * Makes the `Job` of one grant: the key to wait for is its `userCode`.
 *
 * **Details**
 *
 * - The interval, with what the server added to it by `slow_down`, is the cursor of the wait: all waits for the key in a
 *   `Poller` share it, and a resume continues with it.
 * - It sends nothing once the grant has expired, and is expired then, whatever the deadline of the wait is.
 * - A `ResumeToken` of its wait holds the user code and the interval, not the device code. To continue in another
 *   process store the `Grant` as well, as secretly as a password, and
 *   `Poll.resume(DeviceFlow.job("login", { client, grant }), token)`.
 * - Make one job per grant: how far the server slowed it down holds for the device code.
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
 *   // For a button "I have agreed": checks as soon as the server allows it.
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
  jobOf(name, makeLogin("DeviceFlow.job", options))

// ---- internal ----

const slowDownMillis = 5_000
const maxErrorDelayMillis = 120_000

/** Stands for a grant while only the options are checked. */
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
   * The longest interval that the server requested. It is the cursor of a wait too; the errors of a check, which have no
   * cursor, are paced by this one.
   */
  intervalMillis: number
}

const makeLogin = <E, R>(name: string, options: JobOptions<E, R>): Login<E, R> => {
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

/** Reads an answer by the table of this module. `whatever` is the status: then only the body counts. */
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
  // A cursor that was altered is no number.
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

/** A result after which the next request keeps the interval; an end as it is. */
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

/** A request that failed was one all the same: the interval holds for a check that is asked for, too. */
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
