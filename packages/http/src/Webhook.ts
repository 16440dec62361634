/**
 * Routes that receive webhooks of providers and signals, for effect's `HttpRouter` and for any server that takes a
 * `Request` and returns a `Response`.
 *
 * **When to use**
 *
 * Use when a provider calls back, or when people and other services end jobs by a token. Keep polling behind both: a
 * webhook can be lost.
 *
 * **Details**
 *
 * - A request is verified on the bytes of its body, before anything is decoded. A route without signatures has to say
 *   so with `unsigned`.
 * - A push wakes the waits for its key. With `trust: "verified"` its result counts as the answer to a check: `confirm`,
 *   `since` and the policy for unknown states apply.
 * - Waits are found by the service `Wakes`. Provide the same one to the routes and to the waits: a layer that is built
 *   twice is two services. Waits in other processes are not found; for those, complete a `Signal` in `onPush`.
 * - A delivery is applied once (`Deliveries`). A retry of what was applied gets a 200.
 * - A verified webhook is answered with 2xx even if nobody waits. A forged one gets a 401, whose body is always the same.
 * - Bodies are limited in size (413) and time (408); a body with a `Content-Encoding` is rejected (415). Any method but
 *   POST gets a 405 and does nothing.
 *
 * **Example** (A route for a webhook of a provider)
 *
 * ```ts
 * import * as Deliveries from "@effect-poll/http/Deliveries"
 * import * as Push from "@effect-poll/http/Push"
 * import * as Webhook from "@effect-poll/http/Webhook"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Schema from "effect/Schema"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const Renders = Job.make("render", { check: (_id: string) => Effect.succeed(Status.pending()) })
 * const RenderChanged = Push.from(Schema.Struct({ id: Schema.String }), ({ id }) => ({ key: id, result: undefined }))
 *
 * const routes = [
 *   Webhook.route("/hooks/renders", {
 *     verify: Webhook.standard("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
 *     push: RenderChanged,
 *     jobs: [Renders]
 *   })
 * ]
 * const receive = Webhook.handler(routes, Layer.merge(Deliveries.layerMemory(), Webhook.layerWebCrypto))
 * const forged = await receive(new Request("https://example.com/hooks/renders", { method: "POST", body: "{}" }))
 * forged.status // => 401
 * await receive.dispose()
 * ```
 *
 * @since 0.1.0
 */
import type * as ByteSize from "effect/ByteSize"
import * as Digest from "effect/crypto/Digest"
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Signature from "effect/crypto/Signature"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HttpRouter } from "effect/http/HttpRouter"
import type { fromWeb } from "effect/http/HttpServerRequest"
import type { toWeb } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Types from "effect/Types"
import type { CheckContext } from "effect-poll/CheckContext"
import type { CheckResult } from "effect-poll/CheckResult"
import type { AnyWithCodecs } from "effect-poll/Job"
import type { SignalStore } from "effect-poll/SignalStore"
import type { BodyParser } from "./BodyParser.ts"
import type { Deliveries } from "./Deliveries.ts"
import * as PushRoute from "./internal/webhook/push.ts"
import * as RouteModel from "./internal/webhook/route.ts"
import * as Serve from "./internal/webhook/serve.ts"
import * as Schemes from "./internal/webhook/schemes.ts"
import * as SignalRoute from "./internal/webhook/signals.ts"
import type * as Sink from "./internal/webhook/sink.ts"
import type { Push } from "./Push.ts"
import type { Delivery, Verify } from "./WebhookDelivery.ts"
import { type Pushed, WebhookPushes } from "./WebhookPushes.ts"

/**
 * A route. `layer` and `handler` serve it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Route<out R = never> extends RouteModel.Route<R> {}

/**
 * The services that some routes need.
 *
 * @category models
 * @since 0.1.0
 */
export type Services<Routes extends ReadonlyArray<Route<unknown>>> = Routes[number] extends Route<infer R> ? R : never

/**
 * States that the requests of a route are not signed. Made by `unsigned`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unsigned extends PushRoute.Unsigned {}

/**
 * A job that a push can be about. Every `Job` is one.
 *
 * @category models
 * @since 0.1.0
 */
export interface RoutedJob<in K, out A, out F> extends Sink.RoutedJob<K> {
  readonly check: (key: K, context: CheckContext) => Effect.Effect<CheckResult<A, F>, unknown, unknown>
}

/**
 * A job that a signal can end: one with Schemas for its results (`Job.withCodecs`).
 *
 * @category models
 * @since 0.1.0
 */
export interface SignaledJob extends AnyWithCodecs {}

/**
 * How much of a body a route reads, and for how long.
 *
 * @category models
 * @since 0.1.0
 */
export interface BodyOptions {
  /** The size of the largest body; more than 0 bytes, default `"1 MiB"`. A larger one gets a 413, and reading stops. */
  readonly maxBody?: ByteSize.Input | undefined
  /** How long a body may take to arrive; a positive finite duration, default 10 seconds. A slower one gets a 408. */
  readonly bodyTimeout?: Duration.Input | undefined
}

/**
 * The options that every route of pushes has.
 *
 * @category models
 * @since 0.1.0
 */
export interface PushOptions<K, A, F, P extends Push<K, A, F>, RD> extends BodyOptions {
  /** Decodes the body. A body that does not fit gets a 400, unless `onUndecodable` is set. */
  readonly push: Schema.Codec<P, unknown, RD>
  /** The jobs that a push may be about. It wakes the waits of each of them for its key, or all waits if it has none. */
  readonly jobs: ReadonlyArray<RoutedJob<K, A, F>>
  /**
   * Whether a push without a key is about the job with this `key`, and wakes its waits. Default: it is about all of
   * them.
   */
  readonly isAbout?: ((push: P, key: K) => boolean) | undefined
  /** Parses the text of the body; default `BodyParser.json`. */
  readonly parseBody?: BodyParser | undefined
}

/**
 * The options of a route whose requests are signed.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignedOptions<K, A, F, P extends Push<K, A, F>, RV, RD, RH> extends PushOptions<K, A, F, P, RD> {
  /** The signature scheme. */
  readonly verify: Verify<RV>
  /**
   * `"verified"` lets the result of a push count as the answer to a check. Default: a push is only a reason to check.
   */
  readonly trust?: "verified" | undefined
  /**
   * Whether one key is used for several runs of a job; default `false`. If it is, an end without a run (see the option
   * `run` of `Push.make`) only wakes, since it may be about an earlier run.
   */
  readonly reusedKeys?: boolean | undefined
  /**
   * Called once for each delivery, after the waits were told and before the response. If it fails, the sender gets a
   * 500 and sends the webhook again. Where the scheme has no ids, or does not sign them, equal bodies are one delivery.
   */
  readonly onPush?: ((push: P, delivery: Delivery) => Effect.Effect<unknown, unknown, RH>) | undefined
  /**
   * What to do with a verified body that does not fit `push`: `"reject"` it with a 400 (the default), or `"accept"` it with
   * a 200 and do nothing, for providers that send events of all kinds to one URL.
   */
  readonly onUndecodable?: "reject" | "accept" | undefined
  /**
   * How far the timestamp of a request may be from now, in either direction; a positive finite duration, default 5
   * minutes. Schemes without a timestamp ignore it.
   */
  readonly tolerance?: Duration.Input | undefined
  /**
   * How long a delivery is remembered; a finite duration of at least twice the `tolerance`. Default: 24 hours, or twice the
   * tolerance if that is longer.
   */
  readonly remember?: Duration.Input | undefined
}

/**
 * The options of a route whose requests are not signed. Such requests can only wake, since anybody can send them.
 *
 * @category models
 * @since 0.1.0
 */
export interface UnsignedOptions<K, A, F, P extends Push<K, A, F>, RD> extends PushOptions<K, A, F, P, RD> {
  /** `unsigned()`. */
  readonly verify: Unsigned
  readonly trust?: undefined
  readonly onPush?: undefined
}

/**
 * Creates a route for the webhooks of a provider. Invalid options throw a RangeError.
 *
 * **Details**
 *
 * | answer  | when                                                                                                |
 * | ------- | --------------------------------------------------------------------------------------------------- |
 * | 200     | verified and applied, or applied before; or unsigned and decoded                                    |
 * | 400     | the body cannot be read or decoded                                                                  |
 * | 401     | the signature or the timestamp is wrong                                                             |
 * | 404     | the secret path of an unsigned route is wrong                                                       |
 * | 405     | the method is not POST                                                                              |
 * | 408 413 | the body is too slow or too large                                                                   |
 * | 409     | a delivery with this id and another body was applied                                                |
 * | 415     | the body is encoded                                                                                 |
 * | 500     | `onPush` failed                                                                                     |
 * | 503     | the delivery is being applied by another request, or the store of deliveries cannot answer          |
 *
 * @category constructors
 * @since 0.1.0
 */
export const route = <K, A, F, P extends Push<K, A, F>, RV = never, RD = never, RH = never>(
  path: string,
  options: SignedOptions<K, A, F, P, RV, RD, RH> | UnsignedOptions<K, A, F, P, RD>
): Route<Types.NoInfer<RV | RD | RH> | Deliveries | Digest.Digest> =>
  PushRoute.make<RV | RD | RH>(
    `Webhook.route ${path}`,
    RouteModel.checkPath("Webhook.route: path", path),
    PushRoute.erase<RV | RD | RH>(options)
  )

/**
 * Creates the route of signals, `POST {path}/{token}`: whoever holds the token ends the job. Invalid options throw a
 * RangeError.
 *
 * **Details**
 *
 * The body is JSON: `{ "status": "completed", "result": ... }`, `{ "status": "failed", "result": ... }`,
 * `{ "status": "canceled", "reason": "..." }`, or `{ "status": "running" }`, which is a heartbeat. Results are decoded by
 * the Schemas of the job of the token, from their JSON form; an absent one counts as `null`.
 *
 * The answer is 200 if the signal was accepted, 409 if the job has already ended, 410 if the token has expired, 400 if the
 * body does not fit the job. A token that is unknown, or that is of another job, gets a 404 before the body is read.
 *
 * **Gotchas**
 *
 * The token is the credential, and it is in the path. The route is left out of the log of responses of effect's
 * servers; provide `layerUntraced` to the server, so that it has no span either. Proxies in front of the server have
 * logs of their own.
 *
 * @category constructors
 * @since 0.1.0
 */
export const signals = (
  path: string,
  jobs: ReadonlyArray<SignaledJob>,
  options: BodyOptions = {}
): Route<SignalStore> =>
  SignalRoute.make("Webhook.signals", RouteModel.checkPath("Webhook.signals: path", path), jobs, options)

/**
 * Adds routes to an `HttpRouter`. Two routes with one path throw a RangeError.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <const Routes extends ReadonlyArray<Route<unknown>>>(
  routes: Routes
): Layer.Layer<never, never, HttpRouter | Services<Routes>> => Serve.layer<Services<Routes>>("Webhook.layer", routes)

/**
 * Keeps the requests of routes with a secret in their path out of the traces of a server: provide it to the layer that
 * serves.
 *
 * **Details**
 *
 * A server starts its span, which has the URL, before any route runs. This layer sets `TracerDisabledWhen` for URLs
 * below `signals` and below an `unsigned` route with a secret path, in addition to what is already set. Without it such
 * a span has the URL `/<redacted>`, unless another middleware has replaced the request.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerUntraced = (routes: ReadonlyArray<Route<unknown>>): Layer.Layer<never> => Serve.layerUntraced(routes)

/**
 * The `Mac`, `Signature` and `Digest` services by the Web Crypto of the platform, which is all that the schemes of this
 * module need.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWebCrypto: Layer.Layer<Mac.Mac | Signature.Signature | Digest.Digest> = /*#__PURE__*/ Layer.mergeAll(
  /*#__PURE__*/ Layer.provide(Mac.layerWebCrypto, SecureRandom.layerWebCrypto),
  /*#__PURE__*/ Layer.provide(Signature.layerWebCrypto, SecureRandom.layerWebCrypto),
  Digest.layerWebCrypto
)

/**
 * The `Request` of the platform.
 *
 * @category models
 * @since 0.1.0
 */
export type WebRequest = Parameters<typeof fromWeb>[0]

/**
 * The `Response` of the platform.
 *
 * @category models
 * @since 0.1.0
 */
export type WebResponse = ReturnType<typeof toWeb>

/**
 * A function that answers requests, for any server that speaks `Request` and `Response`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Handler {
  (request: WebRequest): Promise<WebResponse>
  /** Releases the services of the layer. Later requests are rejected. */
  readonly dispose: () => Promise<void>
}

/**
 * Turns routes into a function from `Request` to `Promise<Response>`, for Hono, Next.js, Workers, Deno, Bun and the
 * like. Any other path gets a 404.
 *
 * **Details**
 *
 * The layer is built at once, and shared by all requests; if it fails, every request is rejected with its error.
 * Requests are not logged, since the host of the function has its own log, and those with a secret in their path are
 * not traced.
 *
 * **Gotchas**
 *
 * The signature is over the bytes of the body. Hand the request on before anything has read, decoded or decompressed its
 * body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const handler = <const Routes extends ReadonlyArray<Route<unknown>>, E>(
  routes: Routes,
  services: Layer.Layer<Services<Routes>, E>
): Handler => {
  const web = Serve.toWeb("Webhook.handler", routes, services)
  return Object.assign((request: WebRequest) => web.handler(request), { dispose: web.dispose })
}

/**
 * The verified pushes of all routes that share the service `WebhookPushes`, as they are applied. A subscriber that is slow
 * loses its oldest pushes, which the service counts.
 *
 * @category streams
 * @since 0.1.0
 */
export const pushes: Stream.Stream<Pushed, never, WebhookPushes> = /*#__PURE__*/ Stream.unwrap(
  /*#__PURE__*/ Effect.map(WebhookPushes, (service) => service.stream)
)

/**
 * A key of a scheme: text, bytes, or either of them redacted. Each scheme documents how it reads text.
 *
 * @category models
 * @since 0.1.0
 */
export type Secret = string | Uint8Array | Redacted.Redacted<string | Uint8Array>

/**
 * The key of a scheme, or 1 to 16 of them while keys are rotated: a request is verified if it is signed by one of them.
 *
 * @category models
 * @since 0.1.0
 */
export type Keys = Secret | ReadonlyArray<Secret>

/**
 * Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`, over `{id}.{timestamp}.{body}`.
 *
 * **Details**
 *
 * A key is base64, with `whsec_` for HMAC-SHA256 (`v1`) or `whpk_` for a public key of ed25519 (`v1a`); without a prefix, and
 * as bytes, it is one for HMAC. Invalid keys throw a RangeError.
 *
 * Only the first 16 signatures of a header are checked, and a header of more than 8 KiB does not verify. An id has at most 256
 * characters of visible ASCII and no dot, as the specification demands: with a dot, two different requests could have
 * the same signed text.
 *
 * @category schemes
 * @since 0.1.0
 */
export const standard = (keys: Keys): Verify<Mac.Mac | Signature.Signature> =>
  Schemes.standard("Webhook.standard: keys", keys, ["webhook"])

/**
 * Svix: Standard Webhooks under the names `svix-id`, `svix-timestamp` and `svix-signature`, or the standard names. See
 * `standard`.
 *
 * @category schemes
 * @since 0.1.0
 */
export const svix = (keys: Keys): Verify<Mac.Mac | Signature.Signature> =>
  Schemes.standard("Webhook.svix: keys", keys, ["svix", "webhook"])

/**
 * Stripe: `Stripe-Signature: t=...,v1=...`, HMAC-SHA256 over `{timestamp}.{body}`.
 *
 * **Details**
 *
 * A key is the whole text of the endpoint's secret, `whsec_` included. There is no id in the headers: a delivery is
 * recognized by its body, which has the id of the event. Only the first 16 parts of the header are read.
 *
 * @category schemes
 * @since 0.1.0
 */
export const stripe = (keys: Keys): Verify<Mac.Mac> => Schemes.stripe(keys)

/**
 * GitHub: `X-Hub-Signature-256: sha256=...`, HMAC-SHA256 over the body, with the id `X-GitHub-Delivery`.
 *
 * **Details**
 *
 * A key is the text of the secret. Neither the id nor a time is signed, so an old request can be sent again under another
 * id for as long as the key is valid. While its bytes are remembered, it only wakes, and `onPush` is not called.
 *
 * @category schemes
 * @since 0.1.0
 */
export const github = (keys: Keys): Verify<Mac.Mac> => Schemes.github(keys)

/**
 * Slack: `X-Slack-Signature: v0=...` and `X-Slack-Request-Timestamp`, HMAC-SHA256 over `v0:{timestamp}:{body}`.
 *
 * **Details**
 *
 * A key is the text of the signing secret. There is no id in the headers: a delivery is recognized by its body.
 *
 * @category schemes
 * @since 0.1.0
 */
export const slack = (keys: Keys): Verify<Mac.Mac> => Schemes.slack(keys)

/**
 * The description of a scheme for `hmac` and `ed25519`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SchemeOptions {
  /** The keys. `hmac` reads text as UTF-8; `ed25519` reads it as a public key in hex or base64. */
  readonly keys: Keys
  /** The name of the header with the signature. */
  readonly signature: string
  /** The text before the signature, such as `"sha256="`. Default: nothing. */
  readonly prefix?: string | undefined
  /** How the signature is written; default `"hex"`. */
  readonly encoding?: "hex" | "base64" | undefined
  /** What is signed: a text with `{body}` and optionally `{id}` and `{timestamp}`; default `"{body}"`. */
  readonly content?: string | undefined
  /** The name of the header with the id of the delivery, which is then required. Default: none. */
  readonly id?: string | undefined
  /**
   * The header with the time of the request, which is then required. `content` has to contain it, since anybody can change
   * a time that is not signed. Its unit is seconds by default. Default: none.
   */
  readonly timestamp?: { readonly header: string; readonly unit?: "seconds" | "milliseconds" | undefined } | undefined
}

/**
 * A scheme with HMAC for which this module has no function. Invalid options throw a RangeError.
 *
 * **Example** (A signature in base64, with a time in milliseconds)
 *
 * ```ts
 * import * as Webhook from "@effect-poll/http/Webhook"
 *
 * const verify = Webhook.hmac({
 *   keys: "secret",
 *   signature: "X-Signature",
 *   encoding: "base64",
 *   timestamp: { header: "X-Time", unit: "milliseconds" },
 *   content: "{timestamp}:{body}"
 * })
 * ```
 *
 * @category schemes
 * @since 0.1.0
 */
export const hmac = (
  options: SchemeOptions & {
    /** The hash; default `"sha256"`. */
    readonly hash?: "sha1" | "sha256" | "sha384" | "sha512" | undefined
  }
): Verify<Mac.Mac> => Schemes.hmac(options, options.hash ?? "sha256")

/**
 * A scheme with ed25519 for which this module has no function. Invalid options throw a RangeError.
 *
 * **Example** (Interactions of Discord)
 *
 * ```ts
 * import * as Webhook from "@effect-poll/http/Webhook"
 *
 * const verify = Webhook.ed25519({
 *   keys: "ea0c08db4c4e0d1b0f5ac8d7b0d0f3a4f5f2f2b1e8e8f9c2ad2ad1f0a2b3c4d5",
 *   signature: "X-Signature-Ed25519",
 *   timestamp: { header: "X-Signature-Timestamp" },
 *   content: "{timestamp}{body}"
 * })
 * ```
 *
 * @category schemes
 * @since 0.1.0
 */
export const ed25519 = (options: SchemeOptions): Verify<Signature.Signature> => Schemes.ed25519(options)

/**
 * States that the requests of a route are not signed. They only wake waits, so that a forged one costs a check and
 * cannot end a job. The `minInterval` of the job bounds those checks.
 *
 * **Details**
 *
 * With `secretPath` the URL of the route is `{path}/{secret}`, and anything else gets a 404. It keeps strangers away,
 * but it is no signature: whoever sees a URL can use it. Several secrets are possible while they are rotated. A secret
 * with fewer than 16 or more than 128 characters, or with characters other than letters, digits, `-` and `_`, throws a
 * RangeError.
 *
 * @category schemes
 * @since 0.1.0
 */
export const unsigned = (options?: {
  /** The last segment of the path. Default: none, and anybody who knows the path can wake waits. */
  readonly secretPath?: Keys | undefined
}): Unsigned => PushRoute.unsigned(options?.secretPath)
