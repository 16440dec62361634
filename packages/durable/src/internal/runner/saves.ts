import * as Effect from "effect/Effect"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type { Save, Service } from "../../DurableStore.ts"
import type { Backoff } from "./backoff.ts"
import { type Calls, failed } from "./calls.ts"
import type { Skew } from "./skew.ts"
import type { Watch } from "./state.ts"
import type { Step } from "./steps.ts"
import * as token from "./token.ts"

/** A token that is to be stored. */
interface Item {
  readonly watch: Watch
  readonly token: ResumeToken
  /** The key of a job that was submitted just now. */
  readonly key: string | undefined
  /** Whether it is still to be stored. */
  readonly isWanted: () => boolean
  /** What follows once it is stored; `isStored`: not if the claim is lost, or if the job has ended or begun again. */
  readonly then: (isStored: boolean) => Effect.Effect<void>
}

/** What is around the saves. */
export interface Around {
  readonly store: Service
  readonly calls: Calls
  readonly backoff: Backoff
  readonly skew: Skew
  readonly now: () => number
  readonly changed: () => void
}

/** Tokens that wait to be stored, in order. They are tried until the store has answered. */
export class Saves {
  private readonly around: Around
  private readonly items: Array<Item> = []
  private most = largest
  /** The number of calls that had succeeded when one failed. */
  private successes = 0

  constructor(around: Around) {
    this.around = around
  }

  get isEmpty(): boolean {
    return this.items.length === 0
  }

  add(item: Item): void {
    this.items.push(item)
    if (this.items.length === 1) this.around.changed()
  }

  readonly step: Step = {
    readyAt: () => (this.isEmpty ? Number.POSITIVE_INFINITY : this.around.backoff.notBefore),
    run: Effect.suspend(() => Effect.asVoid(this.some))
  }

  /** Stores tokens until a time, or until the store fails. */
  readonly until = (end: number): Effect.Effect<void> =>
    Effect.suspend(() =>
      this.isEmpty || this.around.now() >= end
        ? Effect.void
        : Effect.flatMap(this.some, (isStored) => (isStored ? this.until(end) : Effect.void))
    )

  /** One call. It is never made twice at once. */
  private readonly some: Effect.Effect<boolean> = Effect.gen({ self: this }, function* () {
    const { backoff, calls, now, skew, store } = this.around
    const wanted = this.items.filter(({ isWanted }) => isWanted())
    this.items.splice(0, this.items.length, ...wanted)
    const batch = wanted.slice(0, this.most)
    if (batch.length === 0) return true
    const stored = yield* calls.run("save", store.save(batch.map((item) => saveOf(item, skew.millis))))
    if (stored === failed) {
      // The store answers others, and not for this one: it may have something that the store refuses.
      if (batch.length === 1 && calls.successes > this.successes) this.items.push(...this.items.splice(0, 1))
      this.successes = calls.successes
      this.most = Math.max(1, Math.floor(batch.length / 2))
      backoff.failed(now())
      return false
    }
    backoff.succeeded()
    this.most = Math.min(largest, this.most * 2)
    this.items.splice(0, batch.length)
    const ids = new Set(stored)
    for (const { then, watch } of batch) yield* then(ids.has(watch.row.id))
    return true
  })
}

// ---- internal ----

/** The most tokens in one call. */
const largest = 1_000

const saveOf = (item: Item, skewMillis: number): Save => {
  const { owned, row } = item.watch
  const save = { id: row.id, round: row.round, claim: owned.claim, ...token.stored(item.token, skewMillis) }
  // A job that begins again does so without its token.
  return item.key === undefined ? save : { ...save, key: item.key, since: token.sinceOf(item.token) }
}
