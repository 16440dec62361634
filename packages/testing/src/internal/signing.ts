/**
 * Signs webhooks, by hand, so that a test of a receiver does not share its mistakes.
 *
 * @since 0.1.0
 */
import { Buffer } from "node:buffer"
import { createHmac, generateKeyPairSync, sign } from "node:crypto"

interface Message {
  readonly id: string
  readonly at: number
  readonly body: Uint8Array
}

type Scheme = (message: Message) => Readonly<Record<string, string>>

/** A body as it is sent. The bytes are a copy: a `slice` of a Buffer would share them. */
export const bytesOf = (body: unknown): Uint8Array =>
  new Uint8Array(
    body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body))
  )

const seconds = ({ at }: Message): number => Math.floor(at / 1000)

const content = (before: string, body: Uint8Array): Buffer => Buffer.concat([Buffer.from(before), body])

const hex = (secret: string, data: Uint8Array): string => createHmac("sha256", secret).update(data).digest("hex")

const standardHeaders = (family: string, message: Message, signatures: ReadonlyArray<string>) => ({
  [`${family}-id`]: message.id,
  [`${family}-timestamp`]: `${seconds(message)}`,
  [`${family}-signature`]: signatures.join(" ")
})

const standardContent = (message: Message): Buffer => content(`${message.id}.${seconds(message)}.`, message.body)

export const standard = (family: string, secrets: ReadonlyArray<string>): Scheme => {
  const keys = secrets.map((secret) => Buffer.from(secret.replace(/^whsec_/, ""), "base64"))
  return (message) =>
    standardHeaders(
      family,
      message,
      keys.map((key) => `v1,${createHmac("sha256", key).update(standardContent(message)).digest("base64")}`)
    )
}

export const standardAsymmetric = (): { readonly scheme: Scheme; readonly publicKey: string } => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  // The last 32 bytes of the DER form of a public key of ed25519 are the key.
  const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32)
  return {
    publicKey: `whpk_${raw.toString("base64")}`,
    scheme: (message) =>
      standardHeaders("webhook", message, [
        `v1a,${sign(null, standardContent(message), privateKey).toString("base64")}`
      ])
  }
}

export const stripe =
  (secrets: ReadonlyArray<string>): Scheme =>
  (message) => ({
    "stripe-signature": [
      `t=${seconds(message)}`,
      ...secrets.map((secret) => `v1=${hex(secret, content(`${seconds(message)}.`, message.body))}`)
    ].join(",")
  })

export const github =
  (secret: string): Scheme =>
  ({ body, id }) => ({ "x-github-delivery": id, "x-hub-signature-256": `sha256=${hex(secret, body)}` })

export const slack =
  (secret: string): Scheme =>
  (message) => ({
    "x-slack-request-timestamp": `${seconds(message)}`,
    "x-slack-signature": `v0=${hex(secret, content(`v0:${seconds(message)}:`, message.body))}`
  })
