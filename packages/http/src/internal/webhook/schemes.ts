import * as Mac from "effect/crypto/Mac"
import type * as Signature from "effect/crypto/Signature"
import type { Raw, Verify } from "../../WebhookDelivery.ts"
import * as validate from "../validate.ts"
import * as Content from "./content.ts"
import * as Keys from "./keys.ts"
import * as Signed from "./signed.ts"

/** Standard Webhooks, under one of several families of headers: the first that is there. */
export const standard = (
  option: string,
  keys: Keys.Keys,
  families: ReadonlyArray<string>
): Verify<Mac.Mac | Signature.Signature> =>
  Signed.scheme({
    keys: Keys.list(option, keys).map((key) => standardKey(option, key)),
    content: Content.template(option, "{id}.{timestamp}.{body}"),
    read: (headers) => {
      const family = families.find((each) => headers[`${each}-signature`] !== undefined) ?? families[0]!
      const id = Signed.header(headers, `${family}-id`)
      const timestamp = Signed.header(headers, `${family}-timestamp`)
      const signatures = Signed.header(headers, `${family}-signature`)
      if (id === undefined || timestamp === undefined || signatures === undefined) return "a header is missing"
      if (!Signed.isId(id)) return "the id is malformed"
      const at = Signed.seconds(timestamp)
      if (at === undefined) return "the timestamp is malformed"
      return {
        id,
        timestamp,
        at,
        candidates: Signed.firstParts(signatures, " ").flatMap((part): ReadonlyArray<Signed.Candidate> => {
          const comma = part.indexOf(",")
          const kind = versions.get(part.slice(0, Math.max(0, comma)))
          const signature = kind === undefined ? undefined : exactBase64(kind, part.slice(comma + 1))
          return kind === undefined || signature === undefined ? [] : [{ kind, signature }]
        })
      }
    }
  })

const versions: ReadonlyMap<string, Keys.VerifyKey["kind"]> = /*#__PURE__*/ new Map([
  ["v1", "hmac"],
  ["v1a", "ed25519"]
] as const)

/** Base64 of the one length that a signature of this kind has, with its padding. */
const exactBase64 = (kind: Keys.VerifyKey["kind"], text: string): Uint8Array | undefined =>
  (kind === "hmac" ? /^[A-Za-z0-9+/]{43}=$/ : /^[A-Za-z0-9+/]{86}==$/).test(text) ? Keys.base64(text) : undefined

const standardKey = (option: string, key: string | Uint8Array): Keys.VerifyKey => {
  if (typeof key !== "string") return Keys.hmacKey(Mac.hmacSha256, key)
  if (key.startsWith("whpk_")) return Keys.ed25519Key(option, Keys.base64(key.slice(5)))
  if (key.startsWith("whsk_")) throw new RangeError(`${option} must not be private keys (whsk_): use the whpk_ ones`)
  const bytes = Keys.base64(key.startsWith("whsec_") ? key.slice(6) : key)
  if (bytes === undefined) throw new RangeError(`${option} must be base64, with or without whsec_ or whpk_`)
  return Keys.hmacKey(Mac.hmacSha256, bytes)
}

/** `Stripe-Signature: t=<seconds>,v1=<hex>,...` over `<seconds>.<body>`. */
export const stripe = (keys: Keys.Keys): Verify<Mac.Mac> =>
  Signed.scheme({
    keys: hmacKeys("Webhook.stripe: keys", keys, Mac.hmacSha256),
    content: Content.template("Webhook.stripe", "{timestamp}.{body}"),
    read: (headers) => {
      const value = Signed.header(headers, "stripe-signature")
      if (value === undefined) return "a header is missing"
      const pairs = Signed.firstParts(value, ",").map((part) => part.trim())
      const times = pairs.filter((pair) => pair.startsWith("t="))
      const timestamp = times[0]?.slice(2)
      const at = timestamp === undefined || times.length > 1 ? undefined : Signed.seconds(timestamp)
      if (timestamp === undefined || at === undefined) return "the timestamp is malformed"
      return {
        timestamp,
        at,
        candidates: pairs.flatMap((pair) => (pair.startsWith("v1=") ? candidate(Keys.hex(pair.slice(3))) : []))
      }
    }
  })

/** `X-Hub-Signature-256: sha256=<hex>` over the body; the id is not signed. */
export const github = (keys: Keys.Keys): Verify<Mac.Mac> =>
  Signed.scheme({
    keys: hmacKeys("Webhook.github: keys", keys, Mac.hmacSha256),
    content: Content.template("Webhook.github", "{body}"),
    read: (headers) => {
      const value = Signed.header(headers, "x-hub-signature-256")
      if (value === undefined) return "a header is missing"
      const id = headers["x-github-delivery"]
      if (id !== undefined && !Signed.isId(id)) return "the id is malformed"
      return { id, candidates: value.startsWith("sha256=") ? candidate(Keys.hex(value.slice(7))) : [] }
    }
  })

/** `X-Slack-Signature: v0=<hex>` over `v0:<seconds>:<body>`. */
export const slack = (keys: Keys.Keys): Verify<Mac.Mac> =>
  Signed.scheme({
    keys: hmacKeys("Webhook.slack: keys", keys, Mac.hmacSha256),
    content: Content.template("Webhook.slack", "v0:{timestamp}:{body}"),
    read: (headers) => {
      const value = Signed.header(headers, "x-slack-signature")
      const timestamp = Signed.header(headers, "x-slack-request-timestamp")
      if (value === undefined || timestamp === undefined) return "a header is missing"
      const at = Signed.seconds(timestamp)
      if (at === undefined) return "the timestamp is malformed"
      return { timestamp, at, candidates: value.startsWith("v0=") ? candidate(Keys.hex(value.slice(3))) : [] }
    }
  })

/** Options of the schemes that are described instead of named. */
export interface Described {
  readonly keys: Keys.Keys
  readonly signature: string
  readonly prefix?: string | undefined
  readonly encoding?: "hex" | "base64" | undefined
  readonly content?: string | undefined
  readonly id?: string | undefined
  readonly timestamp?: { readonly header: string; readonly unit?: "seconds" | "milliseconds" | undefined } | undefined
}

const described = <R extends Mac.Mac | Signature.Signature>(
  name: string,
  options: Described,
  keys: ReadonlyArray<Keys.VerifyKey<R>>
): Verify<R> => {
  const headerName = (option: string, value: string): string => {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value)) {
      throw new RangeError(`${name}: ${option} must be the name of a header, got ${validate.show(value)}`)
    }
    return value.toLowerCase()
  }
  const kind = keys[0]!.kind
  const signatureName = headerName("signature", options.signature)
  const idName = options.id === undefined ? undefined : headerName("id", options.id)
  const timeName = options.timestamp === undefined ? undefined : headerName("timestamp", options.timestamp.header)
  const toMillis = options.timestamp?.unit === "milliseconds" ? Signed.milliseconds : Signed.seconds
  const decode = options.encoding === "base64" ? Keys.base64 : Keys.hex
  const prefix = options.prefix ?? ""
  const content = Content.template(`${name}: content`, options.content ?? "{body}")
  if (content.has("timestamp") !== (timeName !== undefined)) {
    throw new RangeError(`${name}: content must contain {timestamp} if, and only if, timestamp is given`)
  }
  if (content.has("id") && idName === undefined) throw new RangeError(`${name}: content has {id}, so id must be given`)
  const read = (headers: Raw["headers"]): Signed.Read | string => {
    const value = Signed.header(headers, signatureName)
    const id = idName === undefined ? undefined : Signed.header(headers, idName)
    const timestamp = timeName === undefined ? undefined : Signed.header(headers, timeName)
    if (value === undefined || (timeName !== undefined && timestamp === undefined)) return "a header is missing"
    if (idName !== undefined && id === undefined) return "a header is missing"
    if (id !== undefined && !Signed.isId(id)) return "the id is malformed"
    const at = timestamp === undefined ? undefined : toMillis(timestamp)
    if (timestamp !== undefined && at === undefined) return "the timestamp is malformed"
    return {
      id,
      timestamp,
      at,
      candidates: value.startsWith(prefix) ? candidate(decode(value.slice(prefix.length)), kind) : []
    }
  }
  return Signed.scheme({ keys, content, read })
}

const algorithms = { sha1: Mac.hmacSha1, sha256: Mac.hmacSha256, sha384: Mac.hmacSha384, sha512: Mac.hmacSha512 }

export const hmac = (options: Described, hash: keyof typeof algorithms): Verify<Mac.Mac> => {
  if (!Object.hasOwn(algorithms, hash)) {
    throw new RangeError(`Webhook.hmac: hash must be sha1, sha256, sha384 or sha512, got ${validate.show(hash)}`)
  }
  return described("Webhook.hmac", options, hmacKeys("Webhook.hmac: keys", options.keys, algorithms[hash]))
}

export const ed25519 = (options: Described): Verify<Signature.Signature> =>
  described(
    "Webhook.ed25519",
    options,
    Keys.list("Webhook.ed25519: keys", options.keys).map((key) =>
      Keys.ed25519Key("Webhook.ed25519: keys", typeof key === "string" ? publicKey(key) : key)
    )
  )

const publicKey = (text: string): Uint8Array | undefined =>
  /^[0-9a-fA-F]{64}$/.test(text) ? Keys.hex(text) : Keys.base64(text.startsWith("whpk_") ? text.slice(5) : text)

const hmacKeys = (option: string, keys: Keys.Keys, algorithm: Mac.Algorithm): ReadonlyArray<Keys.VerifyKey<Mac.Mac>> =>
  Keys.list(option, keys).map((key) => Keys.hmacKey(algorithm, Keys.bytesOf(key)))

const candidate = (
  signature: Uint8Array | undefined,
  kind: Keys.VerifyKey["kind"] = "hmac"
): ReadonlyArray<Signed.Candidate> => (signature === undefined ? [] : [{ kind, signature }])
