import type { ResumeToken } from "../../../ResumeToken.ts"

/**
 * The tokens of waits whose callers were interrupted, for the shutdown of the Poller. A program that ends interrupts its
 * callers first, and not every such interruption can be distinguished from others.
 */
export class LeftTokens {
  private readonly kept = new Set<Left>()
  /** In the order in which they were left, from `head` on; some may have been removed. */
  private recent: Array<Left> = []
  private head = 0
  private recentCount = 0
  private readonly ofJobs = new Map<string, Set<Left>>()

  /** Keeps a token; one with the time at which its wait was left, only for a short time. */
  add(token: ResumeToken, leftAt: number | undefined): void {
    const left = { token, leftAt: leftAt ?? Number.POSITIVE_INFINITY, isKept: true }
    const id = idOf(token.job, token.key)
    const ofJob = this.ofJobs.get(id)
    if (ofJob === undefined) this.ofJobs.set(id, new Set([left]))
    else ofJob.add(left)
    if (leftAt === undefined) return void this.kept.add(left)
    this.recent.push(left)
    this.recentCount++
    this.drop(leftAt)
  }

  /** Forgets the tokens of a job that has ended or is canceled: it does not run on. */
  forget(job: string, key: string): void {
    if (this.ofJobs.size > 0) this.ofJobs.get(idOf(job, key))?.forEach((left) => this.remove(left))
  }

  /** Returns and removes all tokens that are still kept. */
  take(now: number): ReadonlyArray<ResumeToken> {
    this.drop(now)
    const recent = this.recent.slice(this.head).filter(({ isKept }) => isKept)
    const tokens = [...this.kept, ...recent].map(({ token }) => token)
    this.kept.clear()
    this.recent = []
    this.head = this.recentCount = 0
    this.ofJobs.clear()
    return tokens
  }

  private drop(now: number): void {
    while (this.head < this.recent.length) {
      const left = this.recent[this.head]!
      if (left.isKept) {
        if (now - left.leftAt <= longestMillis && this.recentCount <= most) break
        this.remove(left)
      }
      this.head++
    }
    if (this.head < leastCompacted || this.head * 2 < this.recent.length) return
    this.recent = this.recent.slice(this.head)
    this.head = 0
  }

  private remove(left: Left): void {
    const id = idOf(left.token.job, left.token.key)
    const ofJob = this.ofJobs.get(id)
    ofJob?.delete(left)
    if (ofJob?.size === 0) this.ofJobs.delete(id)
    left.isKept = false
    if (!this.kept.delete(left)) this.recentCount--
  }
}

// ---- internal ----

interface Left {
  readonly token: ResumeToken
  readonly leftAt: number
  isKept: boolean
}

const idOf = (job: string, key: string): string => `${job}\0${key}`

/** For how long, and how many, tokens are kept of callers that may have been interrupted for another reason. */
const longestMillis = 1_000
const most = 100_000

const leastCompacted = 1_024
