import { assert, describe } from "@effect/vitest"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import * as WebhookSender from "@effect-poll/testing/WebhookSender"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"
import * as Wakes from "effect-poll/Wakes"
import { shop } from "./programs/asyncQueue.ts"
import { live } from "./programs/running.ts"
import { eventually, listen, receive } from "./programs/serving.ts"

const hookSecret = "5ecret-of-the-path-01"
const paymentSecret = "whsec_payments"
const paid = (intent: string) => ({ type: "payment_intent.succeeded", payment_intent: intent })

/** `lost` loses what the queue posts when a task ends. An hour of the queue takes 3.6 seconds, unless it is slower. */
const setUp = Effect.fnUntraced(function* (options: { readonly lost?: boolean; readonly timeScale?: number } = {}) {
  const timeScale = options.timeScale ?? 1 / 1000
  const script = () => JobScript.make({ duration: "300 millis", result: { paymentId: "pi_0" } })
  const server = yield* JobServer.make({ speed: 1 / timeScale, script })
  const target = yield* WebhookInbox.make()
  const at = yield* listen
  const tokens = new Map<string, Redacted.Redacted>()
  const { completions, order, payments, queue, settled } = shop({
    queueUrl: server.urls.AsyncQueue,
    publicUrl: options.lost === true ? target.url : at.url,
    hookSecret,
    paymentSecret: Redacted.make(paymentSecret),
    tokens,
    timeScale
  })
  const wakes = Layer.succeed(Wakes.Wakes, yield* Wakes.make())
  const client = Context.make(HttpClient.HttpClient, yield* HttpClient.HttpClient)
  const { log } = yield* receive([payments, completions], Layer.merge(wakes, Layer.succeedContext(client)), at)
  const sender = yield* WebhookSender.make({
    url: `${at.url}/hooks/payments`,
    scheme: WebhookSender.stripe(paymentSecret)
  })
  const start = <A, E, R>(wait: Effect.Effect<A, E, R>) =>
    Effect.forkScoped(Effect.provide(wait, wakes), { startImmediately: true })
  const post = (path: string, body: unknown) =>
    Effect.map(
      HttpClient.execute(HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(`${at.url}${path}`), body)),
      ({ status }) => status
    )
  return { log, order, post, queue, sender, server, settled, start, target, url: at.url }
})

describe("AsyncQueue with signals and onComplete", () => {
  live("paid - the webhook sends the signal, onComplete wakes the wait, redelivery is harmless", () =>
    Effect.gen(function* () {
      const { log, order, sender, server, settled, start } = yield* setUp({ timeScale: 1 })
      const task = yield* order("order_789", "pi_1", "1 hour")
      const wait = yield* start(settled(task, "1 hour"))
      const request = yield* sender.sign(paid("pi_1"))
      assert.strictEqual(yield* sender.post(request), 200)
      assert.deepStrictEqual(yield* Fiber.join(wait), { paymentId: "pi_1" })
      assert.strictEqual(yield* sender.post(request), 200)
      assert.strictEqual(yield* sender.post(yield* sender.sign({ ...paid("pi_1"), try: 2 })), 200)
      // Woken by onComplete: one check, long before the 5 seconds of the strategy.
      assert.isAtMost((yield* server.truthOf(task)).requests, 2)
      const did = (yield* log.entries).map((entry) => `${entry.route} ${entry.did}`)
      assert.includeMembers(did, ["/hooks/payments handled", "/hooks/orders woke"])
      assert.notInclude(JSON.stringify(yield* log.entries), hookSecret)
    })
  )

  live("onComplete lost - slow polling finds the end", () =>
    Effect.gen(function* () {
      const { order, sender, settled, start, target } = yield* setUp({ lost: true })
      const task = yield* order("order_789", "pi_1", "1 hour")
      const wait = yield* start(settled(task, "1 hour"))
      assert.strictEqual(yield* sender.post(yield* sender.sign(paid("pi_1"))), 200)
      assert.deepStrictEqual(yield* Fiber.join(wait), { paymentId: "pi_1" })
      yield* eventually(Effect.map(target.received, (posts) => posts.length === 2))
      const paths = (yield* target.received).map(({ path }) => path)
      assert.deepStrictEqual(paths, ["/start-checkout", `/hooks/orders/${hookSecret}`])
    })
  )

  live("never paid - the queue's own timeout ends the wait, and a late payment is not accepted", () =>
    Effect.gen(function* () {
      const { order, sender, settled, start } = yield* setUp()
      const task = yield* order("order_789", "pi_1", "10 minutes")
      const wait = yield* start(settled(task, "10 minutes"))
      assert.strictEqual((yield* Effect.flip(Fiber.join(wait)))._tag, "JobExpired")
      // TokenExpired: the payment service is told, and what is to become of the money is for the shop to say.
      assert.strictEqual(yield* sender.post(yield* sender.sign(paid("pi_1"))), 500)
    })
  )

  live("forged - a payment is a 401, and an onComplete only causes a check", () =>
    Effect.gen(function* () {
      const { order, post, sender, server, settled, start } = yield* setUp({ timeScale: 1 })
      const task = yield* order("order_789", "pi_1", "1 hour")
      const wait = yield* start(settled(task, "1 hour"))
      const request = yield* sender.sign(paid("pi_1"))
      assert.strictEqual(yield* sender.post(WebhookSender.tamper(request)), 401)
      const done = { id: task, status: "completed", result: { paymentId: "stolen" } }
      assert.strictEqual(yield* post("/hooks/orders/guess", done), 404)
      assert.strictEqual(yield* post(`/hooks/orders/${hookSecret}`, done), 200)
      yield* eventually(Effect.map(server.truthOf(task), ({ requests }) => requests === 1))
      assert.strictEqual(wait.pollUnsafe(), undefined)
      assert.strictEqual(yield* sender.post(request), 200)
      assert.deepStrictEqual(yield* Fiber.join(wait), { paymentId: "pi_1" })
    })
  )

  live("too early - a payment before the token is stored gets a 500, and comes again", () =>
    Effect.gen(function* () {
      const { order, sender, settled, start } = yield* setUp()
      const request = yield* sender.sign(paid("pi_1"))
      assert.strictEqual(yield* sender.post(request), 500)
      const task = yield* order("order_789", "pi_1", "1 hour")
      assert.strictEqual(yield* sender.post(request), 200)
      assert.deepStrictEqual(yield* Fiber.join(yield* start(settled(task, "1 hour"))), { paymentId: "pi_1" })
    })
  )

  live("onComplete of a task that ends by itself - wakes its wait, and a second one does nothing", () =>
    Effect.gen(function* () {
      const { post, queue, server, start, target, url } = yield* setUp({ timeScale: 1 })
      const onCompleteUrl = `${url}/hooks/orders/${hookSecret}`
      const { key } = yield* queue.tasks.submit!({ targetUrl: `${target.url}/process`, onCompleteUrl })
      const options = { deadline: "1 minute", strategy: Strategy.spaced("10 minutes") } as const
      const wait = yield* start(Poll.until(queue.tasks, key, options))
      assert.deepStrictEqual(yield* Fiber.join(wait), { paymentId: "pi_0" })
      assert.strictEqual((yield* server.truthOf(key)).requests, 2)
      const done = { id: key, status: "completed", result: { paymentId: "pi_0" } }
      assert.strictEqual(yield* post(`/hooks/orders/${hookSecret}`, done), 200)
      assert.strictEqual((yield* server.truthOf(key)).requests, 2)
    })
  )
})
