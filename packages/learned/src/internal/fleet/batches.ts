// When requests for many are to be made: once there are enough checks of a job for a whole one. The strategies tell when
// they will want each check, so that this is known ahead.

/** By how much a check may come after the time it is planned for, since checks are gathered, in milliseconds. */
const gathered = 60

/** The longest a check waits for others, as a share of the time between two checks. */
const longestShare = 0.75

/** The same in milliseconds while that time is not known. */
const longestUnknown = 1_000

/** After what time a planned check that no request was made for is forgotten, in milliseconds: its wait has ended. */
const lost = 60_000

/** How much the newest value counts in a mean. */
const newest = 0.05

/** The checks of one job. Times are milliseconds. */
export class Batches {
  /** How many jobs a request checks on average, as a share of what it could. */
  fill = 1
  private readonly size: number
  /** When checks are planned for that no request was made for, in order, from `head` on. */
  private times: Array<number> = []
  private head = 0
  /** How long checks wait for others, and the time between two checks of a job, on average. */
  private late = 0
  private interval: number | undefined
  /** When a request was first asked for since the last one. */
  private askedAt: number | undefined

  constructor(size: number) {
    this.size = size
  }

  /** Plans a check after a delay. Returns a shorter one, so that the check is on time although it waits for others. */
  plan(now: number, delay: number, isFirst: boolean): number {
    if (!isFirst) this.interval = mean(this.interval ?? delay, delay)
    this.dropLost(now)
    const early = Math.max(0, delay - Math.min(this.late, this.longest / 2, delay / 2))
    const { head, times } = this
    const at = now + early
    let low = head
    let high = times.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (times[middle]! <= at) low = middle + 1
      else high = middle
    }
    times.splice(low, 0, at)
    return early
  }

  /** When the next request is to be made that is asked for now. */
  readyAt(now: number): number {
    this.dropLost(now)
    const { head, times } = this
    this.askedAt ??= now
    // The checks of other strategies are not planned here.
    if (this.interval === undefined && head === times.length) return now
    const full = times[head + this.size - 1] ?? Number.POSITIVE_INFINITY
    return Math.min(full + gathered, Math.min(this.askedAt, times[head] ?? this.askedAt) + this.longest)
  }

  /** Notes that a request is made. */
  made(now: number): void {
    this.askedAt = undefined
    let count = 0
    let late = 0
    while (count < this.size && this.head < this.times.length && this.times[this.head]! <= now) {
      late += now - this.times[this.head++]!
      count++
    }
    if (count === 0) return
    this.late = mean(this.late, late / count)
    this.fill = mean(this.fill, count / this.size)
  }

  /** How long a check waits for others at most. */
  private get longest(): number {
    return this.interval === undefined ? longestUnknown : longestShare * this.interval
  }

  private dropLost(now: number): void {
    while (this.head < this.times.length && this.times[this.head]! < now - lost) this.head++
    if (this.head < 1_024 || this.head * 2 < this.times.length) return
    this.times = this.times.slice(this.head)
    this.head = 0
  }
}

// ---- internal ----

const mean = (known: number, value: number): number => known + newest * (value - known)
