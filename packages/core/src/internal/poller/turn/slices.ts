import * as Effect from "effect/Effect"

/** How much may be done for many waits at once before the event loop has its turn. */
export class Budget {
  private readonly clock: () => number
  private readonly most: number
  private startedAt = 0
  private spent = 0

  constructor(clock: () => number, most = sliceSize) {
    this.clock = clock
    this.most = most
  }

  start(now = this.clock()): void {
    this.startedAt = now
    this.spent = 0
  }

  /** Counts one item. Returns whether the rest has to wait for the next turn. */
  spend(): boolean {
    this.spent++
    if (this.spent >= this.most) return true
    return this.spent % clockEvery === 0 && this.clock() - this.startedAt >= longestSlice
  }
}

/**
 * Work on many waits in the turns of an engine: what a turn has no time for comes in the next ones, in the order in which
 * it came in. A wait may have changed until its item comes up.
 */
export class Slices {
  /** What it may do in the turn. */
  readonly budget: Budget
  private readonly unfinished: () => void
  /** Few at a time, however many items each has. */
  private readonly works: Array<Work> = []
  private isRunning = false

  constructor(budget: Budget, unfinished: () => void) {
    this.budget = budget
    this.unfinished = unfinished
  }

  get isEmpty(): boolean {
    return this.works.length === 0
  }

  /** Does something for each item, then calls `over`: within the call if the items are few. */
  each<A>(items: ReadonlyArray<A>, act: (item: A) => void, over?: () => void): void {
    if (items.length > sliceSize) return this.queue(items, act, over)
    for (const item of items) act(item)
    over?.()
  }

  /** Does something for each item as far as the turn has time, in the next turns for the others. */
  queue<A>(items: ReadonlyArray<A>, act: (item: A) => void, over?: () => void): void {
    let at = 0
    this.works.push({
      run: () => {
        while (at < items.length) {
          act(items[at++]!)
          if (this.budget.spend()) break
        }
        if (at < items.length) return false
        over?.()
        return true
      }
    })
    this.run()
  }

  /** Continues what is not finished. */
  run(): void {
    // An item may bring more work.
    if (this.isRunning) return
    this.isRunning = true
    try {
      while (this.works.length > 0) {
        if (!this.works[0]!.run()) return this.unfinished()
        this.works.shift()
      }
    } finally {
      this.isRunning = false
    }
  }
}

/** Does something for each item; after each slice, which is run by `together`, the event loop has its turn. */
export const forEach = <A>(
  items: Iterable<A>,
  budget: Budget,
  act: (item: A) => void,
  together: (slice: () => void) => void = (slice) => slice()
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const iterator = items[Symbol.iterator]()
    let isOver = false
    const slice = (): void => {
      budget.start()
      do {
        const next = iterator.next()
        isOver = next.done === true
        if (next.done === true) return
        act(next.value)
      } while (!budget.spend())
    }
    const loop: Effect.Effect<void> = Effect.suspend(() => {
      together(slice)
      return isOver ? Effect.void : Effect.andThen(Effect.yieldNow, loop)
    })
    return loop
  })

/** How many items a slice has at most. */
export const sliceSize = 512

// ---- internal ----

interface Work {
  /** Does a slice of it. Returns whether it is finished. */
  readonly run: () => boolean
}

/** How long a slice takes, in milliseconds, and after how many items that is looked up. */
const longestSlice = 2
const clockEvery = 16
