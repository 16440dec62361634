// The trace of a wait, written by the reference and by the observers of a host, in the same words.

/** How a wait ended. Fields that the ending does not have are undefined. */
export interface Ending {
  readonly at: number
  /** "Succeeded", "Defect", or the tag of the error. */
  readonly tag: string
  readonly attempts: number
  /** The fields of the error, in words. */
  readonly fields: string
}

export interface Trace {
  /** The checks: when, which attempt, at which source, given what. */
  readonly checks: ReadonlyArray<string>
  /** When the server was asked to cancel the job. */
  readonly cancels: ReadonlyArray<string>
  readonly events: ReadonlyArray<string>
  /** Undefined if the wait did not end in time. */
  readonly ending: Ending | undefined
}

export const checkLine = (at: number, attempt: number, source: string, given: Given): string =>
  `${at} #${attempt} ${source}, ${given.elapsed} ms, last ${given.last ?? "none"}, cursor ${given.cursor ?? "none"}`

/** What a check is given besides its key. */
export interface Given {
  readonly elapsed: number
  readonly last: string | undefined
  readonly cursor: string | undefined
}

/** The fields of an error in words, without those that are undefined. */
export const fieldsOf = (fields: Readonly<Record<string, unknown>>): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${String(value)}`)
    .toSorted()
    .join(", ")

export const statusLine = (
  tag: string,
  state: string | undefined,
  progress: number | undefined,
  action?: string
): string =>
  [
    tag,
    state,
    progress === undefined ? undefined : `${progress}`,
    action === undefined ? undefined : `action ${action}`
  ]
    .filter((part) => part !== undefined)
    .join(" ")
