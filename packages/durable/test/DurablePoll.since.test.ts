import { assert, describe, it } from "@effect/vitest"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import { DurableStore } from "@effect-poll/durable/DurableStore"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { hour, inMemory, runnerOn, shared } from "./support/jobs.ts"

/** A server whose job runs again and again: the newest run, and how it is. */
const makeServer = () => {
  const server = { generation: 1, isDone: true, checks: 0, keys: new Array<string>() }
  const job = Job.make("nightly", {
    check: (_: string) =>
      Effect.sync(() => {
        server.checks++
        const status = server.isDone ? Status.succeeded(`run ${server.generation}`) : Status.pending()
        return CheckResult.withRun(status, { generation: server.generation })
      }),
    submit: (text: string) =>
      Effect.sync(() => {
        server.keys.push(text)
        return { key: text, since: { generation: 2 } }
      }),
    strategy: Strategy.spaced("1 second")
  }).pipe(Job.withCodecs({ success: Schema.String }))
  return { server, job }
}

const second = { since: () => ({ generation: 2 }) }

describe("DurablePoll, one key for several runs", () => {
  it.effect("since - the end of an earlier run does not count", () => {
    const { job, server } = makeServer()
    const poll = DurablePoll.make(job, hour)
    return Effect.gen(function* () {
      const [any] = yield* poll.submit(["a"])
      const [ref] = yield* poll.submit(["a"], second)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* poll.find(any!)).state, "ended")
      assert.strictEqual((yield* poll.find(ref!)).state, "pending")
      server.generation = 2
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* poll.await(ref!), "run 2")
    }).pipe(Effect.provide(inMemory(poll)))
  })

  it.effect("since - holds for another runner after a crash, and for a retry", () => {
    const { job, server } = makeServer()
    const poll = DurablePoll.make(job, hour)
    return Effect.gen(function* () {
      const store = yield* shared
      const [ref] = yield* poll.submit(["a"], second)
      const runs = <A, E>(effect: Effect.Effect<A, E>) => Effect.scoped(Effect.provide(effect, runnerOn(store, poll)))
      // Its token is stored as it leaves.
      yield* runs(TestClock.adjust("5 seconds"))
      assert.isAbove(server.checks, 2)
      yield* runs(TestClock.adjust("5 seconds"))
      assert.strictEqual((yield* poll.find(ref!)).state, "pending")
      yield* poll.settle(ref!, Status.canceled({}))
      yield* poll.retry(ref!)
      yield* runs(TestClock.adjust("5 seconds"))
      assert.strictEqual((yield* poll.find(ref!)).state, "pending")
      server.generation = 3
      yield* runs(TestClock.adjust("5 seconds"))
      assert.strictEqual(yield* poll.await(ref!), "run 3")
    }).pipe(Effect.provide(DurablePoll.layerMemory))
  })

  it.effect("since - the run of a receipt holds for a retry too", () => {
    const { job, server } = makeServer()
    const poll = DurablePoll.make(job, {
      ...hour,
      input: { schema: Schema.String, withIdempotencyKey: (input: string) => input }
    })
    return Effect.gen(function* () {
      const [ref] = yield* poll.submitInputs(["a"], { idempotencyKey: (text) => text })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(server.keys, ["a"])
      assert.strictEqual((yield* poll.find(ref!)).state, "pending")
      yield* poll.settle(ref!, Status.canceled({}))
      yield* poll.retry(ref!)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* poll.find(ref!)).state, "pending")
      server.generation = 2
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* poll.await(ref!), "run 2")
      assert.deepStrictEqual(server.keys, ["a"])
    }).pipe(Effect.provide(inMemory(poll)))
  })

  it.effect("since - a run that is none is refused, and none is any", () => {
    const poll = DurablePoll.make(makeServer().job, hour)
    return Effect.gen(function* () {
      for (const since of [{}, { generation: Number.NaN }, { run: 1 }, "2"]) {
        assert.throws(
          () => poll.submit(["a"], { since: () => since as never }),
          RangeError,
          "DurablePoll.submit: since"
        )
      }
      yield* poll.submit(["a"], { since: () => undefined })
      yield* poll.submit(["b"], { since: () => ({ run: "r" }) })
      const rows = yield* (yield* DurableStore).list({})
      assert.sameDeepMembers(
        rows.map(({ key, since }) => ({ key, since })),
        [
          { key: "a", since: null },
          { key: "b", since: '{"run":"r"}' }
        ]
      )
    }).pipe(Effect.provide(DurablePoll.layerMemory))
  })
})
