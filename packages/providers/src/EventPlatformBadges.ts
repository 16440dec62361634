/**
 * The badges of an event platform: unread counts, which never end.
 *
 * **Details**
 *
 * A check of a badge always finds a pending status, with the count as its `detail`. Pass the check to `Poll.events`
 * with the deadline `"unbounded"`: checking stops when the stream is no longer consumed.
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
import * as CommonSettings from "./internal/commonSettings.ts"
import * as Validate from "./internal/validate.ts"
import type { Settings } from "./Settings.ts"

/**
 * Options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Pick<Settings, "baseUrl" | "timeScale"> {
  /** The badge of unread notifications. Default: a number in the field `unread` of `/notifications/stats`. */
  readonly notifications?: BadgeOptions | undefined
  /** The badge of unread messages. Default: a number in the field `unread` of `/messages/unread`. */
  readonly messages?: BadgeOptions | undefined
}

/**
 * Options of one badge.
 *
 * @category models
 * @since 0.1.0
 */
export interface BadgeOptions {
  /** The path of the badge. A blank one is a RangeError. Default: that of the badge, see `Options`. */
  readonly path?: string | undefined
  /** The Schema that decodes the body to the count. Default: the number in the field `unread`. */
  readonly count?: Schema.Codec<number, unknown> | undefined
}

/**
 * One badge: pass both fields to `Poll.events`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Badge {
  /** Asks for the count once; the status is pending, with the count as its `detail`. */
  readonly check: Effect<CheckResult<never>, HttpCheckError, HttpClient.HttpClient>
  /** When to check again. */
  readonly strategy: Strategy.Strategy
}

/**
 * The badges of an event platform.
 *
 * @category models
 * @since 0.1.0
 */
export interface EventPlatformBadges {
  /** The number of unread notifications, every 10 seconds. */
  readonly notifications: Badge
  /** The number of unread messages, every 15 minutes. */
  readonly messages: Badge
}

/**
 * The documented strategies: notifications every 10 seconds, messages every 15 minutes.
 *
 * @category strategies
 * @since 0.1.0
 */
export const strategies: { readonly notifications: Strategy.Strategy; readonly messages: Strategy.Strategy } = {
  notifications: /*#__PURE__*/ Strategy.spaced("10 seconds"),
  messages: /*#__PURE__*/ Strategy.spaced("15 minutes")
}

/**
 * Creates the badges of an event platform. Invalid options throw a RangeError.
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
  const { timeScale, url } = CommonSettings.resolve("EventPlatformBadges.make", options)
  const badge = (name: keyof EventPlatformBadges, defaultPath: string): Badge => ({
    check: HttpCheck.get(
      url(Validate.nonEmpty(`EventPlatformBadges.make: ${name}.path`, options[name]?.path ?? defaultPath)),
      countStatus(options[name]?.count ?? Unread)
    ),
    strategy: CommonSettings.scaled(strategies[name], timeScale)
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
      encode: SchemaGetter.forbidden(() => "a badge cannot be encoded")
    })
  )
