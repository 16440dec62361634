import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as Push from "@effect-poll/http/Push"
import * as Webhook from "@effect-poll/http/Webhook"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Signal from "effect-poll/Signal"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"

/** An order in your database. */
export interface Order {
  readonly id: string
  /** The payment of the order, as the payment service names it. */
  readonly intent: string
  /** Who wants to know how the order ended. */
  readonly webhookUrl: string
}

/** Your database, and what only your shop can do. */
export class Orders extends Context.Service<
  Orders,
  {
    readonly save: (order: Order, token: Redacted.Redacted) => Effect.Effect<void>
    readonly findByIntent: (intent: string) => Effect.Effect<{ readonly token: Redacted.Redacted } | undefined>
    readonly refund: (intent: string) => Effect.Effect<void>
  }
>()("shop/Orders") {}

const Paid = Schema.Struct({ paymentId: Schema.String })

const Intent = Schema.Struct({
  id: Schema.String,
  status: Schema.Literals(["requires_payment_method", "processing", "succeeded", "canceled"])
})
const IntentStatus = StatusSchema.fromField(Intent, "status", {
  requires_payment_method: Status.pending(),
  processing: Status.pending(),
  succeeded: ({ id }) => Status.succeeded({ paymentId: id }),
  canceled: Status.canceled()
})

const PaymentSucceeded = Push.from(
  Schema.Struct({
    type: Schema.Literal("payment_intent.succeeded"),
    data: Schema.Struct({ object: Schema.Struct({ id: Schema.String }) })
  }),
  ({ data }) => ({ key: data.object.id, result: undefined })
)

/** The hour is over, and the last webhook may be lost: asks once more. */
const once = { deadline: "1 minute" } as const
const paidAtLast = <F, E>(found: Poll.Advanced<typeof Paid.Type, F, E>) =>
  found._tag === "Ended" && Exit.isSuccess(found.exit)
    ? { status: "paid", paymentId: found.exit.value.paymentId }
    : { status: "timeout" }

export const shop = (payments: { readonly url: string; readonly secret: Redacted.Redacted }) => {
  const Payments = Job.make("payment", {
    check: (intent: string) => HttpCheck.get(`${payments.url}/v1/payment_intents/${intent}`, IntentStatus)
  }).pipe(Job.withCodecs({ success: Paid }))

  /** Opens the signal of an order, and stores its token. */
  const open = (order: Order) =>
    Effect.gen(function* () {
      const signal = yield* Signal.make(Payments, order.intent, { maxWaitTime: "1 hour" })
      yield* (yield* Orders).save(order, signal.token)
    })

  /** Waits for the payment of an order, also after a restart, then tells the order's own webhook. */
  const settle = (order: Order) =>
    Effect.gen(function* () {
      const signal = yield* Signal.attach(Payments, { key: order.intent })
      const outcome = yield* Poll.until(Payments, order.intent, { deadline: "2 hours", signal: signal.events }).pipe(
        Effect.map(({ paymentId }) => ({ status: "paid", paymentId })),
        Effect.catchTag("JobExpired", () => Effect.map(Poll.advance(Payments, order.intent, once), paidAtLast))
      )
      const body = { orderId: order.id, ...outcome }
      yield* HttpCheck.send(HttpClientRequest.post(order.webhookUrl), Schema.Unknown, { body })
      return outcome
    })

  /** The webhook of the payment service. It gets a 2xx once the signal is stored, and until then comes again. */
  const webhook = Webhook.route("/hooks/payments", {
    verify: Webhook.stripe(payments.secret),
    push: PaymentSucceeded,
    onUndecodable: "accept", // events of other types
    jobs: [],
    onPush: ({ key: intent }) =>
      Effect.gen(function* () {
        const orders = yield* Orders
        const order = yield* Effect.fromNullishOr(yield* orders.findByIntent(intent))
        yield* Effect.catchTag(
          Signal.complete(Payments, order.token, { paymentId: intent }),
          "SignalExpired", // paid after its hour
          () => orders.refund(intent)
        )
      })
  })

  return { Payments, open, settle, webhook }
}
