import { assert, describe, it } from "@effect/vitest"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import * as DurableStore from "@effect-poll/durable/DurableStore"
import * as Deliveries from "@effect-poll/http/Deliveries"
import * as Push from "@effect-poll/http/Push"
import * as Webhook from "@effect-poll/http/Webhook"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Signal from "effect-poll/Signal"
import * as SignalStore from "effect-poll/SignalStore"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Wakes from "effect-poll/Wakes"
import { createHmac } from "node:crypto"
import { hour, makeServer, runnerOn, shared } from "./support/jobs.ts"

/** What all processes share: the stores of a database. */
const database = Layer.merge(DurablePoll.layerMemory, SignalStore.layerMemory())

/** Starts a process of its own on what is shared. */
const startProcess = <K, A, F, R>(poll: DurablePoll.DurablePoll<K, A, F, never, never, R>) =>
  Effect.gen(function* () {
    yield* Layer.build(Layer.fresh(runnerOn(yield* shared, poll)))
  })

describe("DurablePoll with signals and webhooks", () => {
  const signaled = (job: ReturnType<typeof makeServer>["job"]) =>
    DurablePoll.make(job, {
      ...hour,
      wait: {
        signal: (key) => Stream.unwrap(Effect.map(Signal.attach(job, { key }), ({ events }) => events)),
        behind: Strategy.spaced("10 minutes")
      }
    })

  it.effect("signal - ends a job that another process checks", () => {
    const { checks, job } = makeServer()
    const poll = signaled(job)
    return Effect.gen(function* () {
      const { token } = yield* Signal.make(job, "a", { maxWaitTime: "2 hours" })
      const [ref] = yield* poll.submit(["a"])
      yield* startProcess(poll)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(checks.length, 1)
      assert.strictEqual(yield* Signal.complete(job, token, "by hand"), "accepted")
      const fiber = yield* Effect.forkChild(poll.await(ref!))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "by hand")
      assert.strictEqual(checks.length, 1)
    }).pipe(Effect.provide(database))
  })

  it.effect("signal - that was completed before a runner started ends the job once one does", () => {
    const { job } = makeServer()
    const poll = signaled(job)
    return Effect.gen(function* () {
      const { token } = yield* Signal.make(job, "a", { maxWaitTime: "2 hours" })
      const [ref] = yield* poll.submit(["a"])
      assert.strictEqual(yield* Signal.fail(job, token, 7), "accepted")
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* poll.find(ref!)).state, "pending")
      yield* startProcess(poll)
      yield* TestClock.adjust("5 seconds")
      const error = yield* Effect.flip(poll.await(ref!))
      assert.isTrue(error._tag === "JobFailed" && error.failure === 7)
    }).pipe(Effect.provide(database))
  })

  it.effect("signal - ends the job however far away the next check is", () => {
    const { checks, job } = makeServer()
    const poll = signaled(job)
    return Effect.gen(function* () {
      const { token } = yield* Signal.make(job, "a", { maxWaitTime: "2 hours" })
      const [ref] = yield* poll.submit(["a"], { deadline: "unbounded" })
      yield* startProcess(poll)
      // The next check is beyond the horizon of the runner.
      yield* TestClock.adjust("12 minutes")
      const before = checks.length
      yield* Signal.complete(job, token, "by hand")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* poll.await(ref!), "by hand")
      assert.strictEqual(checks.length, before)
    }).pipe(Effect.provide(database))
  })

  const RenderChanged = Push.from(Schema.Struct({ id: Schema.String, url: Schema.String }), (body) => ({
    key: body.id,
    result: undefined,
    ...body
  }))

  const secret = "It's a secret to everybody"

  const request = (json: unknown) => {
    const body = JSON.stringify(json)
    const signature = createHmac("sha256", secret).update(body).digest("hex")
    const headers = { "content-type": "application/json", "x-hub-signature-256": `sha256=${signature}` }
    return new Request("https://example.com/hooks/renders", { method: "POST", body, headers })
  }

  it.effect("webhook - wakes the runner of the same process", () => {
    const { answers, checks, job } = makeServer()
    const poll = DurablePoll.make(job, { ...hour, wait: { strategy: Strategy.spaced("4 minutes") } })
    return Effect.gen(function* () {
      const wakes = yield* Wakes.Wakes
      const routes = [Webhook.route("/hooks/renders", { verify: Webhook.unsigned(), push: RenderChanged, jobs: [job] })]
      const services = Layer.mergeAll(
        Deliveries.layerMemory(),
        Webhook.layerWebCrypto,
        Layer.succeed(Wakes.Wakes, wakes)
      )
      const receive = Webhook.handler(routes, services)
      const [ref] = yield* poll.submit(["a"])
      yield* startProcess(poll)
      yield* TestClock.adjust("5 seconds")
      answers.set("a", Status.succeeded("a.png"))
      const response = yield* Effect.promise(() => receive(request({ id: "a", url: "x" })))
      assert.strictEqual(response.status, 200)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* poll.await(ref!), "a.png")
      assert.strictEqual(checks.length, 2)
      yield* Effect.promise(() => receive.dispose())
    }).pipe(Effect.provide(Layer.merge(database, Wakes.layer())))
  })

  it.effect("webhook - settles a job by its key in a process that has no runner", () => {
    const { answers, checks, job } = makeServer()
    const poll = DurablePoll.make(job, hour)
    return Effect.gen(function* () {
      const settled: Array<string> = []
      const routes = [
        Webhook.route("/hooks/renders", {
          verify: Webhook.github(secret),
          push: RenderChanged,
          jobs: [job],
          onPush: ({ id, url }) =>
            Effect.gen(function* () {
              const ref = yield* poll.ref(id)
              settled.push(yield* poll.settle(ref, Status.succeeded(url)))
            })
        })
      ]
      const store = Layer.succeed(DurableStore.DurableStore, yield* DurableStore.DurableStore)
      const receive = Webhook.handler(routes, Layer.mergeAll(Deliveries.layerMemory(), Webhook.layerWebCrypto, store))
      const post = (body: unknown) =>
        Effect.map(
          Effect.promise(() => receive(request(body))),
          ({ status }) => status
        )
      const [ref] = yield* poll.submit(["a"], { idempotencyKey: (key) => key })
      yield* startProcess(poll)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* post({ id: "a", url: "a.png" }), 200)
      assert.strictEqual(yield* post({ id: "a", url: "b.png" }), 200)
      assert.strictEqual(yield* post({ id: "none", url: "c.png" }), 500, "the sender tries again")
      assert.deepStrictEqual(settled, ["settled", "late"])
      answers.set("a", Status.succeeded("checked"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* poll.await(ref!), "a.png")
      assert.isAtMost(checks.length, 2)
      yield* Effect.promise(() => receive.dispose())
    }).pipe(Effect.provide(database))
  })
})
