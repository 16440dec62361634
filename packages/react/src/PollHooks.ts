/**
 * The types of the hooks, and `make`, which makes hooks for jobs that need services.
 *
 * **Details**
 *
 * The type of a React context does not depend on the provider above. So the hooks of the package take jobs that need no
 * services, and `make` makes hooks, with a provider of their own, for jobs that need the services `R`. A job that needs
 * any other service is a type error.
 *
 * @since 0.1.0
 */
import type { Entry, EntryOptions, Options, PollStore } from "@effect-poll/web/PollStore"
import type { Snapshot } from "@effect-poll/web/Snapshot"
import type { Watchable } from "effect-poll/Job"
import { createContext, type ReactElement, type ReactNode } from "react"
import { type Provided, useProvided } from "./internal/context.ts"
import { pollOf } from "./internal/poll.ts"
import { pollsOf } from "./internal/polls.ts"
import { providerOf } from "./internal/provider.ts"
import { suspensePollOf } from "./internal/suspense.ts"

/**
 * A wait as a component shows it: its snapshot, with functions to control it. It is the same object until something
 * changes, and its functions can be passed around on their own.
 *
 * @category models
 * @since 0.1.0
 */
export interface Polled<A, F = never, E = never>
  extends Snapshot<A, F, E>, Pick<Entry<A, F, E>, "checkNow" | "pause" | "unpause" | "cancel" | "restart"> {}

/**
 * A row of `usePolls`: a wait of a list.
 *
 * @category models
 * @since 0.1.0
 */
export interface PolledRow<K, A, F = never, E = never> extends Polled<A, F, E> {
  /** The key of the job. */
  readonly key: K
  /** The encoded key, for the `key` of a React element. */
  readonly id: string
}

/**
 * The props of a `PollProvider`: a `store`, which the provider does not close, or the options of `PollStore.make`.
 * Later changes of the options have no effect. A store of its own is made in the first render, builds its layer when
 * the first wait begins, and is closed when the provider is unmounted.
 *
 * @category models
 * @since 0.1.0
 */
export type PollProviderProps<R = never> = { readonly children?: ReactNode } & (
  | {
      /** A store, which the provider does not close. */
      readonly store: PollStore<R>
    }
  | (Options<R> & {
      /** Not together with options. */
      readonly store?: undefined
    })
)

/**
 * Hooks for jobs that need no services except `R`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollHooks<R> {
  /** Provides a store to the hooks below it: the prop `store`, or one made with the options of `PollStore.make`. */
  readonly PollProvider: (props: PollProviderProps<R>) => ReactElement
  /** Waits for a job while the component is mounted, and returns the wait. Idle while the key is `undefined`. */
  readonly usePoll: <K, A, F, E>(
    job: Watchable<K, A, F, E, R>,
    key: NoInfer<K> | undefined,
    options: EntryOptions<E, R>
  ) => Polled<A, F, E>
  /** Waits for many jobs, and returns a row for each key, in their order. */
  readonly usePolls: <K, A, F, E>(
    job: Watchable<K, A, F, E, R>,
    keys: ReadonlyArray<NoInfer<K>>,
    options: EntryOptions<E, R> | ((key: NoInfer<K>) => EntryOptions<E, R>)
  ) => ReadonlyArray<PolledRow<K, A, F, E>>
  /** Suspends the component until the job has ended, and returns its result. Throws any other ending. */
  readonly useSuspensePoll: <K, A, F, E>(
    job: Watchable<K, A, F, E, R>,
    key: NoInfer<K>,
    options: EntryOptions<E, R>
  ) => A
  /** Returns the store of the `PollProvider` above. */
  readonly usePollStore: () => PollStore<R>
}

/**
 * Makes hooks for jobs that need the services `R`, with a provider of their own.
 *
 * **Details**
 *
 * Call it once, at the top level of a module. A page can have several sets of hooks, each with a store of its own.
 *
 * **Example** (Jobs that need a client)
 *
 * ```ts
 * import * as Context from "effect/Context"
 * import * as PollHooks from "@effect-poll/react/PollHooks"
 *
 * class Api extends Context.Service<Api, { readonly base: string }>()("Api") {}
 *
 * export const { PollProvider, usePoll, usePolls, useSuspensePoll } = PollHooks.make<Api>()
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(): PollHooks<R> => {
  const context = createContext<Provided | undefined>(undefined)
  const hooks = {
    PollProvider: providerOf(context),
    usePoll: pollOf(context),
    usePolls: pollsOf(context),
    useSuspensePoll: suspensePollOf(context),
    usePollStore: () => useProvided(context, "usePollStore").store
  }
  return hooks as never
}
