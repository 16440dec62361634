import type { ResumeToken } from "../../ResumeToken.ts"

/**
 * The tokens of waits whose callers were interrupted, for the shutdown of the Poller. A program that ends interrupts its
 * callers first, and not every such interruption can be distinguished from others.
 */
export class LeftTokens {
  private readonly kept = new Set<Left>()
  /** In the order in which they were left. */
  private readonly recent = new Set<Left>()
  private readonly ofJobs = new Map<string, Set<Left>>()

  /** Keeps a token; one with the time at which its wait was left, only for a short time. */
  add(token: ResumeToken, leftAt: number | undefined): void {
    const left = { token, leftAt: leftAt ?? Number.POSITIVE_INFINITY }
    const id = idOf(token.job, token.key)
    const ofJob = this.ofJobs.get(id)
    if (ofJob === undefined) this.ofJobs.set(id, new Set([left]))
    else ofJob.add(left)
    if (leftAt === undefined) return void this.kept.add(left)
    this.recent.add(left)
    this.drop(leftAt)
  }

  /** Forgets the tokens of a job that has ended or is canceled: it does not run on. */
  forget(job: string, key: string): void {
    if (this.ofJobs.size > 0) this.ofJobs.get(idOf(job, key))?.forEach((left) => this.remove(left))
  }

  /** Returns and removes all tokens that are still kept. */
  take(now: number): ReadonlyArray<ResumeToken> {
    this.drop(now)
    const tokens = [...this.kept, ...this.recent].map(({ token }) => token)
    this.kept.clear()
    this.recent.clear()
    this.ofJobs.clear()
    return tokens
  }

  private drop(now: number): void {
    for (const left of this.recent) {
      if (now - left.leftAt <= longestMillis && this.recent.size <= most) return
      this.remove(left)
    }
  }

  private remove(left: Left): void {
    const id = idOf(left.token.job, left.token.key)
    const ofJob = this.ofJobs.get(id)
    ofJob?.delete(left)
    if (ofJob?.size === 0) this.ofJobs.delete(id)
    this.kept.delete(left)
    this.recent.delete(left)
  }
}

// ---- internal ----

interface Left {
  readonly token: ResumeToken
  readonly leftAt: number
}

const idOf = (job: string, key: string): string => `${job}\0${key}`

/** For how long, and how many, tokens are kept of callers that may have been interrupted for another reason. */
const longestMillis = 1_000
const most = 100_000
