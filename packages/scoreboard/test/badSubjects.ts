// Subjects with faults that the fleet's rows have to show, whatever ours does.
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import type { PollOptions } from "effect-poll/PollOptions"
import type * as Poller from "effect-poll/Poller"
import * as Strategy from "effect-poll/Strategy"
import { ours, type Subject } from "../fleet/subject.ts"

/** Ours, with some members of its Pollers replaced. */
const withPoller = (change: (poller: Poller.Service) => Partial<Record<keyof Poller.Service, unknown>>): Subject => ({
  ...ours,
  make: (options) =>
    Effect.map(ours.make(options), (poller) => ({ ...poller, ...change(poller) }) as unknown as Poller.Service)
})

/** Its waits end 15 seconds before their deadline. */
export const hasty = withPoller(({ results }) => ({
  results: ((job, keys, options) => {
    const millis = Duration.toMillis(Duration.fromInputUnsafe(options.deadline as Duration.Input))
    return results(job, keys, { ...options, deadline: millis - 15_000 })
  }) satisfies Poller.Service["results"]
}))

/** It hands out results a minute late once waits were added by `add`. */
export const jealous = withPoller(({ add, until }) => {
  let added = 0
  return {
    add: ((job, key, options) => {
      added++
      return add(job, key, options)
    }) satisfies Poller.Service["add"],
    until: ((job, key, options) =>
      Effect.ensuring(
        until(job, key, options),
        Effect.suspend(() => (added > 0 ? Effect.sleep("1 minute") : Effect.void))
      )) satisfies Poller.Service["until"]
  }
})

/** It makes no checks of what was added by `add`, so nothing can be in the way of others. */
export const aloof = withPoller(() => ({ add: () => Effect.void }))

/** Closing it takes a minute longer. */
export const sluggish: Subject = {
  ...ours,
  make: (options) =>
    Effect.andThen(
      Effect.addFinalizer(() => Effect.sleep("1 minute")),
      ours.make(options)
    )
}

/** It calls a cancel before it hands out its tokens. */
export const rash: Subject = withPoller(({ add, shutdown }) => {
  let cancel: Effect.Effect<unknown> = Effect.void
  return {
    add: ((job, key, options) => {
      if (options.onClose === "cancelRemote") cancel = job.cancel!(key) as Effect.Effect<unknown>
      return add(job, key, options)
    }) satisfies Poller.Service["add"],
    shutdown: Effect.andThen(
      Effect.suspend(() => Effect.forkDetach(cancel, { startImmediately: true })),
      shutdown
    )
  }
})

/** It makes a request for each key. */
export const chatty = withPoller(({ add }) => {
  let single: Job.Any | undefined
  return {
    add: (job: Job.Any, key: unknown, options: PollOptions<unknown>) => {
      single ??= Job.make(job.name, { check: job.check as Job.Job<string, unknown>["check"] }) as unknown as Job.Any
      return add(single, key, options)
    }
  }
})

/** It checks half a second late. */
export const late = withPoller(({ add }) => ({
  add: ((job, key, options) =>
    add(job, key, { ...options, strategy: Strategy.spaced("1500 millis") })) satisfies Poller.Service["add"]
}))

const leaked: Array<unknown> = []

/** It keeps five kilobytes for each check. */
export const leaky: Subject = {
  ...ours,
  start: (check, options) =>
    ours.start(
      Effect.tap(check, () => Effect.sync(() => leaked.push(new Float64Array(640)))),
      options
    )
}

/** Forgets what `leaky` has kept. */
export const forget = (): void => void leaked.splice(0)
