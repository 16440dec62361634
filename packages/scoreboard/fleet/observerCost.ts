// What an observer adds to the CPU time of a check.
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { addAll, open, until } from "./open.ts"
import type { Figures, Row } from "./row.ts"
import { ours, type Subject } from "./subject.ts"

/**
 * The CPU microseconds per check of that many waits, with three checks each, until the observer has been told of all ends.
 * It is cut off after a minute, and then the figure is a lower bound.
 */
export const microsPerCheck = async (subject: Subject, waits: number, isObserved: boolean): Promise<number> => {
  const checks = 3
  let [ended, made, told] = [0, 0, 0]
  const counts = new Uint8Array(waits)
  const job = Job.make("job", {
    check: (key: string) =>
      // oxlint-disable-next-line typescript/require-await -- an asynchronous check is what is measured
      Effect.promise(async () => {
        made++
        return ++counts[Number(key)]! < checks ? Status.pending() : Status.succeeded("done")
      })
  })
  const observer = Observer.make(({ event }) => (event._tag === "Ended" ? Effect.sync(() => void told++) : Effect.void))
  const { poller } = await open(subject, { stagger: false })
  const options = {
    deadline: "1 day",
    strategy: Strategy.spaced("100 millis"),
    observers: isObserved ? [observer] : []
  } as const
  const [before, began] = [process.cpuUsage(), performance.now()]
  await addAll(poller, job, waits, options, (count) => (ended += count))
  const isOver = () => ended === waits && (!isObserved || told === waits)
  await until(() => isOver() || performance.now() - began > 60_000, 10)
  const { system, user } = process.cpuUsage(before)
  return (system + user) / made
}

const sizes = [10_000, 80_000, 160_000]

const part = (waits: number, isObserved: boolean) => async (): Promise<Figures> => {
  for (let round = 0; round < 3; round++) await microsPerCheck(ours, 2_000, isObserved)
  const began = performance.now()
  const first = await microsPerCheck(ours, waits, isObserved)
  // The lesser of two, if there is time: other processes only add to it.
  if (performance.now() - began > 30_000) return { micros: first }
  return { micros: Math.min(first, await microsPerCheck(ours, waits, isObserved)) }
}

const name = (waits: number, isObserved: boolean): string => `${isObserved ? "observed" : "plain"}${waits / 1_000}k`

export const row: Row = {
  name: "observerCost",
  isCost: true,
  what:
    "10,000, 80,000 and 160,000 waits with one observer that returns at once: the CPU microseconds per check, beyond those " +
    "without the observer; moreMicros is the most of the three. Each is cut off after a minute, and then at least so much.",
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
