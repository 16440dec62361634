// The strategies of this project that learn, as subjects of the table.
import * as History from "@effect-poll/learned/History"
import * as Learned from "@effect-poll/learned/Learned"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Notification } from "effect-poll/Observer"
import * as Status from "effect-poll/Status"
import type { Strategy } from "effect-poll/Strategy"
import type { Outcome, Subject } from "./subject.ts"

const subjectOf = (strategyOf: (history: History.History, w: number) => Strategy): Subject => ({
  make: (w) =>
    Effect.sync(() => {
      const history = History.makeUnsafe("job")
      const observer = History.observer(history)
      const strategy = strategyOf(history, w)
      return {
        strategy: Effect.succeed(strategy),
        observe: (outcome) =>
          outcome.progress.length === 0
            ? Effect.sync(() =>
                History.recordUnsafe(history, {
                  afterMillis: 1_000 * outcome.after,
                  untilMillis: 1_000 * outcome.until
                })
              )
            : Effect.forEach(notificationsOf(outcome), observer.observe, { discard: true })
      }
    })
})

/** `Learned.strategy`. */
export const learned: Subject = subjectOf((history, w) => Learned.strategy(history, { lagWorth: 1_000 * w }))

/** `Learned.simple`: a first wait and even spacing. */
export const simple: Subject = subjectOf((history, w) => Learned.simple(history, { lagWorth: 1_000 * w }))

// ---- internal ----

/** The notifications of a wait whose checks found this progress, and whose server reports when the job ended. */
const notificationsOf = ({ after, progress, until }: Outcome): ReadonlyArray<Notification> => {
  const at = (seconds: number, attempts: number) => ({
    job: "job",
    key: "key",
    at: 1_000 * seconds,
    elapsedMillis: 1_000 * seconds,
    attempts,
    missed: 0,
    lastPendingMillis: 1_000 * after,
    times: { endedAt: 1_000 * until }
  })
  // A check that finds the same status as the one before is no change.
  const changes = progress.filter(([, value], index) => index === 0 || value !== progress[index - 1]![1])
  const found: Array<Notification> = []
  for (const [index, [elapsed, value]] of changes.entries()) {
    const status = Status.pending({ progress: value })
    found.push({ ...at(elapsed, index + 1), event: { _tag: "Changed", attempt: index + 1, status } })
  }
  const attempts = progress.length + 1
  return [...found, { ...at(until, attempts), event: { _tag: "Ended", attempts, exit: Exit.succeed(undefined) } }]
}
