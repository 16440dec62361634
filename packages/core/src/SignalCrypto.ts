/**
 * The cryptography of signals: random bytes for their tokens, and the digest by which a store identifies them.
 *
 * The default is the Web Crypto API of the platform (`globalThis.crypto`: Node, browsers in a secure context, Workers).
 * `EffectCrypto` of `@effect-poll/http` takes the services of `effect/crypto` instead. In tests, use `layer` with fixed
 * bytes.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * The cryptography of signals.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignalCrypto {
  /** Yields `size` cryptographically secure random bytes. */
  readonly randomBytes: (size: number) => Effect.Effect<Uint8Array>
  /** Yields the SHA-256 of the data: 32 bytes. */
  readonly sha256: (data: Uint8Array) => Effect.Effect<Uint8Array>
}

/**
 * The cryptography of signals, by default that of `globalThis.crypto`, which is read at each call. Where it is missing,
 * as on a web page without HTTPS, each call dies.
 *
 * **Example** (Predictable tokens in a test)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as SignalCrypto from "effect-poll/SignalCrypto"
 *
 * let made = 0
 * const predictable = SignalCrypto.layer({ randomBytes: (size) => Effect.succeed(new Uint8Array(size).fill(++made)) })
 * const bytes = Effect.flatMap(SignalCrypto.SignalCrypto, (crypto) => crypto.randomBytes(2))
 * Array.from(await Effect.runPromise(Effect.provide(bytes, predictable))) // => [1, 1]
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export const SignalCrypto: Context.Reference<SignalCrypto> = /*#__PURE__*/ Context.Reference<SignalCrypto>(
  "effect-poll/SignalCrypto",
  {
    defaultValue: () => ({
      randomBytes: (size) => Effect.sync(() => globalThis.crypto.getRandomValues(new Uint8Array(size))),
      sha256: (data) =>
        Effect.promise(() => globalThis.crypto.subtle.digest("SHA-256", Uint8Array.from(data))).pipe(
          Effect.map((digest) => new Uint8Array(digest))
        )
    })
  }
)

/**
 * Replaces the cryptography of signals, or a part of it. What is not given is unchanged.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (overrides: Partial<SignalCrypto>): Layer.Layer<never> =>
  Layer.effect(
    SignalCrypto,
    Effect.map(SignalCrypto, (current) => ({ ...current, ...overrides }))
  )
