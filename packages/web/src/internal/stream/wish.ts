import * as Job from "effect-poll/Job"
import type { PollOptions } from "effect-poll/PollOptions"
import type { Place, StreamSlot } from "./slot.ts"

type AnyOptions = PollOptions<unknown, unknown>

/** Whether a wait may open its stream, and its job and options in either case. */
export class Wish {
  private place: Place | undefined
  /** `undefined` until it is known. */
  private answer: boolean | undefined
  private readonly slot: StreamSlot | undefined
  private readonly job: Job.Any
  private readonly options: AnyOptions
  private readonly changed: () => void
  private readonly wantsStream: boolean

  /** Without a slot, each wait may open its stream. `changed` is called when `hasStream` changes by itself. */
  constructor(slot: StreamSlot | undefined, job: Job.Any, options: AnyOptions, changed: () => void) {
    this.slot = slot
    this.job = job
    this.options = options
    this.changed = changed
    this.wantsStream = job.push !== undefined || (options as Told).push !== undefined
  }

  /** Whether the wait may open its stream; `undefined` while that is being asked. Asks, if that was not done yet. */
  hasStream(): boolean | undefined {
    if (this.slot === undefined || !this.wantsStream) return true
    this.place ??= this.slot.want((hasPlace) => {
      this.answer = hasPlace
      this.changed()
    })
    return this.answer
  }

  /** The wait is over, or parked. */
  release(): void {
    this.place?.release()
    this.place = this.answer = undefined
  }

  /** What to wait for, and how. */
  subject(hasStream: boolean): { readonly job: Job.Any; readonly options: AnyOptions } {
    const { job } = this
    if (hasStream) return { job, options: this.options }
    const { push: _, ...told } = this.options as Told & AnyOptions
    // What tells the wait by a signal is not a stream of the server.
    const options = told.signal === undefined ? without(told) : told
    return { job: job.push === undefined ? job : withoutPush(job), options }
  }
}

// ---- internal ----

interface Told {
  readonly push?: unknown
  readonly behind?: unknown
  readonly signal?: unknown
}

/** The same for all keys, which may share requests. */
const withoutPush = (job: Job.Any): Job.Any => {
  const known = polled.get(job)
  if (known !== undefined) return known
  // All fields that are given replace those of the job.
  const made = Job.withChecks(job, { ...job, push: undefined } as Job.Any)
  polled.set(job, made)
  return made
}

const polled = new WeakMap<Job.Any, Job.Any>()

const without = ({ behind: _, ...rest }: Omit<Told, "push"> & AnyOptions): AnyOptions => rest
