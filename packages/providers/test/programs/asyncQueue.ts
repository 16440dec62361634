import * as Push from "@effect-poll/http/Push"
import * as Webhook from "@effect-poll/http/Webhook"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"

const Paid = Schema.Struct({ paymentId: Schema.String })

const PaymentSucceeded = Push.from(
  Schema.Struct({ type: Schema.Literal("payment_intent.succeeded"), payment_intent: Schema.String }),
  ({ payment_intent }) => ({ key: payment_intent, result: undefined })
)

export const shop = (options: {
  readonly queueUrl: string
  /** Where this program is reached. */
  readonly publicUrl: string
  readonly hookSecret: string
  readonly paymentSecret: Redacted.Redacted
  /** The tokens of your orders, by payment. */
  readonly tokens: Map<string, Redacted.Redacted>
  readonly timeScale?: number
}) => {
  const { hookSecret, publicUrl, timeScale, tokens } = options
  const queue = AsyncQueue.make({ baseUrl: options.queueUrl, result: Paid, timeScale })

  /** 1. Creates a task that waits for the payment. 2. Stores its token with the order. */
  const order = (id: string, intent: string, maxWaitTime: "1 hour" | "10 minutes") =>
    Effect.gen(function* () {
      const receipt = yield* queue.submitSignalTask({
        targetUrl: `${publicUrl}/start-checkout`,
        payload: { orderId: id },
        maxWaitTime,
        onCompleteUrl: `${publicUrl}/hooks/orders/${hookSecret}`
      })
      tokens.set(intent, receipt.signalToken)
      return receipt.key
    })

  /** Waits for the end of the task, which may be the queue's own `timeout` (`JobExpired`). */
  const settled = (task: string, maxWaitTime: "1 hour" | "10 minutes") =>
    Poll.until(queue.signalTasks, task, { deadline: AsyncQueue.defaultDeadline(maxWaitTime, { timeScale }) })

  /** 3. The webhook of the payment service sends the signal. What fails here is answered with a 500, and comes again. */
  const payments = Webhook.route("/hooks/payments", {
    verify: Webhook.stripe(options.paymentSecret),
    push: PaymentSucceeded,
    onUndecodable: "accept",
    jobs: [],
    onPush: ({ key: intent }) =>
      Effect.gen(function* () {
        const token = yield* Effect.fromNullishOr(tokens.get(intent))
        yield* queue.signal(token, { status: "completed", result: { paymentId: intent } })
      })
  })

  /** 4. `onComplete`: the queue does not sign it, so it is a reason to check the task. */
  const completions = Webhook.route("/hooks/orders", {
    verify: Webhook.unsigned({ secretPath: hookSecret }),
    push: AsyncQueue.completion(Paid),
    jobs: [queue.signalTasks, queue.tasks]
  })

  return { queue, order, settled, payments, completions }
}
