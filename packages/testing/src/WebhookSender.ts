/**
 * A sender of webhooks: signs them as providers do, sends them again until they are accepted, and spoils them on request.
 *
 * **When to use**
 *
 * Use to test a receiver: the same delivery three times, a body that was changed on the way, an old request under another
 * id, a delivery that arrives late.
 *
 * **Details**
 *
 * `send` is an honest provider: every retry has the id of the first try, and a signature of its own with the time of the
 * retry. `sign` yields a request that `post` sends as it is, so a test can keep it, spoil it and send it whenever it likes.
 *
 * It shares nothing with the receiver in `@effect-poll/http`.
 *
 * **Example** (A delivery, and a forged one)
 *
 * ```ts
 * import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
 * import * as WebhookSender from "@effect-poll/testing/WebhookSender"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const inbox = yield* WebhookInbox.make()
 *   const sender = yield* WebhookSender.make({ url: inbox.url, scheme: WebhookSender.github("secret") })
 *   const { attempts, delivered } = yield* sender.send({ action: "completed" })
 *   const forged = WebhookSender.tamper(yield* sender.sign({ action: "completed" }))
 *   return { delivered, attempts: attempts.length, forged: yield* sender.post(forged) }
 * })
 * await Effect.runPromise(Effect.scoped(program)) // => { delivered: true, attempts: 1, forged: 200 }
 * ```
 *
 * @since 0.1.0
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Pull from "effect/Pull"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as signing from "./internal/signing.ts"
import * as Validate from "./internal/validate.ts"

/**
 * What is signed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Message {
  /** The id of the delivery. */
  readonly id: string
  /** When the request is signed, in milliseconds since the epoch. */
  readonly at: number
  /** The body as it is sent. */
  readonly body: Uint8Array
}

/**
 * A signature scheme: returns the headers of a message.
 *
 * @category models
 * @since 0.1.0
 */
export interface Scheme {
  (message: Message): Readonly<Record<string, string>>
}

/**
 * A request that can be sent any number of times.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignedRequest {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * One try of a delivery.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attempt {
  /** When it was sent, in milliseconds since the epoch. */
  readonly sentAt: number
  /** The status code of the response, or `undefined` if there was none. */
  readonly status: number | undefined
}

/**
 * What became of a delivery.
 *
 * @category models
 * @since 0.1.0
 */
export interface Delivered {
  readonly id: string
  /** Whether a try was answered with 2xx. */
  readonly delivered: boolean
  readonly attempts: ReadonlyArray<Attempt>
}

/**
 * A sender of webhooks to one URL.
 *
 * @category models
 * @since 0.1.0
 */
export interface WebhookSender {
  /** Signs and sends a body until it is answered with 2xx, or the schedule is over. The id stays the same. */
  readonly send: (body: unknown, options?: { readonly id?: string | undefined }) => Effect.Effect<Delivered>
  /** Signs a body with the time of the Clock, without sending it. The id defaults to a new one. */
  readonly sign: (body: unknown, options?: { readonly id?: string | undefined }) => Effect.Effect<SignedRequest>
  /** Sends a request once, as it is. Yields the status code of the response, or `undefined` if there was none. */
  readonly post: (request: SignedRequest) => Effect.Effect<number | undefined>
}

/**
 * Options of a sender.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Where the webhooks go. */
  readonly url: string
  /** How they are signed. */
  readonly scheme: Scheme
  /** The delays before retries. Default: 4 retries after 1, 2, 4 and 8 seconds. */
  readonly retry?: Schedule.Schedule<unknown> | undefined
  /** The method of the requests. Default: `"POST"`. */
  readonly method?: "POST" | "PUT" | "PATCH" | undefined
}

/**
 * Creates a sender. Its connections are closed with the scope. An invalid URL throws a RangeError.
 *
 * **Details**
 *
 * A body that is a string or a Uint8Array is sent as it is, anything else as JSON. Ids are `msg_1`, `msg_2`, ...
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<WebhookSender, never, Scope.Scope> => {
  const url = Validate.url("WebhookSender.make: url", options.url)
  const method = options.method ?? "POST"
  const retry = options.retry ?? Schedule.upTo(Schedule.exponential("1 second"), { times: 4 })
  return Effect.gen(function* () {
    const client = Context.get(yield* Layer.build(NodeHttpClient.layerUndici), HttpClient.HttpClient)
    let count = 0
    const nextId = () => `msg_${++count}`

    const sign: WebhookSender["sign"] = (body, more) =>
      Effect.map(Clock.currentTimeMillis, (at) => {
        const message = { id: more?.id ?? nextId(), at, body: signing.bytesOf(body) }
        return { id: message.id, headers: options.scheme(message), body: message.body }
      })

    const post: WebhookSender["post"] = ({ body, headers }) =>
      client
        .execute(
          HttpClientRequest.make(method)(url).pipe(
            HttpClientRequest.bodyUint8Array(body, "application/json"),
            HttpClientRequest.setHeaders(headers)
          )
        )
        .pipe(
          Effect.flatMap((response) => Effect.as(response.arrayBuffer, response.status)),
          Effect.catch(() => Effect.succeed(undefined))
        )

    const send: WebhookSender["send"] = (body, more) =>
      Effect.gen(function* () {
        const id = more?.id ?? nextId()
        const attempts: Array<Attempt> = []
        const attempt = Effect.gen(function* () {
          const request = yield* sign(body, { id })
          const sentAt = yield* Clock.currentTimeMillis
          const status = yield* post(request)
          attempts.push({ sentAt, status })
          return isAccepted(status)
        })
        const step = yield* Schedule.toStepWithSleep(retry)
        let delivered = yield* attempt
        while (!delivered) {
          const goesOn = yield* Pull.catchDone(Effect.as(step(undefined), true), () => Effect.succeed(false))
          if (!goesOn) break
          delivered = yield* attempt
        }
        return { id, delivered, attempts }
      })

    return { send, sign, post }
  })
}

/**
 * Changes one byte of the body, so that no signature fits.
 *
 * @category spoiling
 * @since 0.1.0
 */
export const tamper = (request: SignedRequest): SignedRequest => {
  const body = new Uint8Array(request.body)
  const at = Math.floor(body.length / 2)
  // A digit or a letter becomes its neighbor: the JSON stays one in most cases.
  if (body.length > 0) body[at] = body[at]! ^ 1
  return { ...request, body: body.length > 0 ? body : new Uint8Array([32]) }
}

/**
 * Cuts the body, to its first half by default.
 *
 * @category spoiling
 * @since 0.1.0
 */
export const truncate = (request: SignedRequest, length?: number): SignedRequest => ({
  ...request,
  body: request.body.slice(0, length ?? Math.floor(request.body.length / 2))
})

/**
 * Puts another id into the headers without signing again: a replay under a new id. Schemes that sign the id notice it.
 *
 * @category spoiling
 * @since 0.1.0
 */
export const withId = (request: SignedRequest, id: string): SignedRequest => ({
  ...request,
  id,
  headers: Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, idHeaders.has(name.toLowerCase()) ? id : value])
  )
})

/**
 * Replaces or adds headers.
 *
 * @category spoiling
 * @since 0.1.0
 */
export const withHeaders = (request: SignedRequest, headers: Readonly<Record<string, string>>): SignedRequest => ({
  ...request,
  headers: { ...request.headers, ...headers }
})

/**
 * Repeats each request; `times` is an integer >= 1, otherwise a RangeError.
 *
 * @category spoiling
 * @since 0.1.0
 */
export const duplicate = (requests: ReadonlyArray<SignedRequest>, times: number): ReadonlyArray<SignedRequest> => {
  const each = Validate.count("WebhookSender.duplicate: times", times, 1)
  return requests.flatMap((request) => Array.from({ length: each }, () => request))
}

/**
 * Puts requests into a random order, by the `Random` service.
 *
 * @category spoiling
 * @since 0.1.0
 */
export const shuffle = (requests: ReadonlyArray<SignedRequest>): Effect.Effect<ReadonlyArray<SignedRequest>> =>
  Random.shuffle(requests)

/**
 * Standard Webhooks with HMAC-SHA256 (`v1`). The secret is base64, with or without `whsec_`; several secrets sign as many
 * times, as a provider does while it rotates them.
 *
 * @category schemes
 * @since 0.1.0
 */
export const standard = (...secrets: ReadonlyArray<string>): Scheme => signing.standard("webhook", secrets)

/**
 * Standard Webhooks with ed25519 (`v1a`). `publicKey` is what the receiver is given, with `whpk_`.
 *
 * @category schemes
 * @since 0.1.0
 */
export const standardAsymmetric = (): { readonly scheme: Scheme; readonly publicKey: string } =>
  signing.standardAsymmetric()

/**
 * Svix: Standard Webhooks under its own names.
 *
 * @category schemes
 * @since 0.1.0
 */
export const svix = (...secrets: ReadonlyArray<string>): Scheme => signing.standard("svix", secrets)

/**
 * Stripe's `Stripe-Signature`.
 *
 * @category schemes
 * @since 0.1.0
 */
export const stripe = (...secrets: ReadonlyArray<string>): Scheme => signing.stripe(secrets)

/**
 * GitHub's `X-Hub-Signature-256`.
 *
 * @category schemes
 * @since 0.1.0
 */
export const github = (secret: string): Scheme => signing.github(secret)

/**
 * Slack's `X-Slack-Signature`.
 *
 * @category schemes
 * @since 0.1.0
 */
export const slack = (secret: string): Scheme => signing.slack(secret)

/**
 * No signature, and no id.
 *
 * @category schemes
 * @since 0.1.0
 */
export const unsigned: Scheme = () => ({})

// ---- internal ----

const idHeaders: ReadonlySet<string> = new Set(["webhook-id", "svix-id", "x-github-delivery"])

const isAccepted = (status: number | undefined): boolean => status !== undefined && status >= 200 && status < 300
