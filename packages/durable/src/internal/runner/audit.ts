import * as Effect from "effect/Effect"
import type { Service } from "../../DurableStore.ts"
import type { Backoff } from "./backoff.ts"
import { type Calls, failed } from "./calls.ts"
import type { State, Watch } from "./state.ts"
import type { Step } from "./steps.ts"
import type { Waits } from "./waits.ts"

/** What the audit needs. */
export interface Around {
  readonly store: Service
  readonly calls: Calls
  readonly backoff: Backoff
  readonly state: State
  readonly waits: Waits
  readonly now: () => number
}

/**
 * Compares the waits in memory with the store, a page at a time, to find jobs that were settled or removed: scans yield open
 * rows only, and notifications can be lost. A round takes 30 seconds with up to 500 waits, 5 minutes with 5,000 to 50,000, and
 * 10 minutes with 100,000.
 */
export class Audit {
  private readonly around: Around
  private next = Number.POSITIVE_INFINITY
  private round: Iterator<Watch> | undefined

  constructor(around: Around) {
    this.around = around
  }

  /** Called when there may be waits. */
  begin(): void {
    if (this.next === Number.POSITIVE_INFINITY) this.next = this.around.now() + longest
  }

  readonly step: Step = {
    readyAt: () => Math.max(this.next, this.around.backoff.notBefore),
    run: Effect.gen({ self: this }, function* () {
      const { backoff, calls, now, state, store, waits } = this.around
      const pages = Math.ceil(state.waits / page)
      this.next = now() + Math.max(shortest, longest / Math.max(1, pages / 10))
      for (const [kind, watches] of this.some()) {
        waits.reading()
        const ids = watches.map(({ row }) => row.id)
        const rows = yield* calls.run("find", store.find(kind, ids))
        if (rows === failed) return backoff.failed(now())
        backoff.succeeded()
        const known = new Set(rows.map(({ id }) => id))
        yield* waits.takeAll(rows)
        // Removed from the store.
        yield* waits.leaveAll(watches.filter(({ phase, row }) => phase === "running" && !known.has(row.id)))
      }
    })
  }

  /** The next page of waits, by kind. */
  private some(): ReadonlyMap<string, ReadonlyArray<Watch>> {
    const found = new Map<string, Array<Watch>>()
    this.round ??= this.around.state.all()
    for (let count = 0; count < page;) {
      const { done, value } = this.round.next()
      if (done === true) {
        this.round = undefined
        break
      }
      if (value.phase !== "running") continue
      const watches = found.get(value.row.kind) ?? []
      found.set(value.row.kind, watches)
      watches.push(value)
      count++
    }
    return found
  }
}

// ---- internal ----

/** The number of waits in a page. */
const page = 500

/** The longest and the shortest time between two pages, in milliseconds. */
const longest = 30_000
const shortest = 3_000
