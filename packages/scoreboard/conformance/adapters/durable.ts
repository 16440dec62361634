// Durable waits of ours: a store in memory, a runner, and callers that await references. What a token is to other pollers
// is a reference here, and a runner that takes over continues from the store.
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import type { DurableRef } from "@effect-poll/durable/DurableRef"
import * as DurableRunner from "@effect-poll/durable/DurableRunner"
import type { DurableStore } from "@effect-poll/durable/DurableStore"
import type * as Ownership from "@effect-poll/durable/Ownership"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Job from "effect-poll/Job"
import { type Adapter, type ManySetup, set, type Setup, type Watcher } from "../adapter.ts"
import { common, endOf, jobOf, manyJob, optionsOf, packages, run, strategyOfMany } from "./effect-poll.ts"

type Placed = Context.Context<DurableStore | Ownership.Ownership>

const Failure = Schema.Struct({ code: Schema.String, message: Schema.String })

const pollOf = (setup: Setup) => {
  const { deadline, onClose: _onClose, onInterrupt: _onInterrupt, since: _since, ...wait } = optionsOf(setup)
  const job = Job.withCodecs(jobOf(setup), {
    success: Schema.UndefinedOr(Schema.String),
    failure: Schema.UndefinedOr(Failure)
  })
  return DurablePoll.make(job, { deadline, wait: { ...wait, push: wait.push && (() => wait.push!) } })
}

/**
 * Ends are stored one by one, so that times are those of the checks. The store tells its runner what changes, so there is no
 * need to ask it each second of a month.
 */
const runnerLayer = DurableRunner.layer({
  flushInterval: "1 millis",
  scanInterval: "1 hour",
  horizon: "1 day",
  healthInterval: "1 day",
  pruneInterval: "30 days"
})

/** A store that outlives its runners. */
const placed = (): Promise<Placed> =>
  Effect.runPromise(Effect.flatMap(Scope.make(), (scope) => Layer.buildWithScope(DurablePoll.layerMemory, scope)))

type Polls = ReturnType<typeof pollOf>

/** Starts a runner on a store, and yields what stops it. */
const started = async (polls: Pick<Polls, "runner">, placement: Placed): Promise<() => Promise<void>> => {
  const live = polls.runner.pipe(Layer.provide(runnerLayer), Layer.provide(Layer.succeedContext(placement)))
  const scope = await Effect.runPromise(Scope.make())
  await Effect.runPromise(Layer.buildWithScope(live, scope))
  return () => Effect.runPromise(Scope.close(scope, Exit.void))
}

const submitted = (polls: Polls): Effect.Effect<DurableRef, unknown, DurableStore> =>
  Effect.map(polls.submit(["job-1"]), ([ref]) => ref!)

/** Stores by reference, for whoever resumes. */
const stores = new Map<string, Placed>()

/** What a caller that stops waiting does about the job. */
const canceled = (setup: Setup, polls: Polls, ref: DurableRef): Effect.Effect<void, never, DurableStore> =>
  setup.cancelRemote === true
    ? Effect.matchEffect(polls.cancel(ref), {
        onFailure: (error) => Effect.sync(() => setup.canceled?.(error)),
        onSuccess: () => Effect.void
      })
    : Effect.void

const watched = (setup: Setup): Watcher => {
  const polls = pollOf(setup)
  const running = (async () => {
    const placement = await placed()
    const ref = await Effect.runPromise(Effect.provideContext(submitted(polls), placement))
    stores.set(ref.id, placement)
    return { placement, ref, stop: await started(polls, placement) }
  })()
  const leave = async () => {
    const { ref, stop } = await running
    await stop()
    return JSON.stringify(ref)
  }
  return {
    wait: async (signal) => {
      const { placement, ref } = await running
      return run(Effect.provideContext(polls.await(ref), placement), signal)
    },
    token: leave,
    wake: () =>
      void running.then(({ placement, ref }) =>
        Effect.runPromise(Effect.provideContext(polls.checkNow(ref), placement))
      ),
    leave,
    close: async () => [await leave()]
  }
}

const many = async (setup: ManySetup): Promise<void> => {
  const strategies = new Map(setup.ids.map((id, index) => [id, strategyOfMany(setup, index)]))
  const job = manyJob(setup.server, (id) => strategies.get(id)!)
  const codecs = { success: Schema.String, failure: Schema.String }
  const polls = DurablePoll.make(Job.withCodecs(job, codecs), { deadline: setup.deadline })
  const placement = await placed()
  await started(polls, placement)
  // Ids that occur twice are one job. An idempotency key would do that too, but its hash is computed outside of the clock.
  const ids = [...new Set(setup.ids)]
  const all = Effect.flatMap(polls.submit(ids), (refs) =>
    Effect.forEach(
      setup.ids,
      (id, index) =>
        Effect.map(Effect.exit(polls.await(refs[ids.indexOf(id)]!)), (exit) =>
          setup.ended(index, endOf(exit, undefined))
        ),
      { concurrency: "unbounded", discard: true }
    )
  )
  Effect.runFork(Effect.provideContext(all, placement))
}

const durable: Adapter = {
  name: "effect-poll durable",
  packages,
  how: "a `DurablePoll` with a store in memory and a runner that stores each end at once; a single wait is a `submit` and an `await`, and an abort stops the runner; a token is a reference, for which this runner stops, and another runner on the same store resumes it",
  features: set(
    ...common.filter((feature) => feature !== "runs"),
    "share",
    "wake",
    "resume",
    "batch",
    "leave",
    "close"
  ),
  wait: (setup) => {
    const polls = pollOf(setup)
    const live = polls.runner.pipe(Layer.provide(runnerLayer), Layer.provideMerge(DurablePoll.layerMemory))
    const wait = Effect.flatMap(submitted(polls), (ref): Effect.Effect<unknown, unknown, DurableStore> =>
      Effect.onInterrupt(polls.await(ref), () => canceled(setup, polls, ref))
    )
    return run(Effect.provide(wait, live), setup.signal)
  },
  watch: watched,
  many: (setup) => void many(setup),
  resume: async (token, setup) => {
    const ref: DurableRef = JSON.parse(token)
    const polls = pollOf(setup)
    const placement = stores.get(ref.id)!
    await started(polls, placement)
    return run(Effect.provideContext(polls.await(ref), placement))
  }
}

export const adapters: ReadonlyArray<Adapter> = [durable]
