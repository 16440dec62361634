// What an observer adds to the CPU time of a check.
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { addAll, open, until } from "./open.ts"
import type { Figures, Row } from "./row.ts"
import { ours, type Subject } from "./subject.ts"

/** The CPU microseconds per check of that many waits, with three checks each. */
export const microsPerCheck = async (subject: Subject, waits: number, isObserved: boolean): Promise<number> => {
  const checks = 3
  let ended = 0
  const counts = new Uint8Array(waits)
  const job = Job.make("job", {
    check: (key: string) =>
      // oxlint-disable-next-line typescript/require-await -- an asynchronous check is what is measured
      Effect.promise(async () => (++counts[Number(key)]! < checks ? Status.pending() : Status.succeeded("done")))
  })
  const { close, poller } = await open(subject, { stagger: false })
  const options = {
    deadline: "1 day",
    strategy: Strategy.spaced("100 millis"),
    observers: isObserved ? [Observer.make(() => Effect.void)] : []
  } as const
  const before = process.cpuUsage()
  await addAll(poller, job, waits, options, (count) => (ended += count))
  await until(() => ended === waits, 10)
  const { system, user } = process.cpuUsage(before)
  await close()
  return (system + user) / (waits * checks)
}

const sizes = [10_000, 80_000, 160_000]

const part = (waits: number, isObserved: boolean) => async (): Promise<Figures> => {
  for (let round = 0; round < 3; round++) await microsPerCheck(ours, 2_000, isObserved)
  return { micros: await microsPerCheck(ours, waits, isObserved) }
}

const name = (waits: number, isObserved: boolean): string => `${isObserved ? "observed" : "plain"}${waits / 1_000}k`

export const row: Row = {
  name: "observerCost",
  isCost: true,
  what:
    "10,000, 80,000 and 160,000 waits with one observer that returns at once: the CPU microseconds per check, beyond those " +
    "without the observer; moreMicros is the most of the three.",
  aims: { moreMicros: { atMost: 2 } },
  parts: Object.fromEntries(
    sizes.flatMap((waits) => [true, false].map((isObserved) => [name(waits, isObserved), part(waits, isObserved)]))
  ),
  combine: (parts) => {
    const micros = (waits: number, isObserved: boolean): number => Number(parts[name(waits, isObserved)]!.micros)
    const more = sizes.map((waits) => micros(waits, true) - micros(waits, false))
    return {
      moreMicros: Math.max(...more),
      ...Object.fromEntries(sizes.map((waits, index) => [`moreMicrosAt${waits / 1_000}k`, more[index]!])),
      ...Object.fromEntries(sizes.map((waits) => [`plainMicrosAt${waits / 1_000}k`, micros(waits, false)]))
    }
  }
}
