/**
 * The hooks, and hooks for jobs that need services.
 *
 * **Details**
 *
 * A React context has no type of what is provided far above. So the hooks of this package take jobs that need no
 * services, and `make` makes hooks, with a provider of their own, for jobs that need the services `R`: a job that needs
 * others is a type error.
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
 * A wait as a component shows it: its snapshot, and what can be done with it. It is the same object until something
 * changes, and its functions need no receiver.
 *
 * @category models
 * @since 0.1.0
 */
export interface Polled<A, F = never, E = never>
  extends Snapshot<A, F, E>, Pick<Entry<A, F, E>, "checkNow" | "pause" | "unpause" | "cancel" | "restart"> {}

/**
 * A wait of a list.
 *
 * @category models
 * @since 0.1.0
 */
export interface PolledRow<K, A, F = never, E = never> extends Polled<A, F, E> {
  /** The key of the job. */
  readonly key: K
  /** The encoded key, for the `key` of an element. */
  readonly id: string
}

/**
 * The properties of a `PollProvider`: a store, which the provider does not close, or the options of one. The options with
 * which it is mounted apply. A store of its own is made at the first render, builds its layer when the first wait begins,
 * and is closed when the provider is unmounted.
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
      /** Not with other options. */
      readonly store?: undefined
    })
)

/**
 * Hooks for jobs that need no services but `R`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollHooks<R> {
  /** Provides the store to the hooks below it. */
  readonly PollProvider: (props: PollProviderProps<R>) => ReactElement
  /** See `usePoll`. */
  readonly usePoll: <K, A, F, E>(
    job: Watchable<K, A, F, E, R>,
    key: NoInfer<K> | undefined,
    options: EntryOptions<E, R>
  ) => Polled<A, F, E>
  /** See `usePolls`. */
  readonly usePolls: <K, A, F, E>(
    job: Watchable<K, A, F, E, R>,
    keys: ReadonlyArray<NoInfer<K>>,
    options: EntryOptions<E, R> | ((key: NoInfer<K>) => EntryOptions<E, R>)
  ) => ReadonlyArray<PolledRow<K, A, F, E>>
  /** See `useSuspensePoll`. */
  readonly useSuspensePoll: <K, A, F, E>(
    job: Watchable<K, A, F, E, R>,
    key: NoInfer<K>,
    options: EntryOptions<E, R>
  ) => A
  /** See `usePollStore`. */
  readonly usePollStore: () => PollStore<R>
}

/**
 * Makes hooks for jobs that need the services `R`, with a provider of their own.
 *
 * **Details**
 *
 * Call it once, in a module. Several of them can be used in one page, each with a store of its own.
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
