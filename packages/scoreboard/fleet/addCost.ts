// What the stagger of first checks adds to adding many waits.
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import { addAll, open, timed } from "./open.ts"
import type { Row } from "./row.ts"
import { ours, type Subject } from "./subject.ts"

/** The microseconds of real time per wait, until all waits have begun. */
export const addMicros = async (subject: Subject, waits: number, stagger: boolean): Promise<number> => {
  const pending = Effect.succeed(Status.pending())
  const { close, poller } = await open(subject, { stagger })
  const options = { deadline: "1 day" } as const
  const { seconds } = await timed(() => addAll(poller, Job.make("job", { check: () => pending }), waits, options))
  await close()
  return (seconds * 1e6) / waits
}

const part = (stagger: boolean) => async () => {
  for (let round = 0; round < 5; round++) await addMicros(ours, 5_000, stagger)
  return { micros: await addMicros(ours, 100_000, stagger) }
}

export const row: Row = {
  name: "addCost",
  isCost: true,
  what: "100,000 waits with the default strategy, added at once: the microseconds per wait with stagger, as by default, and without.",
  aims: {},
  parts: { stagger: part(true), none: part(false) },
  combine: ({ none, stagger }) => ({
    staggerMicros: stagger!.micros!,
    noneMicros: none!.micros!,
    ratio: Number(stagger!.micros) / Number(none!.micros)
  })
}
