import { assert, describe } from "@effect/vitest"
import * as SignalStoreSql from "@effect-poll/http/SignalStoreSql"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import * as WebhookSender from "@effect-poll/testing/WebhookSender"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { sqlite } from "../../http/test/sqlite.ts"
import { type Order, Orders, shop } from "./programs/payment.ts"
import { clocked } from "./programs/running.ts"
import { ending, eventually, listen, pass, receive } from "./programs/serving.ts"

const secret = "whsec_payments"
const paid = (intent: string) => ({ type: "payment_intent.succeeded", data: { object: { id: intent } } })

/** A payment service that can be asked, a shop with its database on disk, and the order's own webhook. */
const setUp = Effect.gen(function* () {
  const intents = new Map<string, string>()
  const asked: Array<string> = []
  const service = yield* listen
  yield* service.serve(
    HttpRouter.add("GET", "/v1/payment_intents/:id", () =>
      Effect.map(HttpRouter.params, ({ id = "" }) => {
        asked.push(id)
        return HttpServerResponse.jsonUnsafe({ id, status: intents.get(id) ?? "requires_payment_method" })
      })
    )
  )
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-poll-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  const store = Layer.orDie(Layer.provide(SignalStoreSql.layer(), sqlite(join(directory, "signals.db"))))
  const tokens = new Map<string, Redacted.Redacted>()
  const refunded: Array<string> = []
  const orders = Layer.succeed(Orders, {
    save: ({ intent }, token) => Effect.sync(() => tokens.set(intent, token)),
    findByIntent: (intent) =>
      Effect.sync(() => {
        const token = tokens.get(intent)
        return token === undefined ? undefined : { token }
      }),
    refund: (intent) => Effect.sync(() => refunded.push(intent))
  })
  const inbox = yield* WebhookInbox.make()
  const { open, settle, webhook } = shop({ url: service.url, secret: Redacted.make(secret) })
  const order: Order = { id: "order_789", intent: "pi_1", webhookUrl: `${inbox.url}/order-webhook` }

  /** One life of the program: what it needs, and the URL of its webhook. */
  const process = Effect.gen(function* () {
    const context = yield* Layer.build(Layer.merge(Layer.fresh(store), orders))
    const { log, url } = yield* receive([webhook], Layer.succeedContext(context))
    const sender = yield* WebhookSender.make({ url: `${url}/hooks/payments`, scheme: WebhookSender.stripe(secret) })
    return {
      log,
      sender,
      open: Effect.provideContext(open(order), context),
      settle: Effect.forkScoped(Effect.provideContext(settle(order), context), { startImmediately: true })
    }
  })
  return { asked, inbox, intents, order, process, refunded, tokens }
})

describe("payment", () => {
  clocked("paid - the webhook completes the signal, and the order's own webhook is told once", () =>
    Effect.gen(function* () {
      const { inbox, process } = yield* setUp
      const { log, open, sender, settle } = yield* process
      yield* open
      const wait = yield* settle
      const request = yield* sender.sign(paid("pi_1"))
      assert.strictEqual(yield* sender.post(request), 200)
      assert.deepStrictEqual(yield* ending(wait), { status: "paid", paymentId: "pi_1" })
      const told = (yield* inbox.received).map(({ body }) => body)
      assert.deepStrictEqual(told, [{ orderId: "order_789", status: "paid", paymentId: "pi_1" }])
      // Redeliveries are accepted, at once and later, and other events are not for us.
      assert.strictEqual(yield* sender.post(request), 200)
      for (const other of [{ ...paid("pi_1"), created: 2 }, { type: "charge.updated" }]) {
        assert.strictEqual(yield* sender.post(yield* sender.sign(other)), 200)
      }
      assert.strictEqual((yield* inbox.received).length, 1)
      assert.strictEqual((yield* log.entries).length, 4)
    })
  )

  clocked("forged - a 401, and the order stays open", () =>
    Effect.gen(function* () {
      const { process, tokens } = yield* setUp
      const { open, sender, settle } = yield* process
      yield* open
      const wait = yield* settle
      const request = yield* sender.sign(paid("pi_1"))
      for (const bad of [
        WebhookSender.tamper(request),
        WebhookSender.truncate(request),
        { ...request, headers: {} },
        { ...request, headers: { "stripe-signature": "t=0,v1=00" } }
      ]) {
        assert.strictEqual(yield* sender.post(bad), 401)
      }
      assert.strictEqual(wait.pollUnsafe(), undefined)
      assert.strictEqual(tokens.size, 1)
      assert.strictEqual(yield* sender.post(request), 200)
      assert.strictEqual((yield* ending(wait)).status, "paid")
    })
  )

  clocked("lost - a check behind the signal finds the payment", () =>
    Effect.gen(function* () {
      const { asked, inbox, intents, process } = yield* setUp
      const { open, settle } = yield* process
      yield* open
      const wait = yield* settle
      yield* eventually(Effect.sync(() => asked.length === 1))
      intents.set("pi_1", "succeeded")
      yield* pass(10)
      assert.deepStrictEqual(yield* ending(wait), { status: "paid", paymentId: "pi_1" })
      assert.strictEqual((yield* inbox.received).length, 1)
    })
  )

  clocked("lost in the last minute - the order is paid, although its signal has expired", () =>
    Effect.gen(function* () {
      const { asked, inbox, intents, process } = yield* setUp
      const { open, settle } = yield* process
      yield* open
      const wait = yield* settle
      yield* eventually(Effect.sync(() => asked.length === 1))
      yield* pass(55)
      // The checks behind the signal are 5 minutes apart by now.
      yield* pass(4, 1)
      const before = asked.length
      intents.set("pi_1", "succeeded")
      yield* pass(1, 1)
      assert.deepStrictEqual(yield* ending(wait), { status: "paid", paymentId: "pi_1" })
      assert.strictEqual(asked.length, before + 1)
      assert.strictEqual((yield* inbox.received).length, 1)
    })
  )

  clocked("never - after an hour the order's own webhook is told, and a later payment is refunded", () =>
    Effect.gen(function* () {
      const { asked, inbox, process, refunded } = yield* setUp
      const { open, sender, settle } = yield* process
      yield* open
      const wait = yield* settle
      yield* eventually(Effect.sync(() => asked.length === 1))
      yield* pass(65)
      assert.deepStrictEqual(yield* ending(wait), { status: "timeout" })
      const told = (yield* inbox.received).map(({ body }) => body)
      assert.deepStrictEqual(told, [{ orderId: "order_789", status: "timeout" }])
      assert.strictEqual(yield* sender.post(yield* sender.sign(paid("pi_1"))), 200)
      assert.deepStrictEqual(refunded, ["pi_1"])
    })
  )

  clocked("too early - a webhook before the order is stored gets a 500, and comes again", () =>
    Effect.gen(function* () {
      const { process } = yield* setUp
      const { open, sender, settle } = yield* process
      const request = yield* sender.sign(paid("pi_1"))
      assert.strictEqual(yield* sender.post(request), 500)
      yield* open
      assert.strictEqual(yield* sender.post(request), 200)
      // The signal is completed before the wait starts.
      assert.strictEqual((yield* ending(yield* settle)).status, "paid")
    })
  )

  clocked("redelivered after a restart - the next process accepts it, and its wait ends", () =>
    Effect.gen(function* () {
      const { inbox, process } = yield* setUp
      const first = yield* Scope.make()
      const before = yield* Scope.provide(process, first)
      yield* before.open
      yield* Scope.provide(before.settle, first)
      const request = yield* before.sender.sign(paid("pi_1"))
      assert.strictEqual(yield* before.sender.post(request), 200)
      yield* Scope.close(first, Exit.void)
      const after = yield* process
      // It remembers no delivery, and the signal is completed: nothing happens twice.
      assert.strictEqual(yield* after.sender.post(request), 200)
      assert.deepStrictEqual(yield* ending(yield* after.settle), { status: "paid", paymentId: "pi_1" })
      assert.isAtLeast((yield* inbox.received).length, 1)
    })
  )
})
