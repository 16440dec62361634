import * as Effect from "effect/Effect"
import type { DurableRow } from "../../DurableRow.ts"
import type { Service } from "../../DurableStore.ts"
import type { Backoff } from "./backoff.ts"
import { type Calls, failed } from "./calls.ts"
import type { Step } from "./steps.ts"

/** What it needs. */
export interface Around {
  readonly store: Service
  readonly calls: Calls
  readonly backoff: Backoff
  readonly now: () => number
  readonly changed: () => void
  /** Is called before the store is read. */
  readonly reading: () => void
  readonly take: (rows: ReadonlyArray<DurableRow>) => Effect.Effect<void>
}

/**
 * Jobs whose wait could not be started, for example because a function in its options threw, and jobs that a message says
 * are settled. They are looked up later.
 */
export class Again {
  private readonly around: Around
  private readonly items: Array<{ readonly kind: string; readonly id: string; readonly at: number }> = []

  constructor(around: Around) {
    this.around = around
  }

  add({ id, kind }: DurableRow): void {
    this.items.push({ kind, id, at: this.around.now() + delay })
    this.around.changed()
  }

  readonly step: Step = {
    // Entries are sorted by time.
    readyAt: () => Math.max(this.items[0]?.at ?? Number.POSITIVE_INFINITY, this.around.backoff.notBefore),
    run: Effect.gen({ self: this }, function* () {
      const { backoff, calls, now, reading, store, take } = this.around
      const [first] = this.items
      if (first === undefined) return
      const due = this.items.filter(({ at, kind }) => at <= now() && kind === first.kind).slice(0, page)
      const ids = due.map(({ id }) => id)
      reading()
      const rows = yield* calls.run("find", store.find(first.kind, ids))
      if (rows === failed) return backoff.failed(now())
      backoff.succeeded()
      const done = new Set(due)
      this.items.splice(0, this.items.length, ...this.items.filter((item) => !done.has(item)))
      yield* take(rows.filter(({ state }) => state !== "ended"))
    })
  }
}

// ---- internal ----

const page = 500

/** In milliseconds. */
const delay = 10_000
