import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import * as DurableRunner from "@effect-poll/durable/DurableRunner"
import type * as DurableStore from "@effect-poll/durable/DurableStore"
import { DurableStore as Store } from "@effect-poll/durable/DurableStore"
import type * as Ownership from "@effect-poll/durable/Ownership"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"

export type Answer = Status.Status<string, number>

/** A server of jobs: what it answers by key, and what it was asked. */
export const makeServer = () => {
  const answers = new Map<string, Answer>()
  const checks: Array<string> = []
  const canceled: Array<string> = []
  const job = Job.make("render", {
    check: (key: string) => Effect.sync((): Answer => (checks.push(key), answers.get(key) ?? Status.pending())),
    cancel: (key) => Effect.sync(() => void canceled.push(key)),
    strategy: Strategy.spaced("10 seconds")
  }).pipe(Job.withCodecs({ success: Schema.String, failure: Schema.Finite }))
  return { job, answers, checks, canceled }
}

export const hour = { deadline: "1 hour" } as const

/** A process with a runner on a store. */
export const runnerOn = <R>(
  store: Layer.Layer<DurableStore.DurableStore | Ownership.Ownership>,
  ...polls: ReadonlyArray<{ readonly runner: Layer.Layer<never, never, DurableRunner.DurableRunner | R> }>
): Layer.Layer<
  DurableRunner.DurableRunner | DurableStore.DurableStore | Ownership.Ownership,
  never,
  Exclude<R, DurableRunner.DurableRunner>
> => {
  const runners = polls.map(({ runner }) => runner).reduce((all, each) => Layer.merge(all, each), Layer.empty as never)
  return runners.pipe(Layer.provideMerge(DurableRunner.layer()), Layer.provideMerge(store)) as never
}

/** A process with everything in memory. */
export const inMemory = <R>(
  ...polls: ReadonlyArray<{ readonly runner: Layer.Layer<never, never, DurableRunner.DurableRunner | R> }>
) => runnerOn(DurablePoll.layerMemory, ...polls)

/** A store whose calls are counted, and whose operations can be replaced. */
export const counted = (base: Layer.Layer<DurableStore.DurableStore | Ownership.Ownership>) => {
  const counts = new Map<string, number>()
  const store: { -readonly [K in keyof DurableStore.Service]: DurableStore.Service[K] } = {} as never
  const count = <A>(name: string, effect: A): A =>
    (Effect.isEffect(effect)
      ? Effect.suspend(() => {
          counts.set(name, (counts.get(name) ?? 0) + 1)
          return effect
        })
      : effect) as A
  const layer = Layer.effect(
    Store,
    Effect.map(Store, (service) => {
      for (const [name, operation] of Object.entries(service)) {
        const value =
          typeof operation === "function"
            ? (...args: ReadonlyArray<unknown>) => count(name, (operation as Function)(...args))
            : count(name, operation)
        Object.assign(store, { [name]: value })
      }
      return store
    })
  ).pipe(Layer.provideMerge(base))
  const calls = (...names: ReadonlyArray<keyof DurableStore.Service>): number =>
    names.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0)
  return { layer, calls, store }
}

/** What this process has, as a layer: for another process on the same store. */
export const shared: Effect.Effect<
  Layer.Layer<DurableStore.DurableStore | Ownership.Ownership>,
  never,
  DurableStore.DurableStore | Ownership.Ownership
> = /*#__PURE__*/ Effect.map(Effect.context<DurableStore.DurableStore | Ownership.Ownership>(), (context) =>
  Layer.succeedContext(context)
)
