import { assert, describe, it } from "@effect/vitest"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { aged, get, post } from "./client.ts"

describe("WebhookInbox", () => {
  aged("received - has path, body and time in the order of arrival", () =>
    Effect.gen(function* () {
      const inbox = yield* WebhookInbox.make()
      yield* post(`${inbox.url}/a?x=1`, { n: 1 })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* post(`${inbox.url}/b`, "not json")).status, 200)
      assert.strictEqual((yield* get(inbox.url)).status, 405)
      const posts = yield* inbox.received
      assert.deepStrictEqual(
        posts.map(({ path, body, receivedAt }) => ({ path, body, receivedAt })),
        [
          { path: "/a?x=1", body: { n: 1 }, receivedAt: 0 },
          { path: "/b", body: "not json", receivedAt: 1000 }
        ]
      )
      assert.include(posts[0]?.headers["content-type"], "application/json")
    })
  )

  aged("take, stream - share one queue", () =>
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

  aged("status - is the status code of every response", () =>
    Effect.gen(function* () {
      const inbox = yield* WebhookInbox.make({ status: 503 })
      assert.strictEqual((yield* post(inbox.url, {})).status, 503)
      assert.strictEqual((yield* inbox.received).length, 1)
    })
  )

  it("make - throws a RangeError when the status is invalid", () => {
    assert.throws(() => WebhookInbox.make({ status: 99 }), RangeError, "status")
    assert.throws(() => WebhookInbox.make({ status: 600 }), RangeError, "status")
  })
})
