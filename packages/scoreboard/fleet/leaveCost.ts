// How long it takes to leave a small stream of results, beside many other waits.
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { setTimeout as sleep } from "node:timers/promises"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { addAll, open } from "./open.ts"
import type { Row } from "./row.ts"
import { ours, type Subject } from "./subject.ts"

/** The median milliseconds of leaving a stream of ten waits, beside `others`. */
export const leaveMillis = async (subject: Subject, others: number): Promise<number> => {
  const pending = Effect.succeed<Status.Status<string>>(Status.pending())
  const job = Job.make("job", { check: () => pending })
  const options = { deadline: "1 day", strategy: Strategy.spaced("1 hour") } as const
  const { poller } = await open(subject)
  await addAll(poller, job, others, options)
  await sleep(500)
  const times: Array<number> = []
  for (let round = 0; round < 40; round++) {
    const keys = Array.from({ length: 10 }, (_, index) => `${round}/${index}`)
    const fiber = Effect.runFork(Stream.runDrain(poller.results(job, keys, options)))
    await sleep(5)
    const began = performance.now()
    await Effect.runPromise(Fiber.interrupt(fiber))
    times.push(performance.now() - began)
  }
  // The first ones warm up the compiler.
  const measured = times.slice(20).toSorted((a, b) => a - b)
  return measured[Math.floor(measured.length / 2)]!
}

export const row: Row = {
  name: "leaveCost",
  isCost: true,
  what:
    "The milliseconds that it takes to leave a stream of results with 10 waits, beside 1,000, 10,000 and 100,000 other waits " +
    "of the Poller; ratio is the last to the first.",
  aims: { ratio: { atMost: 5 } },
  parts: {
    at1k: async () => ({ millis: await leaveMillis(ours, 1_000) }),
    at10k: async () => ({ millis: await leaveMillis(ours, 10_000) }),
    at100k: async () => ({ millis: await leaveMillis(ours, 100_000) })
  },
  combine: ({ at100k, at10k, at1k }) => ({
    millisAt1k: at1k!.millis!,
    millisAt10k: at10k!.millis!,
    millisAt100k: at100k!.millis!,
    ratio: Number(at100k!.millis) / Number(at1k!.millis)
  })
}
