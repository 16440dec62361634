import type { BucketAnswer, WindowAnswer } from "./table.ts"

// Tokens that this process has taken from the store and not yet handed out. The store knows the time at which it took them by
// its own clock. This process only knows that it was between the request and the answer. It counts from the answer where it
// must not be early, and from the request where it must not be late. Times are milliseconds of the monotonic clock.

/** When a statement was sent, and when its answer came. */
export interface Asked {
  readonly sent: number
  readonly answered: number
}

/** Tokens of a token bucket. Some may be reserved: they become available at the rate of the bucket. */
export class BucketLease {
  used = 0
  readonly size: number
  /** From when on all of its tokens are there. */
  readonly completeAt: number
  /** When it has to be given back at the latest. */
  readonly endsAt: number
  private readonly before: number
  private readonly elapsed: number
  private readonly refill: number
  private readonly capacity: number
  private readonly asked: Asked

  constructor(answer: BucketAnswer, limit: number, refillMillis: number, asked: Asked) {
    this.size = answer.taken
    this.before = answer.tokens + answer.taken
    this.elapsed = answer.elapsedMillis
    this.refill = refillMillis
    // A bucket of one token would otherwise require each to be used at the moment when it arrives.
    this.capacity = Math.max(limit, 2)
    this.asked = asked
    this.completeAt = this.timeOf(this.size)
    this.endsAt = asked.sent + (this.capacity - answer.tokens) * refillMillis - this.elapsed
  }

  /** How many may be handed out now. */
  available(now: number): number {
    return Math.max(0, Math.min(this.size, Math.floor(this.before + this.came(now - this.asked.answered))) - this.used)
  }

  /**
   * How many are left. A lease keeps no more than the bucket would have room for if no other process had made requests, so that
   * all processes together never use more at once than the bucket holds.
   */
  left(now: number): number {
    const room = this.capacity - (this.before - this.size) - this.came(now - this.asked.sent)
    return Math.max(0, Math.min(this.size - this.used, Math.floor(room)))
  }

  /** The time at which this many more may be handed out. */
  timeOf(tokens: number): number {
    const missing = Math.ceil(this.used + tokens - this.before)
    return this.asked.answered + Math.max(0, missing * this.refill - this.elapsed)
  }

  /** How many tokens have become available. */
  private came(millis: number): number {
    return Math.floor((Math.max(0, millis) + this.elapsed) / this.refill)
  }
}

/** Tokens of a window. */
export class WindowLease {
  used = 0
  readonly size: number
  readonly round: number
  /** When it has to be given back at the latest: the window ends. */
  readonly endsAt: number
  /** How many tokens of the window had been taken before. */
  readonly before: number

  constructor(answer: WindowAnswer, { sent }: Asked) {
    this.size = answer.taken
    this.round = answer.round
    this.before = answer.tokens - answer.taken
    this.endsAt = sent + answer.endsInMillis
  }

  left(now: number): number {
    return now < this.endsAt ? this.size - this.used : 0
  }
}

/** How many tokens to take at once: as many as were recently used in the time for which tokens are kept. */
export class LeaseSize {
  private readonly most: number
  private size = 1
  private askedAt = Number.NEGATIVE_INFINITY

  constructor(most: number) {
    this.most = most
  }

  next(now: number): number {
    const used = (this.size * keptMillis) / Math.max(1, now - this.askedAt)
    this.size = Math.max(1, Math.min(this.most, 2 * this.size, Math.floor(used)))
    this.askedAt = now
    return this.size
  }
}

/** How long available tokens are kept for a request, in milliseconds. */
export const keptMillis = 500
