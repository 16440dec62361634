// Ends that only the last check before the deadline can see: how many of them are seen, when a fleet has one deadline.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Row } from "./row.ts"
import { busy, idle, singleSeen } from "./singleLastChecks.ts"
import { ours, type Subject } from "./subject.ts"
import { virtually } from "./virtual.ts"

export interface Fleet {
  readonly jobs: number
  readonly concurrency: number
  /** How long a check takes. */
  readonly checkMillis: number
  readonly deadlineMillis: number
  /** How long before the deadline the jobs end. */
  readonly endsBeforeMillis: number
}

/** The share of the jobs whose end is seen. All are added together, and are checked at the start and then once more. */
const seen = (subject: Subject, fleet: Fleet) =>
  Effect.gen(function* () {
    const poller = yield* subject.make({ concurrency: fleet.concurrency })
    const endsAt = (yield* Clock.currentTimeMillis) + fleet.deadlineMillis - fleet.endsBeforeMillis
    const job = Job.make("job", {
      // The server looks at the job when the request begins.
      check: () =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          Effect.as(Effect.sleep(fleet.checkMillis), now >= endsAt ? Status.succeeded("done") : Status.pending())
        )
    })
    const keys = Array.from({ length: fleet.jobs }, (_, index) => String(index))
    const options = { deadline: fleet.deadlineMillis, strategy: Strategy.spaced("1 hour") }
    let succeeded = 0
    yield* Stream.runForEach(poller.results(job, keys, options), ({ exit }) =>
      Effect.sync(() => {
        if (Exit.isSuccess(exit)) succeeded++
      })
    )
    return succeeded / fleet.jobs
  })

export const virtualSeen = (subject: Subject, fleet: Fleet): Promise<number> =>
  virtually(seen(subject, fleet), { atMostMillis: fleet.deadlineMillis + 120_000 })

const realSeen = (subject: Subject, fleet: Fleet): Promise<number> =>
  Effect.runPromise(Effect.scoped(seen(subject, fleet)))

const many: Fleet = {
  jobs: 20_000,
  concurrency: 1_000,
  checkMillis: 20,
  deadlineMillis: 600_000,
  endsBeforeMillis: 10_000
}

const tightOf = (jobs: number): Fleet => ({ ...many, jobs, endsBeforeMillis: 200 })

const tight = [200, 1_000, 2_000].map(tightOf)

const worst = async (shares: Iterable<() => Promise<number>>): Promise<number> => {
  let least = 1
  for (const share of shares) least = Math.min(least, await share())
  return least
}

export const row: Row = {
  name: "lastChecks",
  what:
    "The share of ends seen that only the last check can see. fleetSeen: 20,000 jobs with one deadline, checks of 20 ms, " +
    "concurrency 1,000, ended 10 s before it. tightSeen: 200, 1,000 and 2,000 jobs, ended 200 ms before it, the worst; " +
    "tightRealSeen the same in real time. singleRealSeen: 400 waits of Poll.until with real timers, checks of 5 to " +
    "100 ms; singleRealBusySeen the same beside work that blocks the event loop for 4 of every 12 ms. byHandSeen is what " +
    "the machine allows: the share seen by a last check by hand that leaves 20 ms.",
  aims: {
    fleetSeen: { atLeast: 0.999 },
    tightSeen: { atLeast: 0.95 },
    singleRealSeen: { atLeast: 0.99 },
    singleRealBusySeen: { atLeast: 0.95 }
  },
  parts: {
    fleet: async () => ({ fleetSeen: await virtualSeen(ours, many) }),
    tight: async () => ({
      tightSeen: await worst(tight.map((fleet) => () => virtualSeen(ours, fleet))),
      tightRealSeen: await worst(tight.map((fleet) => () => realSeen(ours, { ...fleet, deadlineMillis: 4_000 })))
    }),
    single: async () => {
      const { byHandSeen, lateP99Millis, seen: singleRealSeen } = await singleSeen(ours, idle)
      return { singleRealSeen, byHandSeen, timerLateP99Millis: lateP99Millis }
    },
    singleBusy: async () => {
      const { byHandSeen, lateP99Millis, seen: singleRealBusySeen } = await singleSeen(ours, busy)
      return { singleRealBusySeen, byHandBusySeen: byHandSeen, busyTimerLateP99Millis: lateP99Millis }
    }
  }
}
