import * as Mac from "effect/crypto/Mac"
import * as Signature from "effect/crypto/Signature"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Utf8 from "./utf8.ts"

/** A key as users give it. Text is read as the scheme defines. */
export type Secret = string | Uint8Array | Redacted.Redacted<string | Uint8Array>

/** One key, or several while keys are rotated. */
export type Keys = Secret | ReadonlyArray<Secret>

/** Checks one signature of a content. */
export interface VerifyKey<out R = Mac.Mac | Signature.Signature> {
  /** What kind of signature the key checks. */
  readonly kind: "hmac" | "ed25519"
  readonly verify: (signature: Uint8Array, content: Uint8Array) => Effect.Effect<boolean, never, R>
}

/** How many keys a scheme takes. */
export const maxKeys = 16

/** The keys, at least one. Messages do not contain them. */
export const list = (option: string, keys: Keys): ReadonlyArray<string | Uint8Array> => {
  const all = (Array.isArray(keys) ? keys : [keys]) as ReadonlyArray<Secret>
  if (all.length === 0 || all.length > maxKeys) {
    throw new RangeError(`${option} must have 1 to ${maxKeys} keys, got ${all.length}`)
  }
  return all.map((key) => {
    const value = Redacted.isRedacted(key) ? Redacted.value(key) : key
    const isKey = typeof value === "string" ? value.trim() !== "" : value instanceof Uint8Array && value.length > 0
    if (!isKey) throw new RangeError(`${option} must be a non-empty string or Uint8Array`)
    return value
  })
}

/** The bytes of a key, with text in UTF-8. */
export const bytesOf = (key: string | Uint8Array): Uint8Array => (typeof key === "string" ? Utf8.encode(key) : key)

/** The bytes of base64, with or without its padding; undefined for anything else. */
export const base64 = (text: string): Uint8Array | undefined => {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  const bare = text.replace(/=+$/, "")
  return Result.getOrUndefined(Base64.decode(bare.padEnd(Math.ceil(bare.length / 4) * 4, "=")))
}

/** The bytes of hex; undefined for anything else. */
export const hex = (text: string): Uint8Array | undefined =>
  /^(?:[0-9a-fA-F]{2})+$/.test(text) ? Result.getOrUndefined(Hex.decode(text)) : undefined

/** A key for HMAC. It is imported once. A valid key cannot fail, so a failure of the cryptography is a defect. */
export const hmacKey = (algorithm: Mac.Algorithm, bytes: Uint8Array): VerifyKey<Mac.Mac> => {
  const key = once(Mac.key(algorithm, bytes))
  return {
    kind: "hmac",
    verify: (signature, content) =>
      Effect.orDie(
        Effect.flatMap(Mac.Mac, (mac) => Effect.flatMap(key, (imported) => mac.verify(imported, signature, content)))
      )
  }
}

/** A public key of ed25519. */
export const ed25519Key = (option: string, bytes: Uint8Array | undefined): VerifyKey<Signature.Signature> => {
  if (bytes?.length !== 32) throw new RangeError(`${option} must be public keys of ed25519, which have 32 bytes`)
  const key = once(Signature.publicKey(Signature.ed25519, bytes))
  return {
    kind: "ed25519",
    verify: (signature, content) =>
      Effect.flatMap(Signature.Signature, (service) =>
        Effect.flatMap(Effect.orDie(key), (imported) =>
          // 32 bytes that are no point of the curve make a key that nothing is signed with.
          Effect.catch(service.verify(imported, signature, content), (error) =>
            error.reason._tag === "InvalidKey" ? Effect.succeed(false) : Effect.die(error)
          )
        )
      )
  }
}

/** Remembers what an effect yields, so that a key keeps its identity, by which effect caches imported keys. */
const once = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  let found: { readonly value: A } | undefined
  return Effect.suspend(() =>
    found === undefined
      ? Effect.tap(effect, (value) =>
          Effect.sync(() => {
            found = { value }
          })
        )
      : Effect.succeed(found.value)
  )
}
