/**
 * What a wait takes where neither its options nor its `Job` say anything.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as defaults from "./internal/options/defaults.ts"

/**
 * The default figures.
 *
 * **Details**
 *
 * | field | default | meaning |
 * |---|---|---|
 * | `strategy` | linear from 1 second by 2 seconds, uncapped | when to check |
 * | `checkTimeout` | 1 minute | how long one check may take |
 * | `maxHint` | 1 hour | the longest wish of a server that is followed |
 * | `cancelTimeout` | 10 seconds | how long the end of a job is awaited after it was asked to stop |
 * | `checkErrors.schedule` | exponential from 1 second by 2, at most 30 seconds | delays after failed checks |
 * | `checkErrors.maxConsecutive` | 5 | failed checks in a row that are tolerated |
 * | `checkErrors.maxTotal` | `"unbounded"` | failed checks in all that are tolerated |
 * | `checkErrors.onExhausted` | `"fail"` | what follows when `maxConsecutive` is used up |
 * | `span` | true | one span `poll.wait` per wait |
 * | `logs` | true | failed checks Debug (from the third in a row at Warn), a bad end at Error |
 * | `observers` | none | told of every wait |
 *
 * A figure out of its range is a RangeError, as a defect of the wait that uses it.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollDefaults extends defaults.Defaults {}

/**
 * The reference that holds the defaults; to be overridden with `Effect.provideService` or a layer.
 *
 * @category references
 * @since 0.1.0
 */
export const PollDefaults: Context.Reference<PollDefaults> = defaults.Reference

/**
 * Replaces some of the defaults.
 *
 * **Example** (A program that is patient with its servers)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as PollDefaults from "effect-poll/PollDefaults"
 *
 * const patient = PollDefaults.layer({ checkErrors: { maxConsecutive: 20 }, checkTimeout: "5 minutes" })
 * const maxConsecutive = Effect.map(PollDefaults.PollDefaults, (defaults) => defaults.checkErrors.maxConsecutive)
 * await Effect.runPromise(Effect.provide(maxConsecutive, patient)) // => 20
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (some: Partial<PollDefaults>): Layer.Layer<never> =>
  Layer.effect(
    PollDefaults,
    Effect.map(PollDefaults, (now) => ({ ...now, ...some, checkErrors: { ...now.checkErrors, ...some.checkErrors } }))
  )

/**
 * Reads the figures among the defaults from the configuration.
 *
 * **Details**
 *
 * The keys, all optional: `EFFECT_POLL_CHECK_TIMEOUT`, `EFFECT_POLL_MAX_HINT`, `EFFECT_POLL_CANCEL_TIMEOUT` (durations, as
 * `"30 seconds"`), `EFFECT_POLL_CHECK_ERRORS_MAX_CONSECUTIVE`, `EFFECT_POLL_CHECK_ERRORS_MAX_TOTAL` (whole numbers), `EFFECT_POLL_SPAN`,
 * `EFFECT_POLL_LOGS` (true or false).
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<never, Config.ConfigError> = Layer.unwrap(
  Effect.map(
    Config.all({
      checkTimeout: Config.option(Config.Duration("EFFECT_POLL_CHECK_TIMEOUT")),
      maxHint: Config.option(Config.Duration("EFFECT_POLL_MAX_HINT")),
      cancelTimeout: Config.option(Config.Duration("EFFECT_POLL_CANCEL_TIMEOUT")),
      checkErrors: Config.map(
        Config.all({
          maxConsecutive: Config.option(Config.Int("EFFECT_POLL_CHECK_ERRORS_MAX_CONSECUTIVE")),
          maxTotal: Config.option(Config.Int("EFFECT_POLL_CHECK_ERRORS_MAX_TOTAL"))
        }),
        (read) => Option.some(given(read))
      ),
      span: Config.option(Config.Boolean("EFFECT_POLL_SPAN")),
      logs: Config.option(Config.Boolean("EFFECT_POLL_LOGS"))
    }),
    (read) => layer(given(read))
  )
)

// ---- internal ----

type Given<T> = { readonly [K in keyof T]?: T[K] extends Option.Option<infer A> ? A : never }

/** The fields that have a value. */
const given = <T extends Record<string, Option.Option<unknown>>>(read: T): Given<T> =>
  Object.fromEntries(
    Object.entries(read).flatMap(([field, value]) => (Option.isSome(value) ? [[field, value.value]] : []))
  ) as Given<T>
