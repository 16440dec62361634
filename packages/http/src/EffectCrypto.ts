/**
 * The cryptography of signals by the services of `effect/crypto`.
 *
 * @since 0.1.0
 */
import * as Digest from "effect/crypto/Digest"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SignalCrypto from "effect-poll/SignalCrypto"

/**
 * Takes the random bytes and the digest of signals from `SecureRandom` and `Digest`.
 *
 * **When to use**
 *
 * Use where a program provides these services itself: a platform without Web Crypto, an audited module, fixed bytes in a
 * test. Without this layer, signals use `globalThis.crypto`.
 *
 * **Example** (Using the services of a program)
 *
 * ```ts
 * import * as Digest from "effect/crypto/Digest"
 * import * as SecureRandom from "effect/crypto/SecureRandom"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as EffectCrypto from "@effect-poll/http/EffectCrypto"
 * import * as SignalCrypto from "effect-poll/SignalCrypto"
 *
 * const services = Layer.mergeAll(Digest.layerWebCrypto, SecureRandom.layerWebCrypto)
 * const bytes = Effect.flatMap(SignalCrypto.SignalCrypto, (crypto) => crypto.randomBytes(32))
 * const made = await Effect.runPromise(Effect.provide(bytes, Layer.provide(EffectCrypto.layer, services)))
 * made.length // => 32
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never, never, SecureRandom.SecureRandom | Digest.Digest> = /*#__PURE__*/ Layer.effect(
  SignalCrypto.SignalCrypto,
  /*#__PURE__*/ Effect.gen(function* () {
    const random = yield* SecureRandom.SecureRandom
    const { digest } = yield* Digest.Digest
    return { randomBytes: random.randomBytes, sha256: (data) => digest(Digest.sha256, data) }
  })
)
