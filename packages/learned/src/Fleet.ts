/**
 * Many jobs under one budget of requests.
 *
 * **Details**
 *
 * A fleet has one price: the lag that one request is worth. It is the same for all jobs, because a request that saves more
 * lag elsewhere is better spent there, and it is set so that the plans of all jobs together use the budget. It follows
 * from the rate at which jobs of each kind start, from what their histories know, and from how much of the budget is used.
 *
 * Its gate keeps to the budget whatever the plans are: requests are evenly spaced, a few may follow each other at once
 * after a pause, and what comes too early gets a turn, in order.
 *
 * A request for many waits until enough checks of its job are planned for a whole one, but for at most three quarters of
 * the time between two checks. Checks are planned earlier by as much as they wait for that on average.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Gate from "effect-poll/Gate"
import type * as Strategy from "effect-poll/Strategy"
import type { History } from "./History.ts"
import { Control } from "./internal/fleet/control.ts"
import { liveOf } from "./internal/handle.ts"
import { Planner } from "./internal/planner.ts"
import { plannedWith } from "./internal/strategies.ts"
import * as validate from "./internal/validate.ts"

/**
 * Strategies, a gate and a price that keep to one budget together.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fleet {
  /** Returns the strategy for the waits of a job. Throws a RangeError if the fleet has no history of it. */
  readonly strategy: (job: { readonly name: string }) => Strategy.Strategy
  /** The gate for all waits, which keeps to the budget. */
  readonly gate: Gate.Gate
  /** The lag that one request is worth now. */
  readonly price: Effect.Effect<Duration.Duration>
}

/**
 * The options of a fleet.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How many requests may be made in a second, on average; a positive finite number. */
  readonly requestsPerSecond: number
  /** How many jobs one request checks at most, as the `max` of `checkMany`; an integer >= 1, default 1. */
  readonly batch?: number | undefined
  /** How many requests may follow each other at once; an integer >= 1, default a quarter of those of a second. */
  readonly burst?: number | undefined
  /** The histories of the jobs, one for each. */
  readonly histories: ReadonlyArray<History>
}

/**
 * Makes a fleet. Throws a RangeError for an option out of range, and for two histories of one job.
 *
 * **Example** (Ten requests a second for all renders and exports)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Poller from "effect-poll/Poller"
 * import * as Status from "effect-poll/Status"
 * import * as Fleet from "@effect-poll/learned/Fleet"
 * import * as History from "@effect-poll/learned/History"
 *
 * const Render = Job.make("render", { check: (_id: string) => Effect.succeed(Status.succeeded("film.mp4")) })
 *
 * const program = Effect.gen(function* () {
 *   const history = History.makeUnsafe(Render, { hint: "100 millis" })
 *   const { gate, strategy } = yield* Fleet.make({ requestsPerSecond: 10, histories: [history] })
 *   const poller = yield* Poller.make()
 *   return yield* poller.until(Render, "r-1", { deadline: "1 minute", gate, strategy: strategy(Render) })
 * })
 * await Effect.runPromise(Effect.scoped(program)) // => "film.mp4"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<Fleet> => {
  const rate = validate.positive("Fleet.make: requestsPerSecond", options.requestsPerSecond)
  const batch = validate.count("Fleet.make: batch", options.batch ?? 1, 1)
  const burst = validate.count("Fleet.make: burst", options.burst ?? Math.max(1, Math.floor(rate / 4)), 1)
  const lives = new Map(options.histories.map((history) => [history.job, liveOf(history)]))
  if (lives.size < options.histories.length) {
    throw new RangeError("Fleet.make: histories must be of different jobs")
  }
  return Effect.map(Clock.Clock, (clock) => {
    const control = new Control(rate, batch, burst, () => clock.currentTimeMillisUnsafe())
    const strategies = new Map(
      [...lives].map(([job, live]) => {
        const strategy = plannedWith(new Planner(live, { _tag: "Given", current: control.current }), (delay, seen) => {
          // A wait asks for its first wait once.
          if (seen.attempt === 0) control.started(live.kind(live.classOf(seen.key)))
          return control.plan(job, delay, seen.attempt === 0)
        })
        return [job, strategy]
      })
    )
    return {
      strategy: ({ name }) => {
        const strategy = strategies.get(name)
        return strategy ?? validate.refuse("Fleet.strategy: job", `one of ${[...lives.keys()].join(", ")}`, name)
      },
      gate: Gate.make(({ job, key }) =>
        Effect.sync(() => {
          const wait = control.ask(job, key)
          return wait === 0 ? Gate.open : Gate.postponed(Math.max(1, Math.ceil(wait)), "budget of the fleet")
        })
      ),
      price: Effect.sync(() => Duration.seconds(control.current()))
    }
  })
}
