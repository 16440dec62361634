// A million waits with one deadline: how long the event loop is silent while they are added, end, and are closed.
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { setImmediate as breathe, setTimeout as sleep } from "node:timers/promises"
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
 * What the machine allows: the delays of an event loop that works in slices of 2 milliseconds. Other processes can make
 * them long.
 */
const control = async (): Promise<Figures> => {
  const silence = new Silence()
  silence.start()
  for (const began = performance.now(); performance.now() - began < 5_000; await breathe()) {
    for (const at = performance.now(); performance.now() - at < 2;);
  }
  const { maxMillis, p99Millis } = silence.read()
  silence.stop()
  return { controlP99Millis: p99Millis, controlMaxMillis: maxMillis }
}

/** How many milliseconds it takes to add that many waits, by a sample. */
const addingMillis = async (subject: Subject, n: number): Promise<number> => {
  const sample = 20_000
  const { close, poller } = await open(subject)
  const began = performance.now()
  await addAll(poller, job, sample, { deadline: "1 day", strategy: Strategy.spaced("1 minute") })
  const millis = performance.now() - began
  await close()
  return (millis * n) / sample
}

/**
 * Adds waits that all time out at one time, and measures from a second before until all ends are delivered. They are added
 * in batches, whose deadlines are the rest of the time.
 */
export const deadline = async (subject: Subject, n: number): Promise<Figures> => {
  const allowed = await control()
  const inMillis = 15_000 + Math.min(75_000, 2 * (await addingMillis(subject, n)))
  const silence = new Silence()
  const { poller } = await open(subject)
  const at = performance.now() + inMillis
  const batch = 10_000
  let [delivered, expected, deliveredAt] = [0, 0, 0]
  for (let from = 0; from < n; from += batch) {
    const keys = Array.from({ length: Math.min(batch, n - from) }, (_, index) => String(from + index))
    const spareMillis = at - performance.now()
    if (spareMillis < 3_000) throw new Error(`there was too little time to add ${n} waits`)
    const ends = poller.results(job, keys, { deadline: Math.ceil(spareMillis), strategy: Strategy.spaced("1 minute") })
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
  await sleep(Math.max(0, at - performance.now() - 1_000))
  silence.start()
  await until(() => delivered === expected, 5)
  const measured = silence.read()
  silence.stop()
  return {
    n,
    delayP99Millis: measured.p99Millis,
    delayMaxMillis: measured.maxMillis,
    collectionMaxMillis: measured.collectionMillis,
    deliveredSeconds: (deliveredAt - at) / 1_000,
    ...allowed
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
    "Collection is the longest collection of garbage in that time, which is a part of the longest delay. control is what the " +
    "machine allows: the delays of a process that works in slices of 2 ms.",
  aims: { delayP99Millis: { atMost: 10 }, delayMaxMillis: { atMost: 50 } },
  parts: {
    deadline: () => deadline(ours, n),
    addAndClose: () => addAndClose(ours, n)
  }
}
