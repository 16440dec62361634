import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { SignalCrypto } from "../../SignalCrypto.ts"

// Tokens are random and say nothing. What is stored is their hash.

const tokenBytes = 32

/** Makes a token: 256 random bits in base64url, 43 characters. */
export const makeToken: Effect.Effect<Redacted.Redacted<string>> = /*#__PURE__*/ Effect.map(
  /*#__PURE__*/ Effect.flatMap(SignalCrypto, (crypto) => crypto.randomBytes(tokenBytes)),
  (bytes) => {
    if (bytes.length !== tokenBytes) throw new RangeError(`SignalCrypto.randomBytes must yield ${tokenBytes} bytes`)
    return Redacted.make(base64Url(bytes), { label: "signal token" })
  }
)

/** The hash of a token, or undefined for a text that cannot be one. */
export const hashOf = (token: Redacted.Redacted<string> | string): Effect.Effect<string | undefined> => {
  const text: unknown = Redacted.isRedacted(token) ? Redacted.value(token) : token
  if (typeof text !== "string" || !isToken(text)) return Effect.undefined
  return Effect.map(
    Effect.flatMap(SignalCrypto, (crypto) => crypto.sha256(encoder.encode(text))),
    hex
  )
}

// ---- internal ----

const isToken = (text: string): boolean => text.length === 43 && /^[\w-]+$/.test(text)

const encoder = /*#__PURE__*/ new TextEncoder()

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")

const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "")
