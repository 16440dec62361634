import type { HistoryEntry } from "../../PollError.ts"
import * as Status from "../../Status.ts"

/** What the checks of a wait found, run-length encoded. The newest entry is spread out: most checks only count it up. */
export interface History {
  finding: string
  checks: number
  first: number
  last: number
  /** The entries before it, if any. */
  entries: Array<HistoryEntry> | undefined
  /** The status that was described last, and how. */
  status: Status.Status<unknown, unknown> | undefined
  text: string
}

export const make = (): History => ({
  finding: "",
  checks: 0,
  first: 0,
  last: 0,
  entries: undefined,
  status: undefined,
  text: ""
})

/** Notes what a check found; the same finding again lengthens the newest entry. */
export const add = (self: History, finding: string, at: number): void => {
  if (finding !== self.finding) {
    if (self.checks > 0) {
      self.entries ??= []
      self.entries.push(newest(self))
      if (self.entries.length === bound) self.entries.shift()
    }
    self.finding = finding
    self.checks = 0
    self.first = at
  }
  self.checks++
  self.last = at
}

/** Notes that a check found a status, which is described once for all the checks that found it. */
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

/** The longest history that an error carries; older entries are dropped. */
const bound = 32

const newest = ({ finding, first, last, checks }: History): HistoryEntry => ({
  result: finding,
  checks,
  firstMillis: first,
  lastMillis: last
})
