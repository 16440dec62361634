import { assert, describe, it } from "@effect/vitest"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import * as WebhookSender from "@effect-poll/testing/WebhookSender"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { TestClock } from "effect/testing"
import { Buffer } from "node:buffer"
import { createHmac, createPublicKey, verify } from "node:crypto"
import { aged } from "./client.ts"

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const message = { id: "msg_1", at: 1_674_087_231_999, body: Buffer.from('{"a":1}') }

describe("WebhookSender", () => {
  aged("send - signs the body as it is sent, and is content with 2xx", () =>
    Effect.gen(function* () {
      const inbox = yield* WebhookInbox.make({ status: 204 })
      const sender = yield* WebhookSender.make({ url: `${inbox.url}/h`, scheme: WebhookSender.github("s") })
      assert.deepStrictEqual(yield* sender.send({ a: 1 }), {
        id: "msg_1",
        delivered: true,
        attempts: [{ sentAt: 0, status: 204 }]
      })
      const { body, headers, path } = yield* inbox.take
      assert.strictEqual(path, "/h")
      assert.deepStrictEqual(body, { a: 1 })
      assert.strictEqual(headers["content-type"], "application/json")
      assert.strictEqual(headers["x-github-delivery"], "msg_1")
      const expected = `sha256=${createHmac("sha256", "s").update('{"a":1}').digest("hex")}`
      assert.strictEqual(headers["x-hub-signature-256"], expected)
    })
  )

  aged("send - retries by its schedule with the same id, and signs each try with its own time", () =>
    Effect.gen(function* () {
      const inbox = yield* WebhookInbox.make({ status: 503 })
      const sender = yield* WebhookSender.make({ url: inbox.url, scheme: WebhookSender.standard(secret) })
      const sending = yield* Effect.forkChild(sender.send({ a: 1 }))
      for (const [index, wait] of [0, 1, 2, 4, 8].entries()) {
        yield* TestClock.adjust(wait * 1000)
        yield* Effect.repeat(inbox.received, {
          until: (posts) => posts.length > index,
          schedule: Schedule.spaced(5)
        }).pipe(TestClock.withLive)
        // The response has to reach the sender before the clock moves on.
        yield* TestClock.withLive(Effect.sleep("20 millis"))
      }
      const { attempts, delivered, id } = yield* Fiber.join(sending)
      assert.isFalse(delivered)
      assert.deepStrictEqual(
        attempts,
        [0, 1000, 3000, 7000, 15_000].map((sentAt) => ({ sentAt, status: 503 }))
      )
      const posts = yield* inbox.received
      assert.deepStrictEqual(
        posts.map(({ headers }) => headers["webhook-id"]),
        Array.from({ length: 5 }, () => id)
      )
      assert.deepStrictEqual(
        posts.map(({ headers }) => headers["webhook-timestamp"]),
        ["0", "1", "3", "7", "15"]
      )
      assert.strictEqual(new Set(posts.map(({ headers }) => headers["webhook-signature"])).size, 5)
    })
  )

  aged("send - counts a refused connection as a try without a status", () =>
    Effect.gen(function* () {
      const sender = yield* WebhookSender.make({
        url: "http://127.0.0.1:1",
        scheme: WebhookSender.unsigned,
        retry: Schedule.recurs(1)
      })
      const { attempts, delivered } = yield* sender.send("x", { id: "mine" })
      assert.isFalse(delivered)
      assert.deepStrictEqual(
        attempts.map(({ status }) => status),
        [undefined, undefined]
      )
    })
  )

  aged("sign, post - send a kept request as it is, any number of times", () =>
    Effect.gen(function* () {
      const inbox = yield* WebhookInbox.make()
      const sender = yield* WebhookSender.make({ url: inbox.url, scheme: WebhookSender.stripe("k") })
      const request = yield* sender.sign("text")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* sender.post(request), 200)
      assert.strictEqual(yield* sender.post(request), 200)
      const posts = yield* inbox.received
      assert.deepStrictEqual(
        posts.map(({ body, headers }) => [body, headers["stripe-signature"]]),
        Array.from({ length: 2 }, () => ["text", request.headers["stripe-signature"]])
      )
      assert.include(request.headers["stripe-signature"], "t=0,v1=")
    })
  )

  it("tamper, truncate, withId, withHeaders - change a copy, and leave the request alone", () => {
    const request = { id: "msg_1", headers: WebhookSender.svix(secret)(message), body: message.body }
    const before = structuredClone(request)
    const text = (body: Uint8Array) => Buffer.from(body).toString()
    assert.notStrictEqual(text(WebhookSender.tamper(request).body), '{"a":1}')
    assert.deepStrictEqual(structuredClone(request), before)
    assert.strictEqual(WebhookSender.tamper(request).body.length, 7)
    assert.strictEqual(text(WebhookSender.tamper({ ...request, body: new Uint8Array() }).body), " ")
    assert.strictEqual(text(WebhookSender.truncate(request).body), '{"a')
    assert.strictEqual(text(WebhookSender.truncate(request, 1).body), "{")
    assert.strictEqual(WebhookSender.withId(request, "x").headers["svix-id"], "x")
    assert.strictEqual(WebhookSender.withHeaders(request, { a: "b" }).headers["a"], "b")
    assert.deepStrictEqual(structuredClone(request), before)
  })

  it.effect("duplicate, shuffle - repeat each request, and change their order", () =>
    Effect.gen(function* () {
      const requests = Array.from({ length: 20 }, (_, n) => ({ id: `${n}`, headers: {}, body: new Uint8Array() }))
      const all = WebhookSender.duplicate(requests, 3)
      assert.strictEqual(all.length, 60)
      const shuffled = yield* Random.withSeed(WebhookSender.shuffle(all), "seed")
      assert.sameMembers([...shuffled], [...all])
      assert.notDeepEqual(shuffled, all)
    })
  )

  it("standard, svix - sign with each secret; slack, stripe - sign what their pages say", () => {
    const other = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    const mac = (key: string) =>
      createHmac("sha256", Buffer.from(key, "base64")).update('msg_1.1674087231.{"a":1}').digest("base64")
    for (const [family, scheme] of [
      ["webhook", WebhookSender.standard],
      ["svix", WebhookSender.svix]
    ] as const) {
      assert.deepStrictEqual(scheme(secret, other)(message), {
        [`${family}-id`]: "msg_1",
        [`${family}-timestamp`]: "1674087231",
        [`${family}-signature`]: `v1,${mac(secret.slice(6))} v1,${mac(other)}`
      })
    }
    const hex = (text: string) => createHmac("sha256", "k").update(text).digest("hex")
    assert.strictEqual(WebhookSender.slack("k")(message)["x-slack-signature"], `v0=${hex('v0:1674087231:{"a":1}')}`)
    assert.strictEqual(
      WebhookSender.stripe("k")(message)["stripe-signature"],
      `t=1674087231,v1=${hex('1674087231.{"a":1}')}`
    )
  })

  it("standardAsymmetric - signs with a new pair of keys", () => {
    const { publicKey, scheme } = WebhookSender.standardAsymmetric()
    const raw = Buffer.from(publicKey.replace("whpk_", ""), "base64")
    assert.strictEqual(raw.length, 32)
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" })
    const signature = Buffer.from(scheme(message)["webhook-signature"]!.replace("v1a,", ""), "base64")
    assert.isTrue(verify(null, Buffer.from('msg_1.1674087231.{"a":1}'), key, signature))
    assert.notStrictEqual(WebhookSender.standardAsymmetric().publicKey, publicKey)
  })

  it("options - invalid ones throw a RangeError", () => {
    const scheme = WebhookSender.unsigned
    for (const url of ["", "h", "/h", "ftp://h", "http://"]) {
      assert.throws(() => WebhookSender.make({ url, scheme }), RangeError, "url")
    }
    assert.throws(() => WebhookSender.duplicate([], 0), RangeError, "times")
  })
})
