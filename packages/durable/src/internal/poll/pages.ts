import type { DurableRow } from "../../DurableRow.ts"

/** How many ended rows are read at a time: fewer where they are large, so that a page fits into memory. */
export class Pages {
  size: number
  private readonly most: number

  constructor(most: number) {
    this.most = most
    this.size = Math.min(first, most)
  }

  /** Tells of a page that was read. */
  read(rows: ReadonlyArray<DurableRow>): void {
    if (rows.length === 0) return
    let length = 0
    for (const { ended } of rows) length += ended?.ending.length ?? 0
    this.size = Math.max(1, Math.min(this.most, Math.floor((longest * rows.length) / Math.max(1, length))))
  }
}

// ---- internal ----

/** How many are read before their size is known. */
const first = 100

/** The length of the endings of a page, in characters. */
const longest = 8_000_000
