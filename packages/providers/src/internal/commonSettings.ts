import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Duration from "effect/Duration"
import type { CheckErrorPolicy, MissingPolicy, UnknownStatePolicy } from "effect-poll/Job"
import * as Strategy from "effect-poll/Strategy"
import type { Settings } from "../Settings.ts"
import * as Validate from "./validate.ts"

/** The settings of one provider, validated and with their defaults filled in. */
export interface Resolved extends Pick<
  Settings,
  "checkTimeout" | "confirm" | "stall" | "stateLimits" | "minInterval" | "onAction"
> {
  /** Joins the base URL and a path. */
  readonly url: (path: string) => string
  readonly timeScale: number
  readonly unknownState: UnknownStatePolicy
  readonly checkErrors: CheckErrorPolicy<HttpCheckError> | "unbounded"
  readonly missing: MissingPolicy<unknown, never, never, never, never> | undefined
}

/** Validates the settings that all providers share and fills in their defaults; `name` begins every error message. */
export const resolve = (
  name: string,
  settings: Settings,
  checkErrors: (timeScale: number) => CheckErrorPolicy<HttpCheckError> = defaultCheckErrors
): Resolved => {
  const base = Validate.nonEmpty(`${name}: baseUrl`, settings.baseUrl).replace(/\/+$/, "")
  const timeScale = Validate.positive(`${name}: timeScale`, settings.timeScale ?? 1)
  const { checkTimeout, confirm, minInterval, onAction, stall, stateLimits } = settings
  return {
    checkTimeout,
    confirm,
    minInterval,
    onAction,
    stall,
    stateLimits,
    url: (path) => base + (path.startsWith("/") ? path : `/${path}`),
    timeScale,
    unknownState: settings.unknownState ?? "continue",
    checkErrors: settings.checkErrors ?? checkErrors(timeScale),
    missing: settings.grace === undefined ? undefined : { grace: settings.grace }
  }
}

/** Multiplies all delays of a strategy by the time scale. */
export const scaled = (strategy: Strategy.Strategy, timeScale: number): Strategy.Strategy =>
  timeScale === 1 ? strategy : Strategy.scale(strategy, timeScale)

/** A documented time multiplied by the time scale, in milliseconds. */
export const scaledMillis = (time: Duration.Input, timeScale: number): number =>
  Duration.toMillis(Duration.fromInputUnsafe(time)) * timeScale

// ---- internal ----

/** The defaults of `Job`, written out so that they can be scaled. */
const defaultCheckErrors = (timeScale: number): CheckErrorPolicy<HttpCheckError> => ({
  schedule: scaled(Strategy.exponential({ initial: "1 second", factor: 2, cap: "30 seconds" }), timeScale)
})
