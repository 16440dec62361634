// How long it takes to close a Poller whose idle waits have an observer.
import * as Effect from "effect/Effect"
import { setTimeout as sleep } from "node:timers/promises"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { addAll, open, timed } from "./open.ts"
import type { Figures, Row } from "./row.ts"
import { ours, type Subject } from "./subject.ts"

export const measure = async (subject: Subject, waits: number, isObserved: boolean): Promise<Figures> => {
  const pending = Effect.succeed(Status.pending())
  let [ends, notifications] = [0, 0]
  const observer = Observer.make(({ event }) =>
    Effect.sync(() => {
      notifications++
      if (event._tag === "Ended") ends++
    })
  )
  const { close, poller } = await open(subject, { stagger: false })
  const job = Job.make<string>("job", { check: () => pending })
  const options = {
    deadline: "1 day",
    strategy: Strategy.spaced("1 hour"),
    observers: isObserved ? [observer] : []
  } as const
  const batch = 1_000
  for (let from = 0; from < waits; from += batch) {
    await addAll(poller, job, Math.min(batch, waits - from), options, () => {}, `${from}/`)
    // Until the first checks are over, and the observer has been told of them.
    for (let before = -1; before < notifications; await sleep(10)) before = notifications
  }
  await sleep(1_000)
  const { seconds } = await timed(close)
  return { seconds, toldShare: ends / waits }
}

const waits = 100_000

export const row: Row = {
  name: "closingCost",
  isCost: true,
  what:
    "The seconds that it takes to close a Poller with 100,000 idle waits and one observer, those without the observer, and " +
    "the share of the ends that the observer was told of.",
  aims: { toldShare: { atLeast: 1 } },
  parts: { observed: () => measure(ours, waits, true), plain: () => measure(ours, waits, false) },
  combine: ({ observed, plain }) => ({
    seconds: observed!.seconds!,
    plainSeconds: plain!.seconds!,
    toldShare: observed!.toldShare!
  })
}
