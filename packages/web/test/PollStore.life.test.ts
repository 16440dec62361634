import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Environment from "@effect-poll/web/Environment"
import * as PollStore from "@effect-poll/web/PollStore"
import * as Job from "effect-poll/Job"
import * as KeyCodec from "effect-poll/KeyCodec"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { counted, makePage, settled } from "./support/pages.ts"

const options = { deadline: "1 hour" } as const

class Region extends Context.Service<Region, string>()("Region") {}

const regional = Job.make("regional", {
  check: (key: string) => Effect.map(Region, (region) => Status.succeeded(`${region}/${key}`))
})

describe("services", () => {
  it.effect("layer - is built once, when the first wait begins, and released by close", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const layer = Layer.effect(
        Region,
        Effect.acquireRelease(
          Effect.sync(() => (log.push("built"), "eu")),
          () => Effect.sync(() => void log.push("released"))
        )
      )
      const store = PollStore.make({ layer, environment: Environment.test() })
      const entries = ["a", "b"].map((key) => store.entry(regional, key, options))
      assert.deepStrictEqual(log, [])
      entries.forEach((entry) => entry.subscribe(() => {}))
      yield* settled
      yield* TestClock.withLive(Effect.sleep(20))
      assert.deepStrictEqual(
        entries.map((entry) => entry.getSnapshot().outcome),
        [
          { _tag: "Success", value: "eu/a" },
          { _tag: "Success", value: "eu/b" }
        ]
      )
      yield* Effect.promise(() => store.close())
      assert.deepStrictEqual(log, ["built", "released"])
    })
  )

  it.live("layer - is awaited if its build takes time", () =>
    Effect.gen(function* () {
      const layer = Layer.effect(Region, Effect.delay(Effect.succeed("us"), 20))
      const store = PollStore.make({ layer, environment: Environment.test() })
      const entry = store.entry(regional, "a", options)
      entry.subscribe(() => {})
      entry.subscribe(() => {})
      assert.strictEqual(entry.getSnapshot().phase, "waiting")
      yield* Effect.sleep(60)
      assert.deepStrictEqual(entry.getSnapshot().outcome, { _tag: "Success", value: "us/a" })
    })
  )

  it.live("layer - ends the wait with a defect if it fails, and restart builds it again", () =>
    Effect.gen(function* () {
      let builds = 0
      const layer = Layer.effect(
        Region,
        Effect.suspend(() => (++builds === 1 ? Effect.fail("no region") : Effect.succeed("eu")))
      )
      const store = PollStore.make({ layer, environment: Environment.test() })
      const entry = store.entry(regional, "a", options)
      entry.subscribe(() => {})
      yield* Effect.sleep(10)
      assert.strictEqual(entry.getSnapshot().outcome?._tag, "Defect")
      entry.restart()
      yield* Effect.sleep(10)
      assert.deepStrictEqual(entry.getSnapshot().outcome, { _tag: "Success", value: "eu/a" })
    })
  )

  it.live("runtime - is used, and not disposed by close", () =>
    Effect.gen(function* () {
      let isReleased = false
      const runtime = ManagedRuntime.make(
        Layer.effect(
          Region,
          Effect.acquireRelease(Effect.succeed("eu"), () => Effect.sync(() => void (isReleased = true)))
        )
      )
      const store = PollStore.make({ runtime, environment: Environment.test() })
      const entry = store.entry(regional, "a", options)
      entry.subscribe(() => {})
      yield* Effect.sleep(10)
      assert.strictEqual(entry.getSnapshot().outcome?._tag, "Success")
      yield* Effect.promise(() => store.close())
      assert.isFalse(isReleased)
      yield* Effect.promise(() => runtime.dispose())
    })
  )

  it.effect("environment - is taken from the layer", () =>
    Effect.gen(function* () {
      const page = Environment.test()
      page.set({ online: false })
      const layer = Layer.merge(Layer.succeedContext(yield* Effect.context<never>()), Environment.layer(page))
      const store = PollStore.make({ layer })
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* settled
      assert.strictEqual(entry.getSnapshot().pausedBy, "offline")
      assert.strictEqual(server.checks, 0)
    })
  )
})

describe("close", () => {
  it.effect("close - ends all waits, and nothing begins after it", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job, server } = counted({ takes: 100 })
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* TestClock.adjust(50)
      yield* Effect.promise(() => store.close())
      assert.strictEqual(server.aborted, 1)
      entry.subscribe(() => {})
      store.entry(job, "b", options).subscribe(() => {})
      entry.checkNow()
      entry.restart()
      page.set({ hidden: true })
      page.set({ hidden: false })
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(server.checks, 1)
      assert.strictEqual(page.listeners(), 0)
    })
  )

  it.effect("close - cancels the job if its onClose says so", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      store.entry(job, "a", { ...options, onClose: "cancelRemote" }).subscribe(() => {})
      const { job: other, server: left } = counted()
      const unsubscribe = store.entry(other, "b", { ...options, onClose: "cancelRemote" }).subscribe(() => {})
      yield* settled
      unsubscribe()
      yield* TestClock.adjust("1 second")
      yield* Effect.promise(() => store.close())
      assert.strictEqual(server.end, "canceled")
      assert.strictEqual(left.end, undefined)
    })
  )
})

describe("keys", () => {
  it.effect("key - is encoded by the codec of the job", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const checked: Array<object> = []
      const job = Job.make("parts", {
        key: KeyCodec.fromSchema(Schema.fromJsonString(Schema.Struct({ id: Schema.Number }))),
        check: (key: { readonly id: number }) => Effect.sync(() => (checked.push(key), Status.pending()))
      })
      const one = store.entry(job, { id: 1 }, options)
      const unsubscribe = one.subscribe(() => {})
      assert.strictEqual(store.entry(job, { id: 1 }, options), one)
      store.entry(job, { id: 2 }, options).subscribe(() => {})
      yield* settled
      assert.deepStrictEqual(checked, [{ id: 1 }, { id: 2 }])
      unsubscribe()
      yield* TestClock.adjust("1 second")
      one.subscribe(() => {})
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(checked.filter(({ id }: { id?: number }) => id === 1).length, 2)
    })
  )

  it.effect("job - two jobs with the same name have separate waits", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const [one, other] = [counted(), counted()]
      store.entry(one.job, "a", options).subscribe(() => {})
      store.entry(other.job, "a", options).subscribe(() => {})
      yield* settled
      assert.strictEqual(one.server.checks, 1)
      assert.strictEqual(other.server.checks, 1)
    })
  )
})

describe("Poller", () => {
  const batched = () => {
    const requests: Array<ReadonlyArray<string>> = []
    let end: string | undefined
    const status = (): Status.Status<string> => (end === undefined ? Status.pending() : Status.succeeded(end))
    const job = Job.make("batched", {
      strategy: Strategy.spaced("2 seconds"),
      check: (key: string) => Effect.sync(() => (requests.push([key]), status())),
      checkMany: {
        max: 100,
        check: (keys) =>
          Effect.sync(() => {
            requests.push(keys)
            return { results: new Map(keys.map((key) => [key, Result.succeed(status())])) }
          })
      }
    })
    return { job, requests, end: (value: string) => void (end = value) }
  }

  it.effect("poller - many entries share a request", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make()
      const { store } = yield* makePage({ poller })
      const { end, job, requests } = batched()
      const entries = Array.from({ length: 50 }, (_, at) => store.entry(job, `k${at}`, options))
      entries.forEach((entry) => entry.subscribe(() => {}))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(requests.length, 1)
      assert.strictEqual(requests[0]!.length, 50)
      assert.isTrue(entries.every((entry) => entry.getSnapshot().attempt === 1))
      end("done")
      yield* TestClock.adjust("2 seconds")
      yield* settled
      assert.strictEqual(requests.length, 2)
      assert.isTrue(entries.every((entry) => entry.getSnapshot().outcome?._tag === "Success"))
    })
  )

  it.effect("poller - entries that leave are parked, and continue from their tokens", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make()
      const { page, store } = yield* makePage({ poller, hidden: "pause" })
      const { job, requests } = batched()
      const entries = ["a", "b"].map((key) => store.entry(job, key, options))
      const leave = entries.map((entry) => entry.subscribe(() => {}))
      yield* TestClock.adjust("1 second")
      leave.forEach((unsubscribe) => unsubscribe())
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* poller.stats).watched, 0)
      assert.strictEqual(requests.length, 1)
      entries.forEach((entry) => entry.subscribe(() => {}))
      yield* TestClock.adjust(100)
      assert.strictEqual(requests.length, 2)
      assert.strictEqual(entries[0]!.getSnapshot().attempt, 2)
      page.set({ hidden: true })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(requests.length, 2)
      assert.strictEqual((yield* poller.stats).watched, 0)
      yield* Effect.promise(() => store.close())
      assert.strictEqual((yield* poller.stats).watched, 0)
    })
  )
})

describe("memory", () => {
  it.effect("entry - 1,000 cycles of subscribing leave nothing behind", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage({ keep: "1 minute" })
      const { job, server } = counted()
      for (let at = 0; at < 1_000; at++) {
        const entry = store.entry(job, `k${at % 10}`, options)
        const unsubscribe = entry.subscribe(() => {})
        if (at % 100 === 0) yield* settled
        unsubscribe()
        unsubscribe()
      }
      assert.strictEqual(server.checks, 10)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(server.checks, 10)
      assert.strictEqual(page.listeners(), 0)
      assert.strictEqual(store.entry(job, "k1", options).getSnapshot().attempt, 0)
    })
  )
})
