/**
 * What the ready jobs of all providers can be told.
 *
 * @since 0.1.0
 */
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import type * as Duration from "effect/Duration"
import type { Schedule } from "effect/Schedule"
import type { CheckErrorPolicy, UnknownStatePolicy } from "effect-poll/Job"
import type { Observation } from "effect-poll/Observation"

/**
 * The settings that all providers share.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings {
  /** Where the service is, with or without a slash at the end. An empty one is a RangeError. */
  readonly baseUrl: string
  /**
   * What follows when the service says a word that is not listed. Default `"continue"`: the word counts as pending, is
   * kept as the state, and the deadline bounds it, since no provider's documentation calls its list complete.
   */
  readonly unknownState?: UnknownStatePolicy | undefined
  /** What follows when a check fails. Default: what the module says, otherwise that of `Job`. */
  readonly checkErrors?: CheckErrorPolicy<HttpCheckError> | undefined
  /**
   * How long after the start of a wait a job that is not found counts as pending, if no status was seen; a non-negative
   * duration, default none.
   */
  readonly grace?: Duration.Input | undefined
  /**
   * Multiplies all times that the module brings along: its strategies and the delays after failed checks. A positive
   * finite number, default 1; 0.1 is ten times faster. What is given as an option of its own is used as it is.
   */
  readonly timeScale?: number | undefined
}

/**
 * The settings of a provider that has one default strategy.
 *
 * @category models
 * @since 0.1.0
 */
export interface WithStrategy extends Settings {
  /** When to check, in place of the default of the module; any `Schedule`. */
  readonly strategy?: Schedule<unknown, Observation> | undefined
}

/**
 * The settings of a provider that has several jobs, each with a default strategy.
 *
 * @category models
 * @since 0.1.0
 */
export interface WithStrategies<in out Name extends string> extends Settings {
  /** When to check, by job, in place of the defaults of the module; any `Schedule`. */
  readonly strategies?: { readonly [N in Name]?: Schedule<unknown, Observation> | undefined } | undefined
}
