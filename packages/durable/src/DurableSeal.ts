/**
 * Encrypts (seals) what durable waits store: results and errors, inputs of submits, and `ResumeToken`s, which may contain a
 * cursor.
 *
 * **When to use**
 *
 * Use when people who can read the database or its backups must not be able to read the results of jobs.
 *
 * **Details**
 *
 * Each text is encrypted with AES-256-GCM and a random nonce. It is bound to its row and its field, and endings and tokens
 * also to the round, so a text that was changed, or copied to another place, cannot be decrypted. Texts that were stored
 * before encryption was introduced are read as they are.
 *
 * The first key encrypts, and all keys decrypt. To rotate keys, add the new one at the end of the list in every process,
 * then move it to the front, and remove the old one once no stored job was encrypted with it.
 *
 * In a process without the right key, `await` fails with `DurableSealed`, and a runner does not check jobs whose token or
 * input it cannot decrypt; it logs a warning once.
 *
 * **Gotchas**
 *
 * The keys of jobs, idempotency keys, tags, states and the tags of errors are not encrypted, because jobs are looked up by
 * them.
 *
 * Rows without encryption are read too. So this keeps readers of the database from the results, but does not stop somebody
 * who can write to it from storing a result that no job had.
 *
 * @since 0.1.0
 */
import * as Aead from "effect/crypto/Aead"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { DurableStore } from "./DurableStore.ts"
import { read, write } from "./internal/seal/sealed.ts"
import { sealedStore } from "./internal/seal/store.ts"
import * as validate from "./internal/validate.ts"

/**
 * An encryption key.
 *
 * @category models
 * @since 0.1.0
 */
export interface Key {
  /** Is stored with each text, to find the key for it: 1 to 64 letters, digits, `-` or `_`. Not secret. */
  readonly id: string
  /** The key itself: 32 random bytes. */
  readonly bytes: Redacted.Redacted<Uint8Array>
}

/**
 * The options of a layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The keys; at least one, with different ids. The first one encrypts, all of them decrypt. */
  readonly keys: readonly [Key, ...ReadonlyArray<Key>]
}

/**
 * Wraps a store so that what it stores is encrypted with the services of `effect/crypto`. Provide the store to it with
 * `Layer.provideMerge`. Throws a RangeError at the call for an invalid key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<DurableStore, never, DurableStore | Aead.Aead | SecureRandom.SecureRandom> => {
  const keys = keysOf(options.keys)
  return Layer.effect(
    DurableStore,
    Effect.gen(function* () {
      const store = yield* DurableStore
      const aead = yield* Aead.Aead
      const random = yield* SecureRandom.SecureRandom
      const byId = new Map<string, Aead.Key>()
      for (const { bytes, id } of keys) {
        // Its length has been checked.
        byId.set(id, yield* Effect.orDie(Aead.key(Aead.aes256Gcm, Redacted.value(bytes))))
      }
      const [{ id: newest }] = keys
      return sealedStore(store, {
        seal: (text, place) =>
          Effect.gen(function* () {
            const nonce = yield* random.randomBytes(nonceLength)
            const aad = encoder.encode(place)
            const sealed = yield* aead.encrypt(byId.get(newest)!, encoder.encode(text), { nonce, aad })
            const bytes = new Uint8Array(nonceLength + sealed.length)
            bytes.set(nonce)
            bytes.set(sealed, nonceLength)
            return write(newest, bytes)
          }),
        open: (text, place) => {
          const sealed = read(text)
          const key = sealed && byId.get(sealed.keyId)
          if (sealed?.bytes === undefined || key === undefined || sealed.bytes.length < nonceLength) {
            return Effect.succeed(text)
          }
          const nonce = sealed.bytes.subarray(0, nonceLength)
          const opened = aead.decrypt(key, sealed.bytes.subarray(nonceLength), { nonce, aad: encoder.encode(place) })
          return Effect.match(opened, { onFailure: () => text, onSuccess: (bytes) => decoder.decode(bytes) })
        }
      })
    })
  )
}

/**
 * As `layer`, with the Web Crypto API of the platform.
 *
 * **Example** (Encrypting results with the newer of two keys)
 *
 * ```ts
 * import * as DurablePoll from "@effect-poll/durable/DurablePoll"
 * import * as DurableSeal from "@effect-poll/durable/DurableSeal"
 * import { DurableStore } from "@effect-poll/durable/DurableStore"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 * import * as Schema from "effect/Schema"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const keyOf = (id: string, seed: number) => ({ id, bytes: Redacted.make(new Uint8Array(32).fill(seed)) })
 * const sealed = DurableSeal.layerWebCrypto({ keys: [keyOf("2031", 2), keyOf("2030", 1)] }).pipe(
 *   Layer.provideMerge(DurablePoll.layerMemory)
 * )
 *
 * const Render = Job.make("render", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) }).pipe(
 *   Job.withCodecs({ success: Schema.String })
 * )
 * const Renders = DurablePoll.make(Render, { deadline: "1 hour" })
 * const program = Effect.gen(function* () {
 *   const [ref] = yield* Renders.submit(["cat"])
 *   yield* Renders.settle(ref!, Status.succeeded("cat.png"))
 *   return yield* Renders.await(ref!)
 * })
 * await Effect.runPromise(Effect.provide(program, sealed)) // => "cat.png"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWebCrypto = (options: Options): Layer.Layer<DurableStore, never, DurableStore> =>
  layer(options).pipe(Layer.provide(Aead.layerWebCrypto.pipe(Layer.provideMerge(SecureRandom.layerWebCrypto))))

// ---- internal ----

/** The nonce length of AES-GCM, in bytes. */
const nonceLength = 12

const keyLength = 32

const encoder = /*#__PURE__*/ new TextEncoder()

const decoder = /*#__PURE__*/ new TextDecoder()

const keysOf = (keys: Options["keys"]): Options["keys"] => {
  if (!Array.isArray(keys) || keys.length === 0) refuse("keys", "an array of at least one key", keys)
  const ids = new Set<string>()
  for (const { bytes, id } of keys) {
    if (typeof id !== "string" || !/^[\w-]{1,64}$/.test(id) || ids.has(id)) {
      refuse("keys", "keys with different ids of 1 to 64 letters, digits, - or _", id)
    }
    ids.add(id)
    if (!Redacted.isRedacted(bytes) || !isKey(Redacted.value(bytes))) {
      throw new RangeError(`DurableSeal.layer: keys must be keys of ${keyLength} redacted bytes`)
    }
  }
  return keys
}

const isKey = (u: unknown): boolean => u instanceof Uint8Array && u.length === keyLength

const refuse = (option: string, rule: string, value: unknown): never => {
  throw new RangeError(`DurableSeal.layer: ${option} must be ${rule}, got ${validate.show(value)}`)
}
