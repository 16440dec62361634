/**
 * When to check next.
 *
 * A strategy is a `Schedule` of `Observation`s, used as `Effect.repeat` uses a schedule: check first, then wait its
 * delay. Any plain `Schedule` is a strategy. The ones built here add two things a `Schedule` cannot say: a *first wait*
 * before the first check, and one pure decision function, from which their Schedule view is made and which the loop
 * calls directly (no state per job, no closures, about a hundred times cheaper than stepping a composed schedule).
 *
 * **Details**
 *
 * - A delay is measured from the end of one check to the start of the next.
 * - Strategies of this module never wait longer than they are told to: jitter only shortens, a cap is a cap.
 * - `maxDuration` is absolute: it counts from the start of the wait and includes the first wait and the checks themselves.
 *   The last check is placed so that it still fits (see `Poll`), then the wait ends as `PollTimeout` with the reason
 *   `strategy`.
 * - A strategy never ends a wait with success, and never checks the clock.
 *
 * **Gotchas**
 *
 * The combinators of this module keep first wait, limits and decision function. Those of effect's own `Schedule` keep
 * neither: their result is a plain `Schedule`, equally right, without a first wait.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { hasProperty } from "effect/Predicate"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { place } from "./internal/nextCheck.ts"
import * as plans from "./internal/plan.ts"
import * as validate from "./internal/validate.ts"
import type { Observation } from "./Observation.ts"
import type { WaitReason } from "./PollEvent.ts"
import * as Status from "./Status.ts"

const TypeId = "~effect-poll/Strategy"

/**
 * A `Schedule` with a first wait and a pure decision function.
 *
 * @category models
 * @since 0.1.0
 */
export interface Strategy extends Schedule.Schedule<Duration.Duration, Observation> {
  readonly [TypeId]: unknown
}

/**
 * The next delay in milliseconds, or the end of the strategy.
 *
 * @category models
 * @since 0.1.0
 */
export type Decision = number | "end"

/**
 * Decides how long to wait until the next check.
 *
 * **Details**
 *
 * - `step` counts the decisions of this wait from 1; a failed check makes none.
 * - `elapsedMillis` is the time since the first decision, in milliseconds.
 * - `random` draws from 0 (included) to 1 (excluded).
 *
 * It must be pure: the same arguments give the same answer, so that waits can share one strategy.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decide {
  (step: number, elapsedMillis: number, observation: Observation, random: () => number): Decision
}

/**
 * Tests whether a value is a strategy of this module; a plain `Schedule` is not, though it may be used as one.
 *
 * @category guards
 * @since 0.1.0
 */
export const isStrategy = (u: unknown): u is Strategy => hasProperty(u, TypeId)

/**
 * Creates a strategy from a decision function.
 *
 * **Details**
 *
 * A decision below zero or `NaN` counts as no delay. `firstWait` defaults to none, `maxAttempts` and `maxDuration` to
 * unbounded.
 *
 * **Example** (Asking more often near the end)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const eager = Strategy.make({
 *   decide: (_step, _elapsed, { status }) => ((status.progress ?? 0) > 0.9 ? 1_000 : 10_000)
 * })
 * Strategy.delaysMillis(eager, 2) // => [10_000, 10_000]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly decide: Decide
  readonly firstWait?: Duration.Input | undefined
  readonly maxAttempts?: number | undefined
  readonly maxDuration?: Duration.Input | undefined
}): Strategy =>
  fromPlan({
    decide: options.decide,
    firstWait:
      options.firstWait === undefined
        ? 0
        : validate.millis("Strategy.make: firstWait", options.firstWait, "nonNegative"),
    maxAttempts:
      options.maxAttempts === undefined
        ? Number.POSITIVE_INFINITY
        : validate.count("Strategy.make: maxAttempts", options.maxAttempts, 1),
    maxDuration:
      options.maxDuration === undefined
        ? Number.POSITIVE_INFINITY
        : validate.millis("Strategy.make: maxDuration", options.maxDuration, "positive")
  })

/**
 * Waits the same time between checks.
 *
 * @category constructors
 * @since 0.1.0
 */
export const spaced = (interval: Duration.Input): Strategy => {
  const millis = validate.millis("Strategy.spaced: interval", interval, "positive")
  return constantly(() => millis)
}

/**
 * Waits `initial`, then `increment` longer each time, up to an optional `cap`.
 *
 * **When to use**
 *
 * Use it uncapped when nothing is known of a job's duration: with `increment` = the seconds of lag that one request is
 * worth, and `initial` half of that, its cost (requests + lag / increment) is in the geometric mean 1.5 times that of
 * the best possible schedule, where capped exponential backoff costs 2.1 to 2.3 times and a fixed interval 4 to 8 times
 * (Barlow, Hunter and Proschan 1963 for the theory; the figures are of this project).
 *
 * **Details**
 *
 * `initial` defaults to `increment`. `increment` must be positive, `cap` at least `initial`.
 *
 * **Example** (Half a second of lag is worth a request)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * Strategy.delaysMillis(Strategy.linear({ initial: "250 millis", increment: "500 millis" }), 4) // => [250, 750, 1250, 1750]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const linear = (options: {
  readonly increment: Duration.Input
  readonly initial?: Duration.Input | undefined
  readonly cap?: Duration.Input | undefined
}): Strategy => {
  const increment = validate.millis("Strategy.linear: increment", options.increment, "positive")
  const initial =
    options.initial === undefined
      ? increment
      : validate.millis("Strategy.linear: initial", options.initial, "nonNegative")
  const max = capOf("Strategy.linear", options.cap, initial, Number.POSITIVE_INFINITY)
  return constantly((step) => Math.min(max, initial + (step - 1) * increment))
}

/**
 * Waits `initial`, then `factor` times longer each time, up to `cap`.
 *
 * **Details**
 *
 * `factor` defaults to 2 and must be at least 1. `cap` defaults to one hour and must be at least `initial`; there is no
 * way to leave it out, since an uncapped exponential delay soon outlives any job.
 *
 * **Example** (Gentle at first, then twice a minute)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const gentle = Strategy.exponential({ initial: "2 seconds", factor: 1.5, cap: "30 seconds" })
 * Strategy.delaysMillis(gentle, 4) // => [2000, 3000, 4500, 6750]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const exponential = (options: {
  readonly initial: Duration.Input
  readonly factor?: number | undefined
  readonly cap?: Duration.Input | undefined
}): Strategy => {
  const initial = validate.millis("Strategy.exponential: initial", options.initial, "positive")
  const factor = validate.atLeast("Strategy.exponential: factor", options.factor ?? 2, 1)
  const max = capOf("Strategy.exponential", options.cap, initial, Math.max(initial, 3_600_000))
  return constantly((step) => Math.min(max, initial * Math.pow(factor, step - 1)))
}

/**
 * Sets the wait before the first check; it replaces one that is already there.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withFirstWait: {
  (firstWait: Duration.Input): (self: Strategy) => Strategy
  (self: Strategy, firstWait: Duration.Input): Strategy
} = dual(2, (self: Strategy, firstWait: Duration.Input) =>
  fromPlan({
    ...planOf(self),
    firstWait: validate.millis("Strategy.withFirstWait: firstWait", firstWait, "nonNegative")
  })
)

/**
 * Ends the strategy after so many checks in all, failed ones counted. After the last of them there is no further wait.
 *
 * @category combinators
 * @since 0.1.0
 */
export const maxAttempts: {
  (maxAttempts: number): (self: Strategy) => Strategy
  (self: Strategy, maxAttempts: number): Strategy
} = dual(2, (self: Strategy, maxAttempts: number) =>
  fromPlan({
    ...planOf(self),
    maxAttempts: Math.min(planOf(self).maxAttempts, validate.count("Strategy.maxAttempts: maxAttempts", maxAttempts, 1))
  })
)

/**
 * Ends the strategy after so many delays.
 *
 * **When to use**
 *
 * Use it for the `retry` of a check-error policy: `maxRecurrences(2)` allows three tries. To bound the checks of a wait use
 * `maxAttempts`, which counts failed checks too.
 *
 * @category combinators
 * @since 0.1.0
 */
export const maxRecurrences: {
  (maxTimes: number): (self: Strategy) => Strategy
  (self: Strategy, maxTimes: number): Strategy
} = dual(2, (self: Strategy, maxTimes: number) => {
  const bound = validate.count("Strategy.maxRecurrences: maxTimes", maxTimes, 0)
  const { decide } = planOf(self)
  return fromPlan({
    ...planOf(self),
    decide: (step, elapsed, seen, random) => (step > bound ? "end" : decide(step, elapsed, seen, random))
  })
})

/**
 * Ends the strategy when so much time has passed since the start of the wait.
 *
 * **Details**
 *
 * The wait then ends as `PollTimeout` with the reason `strategy`, after a last check that is placed within the limit. It
 * is a bound of the strategy; the wait as a whole has its `deadline`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const maxDuration: {
  (duration: Duration.Input): (self: Strategy) => Strategy
  (self: Strategy, duration: Duration.Input): Strategy
} = dual(2, (self: Strategy, duration: Duration.Input) =>
  fromPlan({
    ...planOf(self),
    maxDuration: Math.min(
      planOf(self).maxDuration,
      validate.millis("Strategy.maxDuration: duration", duration, "positive")
    )
  })
)

/**
 * Never waits longer than `max` between checks.
 *
 * @category combinators
 * @since 0.1.0
 */
export const cap: {
  (max: Duration.Input): (self: Strategy) => Strategy
  (self: Strategy, max: Duration.Input): Strategy
} = dual(2, (self: Strategy, max: Duration.Input) => {
  const millis = validate.millis("Strategy.cap: max", max, "positive")
  return mapDelay(self, (delay) => Math.min(millis, delay))
})

/**
 * Changes each decision of a strategy, after its own bounds, jitter and `skipNearDeadline` have been applied. The first
 * wait and the bounds stay.
 *
 * **Details**
 *
 * `f` gets the delay in milliseconds, or `"end"`, and the observation it was decided by. It must be pure.
 *
 * **Example** (Following a figure of the server)
 *
 * ```ts
 * import * as Status from "effect-poll/Status"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const asAsked = Strategy.spaced("5 seconds").pipe(
 *   Strategy.modify((decision, { status }) => (typeof status.detail === "number" ? status.detail : decision))
 * )
 * Strategy.delaysMillis(asAsked, 1, { status: Status.pending({ detail: 700 }) }) // => [700]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const modify: {
  (f: (decision: Decision, observation: Observation) => Decision): (self: Strategy) => Strategy
  (self: Strategy, f: (decision: Decision, observation: Observation) => Decision): Strategy
} = dual(2, (self: Strategy, f: (decision: Decision, observation: Observation) => Decision) => {
  const plan = planOf(self)
  return fromPlan({
    firstWait: plan.firstWait,
    maxAttempts: plan.maxAttempts,
    maxDuration: plan.maxDuration,
    decide: (step, elapsed, seen, random) => f(plans.next(plan, step, elapsed, seen, random), seen)
  })
})

/**
 * Multiplies all times of a strategy: first wait, delays, `maxDuration`.
 *
 * **When to use**
 *
 * Use it to run a strategy in fast motion: in a demo, or a test against a server whose jobs are as much faster.
 *
 * **Details**
 *
 * `factor` must be a positive finite number; 0.1 makes everything ten times faster. What the decision function sees is
 * scaled back, so that it decides as it would in real time.
 *
 * **Example** (Sixty times faster)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * Strategy.delaysMillis(Strategy.scale(Strategy.spaced("1 minute"), 1 / 60), 2) // => [1000, 1000]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const scale: {
  (factor: number): (self: Strategy) => Strategy
  (self: Strategy, factor: number): Strategy
} = dual(2, (self: Strategy, factor: number) => {
  if (!Number.isFinite(factor) || factor <= 0) {
    throw new RangeError(`Strategy.scale: factor must be a positive finite number, got ${factor}`)
  }
  const plan = planOf(self)
  return fromPlan({
    firstWait: plan.firstWait * factor,
    maxAttempts: plan.maxAttempts,
    maxDuration: plan.maxDuration * factor,
    jitter: plan.jitter === undefined ? undefined : { ...plan.jitter, atLeast: plan.jitter.atLeast * factor },
    clearance: plan.clearance === undefined ? undefined : plan.clearance * factor,
    decide: (step, elapsed, seen, random) => {
      const decision = plan.decide(
        step,
        elapsed / factor,
        {
          ...seen,
          elapsedMillis: seen.elapsedMillis / factor,
          remainingMillis: seen.remainingMillis / factor,
          sinceChangeMillis: seen.sinceChangeMillis / factor
        },
        random
      )
      return decision === "end" ? decision : decision * factor
    }
  })
})

/**
 * Spreads checks so that many waits do not move in step.
 *
 * **Details**
 *
 * A delay `d` becomes one drawn evenly from `d / 2 .. d` (`"equal"`), from `0 .. d` (`"full"`), or from `atLeast .. d`; so
 * a cap holds, which is not true of effect's `Schedule.jittered`. `"none"` takes jitter away. The last jitter of a
 * strategy counts, and it is applied after all its other combinators.
 *
 * With a `seed` the draw is a function of seed, key and step alone: every run of the same wait has the same delays, and
 * different keys have different ones.
 *
 * Jitter keeps clients apart. It does not make an end be seen sooner.
 *
 * **Example** (The same spread in every run)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const strategy = Strategy.spaced("10 seconds").pipe(Strategy.jittered("equal", { seed: "fleet" }))
 * const [delay] = Strategy.delaysMillis(strategy, 1, { key: "job-1" })
 * Strategy.delaysMillis(strategy, 1, { key: "job-1" }) // => [delay]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const jittered: {
  (kind: JitterKind, options?: { readonly seed?: string | undefined }): (self: Strategy) => Strategy
  (self: Strategy, kind: JitterKind, options?: { readonly seed?: string | undefined }): Strategy
} = dual(
  (args) => isStrategy(args[0]),
  (self: Strategy, kind: JitterKind, options?: { readonly seed?: string | undefined }) =>
    fromPlan({
      ...planOf(self),
      jitter:
        kind === "none"
          ? undefined
          : {
              share: kind === "equal" ? 0.5 : 0,
              atLeast:
                typeof kind === "object"
                  ? validate.millis("Strategy.jittered: atLeast", kind.atLeast, "nonNegative")
                  : 0,
              seed: options?.seed
            }
    })
)

/**
 * How delays are spread (see `jittered`).
 *
 * @category models
 * @since 0.1.0
 */
export type JitterKind = "none" | "equal" | "full" | { readonly atLeast: Duration.Input }

/**
 * Leaves out a check that would come no more than `margin` before the deadline, and waits for the deadline instead.
 *
 * **Details**
 *
 * With `exponential` and a `jittered` of `atLeast` this is the algorithm of the Smithy waiters
 * (https://smithy.io/2.0/additional-specs/waiters.html#waiter-retries).
 *
 * **Example** (The default of an AWS waiter)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const waiter = Strategy.exponential({ initial: "2 seconds", cap: "2 minutes" }).pipe(
 *   Strategy.jittered({ atLeast: "2 seconds" }),
 *   Strategy.skipNearDeadline("2 seconds")
 * )
 * Strategy.delaysMillis(waiter, 3, { random: () => 0 }) // => [2000, 2000, 2000]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const skipNearDeadline: {
  (margin: Duration.Input): (self: Strategy) => Strategy
  (self: Strategy, margin: Duration.Input): Strategy
} = dual(2, (self: Strategy, margin: Duration.Input) =>
  fromPlan({
    ...planOf(self),
    clearance: validate.millis("Strategy.skipNearDeadline: margin", margin, "nonNegative")
  })
)

/**
 * Checks again after a share of the time that the job still needs, as estimated from its progress; as `otherwise` while it
 * says none.
 *
 * **Details**
 *
 * The estimate is `elapsed * (1 - progress) / progress`. `share` is above 0 and at most 1, default 0.5; the delay is kept
 * between `min` and `max`.
 *
 * **Gotchas**
 *
 * This is right for progress that is even in time. Progress that is not (the last percent takes half of the time) makes
 * it ask too often or too late: measured on noise, it costs 5 to 36 times the best schedule.
 *
 * **Example** (Half-way through after ten seconds)
 *
 * ```ts
 * import * as Status from "effect-poll/Status"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const strategy = Strategy.byProgress({ min: "1 second", max: "1 minute", otherwise: Strategy.spaced("5 seconds") })
 * const half = Status.pending({ progress: 0.5 })
 * Strategy.delaysMillis(Strategy.withFirstWait(strategy, "10 seconds"), 1, { status: half }) // => [5000]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const byProgress = (options: {
  readonly min: Duration.Input
  readonly max: Duration.Input
  readonly otherwise: Strategy
  readonly share?: number | undefined
}): Strategy => {
  const min = validate.millis("Strategy.byProgress: min", options.min, "positive")
  const max = validate.millis("Strategy.byProgress: max", options.max, "positive")
  const share = options.share ?? 0.5
  if (max < min) throw new RangeError(`Strategy.byProgress: max must be at least min, got ${max} < ${min} ms`)
  if (!(share > 0 && share <= 1)) {
    throw new RangeError(`Strategy.byProgress: share must be above 0 and at most 1, got ${share}`)
  }
  const otherwise = planOf(options.otherwise)
  return fromPlan({
    ...otherwise,
    decide: (step, elapsed, seen, random) => {
      const { progress } = seen.status
      if (progress === undefined || progress === 0) return otherwise.decide(step, elapsed, seen, random)
      return Math.min(max, Math.max(min, (share * seen.elapsedMillis * (1 - progress)) / progress))
    }
  })
}

/**
 * Takes the first wait of a strategy, in milliseconds: none for a plain `Schedule`.
 *
 * @category destructors
 * @since 0.1.0
 */
export const firstWaitMillis = (self: Schedule.Schedule<unknown, Observation, never, unknown>): number =>
  plans.planOf(self)?.firstWait ?? 0

/**
 * Computes the first delays between checks, in milliseconds, for a job that stays pending and answers at once. Needs no
 * clock.
 *
 * **Details**
 *
 * The first wait is not among them. The list is shorter than `count` where the strategy ends before. A delay that a
 * `maxDuration` cuts short is listed as cut. `random` defaults to the middle of every draw.
 *
 * @category destructors
 * @since 0.1.0
 */
export const delaysMillis = (
  self: Strategy,
  count: number,
  options?: {
    readonly key?: string | undefined
    readonly status?: Status.Pending | undefined
    readonly random?: (() => number) | undefined
  }
): ReadonlyArray<number> => {
  validate.count("Strategy.delaysMillis: count", count, 0)
  const own = planOf(self)
  const random = options?.random ?? (() => 0.5)
  const status = options?.status ?? Status.pending()
  const out: Array<number> = []
  let elapsed = own.firstWait
  for (let step = 1; step <= count; step++) {
    const delay = plans.next(
      own,
      step,
      elapsed - own.firstWait,
      {
        key: options?.key ?? "",
        attempt: step,
        elapsedMillis: elapsed,
        remainingMillis: Number.POSITIVE_INFINITY,
        sinceChangeMillis: elapsed,
        status
      },
      random
    )
    if (delay === "end") break
    out.push(delay)
    elapsed += delay
  }
  return out
}

/**
 * Why a delay is as long as it is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Explanation {
  /** Milliseconds until the next check, or the end of the strategy. */
  readonly delayMillis: Decision
  /** In words: `5s: server floor 5s > strategy 2s, jitter -400ms`. */
  readonly text: string
  /** What the strategy says without jitter, in milliseconds. */
  readonly strategyMillis: Decision
  /** What jitter takes away, in milliseconds. */
  readonly jitterMillis: number
  /** What decided in the end. */
  readonly reason: WaitReason | "end"
}

/**
 * Explains the delay that follows a check: by strategy, jitter, the server's floor and the deadline.
 *
 * **Details**
 *
 * Needs no clock. `step` defaults to 1, `attempt` to `step`, `elapsedMillis` (since the start of the wait) to 0,
 * `remainingMillis` (until the deadline) to unbounded; `floor` is the wish of the server; `checkDuration` the longest of the last
 * three checks, default 0. `random` defaults to the middle of every draw.
 *
 * **Example** (A server that wants its rest)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const strategy = Strategy.exponential({ initial: "2 seconds" }).pipe(Strategy.jittered("equal"))
 * const why = Strategy.explain(strategy, { floor: "5 seconds" })
 * why.text // => "5s: server floor 5s > strategy 2s, jitter -500ms"
 * ```
 *
 * @category destructors
 * @since 0.1.0
 */
export const explain = (
  self: Strategy,
  options?: Partial<Observation> & {
    readonly step?: number | undefined
    readonly floor?: Duration.Input | undefined
    readonly checkDuration?: Duration.Input | undefined
    readonly random?: (() => number) | undefined
  }
): Explanation => {
  const own = planOf(self)
  const step = validate.count("Strategy.explain: step", options?.step ?? 1, 1)
  const floor = validate.millis("Strategy.explain: floor", options?.floor ?? 0, "nonNegative")
  const estimate = validate.millis("Strategy.explain: checkDuration", options?.checkDuration ?? 0, "nonNegative")
  const random = options?.random ?? (() => 0.5)
  const seen: Observation = {
    key: "",
    attempt: step,
    elapsedMillis: 0,
    remainingMillis: Number.POSITIVE_INFINITY,
    sinceChangeMillis: 0,
    status: Status.pending(),
    ...options
  }
  const elapsed = Math.max(0, seen.elapsedMillis - own.firstWait)
  const plain = plans.next({ ...own, jitter: undefined }, step, elapsed, seen, random)
  const said = plans.next(own, step, elapsed, seen, random)
  if (plain === "end" || said === "end") {
    return {
      delayMillis: "end",
      text: "end: the strategy is over",
      strategyMillis: plain,
      jitterMillis: 0,
      reason: "end"
    }
  }
  const deadlineAt = Math.min(seen.remainingMillis, own.maxDuration - seen.elapsedMillis)
  const placed = place({ now: 0, at: said, floorAt: floor, gatedUntil: 0, deadlineAt, estimate }, "strategy")
  const jitter = said - plain
  const words = `strategy ${show(plain)}${jitter === 0 ? "" : `, jitter -${show(-jitter)}`}`
  const text =
    placed.reason === "serverHint"
      ? `server floor ${show(floor)} > ${words}`
      : placed.reason === "deadline"
        ? `no check fits: the server floor ${show(floor)} is beyond the deadline`
        : placed.dueAt < Math.ceil(said)
          ? `${words}, clipped by the deadline`
          : words
  return {
    delayMillis: placed.dueAt,
    text: `${show(placed.dueAt)}: ${text}`,
    strategyMillis: plain,
    jitterMillis: jitter,
    reason: placed.reason
  }
}

// ---- internal ----

const show = (millis: number): string => Duration.format(Duration.millis(millis))

const fromPlan = (plan: plans.Plan): Strategy => plans.withPlan(view(plan), plan) as Strategy

const planOf = (self: Strategy): plans.Plan => plans.planOf(self)!

const constantly = (delay: (step: number) => number): Strategy =>
  fromPlan({
    firstWait: 0,
    maxAttempts: Number.POSITIVE_INFINITY,
    maxDuration: Number.POSITIVE_INFINITY,
    decide: delay
  })

const mapDelay = (self: Strategy, f: (delay: number) => number): Strategy => {
  const { decide } = planOf(self)
  return fromPlan({
    ...planOf(self),
    decide: (step, elapsed, seen, random) => {
      const decision = decide(step, elapsed, seen, random)
      return decision === "end" ? decision : f(decision)
    }
  })
}

const view = (plan: plans.Plan): Schedule.Schedule<Duration.Duration, Observation> =>
  Schedule.fromStepWithMetadata(
    Random.Random.useSync((random) => {
      const draw = () => random.nextDoubleUnsafe()
      let last = Duration.zero
      return ({ attempt, elapsed, input }: Schedule.InputMetadata<Observation>) =>
        Effect.suspend(() => {
          const decision = plans.next(plan, attempt, elapsed, input, draw)
          if (decision === "end") return Cause.done(last)
          last = Duration.millis(decision)
          return Effect.succeed<[Duration.Duration, Duration.Duration]>([last, last])
        })
    })
  )

const capOf = (name: string, input: Duration.Input | undefined, initial: number, otherwise: number): number => {
  if (input === undefined) return otherwise
  const max = validate.millis(`${name}: cap`, input, "positive")
  if (max < initial) throw new RangeError(`${name}: cap must be at least initial, got ${max} < ${initial} ms`)
  return max
}
