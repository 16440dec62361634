import { never } from "../../machine/wait.ts"

/**
 * When the newest check of each key began, for waits with a `minInterval`: they keep it from checks of other waits too,
 * and from those of waits that have ended. Empty as long as no wait of the target has one.
 *
 * A start is kept for the longest `minInterval`, and not more than `mostKept` of them: beyond that the oldest go first.
 */
export class Spacing {
  /** The longest `minInterval` of the waits so far, in milliseconds. */
  private longest = 0
  /** By key, the oldest first. */
  private readonly starts = new Map<string, number>()

  /** How many starts are kept. */
  get size(): number {
    return this.starts.size
  }

  get isNeeded(): boolean {
    return this.longest > 0
  }

  /** Keeps the starts of checks for this long from now on. */
  extend(minInterval: number): void {
    this.longest = Math.max(this.longest, minInterval)
  }

  /** Notes that a check of a key began. */
  note(key: string, at: number): void {
    if (this.longest === 0) return
    const known = this.starts.get(key)
    if (known !== undefined && known >= at) return
    this.starts.delete(key)
    this.starts.set(key, at)
    this.drop(at)
  }

  /** When the newest check of a key began; `never` if that is not known. */
  of(key: string): number {
    return this.starts.get(key) ?? never
  }

  /** Forgets the checks that no wait has to keep a gap from any more. */
  drop(now: number): void {
    for (const [key, at] of this.starts) {
      if (at + this.longest > now && this.starts.size <= mostKept) return
      this.starts.delete(key)
    }
  }
}

// ---- internal ----

const mostKept = 65_536
