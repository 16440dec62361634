/**
 * React hooks for polls: one loop for each job and key, however many components show it.
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
 * Provides a store to the hooks below it: the prop `store`, or one of its own, made with the other props, which are the
 * options of `PollStore.make`. Mount it once, near the root.
 *
 * **Details**
 *
 * A store of its own is made in the first render, builds its layer when the first wait begins, and is closed when the
 * provider is unmounted. Later changes of the options have no effect. A given store is not closed.
 *
 * **Gotchas**
 *
 * It has to be outside of the Suspense boundaries whose components call `useSuspensePoll`.
 *
 * @category components
 * @since 0.1.0
 */
export const PollProvider: Hooks<never>["PollProvider"] = /*#__PURE__*/ providerOf(plain) as never

/**
 * Waits for a job while the component is mounted. Returns the snapshot of the wait (`phase`, `status`, `nextAt`,
 * `outcome` and more) with `checkNow`, `pause`, `unpause`, `cancel` and `restart`.
 *
 * **Details**
 *
 * - All components with the same job and key share one wait, which begins when the first of them is mounted. When the
 *   last one is unmounted, no check begins; a check in flight has 400 milliseconds to finish, then its request is
 *   aborted. A component that mounts within 5 minutes continues the wait. `PollStore` has the details, also for hidden
 *   and offline pages.
 * - Jobs are compared by reference: make the job outside of the component. The options may be a new object at each
 *   render. They are read when the wait begins, and later changes have no effect on it.
 * - With the key `undefined` it waits for nothing, and the phase is `"idle"`.
 * - On a server, and in the first render of a page that hydrates, it returns the snapshot of the option `seed`, or the
 *   idle one. A render makes no check.
 * - The returned object is the same until something changes.
 *
 * Throws an Error without a `PollProvider` above, and a RangeError for an out-of-range option.
 *
 * **Example** (A progress bar)
 *
 * ```tsx
 * import { PollProvider, usePoll } from "@effect-poll/react"
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const Render = Job.make("render", { check: (_id: string) => Effect.succeed(Status.pending({ progress: 0.4 })) })
 *
 * function Progress({ id }: { readonly id: string }) {
 *   const { phase, status } = usePoll(Render, id, { deadline: "10 minutes" })
 *   return <progress title={phase} value={status?._tag === "Pending" ? status.progress : undefined} />
 * }
 *
 * export const App = () => (
 *   <PollProvider>
 *     <Progress id="r-1" />
 *   </PollProvider>
 * )
 * ```
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
 * - A row is what `usePoll` returns, with its `key` and the encoded key as `id`. It is the same object until that wait
 *   changes, so a memoized component with the row as its prop renders only then. The array is the same until a row
 *   changes.
 * - Changes within 16 milliseconds are one render.
 * - The list of keys may be a new array at each render. A key that occurs twice is one wait and two rows.
 * - `options` may be a function of the key, such as to give each its `seed`.
 * - A job with `checkMany` checks many keys in one request if the store has a `poller`.
 *
 * Throws an Error without a `PollProvider` above, and a RangeError for an out-of-range option.
 *
 * **Example** (A list of jobs)
 *
 * ```tsx
 * import { usePolls } from "@effect-poll/react"
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const Render = Job.make("render", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) })
 *
 * export function List({ ids }: { readonly ids: ReadonlyArray<string> }) {
 *   const rows = usePolls(Render, ids, { deadline: "10 minutes" })
 *   return rows.map((row) => <p key={row.id}>{`${row.key}: ${row.phase}`}</p>)
 * }
 * ```
 *
 * @category hooks
 * @since 0.1.0
 */
export const usePolls: Hooks<never>["usePolls"] = /*#__PURE__*/ pollsOf(plain) as never

/**
 * Suspends the component until the job has ended, and returns its result. Throws any other ending to the error
 * boundary: a `PollError`, or a defect.
 *
 * **Details**
 *
 * - React runs no effects of a suspended component, so its removal goes unnoticed. Below a `PollBoundary` the wait
 *   stops when the fallback is unmounted. Below any other Suspense boundary the wait of a removed component continues
 *   until the job ends, the deadline passes, or the `PollProvider` is unmounted.
 * - A render makes no check: the wait begins when the boundary or the provider is mounted.
 * - On a server it throws, unless the job of the option `seed` has ended: React then renders the fallback, reports the
 *   error to `onError` with the `digest` `"EFFECT_POLL_NOT_ON_SERVER"`, and renders the component in the page.
 * - After an error, call `usePollStore().entry(job, key, options).restart()` before the error boundary is reset:
 *   otherwise the same error is thrown again.
 *
 * **Example** (The result, or a fallback)
 *
 * ```tsx
 * import { PollBoundary, useSuspensePoll } from "@effect-poll/react"
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const Render = Job.make("render", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) })
 *
 * function Picture({ id }: { readonly id: string }) {
 *   return <img src={useSuspensePoll(Render, id, { deadline: "10 minutes" })} alt={id} />
 * }
 *
 * export const Page = () => (
 *   <PollBoundary fallback={<p>Rendering</p>}>
 *     <Picture id="r-1" />
 *   </PollBoundary>
 * )
 * ```
 *
 * @category hooks
 * @since 0.1.0
 */
export const useSuspensePoll: Hooks<never>["useSuspensePoll"] = /*#__PURE__*/ suspensePollOf(plain) as never

/**
 * Returns the store of the `PollProvider` above, for event handlers and other code outside of hooks. Throws an Error
 * without a `PollProvider` above.
 *
 * @category hooks
 * @since 0.1.0
 */
export const usePollStore: Hooks<never>["usePollStore"] = () => useProvided(plain, "usePollStore").store

/**
 * A Suspense boundary for components that call `useSuspensePoll`. If such a component is removed while it is suspended,
 * its wait stops; below a plain `Suspense` it would continue.
 *
 * @category components
 * @since 0.1.0
 */
export const PollBoundary: (props: {
  readonly children?: ReactNode
  /** Rendered while a component below is suspended. */
  readonly fallback?: ReactNode
}) => ReactElement = Boundary
