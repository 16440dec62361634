// What an engine works on: the jobs, and when to check them.

/** The delays between the checks of a job: `initial`, then `factor` times longer each time. In milliseconds. */
export interface Delays {
  readonly initial: number
  readonly factor: number
}

/** A job that is done on its nth check, or never. */
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

  /** Makes one check: true when the job is done. Engines wrap it in an async function. */
  check(): boolean {
    this.#checked?.(this)
    return ++this.checks >= this.#lastCheck
  }
}

/** Waits for many jobs. */
export interface Waits {
  /** Starts a wait: checks at once, then after each delay. Callers share a few `Delays` objects. */
  readonly start: (task: Task, delays: Delays) => void
  /** Ends the waits that are left. */
  readonly close?: (() => Promise<void>) | undefined
}

export interface Engine {
  /** The maximum number of jobs that it handles in a reasonable time. */
  readonly limit?: number | undefined
  /** How the row differs from the others. */
  readonly note?: string | undefined
  /** `tasks[Number(key)]` is the job of a key. The engine calls `done` once for each job that ends. */
  readonly open: (tasks: ReadonlyArray<Task>, done: () => void) => Promise<Waits> | Waits
}

/** Memoizes `make` per `Delays` object. */
export const perDelays = <A>(make: (delays: Delays) => A): ((delays: Delays) => A) => {
  const made = new Map<Delays, A>()
  return (delays) => {
    let value = made.get(delays)
    if (value === undefined) made.set(delays, (value = make(delays)))
    return value
  }
}
