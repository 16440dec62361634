import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Semaphore from "effect/Semaphore"
import * as Gate from "effect-poll/Gate"
import { Allowance } from "./allowance.ts"
import { type Place, RateLimitQueue } from "./rateLimitQueue.ts"

/** The settings of the budgets of a gate; times are milliseconds. */
export interface Settings {
  readonly limit: number
  readonly windowMillis: number
  readonly burst: number | undefined
  readonly lease: number
  readonly allowUncounted: boolean
}

/** Until when checks are postponed, and why. */
export interface Closing {
  endsAt: number
  reason: string
  /** How often the server refused a request, and how often in a row without saying for how long. */
  refusals: number
  unhinted: number
}

/** What the server closes: open so far. */
export const closing = (reason: string = byServer): Closing => ({ endsAt: 0, reason, refusals: 0, unhinted: 0 })

/** How much the time from a request to its answer varies, of late. */
export class Unevenness {
  millis = 0
  private least = Number.NaN
  private most = Number.NaN

  note(took: number): void {
    this.least = took <= this.least ? took : forget(this.least, took)
    this.most = took >= this.most ? took : forget(this.most, took)
    this.millis = this.most - this.least
  }
}

/** The time of a gate. It never runs backwards: when the wall clock is set back, its origin moves with it. */
export class GateTime {
  private base = 0
  private now = 0

  at(clock: number): number {
    if (clock - this.base < this.now) this.base = clock - this.now
    else this.now = clock - this.base
    return this.now
  }
}

interface Parts {
  readonly name: string
  readonly limiter: RateLimiter.RateLimiter
  /** The server's refusals that concern all budgets. */
  readonly everywhere: Closing
  readonly settings: Settings
  readonly time: GateTime
  readonly unevenness: Unevenness
}

/**
 * A budget: the line of the checks that wait for it, this process's own account of it, and the tokens that it has taken
 * from the limiter, which all processes share.
 *
 * A check is served if there are tokens for it and for all that wait before it. So no check passes another that could be
 * served, and no token lies idle while somebody asks.
 */
export class RateBudget {
  /** The server's refusals that concern this budget. */
  readonly server = closing()
  readonly allowance: Allowance
  private readonly name: string
  private readonly limiter: RateLimiter.RateLimiter
  private readonly everywhere: Closing
  private readonly settings: Settings
  private readonly time: GateTime
  private readonly queue: RateLimitQueue
  /** The budget of all processes is used up, or the store failed. */
  private readonly empty = closing(byBudget)
  /** What is left of the lease, and until when. */
  private tokens = 0
  private leasedUntil = 0
  /** What the limiter had left after the lease. */
  private remaining = 0
  private seenRefusals: number
  private readonly unevenness: Unevenness
  /** One call of the limiter at a time: its lease serves all checks that wait for it. */
  private readonly refilling = Semaphore.makeUnsafe(1)

  constructor({ everywhere, limiter, name, settings, time, unevenness }: Parts) {
    this.name = name
    this.limiter = limiter
    this.everywhere = everywhere
    this.settings = settings
    this.time = time
    this.unevenness = unevenness
    this.allowance = new Allowance(settings)
    this.queue = new RateLimitQueue(Math.min(longestGrace, Math.max(leastGrace, this.allowance.paceMillis / 2)))
    this.seenRefusals = everywhere.refusals
    if (everywhere.refusals > 0) this.allowance.drain(everywhere.endsAt)
  }

  isIdle(now: number): boolean {
    this.queue.sweep(now)
    const closedUntil = Math.max(this.empty.endsAt, this.server.endsAt, this.leasedUntil)
    return closedUntil <= now && this.queue.isEmpty && this.allowance.isIdle(now)
  }

  ask(check: string, now: number): Effect.Effect<Gate.Answer> {
    const place = this.placeOf(check, now)
    return this.take(check, place, now) ?? this.refill(check)
  }

  private placeOf(check: string, now: number): Place | undefined {
    this.queue.sweep(now)
    this.allowance.unevenMillis = this.unevenness.millis
    const refusals = this.everywhere.refusals + this.server.refusals
    if (refusals !== this.seenRefusals) {
      this.seenRefusals = refusals
      this.allowance.drain(Math.max(this.everywhere.endsAt, this.server.endsAt))
    }
    return this.queue.find(check, now)
  }

  /** The answer, if the limiter is not needed for it. */
  private take(check: string, place: Place | undefined, now: number): Effect.Effect<Gate.Answer> | undefined {
    const closed = this.closed()
    if (now < closed.endsAt) {
      return closed.reason === byStore && this.settings.allowUncounted
        ? this.open(place)
        : this.postpone(check, place, now)
    }
    const rank = place === undefined ? this.queue.size : this.queue.rankOf(place)
    const available = this.allowance.available(now)
    // A budget that is not used up gains nothing while others are not due.
    const isSpare =
      available > 0 && this.allowance.isIdle(now) && this.queue.nextDeadline > now + this.queue.graceMillis
    if (rank >= available && !isSpare) return this.postpone(check, place, now)
    if (this.tokens === 0 || now >= this.leasedUntil) return undefined
    this.tokens--
    this.allowance.take(now)
    return this.open(place)
  }

  private open(place: Place | undefined): Effect.Effect<Gate.Answer> {
    if (place !== undefined) this.queue.leave(place)
    return opened
  }

  private closed(): Closing {
    return [this.everywhere, this.server, this.empty].reduce((a, b) => (b.endsAt > a.endsAt ? b : a))
  }

  /** Says when to ask again: at the turn of the check or, if that is far off, earlier, since others may have left. */
  private postpone(check: string, known: Place | undefined, now: number): Effect.Effect<Gate.Answer> {
    const { endsAt, reason } = this.closed()
    const place = known ?? this.queue.join(check)
    const rank = this.queue.rankOf(place)
    const first = this.allowance.turnOf(0, now)
    const start = Math.max(first, endsAt)
    const turn = start + this.allowance.turnOf(rank, now) - first
    // The budget is there, but for a check that is due: others are next if it does not come.
    const { nextDeadline } = this.queue
    const passed = start <= now && nextDeadline <= now + this.queue.graceMillis ? nextDeadline + 1 : turn
    const at = Math.ceil(Math.min(turn, passed, start + this.patience(rank)))
    this.queue.tell(place, Math.max(at, now + 1))
    return Effect.succeed(Gate.postponed(place.at - now, now < endsAt ? reason : byBudget))
  }

  /** After how long a check asks whether those before it are still there: all that wait share so many questions. */
  private patience(rank: number): number {
    const perMillis = Math.max(leastQuestions, 2 / this.allowance.paceMillis)
    return Math.min(longestPatience, leastPatience + rank / perMillis)
  }

  private refill(check: string): Effect.Effect<Gate.Answer> {
    return this.refilling.withPermit(
      Effect.flatMap(Clock.currentTimeMillis, (clock) => {
        const now = this.time.at(clock)
        const place = this.placeOf(check, now)
        return this.take(check, place, now) ?? this.lease(check, place, now)
      })
    )
  }

  /** `now` is the time before the call: a lease may expire too early, but never too late. */
  private lease(check: string, place: Place | undefined, now: number): Effect.Effect<Gate.Answer> {
    const { burst, lease } = this.settings
    // A bucket has no more than this process may use; a window may.
    const most = burst === undefined ? lease : Math.min(lease, this.allowance.available(now))
    const tokens = now < this.leasedUntil && burst === undefined ? Math.max(1, Math.min(most, this.remaining)) : most
    const consumed = this.consume(tokens)
    const leased = tokens === 1 ? consumed : Effect.catchIf(consumed, isExceeded, () => this.consume(1))
    const timely = Effect.timeoutOrElse(leased, { duration: storeTimeoutMillis, orElse: () => Effect.fail(silent) })
    return Effect.matchEffect(timely, {
      onFailure: ({ reason }) => {
        this.tokens = this.remaining = this.leasedUntil = 0
        if (reason._tag === "RateLimitExceeded") {
          const endsAt = now + Math.max(1, Duration.toMillis(reason.retryAfter))
          this.allowance.exhaust(endsAt)
          return this.close(endsAt, byBudget, check, place, now)
        }
        return Effect.andThen(
          Effect.logWarning(`RateLimitGate: the store of the limiter failed for ${this.name}`, reason),
          // It may have taken long to fail.
          Effect.flatMap(Clock.currentTimeMillis, (clock) => {
            const later = this.time.at(clock)
            return this.close(later + storePauseMillis, byStore, check, place, later)
          })
        )
      },
      onSuccess: ({ remaining, resetAfter, tokens: taken }) => {
        this.tokens = taken - 1
        this.remaining = remaining
        this.leasedUntil = now + Duration.toMillis(resetAfter)
        this.allowance.take(now)
        return this.open(place)
      }
    })
  }

  private consume(tokens: number) {
    const { burst, limit, windowMillis } = this.settings
    const bounds =
      burst === undefined
        ? ({ limit, window: windowMillis } as const)
        : ({ algorithm: "token-bucket", limit: burst, window: (windowMillis * burst) / limit } as const)
    const consumed = this.limiter.consume({ key: this.name, ...bounds, tokens, onExceeded: "fail" })
    return Effect.map(consumed, ({ remaining, resetAfter }) => ({ remaining, resetAfter, tokens }))
  }

  private close(
    endsAt: number,
    reason: string,
    check: string,
    place: Place | undefined,
    now: number
  ): Effect.Effect<Gate.Answer> {
    this.empty.endsAt = endsAt
    this.empty.reason = reason
    return this.take(check, place, now)!
  }
}

// ---- internal ----

const byBudget = "rate budget"
const byServer = "rate limit of the server"
const byStore = "rate limiter unavailable"

/** How long the limiter is not called after its store failed. */
const storePauseMillis = 1_000

/** How long the limiter may take to answer; a question to a gate may take longer, see `Gate.make`. */
const storeTimeoutMillis = 2_000

const silent = /*#__PURE__*/ new RateLimiter.RateLimiterError({
  reason: /*#__PURE__*/ new RateLimiter.RateLimitStoreError({ message: "no answer in time" })
})

/** How late a check may come for its turn: half as long as a turn takes, within these bounds. */
const leastGrace = 5
const longestGrace = 1_000

/** After how long a check far from its turn asks again, and how many a millisecond do at least. */
const leastPatience = 2_000
const longestPatience = 60_000
const leastQuestions = 0.02

/** A measured bound after a value within it: it moves towards that slowly. */
const forget = (bound: number, value: number): number =>
  Number.isNaN(bound) ? value : bound + (value - bound) * forgetting

const forgetting = 0.02

const opened: Effect.Effect<Gate.Answer> = /*#__PURE__*/ Effect.succeed(Gate.open)

const isExceeded = ({ reason }: RateLimiter.RateLimiterError): boolean => reason._tag === "RateLimitExceeded"
