// Jobs that are checked by requests for many: how many requests it takes, and how late checks are.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Figures, Row } from "./row.ts"
import { ours, type Subject } from "./subject.ts"
import { randomOf, virtually } from "./virtual.ts"

export interface Size {
  readonly jobs: number
  /** When the measurement begins and ends, after the first job was added. */
  readonly fromMillis: number
  readonly toMillis: number
}

export const full: Size = { jobs: 60, fromMillis: 10_000, toMillis: 310_000 }

const intervalMillis = 1_000
const slackMillis = 50
/** How long a request takes: between these. */
const latency = { least: 20, most: 120 }

/** Adds jobs over a second, and follows them. */
const lists = (subject: Subject, size: Size) =>
  Effect.gen(function* () {
    const poller = yield* subject.make()
    const random = randomOf(5)
    const began = yield* Clock.currentTimeMillis
    /** When each key is due, from its second check on. */
    const due = new Map<string, number>()
    let requests = 0
    let checks = 0
    let late = Number.NEGATIVE_INFINITY
    let early = Number.NEGATIVE_INFINITY
    const ask = Effect.fnUntraced(function* (keys: ReadonlyArray<string>) {
      const at = yield* Clock.currentTimeMillis
      const isMeasured = at - began >= size.fromMillis && at - began < size.toMillis
      if (isMeasured) {
        requests++
        checks += keys.length
        for (const key of keys) {
          const dueAt = due.get(key)
          if (dueAt === undefined) continue
          late = Math.max(late, at - dueAt - slackMillis)
          early = Math.max(early, dueAt - at)
        }
      }
      yield* Effect.sleep(latency.least + Math.floor(random() * (latency.most - latency.least)))
      const answered = yield* Clock.currentTimeMillis
      for (const key of keys) due.set(key, answered + intervalMillis)
    })
    const job = Job.make("job", {
      check: (key: string) => Effect.as(ask([key]), Status.pending()),
      checkMany: {
        max: 100,
        slack: slackMillis,
        check: (keys) =>
          Effect.map(ask(keys), () => ({
            results: new Map(keys.map((key) => [key, Result.succeed(Status.pending())] as const))
          }))
      }
    })
    for (let index = 0; index < size.jobs; index++) {
      yield* poller.add(job, String(index), { deadline: "1 day", strategy: Strategy.spaced(intervalMillis) })
      // Whole milliseconds, as a real clock has.
      yield* Effect.sleep(
        Math.floor(((index + 1) * intervalMillis) / size.jobs) - Math.floor((index * intervalMillis) / size.jobs)
      )
    }
    yield* Effect.sleep(size.toMillis + 2_000)
    const seconds = (size.toMillis - size.fromMillis) / 1_000
    return {
      requestsPerSecond: requests / seconds,
      lateMillis: late,
      earlyMillis: early,
      checksPerJobAndSecond: checks / seconds / size.jobs
    }
  })

export const measure = (subject: Subject, size: Size): Promise<Figures> =>
  virtually(lists(subject, size), { atMostMillis: size.toMillis + 60_000 })

export const row: Row = {
  name: "list",
  what:
    "60 jobs added over a second, each checked a second after its last answer, by requests for up to 100 that take 20 to " +
    "120 ms, with a slack of 50 ms: requests per second, in five minutes after the first ten seconds. lateMillis: how late the " +
    "latest check was, beyond when it was due and the slack; earlyMillis: how early the earliest was.",
  aims: { requestsPerSecond: { atMost: 1.3 }, lateMillis: { atMost: 0 } },
  parts: { all: () => measure(ours, full) }
}
