// What every engine is given: jobs to wait for, and when to check them.

/** The delays between the checks of a job: `initial`, then `factor` times longer each time. In milliseconds. */
export interface Delays {
  readonly initial: number
  readonly factor: number
}

/** A job that is done at its nth check, or never. */
export class Task {
  readonly key: string
  checks = 0
  readonly #lastCheck: number
  readonly #checked: ((task: Task) => void) | undefined

  constructor(index: number, lastCheck: number, checked?: (task: Task) => void) {
    this.key = String(index)
    this.#lastCheck = lastCheck
    this.#checked = checked
  }

  /** One check: true when the job is done. An engine wraps it in an async function, which is the trivial check. */
  check(): boolean {
    this.#checked?.(this)
    return ++this.checks >= this.#lastCheck
  }
}

/** Waits for many jobs. */
export interface Waits {
  /** Starts to wait for a job: the first check of once, then after each of the delays. The same few `Delays` are used. */
  readonly start: (task: Task, delays: Delays) => void
  /** Ends what is still waiting, where there is something to end. */
  readonly close?: (() => Promise<void>) | undefined
}

export interface Engine {
  /** The number of jobs that are not too many for it; figures are of this size where more were asked for. */
  readonly limit?: number | undefined
  /** In what the row differs from the workload of the others. */
  readonly note?: string | undefined
  /** `tasks[Number(key)]` is the job of a key; `done` is to be called once for each job that ended. */
  readonly open: (tasks: ReadonlyArray<Task>, done: () => void) => Promise<Waits> | Waits
}

/** Makes what an engine needs for each of its delays once. */
export const perDelays = <A>(make: (delays: Delays) => A): ((delays: Delays) => A) => {
  const made = new Map<Delays, A>()
  return (delays) => {
    let value = made.get(delays)
    if (value === undefined) made.set(delays, (value = make(delays)))
    return value
  }
}
