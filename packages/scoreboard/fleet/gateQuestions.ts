// How often a gate that postpones everything is asked.
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Figures, Row } from "./row.ts"
import { ours, type Subject } from "./subject.ts"
import { virtually } from "./virtual.ts"

/** A gate like an open circuit breaker: it postpones each check by a second. */
export const measure = async (subject: Subject, waits: number): Promise<Figures> => {
  const seconds = 3
  let questions = 0
  const gate = Gate.make(
    () =>
      Effect.sync(() => {
        questions++
        return Gate.postponed("1 second", "circuit open")
      }),
    { partition: () => "server" }
  )
  const pending = Effect.succeed(Status.pending())
  const run = Effect.gen(function* () {
    const poller = yield* subject.make()
    const options = { deadline: "1 hour", strategy: Strategy.spaced("1 second"), gate } as const
    const keys = Array.from({ length: waits }, (_, index) => String(index))
    yield* Effect.forkChild(Stream.runDrain(poller.results(Job.make("job", { check: () => pending }), keys, options)))
    yield* Effect.sleep("3 seconds")
    const [before, cpu] = [questions, process.cpuUsage()]
    yield* Effect.sleep(seconds * 1_000)
    const { system, user } = process.cpuUsage(cpu)
    return {
      questionsPerSecond: (questions - before) / seconds,
      cpuMillisPerSecond: (system + user) / 1_000 / seconds
    }
  })
  return virtually(run, { atMostMillis: 60_000 })
}

export const row: Row = {
  name: "gateQuestions",
  isCost: true,
  what:
    "100,000 waits that are due behind a gate that postpones each check by a second, as an open circuit breaker does: its " +
    "questions per second, and the CPU time for them.",
  aims: { questionsPerSecond: { atMost: 2 } },
  parts: { all: () => measure(ours, 100_000) }
}
