import type { Entry, EntryOptions, PollStore } from "@effect-poll/web/PollStore"
import { idle, type Snapshot } from "@effect-poll/web/Snapshot"
import type { Any } from "effect-poll/Job"
import { useEffect, useMemo, useRef, useSyncExternalStore } from "react"
import { type ProvidedContext, useProvided } from "./context.ts"
import { jobsInRender } from "./holds.ts"
import { warnOnce } from "./warn.ts"

export type AnyEntry = Entry<unknown, unknown, unknown>
export type AnySnapshot = Snapshot<unknown, unknown, unknown>
/** A `Polled`, without its types. */
export type AnyPolled = AnySnapshot & Pick<AnyEntry, "checkNow" | "pause" | "unpause" | "cancel" | "restart">
export type AnyOptions = EntryOptions<unknown, unknown>

export const pollOf = (context: ProvidedContext) =>
  function usePoll(job: Any, key: unknown, options: AnyOptions): AnyPolled {
    const { store } = useProvided(context, "usePoll")
    const id = key === undefined ? undefined : job.key.encode(key)
    const entry = useEntry(store, job, key, id, options)
    useJobWarning("usePoll", job, id)
    const snapshot = useSyncExternalStore(entry.subscribe, entry.getSnapshot, entry.getServerSnapshot)
    return useMemo(() => polled(snapshot, entry), [snapshot, entry])
  }

/** The entry of a job and a key, the same one until one of them changes. */
export const useEntry = (
  store: PollStore,
  job: Any,
  key: unknown,
  id: string | undefined,
  options: AnyOptions
): AnyEntry =>
  // The options with which it begins apply. They are a new object at each render.
  useMemo(() => (id === undefined ? none : entryOf(store, job, key, options)), [store, job, id])

/** The types of the hooks have checked that the store has the services. */
export const entryOf = (store: PollStore, job: Any, key: unknown, options: AnyOptions): AnyEntry =>
  store.entry(job as never, key as never, options as never)

export const polled = (snapshot: AnySnapshot, { cancel, checkNow, pause, restart, unpause }: AnyEntry): AnyPolled => ({
  ...snapshot,
  checkNow,
  pause,
  unpause,
  cancel,
  restart
})

/** Warns of a job that is another one at each render. */
export const useJobWarning = (hook: string, job: Any, id: string | undefined): void => {
  const last = useRef({ job, id, changes: 0 })
  useEffect(() => {
    const { changes, ...before } = last.current
    if (before.job === job) return
    const isSame = before.id === id && before.job.name === job.name
    last.current = { job, id, changes: isSame ? changes + 1 : 0 }
    if (last.current.changes >= 2) warnOnce(jobsInRender(hook, job.name))
  }, [hook, job, id])
}

// ---- internal ----

const nothing = (): void => {}

/** What is shown without a key. */
const none: AnyEntry = {
  subscribe: () => nothing,
  getSnapshot: () => idle,
  getServerSnapshot: () => idle,
  checkNow: nothing,
  pause: nothing,
  unpause: nothing,
  cancel: () => Promise.resolve(),
  restart: nothing
}
