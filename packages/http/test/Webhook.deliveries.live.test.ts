import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Deliveries from "@effect-poll/http/Deliveries"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Push from "@effect-poll/http/Push"
import * as SignalStoreSql from "@effect-poll/http/SignalStoreSql"
import * as Webhook from "@effect-poll/http/Webhook"
import type { Delivery } from "@effect-poll/http/WebhookDelivery"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as WebhookSender from "@effect-poll/testing/WebhookSender"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { hasProperty } from "effect/Predicate"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { PollOptions } from "effect-poll/PollOptions"
import * as Poller from "effect-poll/Poller"
import * as Signal from "effect-poll/Signal"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as Wakes from "effect-poll/Wakes"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { sqlite } from "./sqlite.ts"
import { serve } from "./webhookServer.ts"

// What becomes of a webhook on its way, over real HTTP and beside a server that can be asked: each wait has one result,
// none is lost, and nothing forged is believed.

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

const RenderStatus = StatusSchema.fromField(
  Schema.Struct({
    status: Schema.Literals(["pending", "processing", "completed"]),
    result: Schema.optional(Schema.String)
  }),
  "status",
  { pending: Status.pending(), processing: Status.pending(), completed: ({ result = "" }) => Status.succeeded(result) }
)
const RenderChanged = Push.make(RenderStatus, {
  key: (body) => (hasProperty(body, "jobId") && typeof body.jobId === "string" ? body.jobId : undefined)
})

const completed = (jobId: string, result: string) => ({ jobId, status: "completed", result })
const never = JobScript.make({ duration: "Infinity" })

/** Tests run in real time, without the log of what is rejected. */
const live = (name: string, body: () => Effect.Effect<void, unknown, HttpClient.HttpClient | Scope.Scope>) =>
  it.live(
    name,
    () => {
      const quiet = Effect.provideService(Effect.scoped(body()), References.MinimumLogLevel, "None")
      return Effect.orDie(Effect.provide(quiet, NodeHttpClient.layerUndici))
    },
    60_000
  )

/** A server with jobs, a receiver of their webhooks, and who sends them. */
const setUp = Effect.fnUntraced(function* (
  options: {
    readonly scheme?: "standard" | "github"
    readonly trust?: "verified" | undefined
    readonly onPush?: (push: Push.Push<string, string>, delivery: Delivery) => Effect.Effect<unknown, unknown>
  } = {}
) {
  const jobs = yield* JobServer.make()
  const wakes = Layer.succeed(Wakes.Wakes, yield* Wakes.make())
  const Renders = Job.make("render", {
    check: (id: string) => HttpCheck.get(`${jobs.urls.JobStatus}/api/job-status/${id}`, RenderStatus)
  })
  const applied: Array<string> = []
  const isGithub = options.scheme === "github"
  const route = Webhook.route("/hooks/renders", {
    verify: isGithub ? Webhook.github(secret) : Webhook.standard(secret),
    push: RenderChanged,
    jobs: [Renders],
    trust: "trust" in options ? options.trust : "verified",
    onPush: (push, delivery) =>
      Effect.andThen(
        options.onPush?.(push, delivery) ?? Effect.void,
        Effect.sync(() => applied.push(push.key ?? "?"))
      )
  })
  const services = Layer.mergeAll(Deliveries.layerMemory(), Webhook.layerWebCrypto, wakes)
  const receiver = yield* serve([route], services)
  const url = `${receiver.url}/hooks/renders`
  const scheme = isGithub ? WebhookSender.github(secret) : WebhookSender.standard(secret)
  const sender = yield* WebhookSender.make({ url, scheme })

  /** Every wait that ended, with what it ended with. */
  const results: Array<readonly [key: string, result: string]> = []
  const waitFor = (key: string, more?: Partial<PollOptions<HttpCheckError>>) =>
    Poll.until(Renders, key, { deadline: "1 hour", strategy: Strategy.spaced("10 minutes"), ...more }).pipe(
      Effect.tap((result) => Effect.sync(() => results.push([key, result]))),
      Effect.provide(wakes)
    )
  /** A wait that has made its first check. */
  const start = (key: string, more?: Partial<PollOptions<HttpCheckError>>) =>
    Effect.gen(function* () {
      const before = (yield* jobs.truthOf(key)).requests
      const fiber = yield* Effect.forkScoped(waitFor(key, more), { startImmediately: true })
      yield* eventually(Effect.map(jobs.truthOf(key), ({ requests }) => requests > before))
      return fiber
    })
  const create = (script = never) => Effect.map(jobs.create("JobStatus", "job", script), ({ id }) => id)
  const forger = yield* WebhookSender.make({
    url,
    scheme: isGithub ? WebhookSender.github("guess") : WebhookSender.standard("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
  })
  return { Renders, applied, create, forger, jobs, receiver, results, route, sender, start, url, waitFor, wakes }
})

/** Asks again until it is so. */
const eventually = <E, R>(isSo: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(isSo, (yes) => (yes ? Effect.void : Effect.andThen(Effect.sleep("5 millis"), eventually(isSo))))

const count = (all: ReadonlyArray<unknown>, value: unknown) => all.filter((each) => each === value).length

describe("Webhook deliveries", () => {
  live("R65: lost - polling behind the webhook finds the end", () =>
    Effect.gen(function* () {
      const { applied, create, results, waitFor } = yield* setUp()
      const key = yield* create(JobScript.make({ duration: "200 millis", result: "a.png" }))
      assert.strictEqual(yield* waitFor(key, { strategy: Strategy.spaced("50 millis") }), "a.png")
      assert.deepStrictEqual([results.length, applied.length], [1, 0])
    })
  )

  live("R72: duplicate ×3, at once and later - one result, applied once", () =>
    Effect.gen(function* () {
      const { applied, create, jobs, receiver, results, sender, start } = yield* setUp()
      const key = yield* create()
      const wait = yield* start(key)
      const request = yield* sender.sign(completed(key, "a.png"))
      const first = yield* Effect.forEach([request, request, request], sender.post, { concurrency: 3 })
      // One that comes while the first is applied is to come again.
      for (const status of first) assert.include([200, 503], status)
      assert.strictEqual(yield* Fiber.join(wait), "a.png")
      const later = yield* Effect.forEach([request, request, request], sender.post)
      assert.deepStrictEqual(later, [200, 200, 200])
      assert.deepStrictEqual([results, applied], [[[key, "a.png"]], [key]])
      assert.strictEqual((yield* jobs.truthOf(key)).requests, 1, "the push is the answer")
      assert.strictEqual((yield* receiver.log.entries).filter(({ did }) => did === "reported").length, 1)
    })
  )

  live("R25: late - what arrives after the end changes nothing, and is accepted", () =>
    Effect.gen(function* () {
      const { create, results, sender, waitFor } = yield* setUp()
      const key = yield* create(JobScript.make({ duration: 0, result: "a.png" }))
      assert.strictEqual(yield* waitFor(key), "a.png")
      assert.isTrue((yield* sender.send(completed(key, "b.png"))).delivered)
      assert.deepStrictEqual(results, [[key, "a.png"]])
    })
  )

  live("R71: forged, truncated and replayed under a new id - 401, and the wait does not even check", () =>
    Effect.gen(function* () {
      const { applied, create, forger, jobs, results, sender, start } = yield* setUp()
      const [mine, other] = [yield* create(), yield* create()]
      const wait = yield* start(mine)
      const done = yield* start(other)
      const known = yield* sender.sign(completed(other, "a.png"))
      assert.strictEqual(yield* sender.post(known), 200)
      yield* Fiber.join(done)
      const honest = yield* sender.sign(completed(mine, "b.png"))
      const hostile = [
        yield* forger.sign(completed(mine, "stolen")),
        WebhookSender.tamper(honest),
        WebhookSender.truncate(honest),
        WebhookSender.truncate(honest, 0),
        WebhookSender.withId(known, "msg_new"),
        { ...known, body: (yield* sender.sign(completed(mine, "stolen"))).body }
      ]
      for (const each of hostile) assert.strictEqual(yield* sender.post(each), 401)
      assert.strictEqual((yield* jobs.truthOf(mine)).requests, 1)
      assert.strictEqual(yield* sender.post(honest), 200)
      assert.strictEqual(yield* Fiber.join(wait), "b.png")
      assert.deepStrictEqual(
        [results, applied],
        [
          [
            [other, "a.png"],
            [mine, "b.png"]
          ],
          [other, mine]
        ]
      )
    })
  )

  live("R72: replayed under a new id where the id is not signed - a reason to check, and no second end", () =>
    Effect.gen(function* () {
      const { create, jobs, results, sender, start } = yield* setUp({ scheme: "github" })
      const key = yield* create()
      const first = yield* start(key)
      const request = yield* sender.sign(completed(key, "first run"))
      assert.strictEqual(yield* sender.post(request), 200)
      assert.strictEqual(yield* Fiber.join(first), "first run")
      // The same key again: the old end is not that of the new wait.
      const second = yield* start(key)
      const before = (yield* jobs.truthOf(key)).requests
      assert.strictEqual(yield* sender.post(WebhookSender.withId(request, "another")), 200)
      yield* eventually(Effect.map(jobs.truthOf(key), ({ requests }) => requests === before + 1))
      assert.strictEqual(results.length, 1)
      yield* Fiber.interrupt(second)
    })
  )

  live("R64: shuffled, tripled - each wait ends once, with its own result", () =>
    Effect.gen(function* () {
      const { applied, create, forger, results, sender, start } = yield* setUp()
      const keys = yield* Effect.forEach(Array.from({ length: 40 }), () => create())
      const waits = yield* Effect.forEach(keys, (key) => start(key), { concurrency: 10 })
      const honest = yield* Effect.forEach(keys, (key) =>
        Effect.all([sender.sign({ jobId: key, status: "processing" }), sender.sign(completed(key, `${key}.png`))])
      )
      const forged = yield* Effect.forEach(keys, (key) => forger.sign(completed(key, "stolen")))
      const all = yield* WebhookSender.shuffle([...WebhookSender.duplicate(honest.flat(), 3), ...forged])
      // As a provider does it: what is not accepted comes again.
      const retried = (request: WebhookSender.SignedRequest) =>
        Effect.repeat(sender.post(request), {
          while: (status) => status === 503 || status === undefined,
          schedule: Schedule.spaced("20 millis")
        })
      const statuses = yield* Effect.forEach(all, retried, { concurrency: 20 })
      assert.deepStrictEqual([count(statuses, 200), count(statuses, 401)], [240, 40])
      assert.deepStrictEqual(
        yield* Fiber.joinAll(waits),
        keys.map((key) => `${key}.png`)
      )
      assert.strictEqual(results.length, keys.length)
      for (const key of keys) assert.strictEqual(count(applied, key), 2, "one for each of its two deliveries")
    })
  )

  live("R66: before the wait - it ends without a check, and the forged one before it does nothing", () =>
    Effect.gen(function* () {
      const { create, forger, jobs, sender, waitFor } = yield* setUp()
      const key = yield* create()
      assert.strictEqual(yield* forger.post(yield* forger.sign(completed(key, "stolen"))), 401)
      assert.isTrue((yield* sender.send(completed(key, "a.png"))).delivered)
      assert.strictEqual(yield* waitFor(key), "a.png")
      assert.strictEqual((yield* jobs.truthOf(key)).requests, 0)
    })
  )

  live("R64: without trust a push is a reason to check, and the check is believed", () =>
    Effect.gen(function* () {
      const { create, jobs, sender, start } = yield* setUp({ trust: undefined })
      const key = yield* create(JobScript.make({ duration: "300 millis", result: "as checked" }))
      const wait = yield* start(key)
      // It is not so yet: the check that it causes says pending.
      assert.isTrue((yield* sender.send(completed(key, "as pushed"))).delivered)
      yield* eventually(Effect.map(jobs.truthOf(key), ({ requests }) => requests === 2))
      yield* eventually(Effect.map(jobs.truthOf(key), ({ endedAt }) => endedAt !== undefined))
      assert.isTrue((yield* sender.send(completed(key, "as pushed"))).delivered)
      assert.strictEqual(yield* Fiber.join(wait), "as checked")
    })
  )

  live("R64: 1,000 at once - each of 1,000 waits ends once, with its own result", () =>
    Effect.gen(function* () {
      const { Renders, applied, create, jobs, sender, wakes } = yield* setUp()
      const keys = yield* Effect.forEach(Array.from({ length: 1_000 }), () => create())
      const ended: Array<readonly [string, string]> = []
      const poller = yield* Effect.provide(Poller.make({ concurrency: 50 }), wakes)
      const waits = yield* Effect.forEach(keys, (key) =>
        Effect.forkScoped(
          Effect.tap(
            Effect.provide(
              poller.until(Renders, key, { deadline: "1 hour", strategy: Strategy.spaced("10 minutes") }),
              wakes
            ),
            (result) => Effect.sync(() => ended.push([key, result]))
          )
        )
      )
      yield* eventually(Effect.map(poller.stats, ({ watched }) => watched === 1_000))
      const signed = yield* Effect.forEach(keys, (key) => sender.sign(completed(key, `${key}.png`)))
      const statuses = yield* Effect.forEach(yield* WebhookSender.shuffle(signed), sender.post, { concurrency: 100 })
      assert.strictEqual(count(statuses, 200), 1_000)
      assert.deepStrictEqual(
        yield* Fiber.joinAll(waits),
        keys.map((key) => `${key}.png`)
      )
      assert.deepStrictEqual([ended.length, new Set(applied).size, applied.length], [1_000, 1_000, 1_000])
      assert.isAtMost(yield* jobs.requests, 1_000, "no wait checks twice")
    })
  )

  const Paid = Schema.Struct({ paymentId: Schema.String })
  const Payments = Job.make("payment", {
    check: (_order: string) => Effect.succeed(Status.pending() as Status.Status<typeof Paid.Type>)
  }).pipe(Job.withCodecs({ success: Paid }))
  const PaymentChanged = Push.from(Schema.Struct({ order: Schema.String, paymentId: Schema.String }), (paid) => ({
    key: undefined,
    result: undefined,
    ...paid
  }))

  /** Receivers that complete the signals of orders, and what they have in common. */
  const shop = Effect.fnUntraced(function* (lease?: "200 millis") {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-poll-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true }))
    )
    const store = Layer.orDie(Layer.provide(SignalStoreSql.layer(), sqlite(join(directory, "signals.db"))))
    const deliveries = Layer.succeedContext(yield* Layer.build(Deliveries.layerMemory({ lease })))
    const tokens = new Map<string, Signal.Token>()
    const accepted: Array<string> = []
    let before: Effect.Effect<void> = Effect.void
    const route = Webhook.route("/hooks/payments", {
      verify: Webhook.standard(secret),
      push: PaymentChanged,
      jobs: [],
      onPush: ({ order, paymentId }) =>
        Effect.gen(function* () {
          yield* before
          const answer = yield* Signal.complete(Payments, tokens.get(order) ?? "", { paymentId })
          if (answer === "accepted") accepted.push(order)
        })
    })
    // Each has a connection of its own, as processes have.
    const receiver = (more: Layer.Layer<Deliveries.Deliveries> = deliveries) =>
      serve([route], Layer.mergeAll(Layer.fresh(store), more, Webhook.layerWebCrypto))
    const waitFor = (order: string) =>
      Effect.gen(function* () {
        const signal = yield* Signal.make(Payments, order, { maxWaitTime: "1 hour", interval: "50 millis" })
        tokens.set(order, signal.token)
        return yield* Effect.forkScoped(Poll.until(Payments, order, { deadline: "1 day", signal: signal.events }))
      })
    return {
      accepted,
      deliveries,
      receiver,
      store,
      waitFor,
      onPush: (effect: Effect.Effect<void>) => void (before = effect)
    }
  })

  const signed = (order: string) => ({ order, paymentId: `pi_${order}` })

  live("R72: the receiver is restarted in between - the retry reaches the next one, and is applied once", () =>
    Effect.gen(function* () {
      const { accepted, receiver, store, waitFor } = yield* shop()
      const wait = yield* Effect.provide(waitFor("o1"), yield* Layer.build(Layer.fresh(store)))
      const first = yield* Scope.make()
      const { url } = yield* Scope.provide(receiver(), first)
      const sender = yield* WebhookSender.make({ url: `${url}/hooks/payments`, scheme: WebhookSender.standard(secret) })
      yield* Scope.close(first, Exit.void)
      const request = yield* sender.sign(signed("o1"))
      assert.strictEqual(yield* sender.post(request), undefined)
      const next = yield* receiver()
      const again = yield* WebhookSender.make({
        url: `${next.url}/hooks/payments`,
        scheme: WebhookSender.standard(secret)
      })
      assert.strictEqual(yield* again.post(request), 200)
      assert.deepStrictEqual(yield* Fiber.join(wait), { paymentId: "pi_o1" })
      assert.strictEqual(yield* again.post(request), 200)
      assert.deepStrictEqual(accepted, ["o1"])
    })
  )

  live("R72: killed between begin and done - the redelivery is new once the lease is over, and completes once", () =>
    Effect.gen(function* () {
      const { accepted, deliveries, onPush, receiver, store, waitFor } = yield* shop("200 millis")
      const wait = yield* Effect.provide(waitFor("o1"), yield* Layer.build(Layer.fresh(store)))
      const begun = yield* Deferred.make<void>()
      onPush(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
      // A process that is killed neither abandons what it has begun nor says that it is done.
      const killed = Layer.effect(
        Deliveries.Deliveries,
        Effect.map(Deliveries.Deliveries, (service) => ({
          ...service,
          done: () => Effect.void,
          abandon: () => Effect.void
        }))
      ).pipe(Layer.provide(deliveries))
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(receiver(killed), scope)
      const next = yield* receiver()
      const sender = (to: { readonly url: string }) =>
        WebhookSender.make({ url: `${to.url}/hooks/payments`, scheme: WebhookSender.standard(secret) })
      const request = yield* (yield* sender(first)).sign(signed("o1"))
      const cut = yield* Effect.forkScoped((yield* sender(first)).post(request))
      yield* Deferred.await(begun)
      onPush(Effect.void)
      yield* Scope.close(scope, Exit.void)
      assert.notStrictEqual(yield* Fiber.join(cut), 200)
      const again = yield* sender(next)
      const statuses: Array<number | undefined> = []
      while (statuses.at(-1) !== 200) {
        statuses.push(yield* again.post(request))
        yield* Effect.sleep("20 millis")
      }
      for (const status of statuses.slice(0, -1)) assert.strictEqual(status, 503)
      assert.deepStrictEqual(yield* Fiber.join(wait), { paymentId: "pi_o1" })
      assert.deepStrictEqual(accepted, ["o1"])
    })
  )

  live("R72: two receivers behind one store - each delivery is applied by one of them, each wait ends once", () =>
    Effect.gen(function* () {
      const { accepted, receiver, store, waitFor } = yield* shop()
      const here = yield* Layer.build(Layer.fresh(store))
      const orders = Array.from({ length: 30 }, (_, index) => `o${index}`)
      const waits = yield* Effect.forEach(orders, (order) => Effect.provide(waitFor(order), here))
      const senders = yield* Effect.forEach([yield* receiver(), yield* receiver()], ({ url }) =>
        WebhookSender.make({ url: `${url}/hooks/payments`, scheme: WebhookSender.standard(secret) })
      )
      const requests = yield* Effect.forEach(orders, (order) => senders[0]!.sign(signed(order), { id: `evt_${order}` }))
      const all = yield* WebhookSender.shuffle(WebhookSender.duplicate(requests, 3))
      const statuses = yield* Effect.forEach(
        all,
        (request, index) =>
          Effect.repeat(senders[index % 2]!.post(request), {
            while: (status) => status === 503,
            schedule: Schedule.spaced("20 millis")
          }),
        { concurrency: 10 }
      )
      assert.strictEqual(count(statuses, 200), all.length)
      assert.deepStrictEqual(
        yield* Fiber.joinAll(waits),
        orders.map((order) => ({ paymentId: `pi_${order}` }))
      )
      assert.sameMembers(accepted, orders)
      assert.strictEqual(accepted.length, orders.length)
      const ended = yield* Effect.provide(Signal.list({ state: "ended" }), here)
      assert.strictEqual(ended.length, orders.length)
    })
  )
})
