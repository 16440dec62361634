import * as DeliveryLog from "@effect-poll/http/DeliveryLog"
import * as Webhook from "@effect-poll/http/Webhook"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Poll from "effect-poll/Poll"
import * as PollJournal from "effect-poll/PollJournal"
import type * as Strategy from "effect-poll/Strategy"

export const campaigns = (options: {
  readonly apiUrl: string
  /** The contract: Standard Webhooks, with this key. */
  readonly secret: Redacted.Redacted
  /** Pages that show what a campaign is, by event. */
  readonly cache: Map<string, string>
  readonly notify: (eventId: string) => Effect.Effect<void, string>
}) => {
  const platform = EventPlatform.make({ baseUrl: options.apiUrl })
  const journal: Array<PollJournal.Entry> = []
  const observers = [PollJournal.observer((entry) => Effect.sync(() => journal.push(entry)))]

  /** Changes a campaign, and waits for this change: an end of an earlier one does not count. */
  const change = (eventId: string, strategy: Strategy.Strategy = EventPlatform.taskStrategy) =>
    Effect.gen(function* () {
      const { key, since } = yield* platform.campaigns.submit!({ eventId, query: { status: "published" } })
      return yield* Poll.until(platform.campaigns, key, { since, deadline: "1 hour", strategy, observers })
    })

  /** The webhook by contract. What it says counts as the answer of a check, if it names its run. */
  const webhook = Webhook.route("/hooks/events", {
    verify: Webhook.standard(options.secret),
    trust: "verified",
    reusedKeys: true,
    push: EventPlatform.pushes.campaigns,
    jobs: [platform.campaigns],
    // Once for each delivery, before it is answered: if it fails, the webhook comes again.
    onPush: ({ key }) => (key === undefined ? Effect.void : options.notify(key))
  })

  /** Forgets what has changed. A stream is for what may miss a push, such as a cache with a time to live. */
  const invalidate = Stream.runForEach(Webhook.pushes, ({ push }) =>
    Effect.sync(() => options.cache.delete(String(push.key)))
  )

  /** What arrived, and what the waits did: one list for whoever has to explain it. */
  const timeline = Effect.map(
    DeliveryLog.DeliveryLog.use((log) => log.entries),
    (deliveries) =>
      [
        ...deliveries.map(({ did, receivedAt, status }) => ({ at: receivedAt, what: `webhook ${status} ${did}` })),
        ...journal.map((entry) => ({ at: entry.at, what: `wait ${entry._tag}` }))
      ].toSorted((a, b) => a.at - b.at)
  )

  return { platform, change, webhook, invalidate, timeline }
}
