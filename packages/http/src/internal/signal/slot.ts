import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import { SignalCrypto } from "effect-poll/SignalCrypto"

/** Gives the function that makes an id of bounded length, in plain characters, of a job and a key. */
export const slotWith: Effect.Effect<(job: string, key: string) => Effect.Effect<string>> = /*#__PURE__*/ Effect.map(
  SignalCrypto,
  (crypto) => (job, key) => Effect.map(crypto.sha256(ascii(JSON.stringify([job, key]))), Hex.encode)
)

// ---- internal ----

/** The bytes of a JSON text whose characters outside of ASCII are escaped, as JSON allows it. */
const ascii = (json: string): Uint8Array =>
  Uint8Array.from(
    json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
    (unit) => unit.charCodeAt(0)
  )
