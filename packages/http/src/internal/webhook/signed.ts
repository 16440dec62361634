import type * as Mac from "effect/crypto/Mac"
import type * as Signature from "effect/crypto/Signature"
import * as Effect from "effect/Effect"
import { NotVerified, type Raw, type Verified, type Verify } from "../../WebhookDelivery.ts"
import type { Template } from "./content.ts"
import type { VerifyKey } from "./keys.ts"

/** How many signatures of a header are looked at, whatever their version. */
export const maxSignatures = 16

/** A header that is longer than this is not read. */
const maxHeader = 8192

/** A signature as it stands in a header, and which kind of key checks it. */
export interface Candidate {
  readonly kind: VerifyKey["kind"]
  readonly signature: Uint8Array
}

/** What the headers say. */
export interface Read {
  readonly id?: string | undefined
  /** The timestamp as it was sent, which is what is signed. */
  readonly timestamp?: string | undefined
  readonly at?: number | undefined
  readonly candidates: ReadonlyArray<Candidate>
}

/** A scheme: reads the headers (or says why it cannot), then compares each signature with each key. */
export const scheme = <R extends Mac.Mac | Signature.Signature>(options: {
  readonly keys: ReadonlyArray<VerifyKey<R>>
  readonly content: Template
  readonly read: (headers: Raw["headers"]) => Read | string
}): Verify<R> =>
  Effect.fnUntraced(function* (raw) {
    const read = options.read(raw.headers)
    if (typeof read === "string") return yield* new NotVerified({ reason: read })
    const content = options.content.bytes({ id: read.id ?? "", timestamp: read.timestamp ?? "", body: raw.bytes })
    for (const key of options.keys) {
      for (const { kind, signature } of read.candidates) {
        if (kind === key.kind && (yield* key.verify(signature, content))) return verified(read, options.content)
      }
    }
    return yield* new NotVerified({
      reason: read.candidates.length === 0 ? "no signature of this scheme" : "no signature matches"
    })
  })

const verified = ({ at, id }: Read, content: Template): Verified =>
  id === undefined || content.has("id") ? { id, at } : { id, at, isIdSigned: false }

/** A header that is there, not empty and not too long. */
export const header = (headers: Raw["headers"], name: string): string | undefined => {
  const value = headers[name]
  return value === undefined || value === "" || value.length > maxHeader ? undefined : value
}

/**
 * An id that can be signed without a doubt where it ends: visible ASCII without a dot, at most 256 characters. Two headers
 * of one name are joined by a comma and a space, so they are no id.
 */
export const isId = (id: string): boolean => /^[!-\-/-~]{1,256}$/.test(id)

/** A timestamp in whole seconds since the epoch, in milliseconds; undefined for anything but digits. */
export const seconds = (text: string): number | undefined => (/^\d{1,11}$/.test(text) ? Number(text) * 1000 : undefined)

/** A timestamp in whole milliseconds since the epoch; undefined for anything but digits. */
export const milliseconds = (text: string): number | undefined => (/^\d{1,14}$/.test(text) ? Number(text) : undefined)

/** The first parts of a list. The rest is not looked at, however long the list is. */
export const firstParts = (text: string, separator: string): ReadonlyArray<string> =>
  text.split(separator, maxSignatures)
