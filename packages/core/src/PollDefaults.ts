/**
 * The defaults of options that neither a wait nor its `Job` sets.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Severity } from "effect/LogLevel"
import * as Option from "effect/Option"
import type { Schedule } from "effect/Schedule"
import * as defaults from "./internal/options/defaults.ts"
import type { CheckErrorPolicy } from "./Job.ts"
import type { Observation } from "./Observation.ts"
import type { Observer } from "./Observer.ts"

/**
 * The defaults of all waits.
 *
 * **Details**
 *
 * An out-of-range value makes every wait that uses it die with a RangeError.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollDefaults {
  /** When to check. Default: delays of 1, 3, 5, ... seconds, uncapped. */
  readonly strategy: Schedule<unknown, Observation>
  /** How long one check may take; a positive finite duration or `"unbounded"`, default 1 minute. */
  readonly checkTimeout: Duration.Input | "unbounded"
  /** The longest delay that a server can request between two checks; a non-negative finite duration, default 1 hour. */
  readonly maxHint: Duration.Input
  /**
   * How long a remote cancel may take, how long the job is then checked for its ending, and how long observers may hold
   * back the result of a wait; a positive finite duration, default 10 seconds.
   */
  readonly cancelTimeout: Duration.Input
  /**
   * What to do when a check fails. Default: consecutive failed checks are tolerated, with delays of 1 second, doubling
   * up to 30 seconds, until there are more than 5 of them and they have lasted for a tenth of the time from the start
   * of the wait to its deadline, at least 30 seconds and at most 10 minutes. A `maxConsecutive` other than 5 without a
   * `maxOutage` decides alone.
   */
  readonly checkErrors: CheckErrorPolicy<unknown>
  /**
   * The delay that replaces a delay of 0 that a schedule decides, so that no schedule checks in a hot loop; a
   * non-negative finite duration, default 10 milliseconds. 0 turns this off. Longer delays are not changed. It is also
   * the least time from the start of a check to the start of one that `checkNow` requests.
   */
  readonly zeroDelay: Duration.Input
  /** Whether each wait has a span `poll.wait`; default `true`. A `Poller` makes no spans. */
  readonly span: boolean
  /**
   * Whether failed checks and failed waits are logged, and the level of failed waits; default `true`, which logs both at
   * Debug. A level, such as `"Error"`, raises that of failed waits; `false` logs nothing. The third consecutive failed
   * check is logged at Warn. A line has the job, the key, the attempts, the elapsed time, the last state word and the
   * tags of errors, never a failure, a reason or the message of an error.
   */
  readonly logs: boolean | Severity
  /** Observers of all waits, in addition to those of each wait. Default: none. */
  readonly observers: ReadonlyArray<Observer>
}

/**
 * The reference that holds the defaults. Override it with `layer`, `layerConfig` or `Effect.provideService`.
 *
 * @category references
 * @since 0.1.0
 */
export const PollDefaults: Context.Reference<PollDefaults> = defaults.Reference

/**
 * Creates a layer that overrides some of the defaults. The fields of `checkErrors` are overridden one by one.
 *
 * **Example** (Tolerating more failed checks)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as PollDefaults from "effect-poll/PollDefaults"
 *
 * const tolerant = PollDefaults.layer({ checkErrors: { maxConsecutive: 20 }, checkTimeout: "5 minutes" })
 * const maxConsecutive = Effect.map(PollDefaults.PollDefaults, (defaults) => defaults.checkErrors.maxConsecutive)
 * await Effect.runPromise(Effect.provide(maxConsecutive, tolerant)) // => 20
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (overrides: Partial<PollDefaults>): Layer.Layer<never> =>
  Layer.effect(
    PollDefaults,
    Effect.map(PollDefaults, (current) => ({
      ...current,
      ...overrides,
      checkErrors: { ...current.checkErrors, ...overrides.checkErrors }
    }))
  )

/**
 * A layer that overrides defaults from the configuration.
 *
 * **Details**
 *
 * All keys are optional:
 *
 * | key | value |
 * |---|---|
 * | `EFFECT_POLL_CHECK_TIMEOUT` | a duration, such as `30 seconds` |
 * | `EFFECT_POLL_MAX_HINT` | a duration |
 * | `EFFECT_POLL_CANCEL_TIMEOUT` | a duration |
 * | `EFFECT_POLL_CHECK_ERRORS_MAX_CONSECUTIVE` | an integer >= 0 |
 * | `EFFECT_POLL_CHECK_ERRORS_MAX_TOTAL` | an integer >= 0 |
 * | `EFFECT_POLL_CHECK_ERRORS_MAX_OUTAGE` | a duration |
 * | `EFFECT_POLL_ZERO_DELAY` | a duration |
 * | `EFFECT_POLL_SPAN` | true or false |
 * | `EFFECT_POLL_LOGS` | true, false, or the level of failed waits: `Fatal`, `Error`, `Warn`, `Info`, `Debug` or `Trace` |
 *
 * A value that cannot be parsed fails with a `ConfigError`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<never, Config.ConfigError> = /*#__PURE__*/ Layer.unwrap(
  Effect.map(
    Config.all({
      checkTimeout: Config.option(Config.Duration("EFFECT_POLL_CHECK_TIMEOUT")),
      maxHint: Config.option(Config.Duration("EFFECT_POLL_MAX_HINT")),
      cancelTimeout: Config.option(Config.Duration("EFFECT_POLL_CANCEL_TIMEOUT")),
      checkErrors: Config.map(
        Config.all({
          maxConsecutive: Config.option(Config.Int("EFFECT_POLL_CHECK_ERRORS_MAX_CONSECUTIVE")),
          maxTotal: Config.option(Config.Int("EFFECT_POLL_CHECK_ERRORS_MAX_TOTAL")),
          maxOutage: Config.option(Config.Duration("EFFECT_POLL_CHECK_ERRORS_MAX_OUTAGE"))
        }),
        (config) => Option.some(defined(config))
      ),
      zeroDelay: Config.option(Config.Duration("EFFECT_POLL_ZERO_DELAY")),
      span: Config.option(Config.Boolean("EFFECT_POLL_SPAN")),
      logs: Config.option(
        Config.orElse(Config.Boolean("EFFECT_POLL_LOGS"), () =>
          Config.Literals(["Fatal", "Error", "Warn", "Info", "Debug", "Trace"], "EFFECT_POLL_LOGS")
        )
      )
    }),
    (config) => layer(defined(config))
  )
)

// ---- internal ----

type Defined<T> = { readonly [K in keyof T]?: T[K] extends Option.Option<infer A> ? A : never }

/** Returns the fields that have a value. */
const defined = <T extends Record<string, Option.Option<unknown>>>(config: T): Defined<T> =>
  Object.fromEntries(
    Object.entries(config).flatMap(([field, value]) => (Option.isSome(value) ? [[field, value.value]] : []))
  ) as Defined<T>
