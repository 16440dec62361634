// A million waits with one deadline: how long the event loop is silent while they are added, end, and are closed.
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { setTimeout as sleep } from "node:timers/promises"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { addAll, open, until } from "./open.ts"
import type { Figures, Row } from "./row.ts"
import { named, Silence } from "./silence.ts"
import { ours, type Subject } from "./subject.ts"

const pending = Effect.succeed<Status.Status<string>>(Status.pending())

const job = Job.make("job", { check: () => pending })

/** Lets what is under way go on until it is quiet. */
const settle = () => sleep(2_000)

/**
 * Adds waits that all time out at one time, and measures from a second before until all ends are delivered. They are added
 * in batches, whose deadlines are the rest of the time.
 */
export const deadline = async (subject: Subject, n: number, inMillis: number): Promise<Figures> => {
  const silence = new Silence()
  const { poller } = await open(subject)
  const at = performance.now() + inMillis
  const batch = 10_000
  let [delivered, expected, deliveredAt] = [0, 0, 0]
  for (let from = 0; from < n; from += batch) {
    const keys = Array.from({ length: Math.min(batch, n - from) }, (_, index) => String(from + index))
    const options = { deadline: Math.ceil(at - performance.now()), strategy: Strategy.spaced("1 minute") }
    const ends = poller.results(job, keys, options)
    const read = Stream.runForEachArray(ends, ({ length }) =>
      Effect.sync(() => {
        delivered += length
        deliveredAt = performance.now()
      })
    )
    expected += keys.length
    Effect.runFork(read)
    await sleep(1)
  }
  // Those of the last batches.
  await sleep(100)
  const spareMillis = at - performance.now()
  if (spareMillis < 3_000) throw new Error(`adding took until ${spareMillis} ms before the deadline`)
  await sleep(spareMillis - 1_000)
  silence.start()
  await until(() => delivered === expected, 5)
  const measured = silence.read()
  silence.stop()
  return {
    n,
    delayP99Millis: measured.p99Millis,
    delayMaxMillis: measured.maxMillis,
    collectionMaxMillis: measured.collectionMillis,
    deliveredSeconds: (deliveredAt - at) / 1_000
  }
}

/** Adds waits, and closes their Poller. */
export const addAndClose = async (subject: Subject, n: number): Promise<Figures> => {
  const silence = new Silence()
  const { close, poller } = await open(subject)
  const options = { deadline: "1 day", strategy: Strategy.spaced("1 hour") } as const
  silence.start()
  const began = performance.now()
  await addAll(poller, job, n, options)
  const addSeconds = (performance.now() - began) / 1_000
  await sleep(5)
  const adding = silence.read()
  await settle()
  silence.reset()
  await sleep(20)
  const closing = performance.now()
  await close()
  const closeSeconds = (performance.now() - closing) / 1_000
  await sleep(20)
  const closed = silence.read()
  silence.stop()
  return { ...named("add", adding), addSeconds, ...named("close", closed), closeSeconds }
}

const n = 1_000_000

export const row: Row = {
  name: "storm",
  what:
    "1,000,000 waits in one Poller, in real time: the delays of the event loop while one deadline of all passes and their " +
    "ends are delivered through results (delay), while they are added (add), and while the Poller is closed (close). " +
    "Collection is the longest collection of garbage in that time, which is a part of the longest delay.",
  aims: { delayP99Millis: { atMost: 10 }, delayMaxMillis: { atMost: 50 } },
  parts: {
    deadline: () => deadline(ours, n, 45_000),
    addAndClose: () => addAndClose(ours, n)
  }
}
