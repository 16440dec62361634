/**
 * The search for the keys that make a request fail for all of them: a failed request is divided into parts, which are
 * requests of their own.
 *
 * - A part that fails is divided further once another one has worked: then the fault is in its keys. A part of one key
 *   is found to be bad.
 * - If none works, the fault is not in the keys, and the search gives up.
 * - At most `width` parts are asked for at a time, besides the first ones, the smallest failed one first. When many fail
 *   in a row all the same, the server has failed meanwhile, and the search gives up.
 *
 * Until it is known what to do with a part that failed, the part is held.
 */
export class Division<P extends { readonly size: number }> {
  readonly kind: "Permanent" | "Transient"
  isOver = false
  private readonly mostFailed: number
  private hasWorked = false
  private failedInRow = 0
  /** How many parts have no outcome yet. */
  private open = 0
  private readonly held = new Set<P>()

  constructor(kind: "Permanent" | "Transient", keys: number) {
    this.kind = kind
    this.mostFailed = 4 * Math.ceil(Math.log2(keys)) + 8
  }

  /** Whether a part that fails is about its keys, as far as is known. */
  get isAboutKeys(): boolean {
    return this.hasWorked && !this.isOver
  }

  begun(): void {
    this.open++
  }

  worked(): void {
    this.open--
    this.failedInRow = 0
    this.hasWorked = true
  }

  /** A part has failed for the reason that this is about. */
  failed(part: P): void {
    this.open--
    this.failedInRow++
    this.held.add(part)
    if (this.failedInRow > this.mostFailed) this.isOver = true
  }

  /** A part has timed out, and its waits have left it. */
  timedOut(): void {
    this.open--
    this.failedInRow++
    if (this.failedInRow > this.mostFailed) this.isOver = true
  }

  /** A part has no outcome that tells anything; with `stops` no more requests may follow. */
  left(stops: boolean): void {
    this.open--
    if (stops) this.isOver = true
  }

  /** Holds a part no longer. */
  drop(part: P): void {
    this.held.delete(part)
  }

  /** The next held part, and what to do with it: divide it, or give up on it. */
  next(): { readonly part: P; readonly divide: boolean } | undefined {
    if (!this.hasWorked && this.open === 0) this.isOver = true
    if (this.held.size === 0 || !(this.isOver || (this.hasWorked && this.open < width))) return undefined
    let part: P | undefined
    for (const one of this.held) if (part === undefined || one.size < part.size) part = one
    this.held.delete(part!)
    return { part: part!, divide: !this.isOver }
  }
}

/**
 * The first parts of a request: its halves. When it has failed more often than twice in a row, as `round` says, one key
 * besides, each time another: there may be bad keys in both halves.
 */
export const firstParts = <K>(keys: ReadonlyArray<K>, round: number): ReadonlyArray<ReadonlyArray<K>> => {
  if (round <= 2 || keys.length < 3) return halves(keys)
  const at = Math.floor(keys.length * ((round * 0.618) % 1))
  return [[keys[at]!], ...halves([...keys.slice(0, at), ...keys.slice(at + 1)])]
}

export const halves = <K>(keys: ReadonlyArray<K>): ReadonlyArray<ReadonlyArray<K>> => {
  const half = Math.ceil(keys.length / 2)
  return [keys.slice(0, half), keys.slice(half)]
}

// ---- internal ----

const width = 4
