import type { HistoryEntry } from "../../PollError.ts"
import * as Status from "../../Status.ts"

/** The results of the checks of a wait, run-length encoded. The newest entry is kept in fields: most checks only count it up. */
export interface History {
  result: string
  checks: number
  first: number
  last: number
  /** Older entries, if any. */
  entries: Array<HistoryEntry> | undefined
  /** The status that was described last, and its description. */
  status: Status.Status<unknown, unknown> | undefined
  text: string
}

export const make = (): History => ({
  result: "",
  checks: 0,
  first: 0,
  last: 0,
  entries: undefined,
  status: undefined,
  text: ""
})

/** Records a result; the same one again lengthens the newest entry. */
export const add = (self: History, result: string, at: number): void => {
  if (result !== self.result) {
    if (self.checks > 0) {
      self.entries ??= []
      self.entries.push(newest(self))
      if (self.entries.length === bound) self.entries.shift()
    }
    self.result = result
    self.checks = 0
    self.first = at
  }
  self.checks++
  self.last = at
}

/** Records a status, which is described once for all the checks that found it. */
export const addStatus = (self: History, status: Status.Status<unknown, unknown>, at: number): void => {
  if (status !== self.status) {
    self.status = status
    self.text = Status.describe(status)
  }
  add(self, self.text, at)
}

export const entries = (self: History): ReadonlyArray<HistoryEntry> =>
  self.checks === 0 ? [] : [...(self.entries ?? []), newest(self)]

// ---- internal ----

/** The most entries of a history; older ones are dropped. */
const bound = 32

const newest = ({ result, first, last, checks }: History): HistoryEntry => ({
  result,
  checks,
  firstMillis: first,
  lastMillis: last
})
