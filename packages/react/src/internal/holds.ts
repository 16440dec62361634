import type { Entry, PollStore } from "@effect-poll/web/PollStore"
import type { Any } from "effect-poll/Job"
import { isDevelopment, warnOnce } from "./warn.ts"

type AnyEntry = Entry<unknown, unknown, unknown>

/** A wait that a suspended component reads. */
interface Read {
  readonly store: PollStore
  readonly job: Any
  readonly id: string
  readonly entry: AnyEntry
  /** Settles when the wait has ended, or when nothing holds it any longer: then the component reads it again. */
  readonly promise: Promise<void>
  readonly resolve: () => void
  unsubscribe: (() => void) | undefined
  isSettled: boolean
}

/** The most settled waits that are kept for components that read them no more. */
const mostSettled = 256

/**
 * Holds the waits that suspended components read: a suspended component has no effects, so something that is mounted
 * above it listens in its place. Nothing is held before that is mounted, or during a render.
 */
export class Holds {
  private readonly reads = new Map<PollStore, Map<Any, Map<string, Read>>>()
  private readonly settled = new Set<Read>()
  private mounts = 0
  private wasMounted = false
  private fallbacks = 0

  /**
   * The promise of a wait, until it has settled and something else is asked of it: the component that it suspended has
   * to read the same one again. Called in renders.
   */
  read(store: PollStore, job: Any, id: string, entry: AnyEntry): Promise<void> | undefined {
    const known = this.find(store, job, id)
    const isEnded = entry.getSnapshot().phase === "ended"
    if (isEnded || known?.isSettled === false) return known?.promise
    if (known !== undefined) this.remove(known)
    const ofStore = getOrInsert(this.reads, store, () => new Map<Any, Map<string, Read>>())
    const ofJob = getOrInsert(ofStore, job, () => new Map<string, Read>())
    warnOfJobs(ofStore, job, id)
    let resolve = (): void => {}
    // @effect-diagnostics-next-line newPromise:off
    const promise = new Promise<void>((settle) => (resolve = settle))
    const read: Read = { store, job, id, entry, promise, resolve, unsubscribe: undefined, isSettled: false }
    ofJob.set(id, read)
    queueMicrotask(() => {
      if (this.mounts > 0) this.hold(read)
      else this.warnLater(job)
    })
    return promise
  }

  /** Forgets a wait that has settled: the component that read it is mounted. */
  forget(store: PollStore, job: Any, id: string): void {
    const read = this.find(store, job, id)
    if (read?.isSettled === true) this.remove(read)
  }

  /** Holds all waits until the function that is returned is called. */
  mount(): () => void {
    this.mounts++
    this.wasMounted = true
    this.each((read) => this.hold(read))
    return () => {
      if (--this.mounts > 0) return
      this.each((read) => {
        read.unsubscribe?.()
        read.unsubscribe = undefined
      })
    }
  }

  /** Lets go of all waits once the fallback is gone: what suspended has been shown, or was removed. */
  fallback(): () => void {
    this.fallbacks++
    return () => {
      this.fallbacks--
      // StrictMode mounts it again at once.
      queueMicrotask(() => {
        if (this.fallbacks === 0) this.each((read) => this.settle(read))
      })
    }
  }

  /** Warns if nothing was mounted in time: then nothing holds the wait, and it never begins. */
  private warnLater(job: Any): void {
    if (!isDevelopment()) return
    // @effect-diagnostics-next-line globalTimers:off
    setTimeout(() => {
      if (this.mounts === 0 && !this.wasMounted) warnOnce(neverBegins(job.name))
    }, 5_000)
  }

  private find(store: PollStore, job: Any, id: string): Read | undefined {
    return this.reads.get(store)?.get(job)?.get(id)
  }

  private hold(read: Read): void {
    if (read.unsubscribe !== undefined || read.isSettled) return
    const look = (): void => {
      if (read.entry.getSnapshot().phase === "ended") this.settle(read)
    }
    read.unsubscribe = read.entry.subscribe(look)
    look()
  }

  private settle(read: Read): void {
    if (read.isSettled) return
    read.isSettled = true
    read.unsubscribe?.()
    read.resolve()
    this.settled.add(read)
    const [oldest] = this.settled
    if (this.settled.size > mostSettled && oldest !== undefined) this.remove(oldest)
  }

  private remove(read: Read): void {
    this.settled.delete(read)
    const ofStore = this.reads.get(read.store)
    const ofJob = ofStore?.get(read.job)
    if (ofJob?.get(read.id) !== read) return
    ofJob.delete(read.id)
    if (ofJob.size === 0) ofStore?.delete(read.job)
    if (ofStore?.size === 0) this.reads.delete(read.store)
  }

  private each(use: (read: Read) => void): void {
    for (const jobs of this.reads.values()) {
      for (const reads of jobs.values()) for (const read of reads.values()) use(read)
    }
  }
}

// ---- internal ----

const getOrInsert = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}

const warnOfJobs = (jobs: ReadonlyMap<Any, ReadonlyMap<string, Read>>, job: Any, id: string): void => {
  let others = 0
  for (const [other, reads] of jobs) if (other !== job && other.name === job.name && reads.has(id)) others++
  if (others >= 2) warnOnce(jobsInRender("useSuspensePoll", job.name))
}

const neverBegins = (name: string): string =>
  `useSuspensePoll: the wait for the job "${name}" has not begun, since its PollProvider is not mounted. ` +
  "Mount the PollProvider outside of the Suspense boundary."

/** The warning about a job that is another one at each render. */
export const jobsInRender = (hook: string, name: string): string =>
  `${hook}: the job "${name}" is another one at each render, so each render begins a new wait. ` +
  "Make the job outside of the component."
