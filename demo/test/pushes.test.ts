import { assert, describe, it } from "@effect/vitest"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Population from "../population.ts"
import * as Pushes from "../pushes.ts"

describe("pushes", () => {
  it.live("onPush - runs the effect of the job that a webhook names", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const pushes = yield* Pushes.make
      const pushed = yield* Deferred.make<void>()
      const body = { targetUrl: `${pushes.url}/target`, onCompleteUrl: `${pushes.url}/complete` }
      const { id } = yield* server.create("AsyncQueue", "task", JobScript.succeeded("50 millis"), { body })
      yield* pushes.onPush(id, Effect.asVoid(Deferred.succeed(pushed, undefined)))
      yield* pushes.onPush("another", Effect.die("ran for another job"))
      yield* Deferred.await(pushed)
      assert.deepStrictEqual(yield* pushes.counts, { "/target": 1, "/complete": 1 })
    })
  )

  it("expected - counts the webhooks of the plans", () => {
    const plans = Population.make(120)
    const queued = plans.filter(({ provider }) => provider === "AsyncQueue")
    assert.strictEqual(Pushes.expected(plans)["/target"], queued.length)
    assert.isAbove(Pushes.expected(plans)["/complete"]!, 0)
    assert.isAbove(Pushes.expected(plans)["/callback"]!, 0)
    assert.deepStrictEqual(Pushes.expected([]), { "/target": 0, "/complete": 0, "/callback": 0 })
  })
})
