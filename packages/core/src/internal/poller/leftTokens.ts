import type { ResumeToken } from "../../ResumeToken.ts"

/**
 * The tokens of waits whose callers were interrupted, for the shutdown of the Poller. A program that ends interrupts its
 * callers first, and not every such interruption can be distinguished from others.
 */
export class LeftTokens {
  private readonly kept: Array<ResumeToken> = []
  private recent: Array<{ readonly token: ResumeToken; readonly leftAt: number }> = []
  /** How many of `recent` have been dropped already. */
  private dropped = 0

  /** Keeps a token; one with the time at which its wait was left, only for a short time. */
  add(token: ResumeToken, leftAt: number | undefined): void {
    if (leftAt === undefined) return void this.kept.push(token)
    this.recent.push({ token, leftAt })
    this.drop(leftAt)
  }

  /** Returns and removes all tokens that are still kept. */
  take(now: number): ReadonlyArray<ResumeToken> {
    this.drop(now)
    const tokens = [...this.kept.splice(0), ...this.recent.slice(this.dropped).map(({ token }) => token)]
    this.recent = []
    this.dropped = 0
    return tokens
  }

  private drop(now: number): void {
    const { recent } = this
    while (this.dropped < recent.length) {
      const isKept = now - recent[this.dropped]!.leftAt <= longestMillis && recent.length - this.dropped <= most
      if (isKept) break
      this.dropped++
    }
    if (this.dropped > 1_024 && this.dropped * 2 > recent.length) {
      this.recent = recent.slice(this.dropped)
      this.dropped = 0
    }
  }
}

// ---- internal ----

/** For how long, and how many, tokens are kept of callers that may have been interrupted for another reason. */
const longestMillis = 1_000
const most = 100_000
