import type { HistoryEntry } from "../PollError.ts"
import * as Status from "../Status.ts"

/** What the looks of a wait found, run-length encoded. The newest entry is spread out: most looks only count it up. */
export class History {
  private seen: Status.Status<unknown, unknown> | undefined
  private text = ""
  private finding = ""
  private looks = 0
  private first = 0
  private last = 0
  /** The entries before the newest, if any. */
  private former: Array<HistoryEntry> | undefined

  /** The status that was seen last. */
  get status(): Status.Status<unknown, unknown> | undefined {
    return this.seen
  }

  /** It is described once for all the looks that find it. */
  set status(status: Status.Status<unknown, unknown>) {
    this.seen = status
    this.text = Status.describe(status)
  }

  /** Notes what a look found; the same finding again lengthens the newest entry. */
  add(finding: string, at: number): void {
    if (finding !== this.finding) {
      if (this.looks > 0) {
        this.former ??= []
        this.former.push(this.newest)
        if (this.former.length === bound) this.former.shift()
      }
      this.finding = finding
      this.looks = 0
      this.first = at
    }
    this.looks++
    this.last = at
  }

  /** Notes that a look found the status that was seen last. */
  addStatus(at: number): void {
    this.add(this.text, at)
  }

  get entries(): ReadonlyArray<HistoryEntry> {
    return this.looks === 0 ? [] : [...(this.former ?? []), this.newest]
  }

  private get newest(): HistoryEntry {
    const { finding, first, last, looks } = this
    return { finding, looks, first, last }
  }
}

// ---- internal ----

/** The longest history that an error carries; older entries are dropped. */
const bound = 32
