import { assert, describe, it } from "@effect/vitest"
import * as Webhook from "@effect-poll/http/Webhook"
import type { NotVerified, Verified, Verify } from "@effect-poll/http/WebhookDelivery"
import * as WebhookSender from "@effect-poll/testing/WebhookSender"
import { sign as octokitSign, verify as octokitVerify } from "@octokit/webhooks-methods"
import type * as Mac from "effect/crypto/Mac"
import { Mac as MacService } from "effect/crypto/Mac"
import type * as Signature from "effect/crypto/Signature"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Redacted from "effect/Redacted"
import { Buffer } from "node:buffer"
import { createHmac, generateKeyPairSync, sign } from "node:crypto"
import { Webhook as StandardWebhook } from "standardwebhooks"
import { Stripe } from "stripe"
import { Webhook as SvixWebhook } from "svix"

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
// The oracles read the clock of the machine.
const now = Math.floor(Date.now() / 1000) * 1000
const bodies = ['{"type":"done"}', "", "ünï©ödé 🦆", `{"big":"${"x".repeat(100_000)}"}`, '{"a":1}\n']

type Headers = Readonly<Record<string, string>>

const run = (
  verify: Verify<Mac.Mac | Signature.Signature>,
  headers: Headers,
  body: string | Uint8Array
): Promise<Result.Result<Verified, NotVerified>> =>
  verify({
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    bytes: new Uint8Array(Buffer.from(body)),
    now
  }).pipe(Effect.result, Effect.provide(Webhook.layerWebCrypto), Effect.runPromise)

const accepts = async (...args: Parameters<typeof run>) => {
  const result = await run(...args)
  if (Result.isFailure(result)) assert.fail(result.failure.reason)
  return result.success
}
const rejects = async (...args: Parameters<typeof run>) => {
  const result = await run(...args)
  if (Result.isSuccess(result)) assert.fail("it was verified")
  return result.failure.reason
}

/** What our sender sends. */
const sent = (scheme: WebhookSender.Scheme, body: string, id = "msg_1"): Headers =>
  scheme({ id, at: now, body: Buffer.from(body) })

describe("Webhook schemes", () => {
  describe("standard", () => {
    it("R71: what standardwebhooks signs is verified, with its id and its time", async () => {
      const oracle = new StandardWebhook(secret)
      for (const body of bodies) {
        const headers = {
          "webhook-id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
          "webhook-timestamp": `${now / 1000}`,
          "webhook-signature": oracle.sign("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", new Date(now), body)
        }
        assert.deepStrictEqual(await accepts(Webhook.standard(secret), headers, body), {
          id: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
          at: now
        })
        await rejects(Webhook.standard(other), headers, body)
        await rejects(Webhook.standard(secret), headers, `${body} `)
      }
    })

    it("R71: what the sender of testing signs is verified by standardwebhooks and by svix", () => {
      for (const body of bodies.filter((each) => each.startsWith("{"))) {
        const headers = sent(WebhookSender.standard(other, secret), body)
        new StandardWebhook(secret).verify(body, headers)
        new SvixWebhook(secret).verify(body, headers)
        new SvixWebhook(secret).verify(body, sent(WebhookSender.svix(secret), body))
      }
    })

    it("R71: the published vector of the libraries is verified", async () => {
      const headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
      }
      const found = await accepts(Webhook.standard(secret), headers, '{"test": 2432232314}')
      assert.strictEqual(found.at, 1614265330000)
    })

    it("R71: a key of ed25519 verifies v1a, beside one of HMAC", async () => {
      const { publicKey, scheme } = WebhookSender.standardAsymmetric()
      const stranger = WebhookSender.standardAsymmetric()
      for (const body of bodies) {
        await accepts(Webhook.standard([secret, publicKey]), sent(scheme, body), body)
        await accepts(Webhook.standard([publicKey, secret]), sent(WebhookSender.standard(secret), body), body)
        await rejects(Webhook.standard([secret, publicKey]), sent(stranger.scheme, body), body)
        await rejects(Webhook.standard(secret), sent(scheme, body), body)
        await rejects(Webhook.standard(publicKey), sent(scheme, body), `${body}x`)
      }
    })

    it("R71: a signature of one kind is never checked with a key of the other", async () => {
      const { publicKey, scheme } = WebhookSender.standardAsymmetric()
      // A public key is no secret: whoever has it can sign with it as if it were one of HMAC.
      const asHmac = WebhookSender.standard(publicKey.replace("whpk_", ""))
      await rejects(Webhook.standard(publicKey), sent(asHmac, "{}"), "{}")
      const relabeled = sent(asHmac, "{}")
      const headers = {
        ...relabeled,
        "webhook-signature": relabeled["webhook-signature"]!.replace("v1,", "v1a,")
      }
      await rejects(Webhook.standard(publicKey), headers, "{}")
      const v1 = sent(scheme, "{}")
      await rejects(
        Webhook.standard(publicKey),
        { ...v1, "webhook-signature": v1["webhook-signature"]!.replace("v1a,", "v1,") },
        "{}"
      )
    })

    it("R71: only the first 16 signatures are checked, in a header of at most 8 KiB", async () => {
      const headers = sent(WebhookSender.standard(secret), "{}")
      const right = headers["webhook-signature"]!
      const wrong = `v1,${Buffer.alloc(32, 1).toString("base64")}`
      const list = (before: number) => [...Array.from({ length: before }, () => wrong), right].join(" ")
      await accepts(Webhook.standard(secret), { ...headers, "webhook-signature": list(15) }, "{}")
      await rejects(Webhook.standard(secret), { ...headers, "webhook-signature": list(16) }, "{}")
      await rejects(Webhook.standard(secret), { ...headers, "webhook-signature": list(10_000) }, "{}")
      const longFirst = `${right} ${list(10_000)}`
      await rejects(Webhook.standard(secret), { ...headers, "webhook-signature": longFirst }, "{}")
    })

    it("R71: at most 16 verifications are made for each key", async () => {
      let verifications = 0
      const headers = sent(WebhookSender.standard(secret), "{}")
      const wrong = `v1,${Buffer.alloc(32, 1).toString("base64")}`
      const signature = Array.from({ length: 150 }, () => wrong).join(" ")
      const verify = Webhook.standard([secret, other])
      await Effect.runPromise(
        verify({ headers: { ...headers, "webhook-signature": signature }, bytes: Buffer.from("{}"), now }).pipe(
          Effect.result,
          Effect.updateService(MacService, (service) => ({
            ...service,
            verify: (...args) => {
              verifications++
              return service.verify(...args)
            }
          })),
          Effect.provide(Webhook.layerWebCrypto)
        )
      )
      assert.strictEqual(verifications, 32)
    })

    it("R71: headers that are missing, doubled or malformed do not verify", async () => {
      const headers = sent(WebhookSender.standard(secret), "{}")
      const of = (name: string, value: string) => ({ ...headers, [name]: value })
      const id = "webhook-id"
      const time = "webhook-timestamp"
      const signature = "webhook-signature"
      const right = headers[signature]!
      const bad: ReadonlyArray<readonly [Headers, string]> = [
        ...[id, time, signature].map((name) => [of(name, ""), `empty ${name}`] as const),
        [of(id, "msg_1, msg_1"), "two ids"],
        [of(id, "msg.1"), "an id with a dot"],
        [of(id, "x".repeat(257)), "a long id"],
        [of(id, "msg\u00001"), "an id with a NUL"],
        [of(id, "ünï"), "an id that is not ASCII"],
        [of(time, `${now / 1000}, ${now / 1000}`), "two times"],
        ...[".0", ".5", "e3", "x", " "].map(
          (tail) => [of(time, `${now / 1000}${tail}`), `a time with ${tail}`] as const
        ),
        ...["-1", "+1", "1e300", "Infinity", "NaN", "0x10", "9".repeat(400), "１７", new Date(now).toISOString()].map(
          (text) => [of(time, text), `the time ${text.slice(0, 20)}`] as const
        ),
        [of(signature, right.slice(3)), "no version"],
        [of(signature, `,${right.slice(3)}`), "an empty version"],
        [of(signature, `v2${right.slice(2)}`), "another version"],
        [of(signature, `V1${right.slice(2)}`), "a version in capitals"],
        [of(signature, right.replace("=", "")), "no padding"],
        [of(signature, `${right}=`), "more padding"],
        [of(signature, `${right.slice(0, -2)}==`), "a cut signature"],
        [of(signature, `${right}A`), "more after the padding"],
        [of(signature, right.replace(",", ", ")), "a space after the comma"],
        [of(signature, `v1,${Buffer.from(right.slice(3), "base64").toString("hex")}`), "hex"],
        [of(signature, "v1,"), "no signature"],
        [of(signature, "v1,=".repeat(1000)), "nothing but padding"]
      ]
      for (const [each, title] of bad)
        await rejects(Webhook.standard(secret), each, "{}").catch(() => assert.fail(title))
      await rejects(Webhook.standard(secret), {}, "{}")
    })

    it("R71: an id or a time of another form does not verify even if it is signed", async () => {
      const signed = (id: string, time: string) => ({
        "webhook-id": id,
        "webhook-timestamp": time,
        "webhook-signature": `v1,${createHmac("sha256", Buffer.from(secret.slice(6), "base64"))
          .update(`${id}.${time}.{}`)
          .digest("base64")}`
      })
      const time = `${now / 1000}`
      await accepts(Webhook.standard(secret), signed("~!x-/", time), "{}")
      for (const id of ["a.b", ".", "a b", "a, a", "x".repeat(257), "a\u0000", "a\u007f", "ü"]) {
        assert.strictEqual(await rejects(Webhook.standard(secret), signed(id, time), "{}"), "the id is malformed", id)
      }
      for (const odd of [
        `${time}.0`,
        `${time}.5`,
        `${time}e0`,
        `${time}x`,
        ` ${time}`,
        "-1",
        "+1",
        "1e300",
        "Infinity",
        "NaN",
        "0x10",
        "9".repeat(400),
        new Date(now).toISOString()
      ]) {
        assert.strictEqual(
          await rejects(Webhook.standard(secret), signed("a", odd), "{}"),
          "the timestamp is malformed",
          odd
        )
        const header = `t=${odd},v1=${createHmac("sha256", "k").update(`${odd}.{}`).digest("hex")}`
        assert.strictEqual(
          await rejects(Webhook.stripe("k"), { "stripe-signature": header }, "{}"),
          "the timestamp is malformed",
          odd
        )
      }
    })

    it("R71: a signature that is repeated by a second header still verifies", async () => {
      const headers = sent(WebhookSender.standard(secret), "{}")
      const both = `v1,${Buffer.alloc(32).toString("base64")}, ${headers["webhook-signature"]}`
      await accepts(Webhook.standard(secret), { ...headers, "webhook-signature": both }, "{}")
    })

    it("svix - takes its own headers, or the standard ones, and does not mix them", async () => {
      const own = sent(WebhookSender.svix(secret), "{}")
      const standard = sent(WebhookSender.standard(secret), "{}")
      await accepts(Webhook.svix(secret), own, "{}")
      await accepts(Webhook.svix(secret), standard, "{}")
      await rejects(Webhook.standard(secret), own, "{}")
      const oracle = new SvixWebhook(secret)
      const headers = {
        "svix-id": "msg_1",
        "svix-timestamp": `${now / 1000}`,
        "svix-signature": oracle.sign("msg_1", new Date(now), "{}")
      }
      await accepts(Webhook.svix(secret), headers, "{}")
      const { "svix-id": _, ...rest } = headers
      await rejects(Webhook.svix(secret), { ...rest, "webhook-id": "msg_1" }, "{}")
    })
  })

  describe("stripe", () => {
    const key = "whsec_Ünïcödé🦆"
    const stripe = new Stripe("sk_test_x")

    it("R71: what stripe signs is verified, and what is signed here is verified by stripe", async () => {
      for (const body of bodies.filter((each) => each !== "")) {
        const header = stripe.webhooks.generateTestHeaderString({ payload: body, secret: key, timestamp: now / 1000 })
        const found = await accepts(Webhook.stripe([other, key]), { "Stripe-Signature": header }, body)
        assert.deepStrictEqual(found, { id: undefined, at: now })
        await rejects(Webhook.stripe(other), { "stripe-signature": header }, body)
        const ours = sent(WebhookSender.stripe(other, key), body)
        if (body.startsWith("{")) stripe.webhooks.constructEvent(body, ours["stripe-signature"]!, key)
        await accepts(Webhook.stripe(key), ours, body)
      }
    })

    it("R71: an odd header does not verify", async () => {
      const { "stripe-signature": header } = sent(WebhookSender.stripe(key), "{}")
      const [time, signature] = header!.split(",") as [string, string]
      await accepts(Webhook.stripe(key), { "stripe-signature": `${time}, ${signature}, v0=00` }, "{}")
      for (const odd of [
        "",
        "t",
        time,
        signature,
        `${time},${time},${signature}`,
        `t=,${signature}`,
        `${time}.0,${signature}`,
        `t=-1,${signature}`,
        `${time},v0=${signature.slice(3)}`,
        `${time},${signature}00`,
        `${time},v1=`,
        `${time},v1=${"zz".repeat(32)}`,
        `${time},${Array.from({ length: 16 }, () => "v1=00").join(",")},${signature}`,
        `${header},${"v1=00,".repeat(10_000)}`
      ]) {
        await rejects(Webhook.stripe(key), { "stripe-signature": odd }, "{}").catch(() => assert.fail(odd.slice(0, 80)))
      }
    })
  })

  describe("github", () => {
    it("R71: what octokit signs is verified, and what is signed here is verified by octokit", async () => {
      for (const key of ["secret", "ünï🦆"]) {
        for (const body of bodies.filter((each) => each !== "")) {
          const headers = { "X-GitHub-Delivery": "72d3162e-cc78", "X-Hub-Signature-256": await octokitSign(key, body) }
          assert.deepStrictEqual(await accepts(Webhook.github(key), headers, body), {
            id: "72d3162e-cc78",
            at: undefined,
            isIdSigned: false
          })
          await rejects(Webhook.github("other"), headers, body)
          const ours = sent(WebhookSender.github(key), body)
          assert.isTrue(await octokitVerify(key, body, ours["x-hub-signature-256"]!))
        }
      }
    })

    it("R71: an odd header does not verify", async () => {
      const { "x-hub-signature-256": header } = sent(WebhookSender.github("k"), "{}")
      for (const odd of [
        "",
        header!.slice(7),
        `sha1=${header!.slice(7)}`,
        `${header},${header}`,
        header!.slice(0, -1)
      ]) {
        await rejects(Webhook.github("k"), { "x-hub-signature-256": odd }, "{}")
      }
      await rejects(Webhook.github("k"), { "x-hub-signature-256": header!, "x-github-delivery": "" }, "{}")
      await accepts(Webhook.github("k"), { "x-hub-signature-256": header! }, "{}")
    })
  })

  describe("slack", () => {
    it("R71: the example of its documentation is verified", async () => {
      const body =
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
      const headers = {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
      }
      const found = await accepts(Webhook.slack("8f742231b10e8888abcd99yyyzzz85a5"), headers, body)
      assert.deepStrictEqual(found, { id: undefined, at: 1531420618000 })
      await accepts(Webhook.slack("k"), sent(WebhookSender.slack("k"), body), body)
      await rejects(Webhook.slack("k"), sent(WebhookSender.slack("other"), body), body)
    })
  })

  describe("hmac", () => {
    it("R71: each hash, encoding and content verifies what node:crypto signs", async () => {
      for (const hash of ["sha1", "sha256", "sha384", "sha512"] as const) {
        for (const encoding of ["hex", "base64"] as const) {
          const verify = Webhook.hmac({
            keys: Redacted.make("kéy"),
            hash,
            encoding,
            signature: "X-Sig",
            prefix: `${hash}=`,
            id: "X-Id",
            timestamp: { header: "X-Time", unit: "milliseconds" },
            content: "{id}|{timestamp}|{body}|{id}"
          })
          const signed = createHmac(hash, "kéy").update(`7|${now}|{}|7`).digest(encoding)
          const headers = { "x-sig": `${hash}=${signed}`, "x-id": "7", "x-time": `${now}` }
          assert.deepStrictEqual(await accepts(verify, headers, "{}"), { id: "7", at: now })
          for (const name of Object.keys(headers)) {
            await rejects(verify, { ...headers, [name]: "8" }, "{}")
            await rejects(verify, { ...headers, [name]: "" }, "{}")
          }
          await rejects(verify, { ...headers, "x-sig": signed }, "{}")
        }
      }
    })

    it("options - invalid ones throw a RangeError that does not show a key", () => {
      const good = { keys: "topsecret", signature: "x-sig" }
      const bad: ReadonlyArray<Partial<Parameters<typeof Webhook.hmac>[0]>> = [
        { keys: "" },
        { keys: "  " },
        { keys: [] },
        { keys: new Uint8Array() },
        { keys: Array.from({ length: 17 }, () => "topsecret") },
        { signature: "" },
        { signature: "x sig" },
        { content: "" },
        { content: "{body}{body}" },
        { content: "{body}{other}" },
        { content: "{timestamp}{body}" },
        { content: "{id}{body}" },
        { timestamp: { header: "x-time" } },
        { timestamp: { header: "" }, content: "{timestamp}{body}" },
        { hash: "md5" as never }
      ]
      for (const each of bad) {
        assert.throws(() => Webhook.hmac({ ...good, ...each }), RangeError, "Webhook.hmac", JSON.stringify(each))
        try {
          Webhook.hmac({ ...good, ...each })
        } catch (error) {
          assert.notInclude(String(error), "topsecret")
        }
      }
      for (const key of ["whsec_?", "whsec_", "whpk_AAAA", "whsk_AAAA", "not base64!"]) {
        assert.throws(() => Webhook.standard(key), RangeError, "Webhook.standard", key)
      }
      for (const key of ["00", "zz".repeat(32), new Uint8Array(31)]) {
        assert.throws(() => Webhook.ed25519({ keys: key, signature: "s" }), RangeError, "32 bytes")
      }
    })
  })

  describe("ed25519", () => {
    it("R71: what node:crypto signs is verified, with the key as hex, base64 or bytes", async () => {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519")
      const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32)
      const time = `${now / 1000}`
      for (const keys of [raw.toString("hex"), raw.toString("base64"), new Uint8Array(raw)]) {
        const verify = Webhook.ed25519({
          keys,
          signature: "X-Signature-Ed25519",
          timestamp: { header: "X-Signature-Timestamp" },
          content: "{timestamp}{body}"
        })
        const signed = sign(null, Buffer.from(`${time}{}`), privateKey).toString("hex")
        const headers = { "X-Signature-Ed25519": signed, "X-Signature-Timestamp": time }
        assert.deepStrictEqual(await accepts(verify, headers, "{}"), { id: undefined, at: now })
        await rejects(verify, headers, "{ }")
        await rejects(verify, { ...headers, "X-Signature-Ed25519": signed.slice(2) }, "{}")
        await rejects(verify, { ...headers, "X-Signature-Timestamp": `${now / 1000 + 1}` }, "{}")
      }
    })

    it("R71: a key that is not a point of the curve verifies nothing", async () => {
      for (const byte of [0, 1, 2, 0xee, 0xff]) {
        const keys = new Uint8Array(32).fill(byte)
        const verify = Webhook.ed25519({ keys, signature: "s" })
        for (const fill of [0, 1, 0xff]) await rejects(verify, { s: Buffer.alloc(64, fill).toString("hex") }, "{}")
      }
    })
  })
})
