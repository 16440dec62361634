// The rows of the core's Poller: one engine each, by the name of the row. `poll`, a fiber per wait, is in fibers.ts.
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import type * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { check, statusOf, strategyOf } from "./fibers.ts"
import { type Delays, type Engine, perDelays, type Task } from "./task.ts"

type JobOf = (tasks: ReadonlyArray<Task>) => Job.Job<string, string>
type Answers = ReadonlyMap<string, Result.Result<Status.Status<string>>>

const single: JobOf = (tasks) => Job.make("task", { check: (key) => Effect.promise(() => check(tasks[Number(key)]!)) })

/** The status is there at once, as in a cache or a store in memory. */
const immediate: JobOf = (tasks) => Job.make("task", { check: (key) => Effect.succeed(statusOf(tasks[Number(key)]!)) })

/** One request for up to a hundred keys. */
const batched: JobOf = (tasks) => {
  // oxlint-disable-next-line typescript/require-await -- an asynchronous check is what is measured
  const checkAll = async (keys: ReadonlyArray<string>): Promise<{ readonly results: Answers }> => ({
    results: new Map(keys.map((key) => [key, Result.succeed(statusOf(tasks[Number(key)]!))]))
  })
  return Job.make("task", {
    check: (key) => Effect.promise(() => check(tasks[Number(key)]!)),
    checkMany: { max: 100, check: (keys) => Effect.promise(() => checkAll(keys)) }
  })
}

/** Each answer has a cursor of its own and a state with a limit. */
const withCursor: JobOf = (tasks) =>
  Job.make("task", {
    check: (key) =>
      Effect.promise(() => check(tasks[Number(key)]!)).pipe(
        Effect.map((status) =>
          status._tag === "Pending" ? CheckResult.withCursor(running, `${key}/${tasks[Number(key)]!.checks}`) : status
        )
      ),
    stateLimits: { RUNNING: "12 hours" }
  })

const running = Status.pending({ state: "RUNNING" })

interface Variant {
  readonly jobOf?: JobOf
  readonly handles?: boolean
  readonly history?: boolean
  readonly strategy?: (delays: Delays) => Strategy.Strategy
}

/** One place of a program adds all waits, so they all have the same services. */
const fork = Effect.runForkWith(Context.empty())

const engine = ({ handles = false, history = false, jobOf = single, strategy = strategyOf }: Variant): Engine => ({
  open: async (tasks, done) => {
    const scope = await Effect.runPromise(Scope.make())
    const made = Poller.make({ stagger: false, concurrency: "unbounded", capacity: "unbounded" })
    const poller = await Effect.runPromise(Effect.provideService(made, Scope.Scope, scope))
    const job = jobOf(tasks)
    const optionsOf = perDelays((delays): Poll.Options => ({ strategy: strategy(delays), deadline: "1 day", history }))
    const queueOf = perDelays((delays) => {
      const keys = Effect.runSync(Queue.unbounded<string, Cause.Done>())
      const ends = poller.results(job, Stream.fromQueue(keys), optionsOf(delays))
      Effect.runFork(Effect.scoped(Stream.runForEachArray(ends, (some) => Effect.sync(() => some.forEach(done)))))
      return keys
    })
    return {
      start: (task, delays) => {
        if (!handles) {
          Queue.offerUnsafe(queueOf(delays), task.key)
          return
        }
        const added = poller.add(job, task.key, optionsOf(delays))
        // The caller that holds the handle of a job that ends awaits its result.
        if (delays.factor === 1) fork(added)
        else fork(Effect.flatMap(added, (handle) => handle.await)).addObserver(done)
      },
      close: () => Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
})

const constant = perDelays(({ initial }) => Strategy.spaced(initial))

const composed = perDelays((delays) =>
  strategyOf(delays).pipe(
    Strategy.cap("2 hours"),
    Strategy.jittered("equal", { seed: "scoreboard" }),
    Strategy.maxDuration("1 day")
  )
)

export const ours: Record<string, Engine> = {
  poller: engine({}),
  "poller-batch": { ...engine({ jobOf: batched }), note: "one request for up to 100 ids, gathered for 50 ms" },
  "poller-immediate": {
    ...engine({ jobOf: immediate }),
    note: "a check that is done at once, so that it needs no fiber"
  },
  "poller-handles": { ...engine({ handles: true }), note: "a handle for each job" },
  "poller-history": { ...engine({ history: true }), note: "errors carry the history of the checks" },
  "poller-cursor": { ...engine({ jobOf: withCursor }), note: "each wait has a cursor and a limit of its state" },
  "poller-constant": { ...engine({ strategy: constant }), note: "a constant delay instead of a growing one" },
  "poller-composed": {
    ...engine({ strategy: composed }),
    note: "capped, jittered by key, limited in time; its lag is measured against the delays without jitter"
  }
}
