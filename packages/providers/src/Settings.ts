/**
 * The settings that the jobs of all providers have in common.
 *
 * @since 0.1.0
 */
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import type * as Duration from "effect/Duration"
import type { Schedule } from "effect/Schedule"
import type { CheckErrorPolicy, ConfirmPolicy, Options, UnknownStatePolicy } from "effect-poll/Job"
import type { Observation } from "effect-poll/Observation"

/**
 * The settings that all providers share. Those of waits are for all jobs of the provider; see `Job.Options`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings extends Pick<
  Options<unknown, unknown, unknown, unknown, never>,
  "checkTimeout" | "stall" | "stateLimits" | "minInterval" | "onAction"
> {
  /** How an end is confirmed before it counts. Default: the first answer with an end counts. */
  readonly confirm?: ConfirmPolicy | undefined
  /** The base URL of the service, with or without a trailing slash. A blank one is a RangeError. */
  readonly baseUrl: string
  /**
   * What to do about a state that the module does not list. Default: `"continue"`. The job then counts as pending with
   * that state until the deadline, because no provider's documentation claims that its list of states is complete.
   */
  readonly unknownState?: UnknownStatePolicy | undefined
  /** How many failed checks a wait tolerates, and how they are retried. Default: see the module, otherwise that of `Job`. */
  readonly checkErrors?: CheckErrorPolicy<HttpCheckError> | "unbounded" | undefined
  /**
   * How long after the start of a wait a job that is not found counts as pending, provided that no status has been
   * seen. A non-negative duration. Default: none, so the first 404 ends the wait as `JobNotFound`.
   */
  readonly grace?: Duration.Input | undefined
  /**
   * Multiplies the times that the module defines: its strategies, its minimum interval and the delays after failed
   * checks. Times given as options are not scaled. A positive finite number; 0.1 is ten times faster. Default: 1.
   */
  readonly timeScale?: number | undefined
}

/**
 * The settings of a provider with one default strategy.
 *
 * @category models
 * @since 0.1.0
 */
export interface WithStrategy extends Settings {
  /** When to check; any `Schedule`. Default: the `strategy` of the module. */
  readonly strategy?: Schedule<unknown, Observation> | undefined
}

/**
 * The settings of a provider with several jobs, each with a default strategy.
 *
 * @category models
 * @since 0.1.0
 */
export interface WithStrategies<in out Name extends string> extends Settings {
  /** When to check, by the name of the job; any `Schedule`. Default: the strategies of the module. */
  readonly strategies?: { readonly [N in Name]?: Schedule<unknown, Observation> | undefined } | undefined
}
