// A Poller in real time, for rows that measure how long something takes.
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { setTimeout as sleep } from "node:timers/promises"
import type * as Job from "effect-poll/Job"
import type * as Poller from "effect-poll/Poller"
import type { PollOptions } from "effect-poll/PollOptions"
import type { Subject } from "./subject.ts"

export interface Opened {
  readonly poller: Poller.Service
  readonly close: () => Promise<void>
}

export const open = async (subject: Subject, options?: Poller.Options): Promise<Opened> => {
  const scope = await Effect.runPromise(Scope.make())
  const poller = await Effect.runPromise(Effect.provideService(subject.make(options), Scope.Scope, scope))
  return { poller, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

/** Adds waits for the keys `prefix` and 0, 1, ... as one stream of results, which calls `ended`, until all have begun. */
export const addAll = async (
  poller: Poller.Service,
  job: Job.Job<string, string>,
  n: number,
  options: PollOptions,
  ended: (count: number) => void = () => {},
  prefix = ""
): Promise<void> => {
  let isAdded = false
  const keys = function* () {
    for (let index = 0; index < n; index++) yield `${prefix}${index}`
    isAdded = true
  }
  const ends = poller.results(job, { [Symbol.iterator]: keys }, options)
  Effect.runFork(Stream.runForEachArray(ends, ({ length }) => Effect.sync(() => ended(length))))
  await until(() => isAdded, 1)
}

/** Looks every so many milliseconds, until something is so. */
export const until = async (isOver: () => boolean, everyMillis: number): Promise<void> => {
  while (!isOver()) await sleep(everyMillis)
}

/** The seconds and the CPU seconds that it takes. */
export const timed = async (
  run: () => Promise<unknown>
): Promise<{ readonly seconds: number; readonly cpu: number }> => {
  const [began, before] = [performance.now(), process.cpuUsage()]
  await run()
  const { system, user } = process.cpuUsage(before)
  return { seconds: (performance.now() - began) / 1_000, cpu: (system + user) / 1e6 }
}
