/**
 * The badges of an event platform: counts that have no end. A look at one is always pending, with the count as its
 * `detail`; so give it to `Poll.events` with the deadline `"unbounded"`, and it ends when nobody reads any more.
 *
 * @since 0.1.0
 */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import type { Effect } from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type { Look } from "effect-poll/Look"
import * as Status from "effect-poll/Status"
import type { StatusSchema } from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as settings from "./internal/settings.ts"
import type { Settings } from "./Settings.ts"

/**
 * A look at one badge, and when to repeat it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Badge {
  readonly check: Effect<Look<never>, HttpCheckError, HttpClient.HttpClient>
  readonly strategy: Strategy.Strategy
}

/**
 * The badges of an event platform.
 *
 * @category models
 * @since 0.1.0
 */
export interface EventPlatformBadges {
  /** How many notifications are unread: every 10 seconds. */
  readonly notifications: Badge
  /** How many messages are unread: every 15 minutes. */
  readonly messages: Badge
}

/**
 * The intervals of the documentation.
 *
 * @category strategies
 * @since 0.1.0
 */
export const strategies: { readonly notifications: Strategy.Strategy; readonly messages: Strategy.Strategy } = {
  notifications: /*#__PURE__*/ Strategy.fixed("10 seconds"),
  messages: /*#__PURE__*/ Strategy.fixed("15 minutes")
}

/**
 * Creates the badges of an event platform.
 *
 * **Example** (A badge that follows its count)
 *
 * ```ts no-run
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 * import * as Poll from "effect-poll/Poll"
 * import * as EventPlatformBadges from "@effect-poll/providers/EventPlatformBadges"
 *
 * const { notifications } = EventPlatformBadges.make({ baseUrl: "https://events.example.com" })
 * export const badge = Poll.events(notifications.check, { strategy: notifications.strategy, deadline: "unbounded" }).pipe(
 *   Stream.runForEach((event) =>
 *     event._tag === "Observed" && event.status._tag === "Pending"
 *       ? Effect.log(`${String(event.status.detail)} unread`)
 *       : Effect.void
 *   )
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Pick<Settings, "baseUrl" | "timeScale">): EventPlatformBadges => {
  const { timeScale, url } = settings.check("EventPlatformBadges.make", options)
  return {
    notifications: {
      check: HttpCheck.get(url("/notifications/stats"), Unread),
      strategy: settings.scaled(strategies.notifications, timeScale)
    },
    messages: {
      check: HttpCheck.get(url("/messages/unread"), Unread),
      strategy: settings.scaled(strategies.messages, timeScale)
    }
  }
}

// ---- internal ----

const Pending = /*#__PURE__*/ Schema.declare(
  (u: unknown): u is Status.Pending => Status.isStatus(u) && u._tag === "Pending"
)

const Unread: StatusSchema<never> = /*#__PURE__*/ Schema.Struct({ unread: Schema.Finite }).pipe(
  /*#__PURE__*/ Schema.decodeTo(Pending, {
    decode: SchemaGetter.transform(({ unread }: { readonly unread: number }) => Status.pending({ detail: unread })),
    encode: SchemaGetter.forbidden(() => "a badge is only read")
  })
)
