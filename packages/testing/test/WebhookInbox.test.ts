import { assert, describe, it } from "@effect/vitest"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { aged, get, post } from "./client.ts"

describe("WebhookInbox", () => {
  aged("records path, body and time in order", () =>
    Effect.gen(function* () {
      const inbox = yield* WebhookInbox.make()
      yield* post(`${inbox.url}/a?x=1`, { n: 1 })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* post(`${inbox.url}/b`, "not json")).status, 200)
      assert.strictEqual((yield* get(inbox.url)).status, 405)
      const posts = yield* inbox.received
      assert.deepStrictEqual(
        posts.map(({ path, body, at }) => ({ path, body, at })),
        [
          { path: "/a?x=1", body: { n: 1 }, at: 0 },
          { path: "/b", body: "not json", at: 1000 }
        ]
      )
      assert.include(posts[0]?.headers["content-type"], "application/json")
    })
  )

  aged("take and stream share what comes in", () =>
    Effect.gen(function* () {
      const inbox = yield* WebhookInbox.make()
      for (const n of [1, 2, 3]) yield* post(inbox.url, { n })
      assert.deepStrictEqual((yield* inbox.take).body, { n: 1 })
      const rest = yield* inbox.stream.pipe(Stream.take(2), Stream.runCollect)
      assert.deepStrictEqual(
        rest.map((one) => one.body),
        [{ n: 2 }, { n: 3 }]
      )
    })
  )

  aged("status - is what every post is answered with", () =>
    Effect.gen(function* () {
      const inbox = yield* WebhookInbox.make({ status: 503 })
      assert.strictEqual((yield* post(inbox.url, {})).status, 503)
      assert.strictEqual((yield* inbox.received).length, 1)
    })
  )

  it("make - a bad status is a RangeError", () => {
    assert.throws(() => WebhookInbox.make({ status: 99 }), RangeError, "status")
    assert.throws(() => WebhookInbox.make({ status: 600 }), RangeError, "status")
  })
})
