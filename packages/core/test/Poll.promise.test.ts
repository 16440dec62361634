import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./support/checks.ts"
import { countingSignal } from "./support/signals.ts"

const options = { strategy: Strategy.spaced("1 millis"), deadline: "10 seconds" } as const

describe("Poll.promise", () => {
  it("promise - resolves with the result", async () => {
    const job = Job.make("j", { check: (id: string) => Effect.succeed(Status.succeeded(id)) })
    assert.strictEqual(await Poll.promise(job, "a", options), "a")
    assert.strictEqual(await Poll.promise(Effect.succeed(Status.succeeded("b")), options), "b")
  })

  it("promise - rejects with the typed error", async () => {
    const error: unknown = await Poll.promise(Effect.succeed(Status.failed("bad")), options).catch((e: unknown) => e)
    assert.propertyVal(error as object, "_tag", "JobFailed")
    assert.propertyVal(error as object, "failure", "bad")
  })

  it("signal - has no listener left after 200 checks [R9]", async () => {
    let n = 0
    const { count, signal } = countingSignal()
    const check = Effect.sync(() => (++n < 200 ? pending : Status.succeeded(n)))
    assert.strictEqual(await Poll.promise(check, { ...options, signal }), 200)
    assert.deepStrictEqual(count, { now: 0, most: 1 })
  })

  it("abort - rejects with its reason, and no check follows [R8]", async () => {
    let checks = 0
    const { controller, signal } = countingSignal()
    const check = Effect.sync(() => {
      if (++checks === 3) queueMicrotask(() => controller.abort("enough"))
      return pending
    })
    const reason: unknown = await Poll.promise(check, { ...options, signal }).catch((e: unknown) => e)
    const seen = checks
    await Effect.runPromise(Effect.sleep(30))
    assert.deepStrictEqual([reason, checks], ["enough", seen])
  })

  it("signal that was aborted before - makes no check [R8]", async () => {
    let checks = 0
    const check = Effect.sync(() => (checks++, pending))
    const reason: unknown = await Poll.promise(check, { ...options, signal: AbortSignal.abort("before") }).catch(
      (e: unknown) => e
    )
    assert.deepStrictEqual([reason, checks], ["before", 0])
  })

  it("bad options - reject with a RangeError", async () => {
    const error: unknown = await Poll.promise(Effect.succeed(pending), { deadline: 0 }).catch((e: unknown) => e)
    assert.instanceOf(error, RangeError)
  })
})
