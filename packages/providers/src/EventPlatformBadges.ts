/**
 * The badges of an event platform: counts that have no end. A check one is always pending, with the count as its
 * `detail`; so give it to `Poll.events` with the deadline `"unbounded"`, and it ends when nobody reads any more.
 *
 * **Details**
 *
 * The documentation names the intervals, 10 seconds and 15 minutes, but neither the paths nor the bodies: those are
 * options.
 *
 * @since 0.1.0
 */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import type { Effect } from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type { CheckResult } from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import type { StatusSchema } from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as settings from "./internal/settings.ts"
import type { Settings } from "./Settings.ts"

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Pick<Settings, "baseUrl" | "timeScale"> {
  /** Default: the path `/notifications/stats`. */
  readonly notifications?: BadgeOptions | undefined
  /** Default: the path `/messages/unread`. */
  readonly messages?: BadgeOptions | undefined
}

/**
 * Where a badge is checked, and what it shows.
 *
 * @category models
 * @since 0.1.0
 */
export interface BadgeOptions {
  readonly path?: string | undefined
  /** Takes the count out of the body; default: its field `unread`. */
  readonly count?: Schema.Codec<number, unknown> | undefined
}

/**
 * A check one badge, and when to repeat it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Badge {
  readonly check: Effect<CheckResult<never>, HttpCheckError, HttpClient.HttpClient>
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
  notifications: /*#__PURE__*/ Strategy.spaced("10 seconds"),
  messages: /*#__PURE__*/ Strategy.spaced("15 minutes")
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
 *     event._tag === "Changed" && event.status._tag === "Pending"
 *       ? Effect.log(`${String(event.status.detail)} unread`)
 *       : Effect.void
 *   )
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): EventPlatformBadges => {
  const { timeScale, url } = settings.check("EventPlatformBadges.make", options)
  const badge = (name: keyof EventPlatformBadges, otherwise: string): Badge => ({
    check: HttpCheck.get(
      url(settings.nonEmpty(`EventPlatformBadges.make: ${name}.path`, options[name]?.path ?? otherwise)),
      countStatus(options[name]?.count ?? Unread)
    ),
    strategy: settings.scaled(strategies[name], timeScale)
  })
  return {
    notifications: badge("notifications", "/notifications/stats"),
    messages: badge("messages", "/messages/unread")
  }
}

// ---- internal ----

const Pending = /*#__PURE__*/ Schema.declare(
  (u: unknown): u is Status.Pending => Status.isStatus(u) && u._tag === "Pending"
)

const Unread: Schema.Codec<number, unknown> = /*#__PURE__*/ Schema.Struct({ unread: Schema.Finite }).pipe(
  /*#__PURE__*/ Schema.decodeTo(Schema.Finite, {
    decode: SchemaGetter.transform(({ unread }: { readonly unread: number }) => unread),
    encode: SchemaGetter.transform((unread: number) => ({ unread }))
  })
)

const countStatus = (count: Schema.Codec<number, unknown>): StatusSchema<never> =>
  count.pipe(
    Schema.decodeTo(Pending, {
      decode: SchemaGetter.transform((detail: number) => Status.pending({ detail })),
      encode: SchemaGetter.forbidden(() => "a badge is only read")
    })
  )
