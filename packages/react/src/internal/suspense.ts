import type { Snapshot } from "@effect-poll/web/Snapshot"
import type { Any } from "effect-poll/Job"
import {
  createElement,
  type ReactElement,
  type ReactNode,
  Suspense,
  use,
  useContext,
  useEffect,
  useState,
  useSyncExternalStore
} from "react"
import { boundary, type ProvidedContext, useProvided } from "./context.ts"
import { Holds } from "./holds.ts"
import { type AnyOptions, useEntry } from "./poll.ts"

export const suspensePollOf = (context: ProvidedContext) =>
  function useSuspensePoll(job: Any, key: unknown, options: AnyOptions): unknown {
    const { holds, store } = useProvided(context, "useSuspensePoll")
    const nearest = useContext(boundary) ?? holds
    const id = job.key.encode(key)
    const entry = useEntry(store, job, key, id, options)
    const snapshot = useSyncExternalStore(entry.subscribe, entry.getSnapshot, entry.getServerSnapshot)
    const isEnded = snapshot.phase === "ended"
    // A promise that does not settle would keep the stream of the server open.
    if (!isEnded && typeof window === "undefined") throw new NotOnServer(job.name)
    const promise = nearest.read(store, job, id, entry)
    if (promise !== undefined) use(promise)
    useEffect(() => nearest.forget(store, job, id), [nearest, store, job, id])
    return valueOf(isEnded ? snapshot : entry.getSnapshot())
  }

export const PollBoundary = ({
  children,
  fallback
}: {
  readonly children?: ReactNode
  readonly fallback?: ReactNode
}): ReactElement => {
  const [holds] = useState(() => new Holds())
  useEffect(() => holds.mount(), [holds])
  const waiting = createElement(Waiting, { holds }, fallback)
  return createElement(boundary, { value: holds }, createElement(Suspense, { fallback: waiting }, children))
}

// ---- internal ----

/** The fallback: it is there for as long as something is suspended. */
const Waiting = ({ children, holds }: { readonly children?: ReactNode; readonly holds: Holds }): ReactNode => {
  useEffect(() => holds.fallback(), [holds])
  return children
}

const valueOf = ({ outcome }: Snapshot<unknown, unknown, unknown>): unknown => {
  if (outcome?._tag === "Success") return outcome.value
  throw outcome?._tag === "Failure" ? outcome.error : outcome?.defect
}

/** React renders the fallback, and the page renders the component itself. */
class NotOnServer extends Error {
  override readonly name = "NotOnServer"
  /** React tells the page this word instead of the message. */
  readonly digest = "EFFECT_POLL_NOT_ON_SERVER"
  constructor(job: string) {
    super(`useSuspensePoll: the job "${job}" has not ended, so the server renders the fallback`)
  }
}
