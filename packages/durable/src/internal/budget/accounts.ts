import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { SqlError } from "effect/sql/SqlError"
import { type Asked, BucketLease, keptMillis, LeaseSize, WindowLease } from "./lease.ts"
import type { BudgetTable } from "./table.ts"

// The leases of this process, by budget. Requests are answered from them. One request at a time takes more from the database.

/** What all accounts of a process share. */
export interface Bank {
  readonly table: BudgetTable
  /** The number of tokens that are taken at once, at most. */
  readonly lease: number
  /** Leases are given back when it closes. */
  readonly scope: Scope.Scope
  /** Gives back what is left of each lease. */
  readonly open: Set<Effect.Effect<void>>
}

/** A bank in a scope, which must close before that of the database. */
export const bank = Effect.fnUntraced(function* (table: BudgetTable, lease: number) {
  const made: Bank = { table, lease, scope: yield* Effect.scope, open: new Set() }
  yield* Effect.addFinalizer(() => Effect.forEach([...made.open], (giveBack) => giveBack, { discard: true }))
  return made
})

/** Two numbers, as `RateLimiterStore` names them. */
type Answer = readonly [number, number]

/** A budget as this process has it: its leases, and one request at a time for more. */
abstract class Account<Lease> {
  protected readonly leases = new Set<Lease>()
  protected readonly size: LeaseSize
  protected readonly bank: Bank
  protected readonly id: string
  protected readonly limit: number
  protected readonly refill: number
  private readonly asking = Semaphore.makeUnsafe(1)

  constructor(bank: Bank, id: string, limit: number, refillMillis: number) {
    this.bank = bank
    this.id = id
    this.limit = limit
    this.refill = refillMillis
    this.size = new LeaseSize(Math.min(bank.lease, limit))
  }

  get isIdle(): boolean {
    return this.leases.size === 0
  }

  /** Takes tokens, an integer >= 1; what it yields is as the operation of `RateLimiterStore` says. */
  take(tokens: number): Effect.Effect<Answer, SqlError> {
    return this.here(tokens, () =>
      this.asking.withPermit(this.here(tokens, (sent) => Effect.gen(() => this.borrow(tokens, sent))))
    )
  }

  /** Answers from the leases, if they have enough. */
  private here(tokens: number, otherwise: (now: number) => Effect.Effect<Answer, SqlError>) {
    return Effect.flatMap(monotonicMillis, (now) => this.fromLeases(tokens, now) ?? otherwise(now))
  }

  protected abstract fromLeases(tokens: number, now: number): Effect.Effect<Answer> | undefined

  protected abstract borrow(tokens: number, sent: number): Generator<Effect.Effect<unknown, SqlError>, Answer, never>
}

/** The account of a bucket: `tokenBucket`, for at most the limit. */
export class BucketAccount extends Account<BucketLease> {
  /** What was left in the bucket after the newest lease. */
  private level = 0;

  protected override *borrow(tokens: number, sent: number) {
    const { refill: refillMillis } = this
    // Other processes wait for what is reserved here, so reserve no more than arrives in a short time.
    const size = this.size.next(sent)
    const needed = Math.max(tokens, Math.min(size, Math.floor(keptMillis / refillMillis)))
    const answer = yield* this.bank.table.bucket({
      id: this.id,
      tokens: needed,
      most: Math.max(needed, size),
      limit: this.limit,
      refillMillis,
      overflow: true
    })
    const answered = yield* monotonicMillis
    const lease = new BucketLease(answer, this.limit, refillMillis, { sent, answered })
    this.leases.add(lease)
    this.level = Math.max(0, answer.tokens)
    const taken = this.fromLeases(tokens, answered) ?? this.later(refillMillis)
    if (this.leases.has(lease)) yield* this.keep(lease, answered)
    return yield* taken
  }

  protected override fromLeases(tokens: number, now: number) {
    let available = 0
    let left = 0
    let at = now
    for (const lease of this.leases) {
      const here = lease.left(now)
      available += Math.min(here, lease.available(now))
      if (left < tokens) at = Math.max(at, lease.timeOf(Math.min(here, tokens - left)))
      left += here
    }
    if (available >= tokens) {
      this.use(tokens, now)
      return Effect.succeed([available - tokens + this.level, 0] as const)
    }
    return left >= tokens ? this.later(at - now) : undefined
  }

  private use(tokens: number, now: number): void {
    let wanted = tokens
    for (const lease of this.leases) {
      const taken = Math.min(wanted, lease.left(now), lease.available(now))
      lease.used += taken
      wanted -= taken
      if (lease.used === lease.size) this.leases.delete(lease)
    }
  }

  /** The answer for tokens that are available in `millis`. */
  private later(millis: number) {
    const missing = Math.max(1, Math.ceil(millis / this.refill))
    return Effect.succeed([-missing, missing * this.refill - millis] as const)
  }

  /** Gives back what was not requested. */
  private keep(lease: BucketLease, now: number) {
    const { id, limit } = this
    const until = Math.min(lease.endsAt, Math.max(now, lease.completeAt) + keptMillis)
    return giveBackAfter(until - now, this.bank, () => {
      const unused = this.leases.delete(lease) ? lease.size - lease.used : 0
      return unused > 0 ? this.bank.table.refund(id, unused, limit) : undefined
    })
  }
}

/** The account of a window: `fixedWindow`. */
export class WindowAccount extends Account<WindowLease> {
  protected override *borrow(tokens: number, sent: number) {
    const { id, limit, refill: refillMillis } = this
    const most = Math.max(tokens, this.size.next(sent))
    const answer = yield* this.bank.table.window({ id, tokens, most, limit, refillMillis })
    if (answer.taken === 0) return [answer.tokens + tokens, answer.endsInMillis] as const
    const answered = yield* monotonicMillis
    const asked: Asked = { sent, answered }
    const lease = new WindowLease(answer, asked)
    // These tokens were taken for this request, however long the answer took.
    lease.used = tokens
    if (lease.used < lease.size) {
      this.leases.add(lease)
      yield* this.keep(lease, answered)
    }
    return [lease.before + tokens, Math.max(0, lease.endsAt - answered)] as const
  }

  protected override fromLeases(tokens: number, now: number) {
    for (const lease of this.leases) {
      if (lease.left(now) < tokens) continue
      lease.used += tokens
      if (lease.used === lease.size) this.leases.delete(lease)
      return Effect.succeed([lease.before + lease.used, lease.endsAt - now] as const)
    }
    return undefined
  }

  private keep(lease: WindowLease, now: number) {
    const until = Math.min(lease.endsAt, now + keptMillis)
    return giveBackAfter(until - now, this.bank, () => {
      const unused = this.leases.delete(lease) ? lease.size - lease.used : 0
      return unused > 0 ? this.bank.table.refundWindow(this.id, unused, lease.round) : undefined
    })
  }
}

/** The time of the monotonic clock, in milliseconds. */
export const monotonicMillis: Effect.Effect<number> = /*#__PURE__*/ Effect.map(
  Clock.monotonicTimeNanos,
  (nanos) => Number(nanos) / 1_000_000
)

// ---- internal ----

/** Tokens that cannot be given back are lost. */
const giveBackAfter = (
  millis: number,
  { open, scope }: Bank,
  giveBack: () => Effect.Effect<unknown, SqlError> | undefined
): Effect.Effect<void> => {
  const once: Effect.Effect<void> = Effect.suspend(() => {
    open.delete(once)
    return Effect.ignore(giveBack() ?? Effect.void)
  })
  open.add(once)
  const later = Effect.andThen(Effect.sleep(Math.max(0, millis)), Effect.uninterruptible(once))
  return Effect.asVoid(Effect.forkIn(later, scope))
}
