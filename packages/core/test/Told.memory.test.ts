import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"

const pending: Status.Status<string> = Status.pending()
const check = Effect.succeed(pending)

/** A stream that ends at once, and notes how often it was subscribed by what it remembers. */
const counting = () => {
  const counts: Array<number | undefined> = []
  const stream = Stream.fromEffectDrain(
    Effect.map(Told.Memory, (memory) => {
      const count = memory === undefined ? undefined : ((memory.get("count") as number | undefined) ?? 0) + 1
      memory?.set("count", count)
      counts.push(count)
    })
  )
  return { counts, stream }
}

describe("Told", () => {
  const options = { deadline: "1 hour", behind: Strategy.spaced("1 hour") } as const

  it.effect("Memory - is kept from one subscription of a wait to the next", () =>
    Effect.gen(function* () {
      const { counts, stream } = counting()
      yield* Effect.forkChild(Poll.until(check, { ...options, push: stream }))
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(counts, [1, 2, 3])
    })
  )

  it.effect("Memory - belongs to one wait and one of its streams", () =>
    Effect.gen(function* () {
      const { counts, stream } = counting()
      yield* Effect.forkChild(Poll.until(check, { ...options, push: stream, signal: stream }))
      yield* Effect.forkChild(Poll.until(check, { ...options, push: stream }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(counts, [1, 1, 1, 2, 2, 2])
    })
  )

  it.effect("Memory - is there for the stream of a job in a poller", () =>
    Effect.gen(function* () {
      const { counts, stream } = counting()
      const job = Job.make("job", { check: () => check, push: () => stream })
      const poller = yield* Poller.make()
      yield* poller.add(job, "a", options)
      yield* poller.add(job, "b", options)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(counts, [1, 1, 2, 2])
    })
  )

  it.effect("Memory - is undefined outside of a wait", () =>
    Effect.gen(function* () {
      const { counts, stream } = counting()
      yield* Stream.runDrain(stream)
      assert.deepStrictEqual(counts, [undefined])
    })
  )
})
