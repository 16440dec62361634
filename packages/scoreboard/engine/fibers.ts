// Engines with one fiber per wait.
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Delays, type Engine, perDelays, type Task } from "./task.ts"

const pending = Status.pending()
const succeeded = Status.succeeded("done")

export const statusOf = (task: Task): Status.Status<string> => (task.check() ? succeeded : pending)

/** The trivial asynchronous check of all rows on Effect. */
// oxlint-disable-next-line typescript/require-await -- an asynchronous check is what is measured
export const check = async (task: Task): Promise<Status.Status<string>> => statusOf(task)

/** Our strategy for some delays. */
export const strategyOf: (delays: Delays) => Strategy.Strategy = perDelays(({ factor, initial }) =>
  factor === 1 ? Strategy.spaced(initial) : Strategy.exponential({ initial, factor })
)

const scheduleOf = perDelays(({ factor, initial }) =>
  factor === 1 ? Schedule.spaced(initial) : Schedule.exponential(initial, factor)
)

const perFiber = (wait: (task: Task, delays: Delays) => Effect.Effect<unknown, unknown>): Engine => ({
  open: (_tasks, done) => ({
    start: (task, delays) => {
      Effect.runFork(wait(task, delays)).addObserver(done)
    }
  })
})

export const fibers: Record<string, Engine> = {
  "hand-loop": perFiber((task, { factor, initial }) =>
    Effect.gen(function* () {
      const asked = Effect.promise(() => check(task))
      for (let delay = initial; ; delay *= factor) {
        const status = yield* asked
        if (status._tag === "Succeeded") return status.value
        yield* Effect.sleep(delay)
      }
    })
  ),
  "effect-repeat": perFiber((task, delays) =>
    Effect.repeat(
      Effect.promise(() => check(task)),
      { schedule: scheduleOf(delays), until: (status) => status._tag !== "Pending" }
    )
  ),
  poll: perFiber((task, delays) =>
    Poll.until(
      Effect.promise(() => check(task)),
      { strategy: strategyOf(delays), deadline: "1 day" }
    )
  )
}
