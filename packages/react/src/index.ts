/**
 * Hooks for waits in React: one loop for each job and key, however many components show it.
 *
 * @since 0.1.0
 */
import type { ReactElement, ReactNode } from "react"
import { plain, useProvided } from "./internal/context.ts"
import { pollOf } from "./internal/poll.ts"
import { pollsOf } from "./internal/polls.ts"
import { providerOf } from "./internal/provider.ts"
import { PollBoundary as Boundary, suspensePollOf } from "./internal/suspense.ts"
import type { PollHooks as Hooks } from "./PollHooks.ts"

/**
 * @since 0.1.0
 */
export * as PollHooks from "./PollHooks.ts"
export type { Polled, PolledRow, PollProviderProps } from "./PollHooks.ts"

/**
 * Provides a store to the hooks below it: one that is given, or one of its own, made with the options of
 * `PollStore.make`.
 *
 * **Details**
 *
 * A store of its own is made at the first render, builds its layer when the first wait begins, and is closed when the
 * provider is unmounted. The options with which it is mounted apply. A store that is given is not closed.
 *
 * **Gotchas**
 *
 * Mount it outside of the Suspense boundaries whose components call `useSuspensePoll`.
 *
 * @category components
 * @since 0.1.0
 */
export const PollProvider: Hooks<never>["PollProvider"] = /*#__PURE__*/ providerOf(plain) as never

/**
 * Waits for a job while the component is mounted, and returns what is known of the wait, with `checkNow`, `pause`,
 * `unpause`, `cancel` and `restart`.
 *
 * **Details**
 *
 * - All components with the same job and key share one wait, which begins when the first of them is mounted. See
 *   `PollStore` for what follows when the last one leaves, and for hidden and offline pages.
 * - The job is told apart by identity: make it outside of the component. The options may be a new object at each render:
 *   those with which the wait begins apply.
 * - With the key `undefined` nothing is waited for, and the phase is `"idle"`.
 * - On a server, and in the first render of a page that hydrates, the snapshot is that of the option `seed`, or idle. No
 *   check is made in a render.
 * - The returned object is the same until something changes.
 *
 * Throws an Error without a `PollProvider`, and a RangeError for an out-of-range option.
 *
 * @category hooks
 * @since 0.1.0
 */
export const usePoll: Hooks<never>["usePoll"] = /*#__PURE__*/ pollOf(plain) as never

/**
 * Waits for many jobs, and returns a row for each key, in their order.
 *
 * **Details**
 *
 * A row is what `usePoll` returns, with its `key` and the encoded key as `id`. It is the same object until that wait
 * changes, so a component that is memoized by its row renders only then; the array is the same until one of its rows
 * changes. Changes of many waits in one turn are one render.
 *
 * The list may be a new array at each render. `options` may be a function of the key, such as for seeds. A job with
 * `checkMany` asks for many keys in one request if the store has a `poller`.
 *
 * @category hooks
 * @since 0.1.0
 */
export const usePolls: Hooks<never>["usePolls"] = /*#__PURE__*/ pollsOf(plain) as never

/**
 * Suspends the component until the job has ended, and returns its result. Any other ending is thrown: a `PollError` that
 * an error boundary shows.
 *
 * **Details**
 *
 * - A suspended component has no effects, so it cannot say when it is removed. Below a `PollBoundary` the wait ends when
 *   the fallback is gone. Below any other Suspense boundary it ends with the job, with its deadline, or with the
 *   `PollProvider`.
 * - No check is made in a render: the wait begins when the boundary or the provider is mounted.
 * - On a server it throws, unless the option `seed` has the end: React then renders the fallback of the boundary, reports
 *   the error to `onError` with the `digest` `"EFFECT_POLL_NOT_ON_SERVER"`, and the page renders the component itself.
 * - After an error, `usePollStore().entry(job, key, options).restart()` begins a new wait.
 *
 * @category hooks
 * @since 0.1.0
 */
export const useSuspensePoll: Hooks<never>["useSuspensePoll"] = /*#__PURE__*/ suspensePollOf(plain) as never

/**
 * The store of the `PollProvider` above, for code outside of hooks: a `restart`, or an entry that something else shows.
 *
 * @category hooks
 * @since 0.1.0
 */
export const usePollStore: Hooks<never>["usePollStore"] = () => useProvided(plain, "usePollStore").store

/**
 * A Suspense boundary for components that call `useSuspensePoll`: their waits end when its fallback is gone, because they
 * were shown or removed.
 *
 * @category components
 * @since 0.1.0
 */
export const PollBoundary: (props: {
  readonly children?: ReactNode
  /** What is shown while a component below is suspended. */
  readonly fallback?: ReactNode
}) => ReactElement = Boundary
