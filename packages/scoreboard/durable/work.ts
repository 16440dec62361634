// The work that each row does: jobs that are checked until the last of their checks says that they are done.

export interface Work {
  readonly jobs: number
  /** How many checks it takes until a job is done. */
  readonly checks: number
  readonly intervalMillis: number
}

/** What every row of the table does. */
export const full: Work = { jobs: 200, checks: 20, intervalMillis: 1_000 }

/** The server that the jobs run on, in the memory of the process that checks. */
export interface Server {
  readonly work: Work
  readonly keys: ReadonlyArray<string>
  /** One check: whether the job is done. */
  readonly check: (key: string) => boolean
  readonly checks: () => number
  /** How many jobs have been seen done. */
  readonly done: () => number
  /** Resolves once all jobs have been seen done. */
  readonly allDone: Promise<void>
}

export const server = (work: Work, name = "job"): Server => {
  // Jobs that do not end need no memory here: it would count as that of the runner.
  const neverEnd = work.checks >= Number.MAX_SAFE_INTEGER
  const seen = new Map<string, number>()
  const done = new Set<string>()
  let checks = 0
  let resolve = (): void => {}
  const allDone = new Promise<void>((ended) => (resolve = ended))
  return {
    work,
    get keys() {
      return Array.from({ length: work.jobs }, (_, at) => `${name}-${at}`)
    },
    check: (key) => {
      checks++
      if (neverEnd) return false
      const count = (seen.get(key) ?? 0) + 1
      seen.set(key, count)
      if (count < work.checks) return false
      done.add(key)
      if (done.size === work.jobs) resolve()
      return true
    },
    checks: () => checks,
    done: () => done.size,
    allDone
  }
}

/** One way to do the work. */
export interface Subject {
  /** Sets the database up and starts what does the work of any server of this process. */
  readonly start: (url: string, world: World) => Promise<Started>
}

/** What a way to do the work knows before it is given a server. */
export interface World {
  readonly work: Work
  /** One check of a job of any server. */
  readonly check: (key: string) => boolean
}

export interface Started {
  /** Submits all jobs of a server, and resolves once all of them have ended and their ends are stored. */
  readonly run: (server: Server) => Promise<void>
}
