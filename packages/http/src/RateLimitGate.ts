/**
 * A gate that limits the rate of checks, with effect's `RateLimiter`.
 *
 * **Details**
 *
 * - Each job has its own budget, unless the option `budget` says otherwise. A check that finds the budget used up is
 *   postponed with the reason "rate budget". Postponed checks are served in their order, at the pace of the budget.
 * - The store of the limiter decides who shares a budget: this process with `RateLimiter.layerStoreMemory`, all
 *   machines with `RateLimiter.layerStoreRedis`.
 * - The gate takes a *lease* of several tokens at once, so that one call of the limiter serves many checks. The rest of
 *   a lease expires with the window of the limiter: a window never has more checks than `limit`. Expired tokens are
 *   lost, so use small leases for a budget that many processes share. As with every fixed window, the checks at the end
 *   of one window and at the start of the next may follow each other closely.
 * - The server closes the gate by a 429, or by the headers of an exhausted rate limit. Checks are then postponed with
 *   the reason "rate limit of the server". `client` reports every answer to the gate.
 *
 * A server closes all budgets of the gate, in this process. Checks that are in flight at that time may get a 429 too. A
 * 429 is a throttled check: it counts against no error budget.
 *
 * | answer | the gate is closed |
 * |---|---|
 * | 429 with a hint (see `HintReader`) | for the requested delay |
 * | `RateLimit: "name";r=0;t=30` | for 30 seconds; of several exhausted limits the longest counts |
 * | `RateLimit-Remaining: 0`, `RateLimit-Reset: 30`; also with the prefix `X-` | for 30 seconds |
 * | `X-RateLimit-Remaining: 0`, `X-RateLimit-Reset: 1767225600` | until that time, by the `Date` of the answer |
 * | 429 with none of these | for `pause` |
 *
 * A forced check (`checkNow({ force: true })`) asks no gate and uses no budget. Requests that
 * `HttpClient.retryTransient` repeats within a check are not counted either: leave retries to the wait. All waits
 * without a `Job` share the budget of the job "check".
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import { isHttpClientError } from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Semaphore from "effect/Semaphore"
import * as Gate from "effect-poll/Gate"
import * as HintReader from "./HintReader.ts"
import * as evictingMap from "./internal/gate/evictingMap.ts"
import { ForeignOrigin } from "./internal/request/foreignOrigin.ts"
import { exhaustedMillis } from "./internal/answer/rateLimitHeaders.ts"
import { type Claim, RateLimitQueue } from "./internal/gate/rateLimitQueue.ts"
import * as validate from "./internal/validate.ts"

/**
 * A gate with budgets, which the server's answers can close.
 *
 * @category models
 * @since 0.1.0
 */
export interface RateLimitGate extends Gate.Gate {
  /** Reports an answer to the gate. `budget` is the budget that it concerns. Default: all budgets. */
  readonly observe: (answer: AnswerHead, budget?: string) => Effect.Effect<void>
}

/**
 * The part of an answer that the gate reads.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnswerHead {
  readonly status: number
  readonly headers: Headers.Headers
}

/**
 * The options of a budget.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The maximum number of checks in a window; an integer >= 1. */
  readonly limit: number
  /** The length of a window; a positive finite duration. */
  readonly window: Duration.Input
  /**
   * The number of tokens that are taken from the limiter at once; an integer from 1 to `limit`. Default: a tenth of
   * `limit`, at least 1, so that ten calls serve a window.
   */
  readonly lease?: number | undefined
  /**
   * The budget of a check, or a function that chooses it; also the key at the limiter. Default: the name of the job.
   */
  readonly budget?: string | ((subject: Gate.Subject) => string) | undefined
  /** How long a 429 without a delay closes the gate; a positive finite duration. Default: 1 second. */
  readonly pause?: Duration.Input | undefined
  /** The longest time for which a server can close the gate; a positive finite duration. Default: 1 hour. */
  readonly maxClosed?: Duration.Input | undefined
  /**
   * What to do with a check while the store of the limiter fails: `"postpone"` it by a second, or `"allow"` it
   * uncounted. Default: `"postpone"`.
   */
  readonly onStoreError?: "postpone" | "allow" | undefined
}

/**
 * Creates a gate with budgets.
 *
 * **Example** (Two checks a minute)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as RateLimiter from "effect/persistence/RateLimiter"
 * import * as Layer from "effect/Layer"
 * import * as RateLimitGate from "@effect-poll/http/RateLimitGate"
 *
 * const asked = Effect.gen(function* () {
 *   const gate = yield* RateLimitGate.make({ limit: 2, window: "1 minute" })
 *   const answers = yield* Effect.forEach(["a", "b", "c"], (key) => gate.ask({ job: "render", key }))
 *   return answers.map((answer) => answer._tag)
 * }).pipe(Effect.provide(RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory))))
 *
 * await Effect.runPromise(asked) // => ["Open", "Open", "Postponed"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<RateLimitGate, never, RateLimiter.RateLimiter> => {
  const settings = settingsOf(options)
  return RateLimiter.RateLimiter.useSync((limiter) => {
    const server: Closing = { endsAt: 0, reason: byServer }
    const budgets = evictingMap.make((name) => new Budget(name, limiter, server, settings), isIdle)
    return {
      ask: (subject) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          budgets.get(settings.budgetOf(subject), now).ask(JSON.stringify([subject.job, subject.key]), now)
        ),
      observe: (answer, name) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const millis = closing(answer, now, settings)
          if (millis === undefined) return
          const closed = name === undefined ? server : budgets.get(name, now).server
          closed.endsAt = Math.max(closed.endsAt, now + Math.min(millis, settings.maxClosedMillis))
        })
    }
  })
}

/**
 * The options of `client`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientOptions {
  /** The budget that the answer to a request closes. Default: all budgets of the gate. */
  readonly budget?: ((request: HttpClientRequest) => string) | undefined
}

/**
 * Reports every answer of an `HttpClient` to a gate: to checks, and to all other requests of the client.
 *
 * **Details**
 *
 * It changes neither requests nor answers, and holds nothing back: the gate holds back checks. An answer of another
 * origin, which the server named (see `RequestOptions`), is reported only with the option `budget`.
 *
 * Put it next to the network, below `Authorization.client`: the server counts a request that got a 401 too.
 * `HttpGuards` does that.
 *
 * @category combinators
 * @since 0.1.0
 */
export const client: {
  /** Reports every answer of an `HttpClient` to a gate. It changes neither requests nor answers. */
  (
    gate: RateLimitGate,
    options?: ClientOptions
  ): <E, R>(self: HttpClient.HttpClient.With<E, R>) => HttpClient.HttpClient.With<E, R>
  /** Reports every answer of an `HttpClient` to a gate. It changes neither requests nor answers. */
  <E, R>(
    self: HttpClient.HttpClient.With<E, R>,
    gate: RateLimitGate,
    options?: ClientOptions
  ): HttpClient.HttpClient.With<E, R>
} = dual(
  (args) => HttpClient.isHttpClient(args[0]),
  <E, R>(
    self: HttpClient.HttpClient.With<E, R>,
    gate: RateLimitGate,
    options?: ClientOptions
  ): HttpClient.HttpClient.With<E, R> =>
    HttpClient.transform(self, (effect, request) => {
      const observe = (response: HttpClientResponse) => gate.observe(response, options?.budget?.(request))
      const observed = effect.pipe(
        Effect.tap(observe),
        Effect.tapError((error) =>
          isHttpClientError(error) && error.reason._tag === "StatusCodeError"
            ? observe(error.reason.response)
            : Effect.void
        )
      )
      return options?.budget === undefined
        ? Effect.flatMap(ForeignOrigin, (foreign) => (foreign ? effect : observed))
        : observed
    })
)

// ---- internal ----

const byBudget = "rate budget"
const byServer = "rate limit of the server"
const byStore = "rate limiter unavailable"

/** How long the limiter is not called after its store failed. */
const storePauseMillis = 1_000

interface Settings {
  readonly limit: number
  readonly windowMillis: number
  readonly lease: number
  readonly pauseMillis: number
  readonly maxClosedMillis: number
  readonly allowUncounted: boolean
  readonly budgetOf: (subject: Gate.Subject) => string
}

const settingsOf = (options: Options): Settings => {
  const { budget } = options
  const limit = validate.count("RateLimitGate.make: limit", options.limit, 1)
  const name = typeof budget === "string" ? validate.nonEmpty("RateLimitGate.make: budget", budget) : undefined
  return {
    limit,
    windowMillis: validate.millis("RateLimitGate.make: window", options.window),
    lease: validate.count("RateLimitGate.make: lease", options.lease ?? Math.max(1, Math.floor(limit / 10)), 1, limit),
    pauseMillis: validate.millis("RateLimitGate.make: pause", options.pause ?? "1 second"),
    maxClosedMillis: validate.millis("RateLimitGate.make: maxClosed", options.maxClosed ?? "1 hour"),
    allowUncounted: options.onStoreError === "allow",
    budgetOf: typeof budget === "function" ? budget : name === undefined ? ({ job }) => job : () => name
  }
}

/** Until when checks are postponed, and why. */
interface Closing {
  endsAt: number
  reason: string
}

class Budget {
  readonly server: Closing = { endsAt: 0, reason: byServer }
  private readonly name: string
  private readonly limiter: RateLimiter.RateLimiter
  private readonly everywhere: Closing
  private readonly settings: Settings
  private readonly queue: RateLimitQueue
  /** The window that is used up, or the store that failed. */
  private readonly empty: Closing = { endsAt: 0, reason: byBudget }
  /** What is left of the lease; what the limiter had left after it; when the window ends, and the lease with it. */
  private tokens = 0
  private remaining = 0
  private windowEndsAt = 0
  /** One call of the limiter at a time: its lease serves all checks that wait for it. */
  private readonly refilling = Semaphore.makeUnsafe(1)

  constructor(name: string, limiter: RateLimiter.RateLimiter, everywhere: Closing, settings: Settings) {
    this.name = name
    this.limiter = limiter
    this.everywhere = everywhere
    this.settings = settings
    this.queue = new RateLimitQueue(settings.windowMillis / settings.limit)
  }

  isIdle(now: number): boolean {
    return Math.max(this.empty.endsAt, this.server.endsAt, this.windowEndsAt) <= now && this.queue.isEmpty(now)
  }

  ask(check: string, now: number): Effect.Effect<Gate.Answer> {
    const claim = this.queue.claim(check, now)
    return claim === "none"
      ? this.postpone(check, claim, now)
      : (this.take(check, claim, now) ?? this.refill(check, claim))
  }

  /** The answer, if the limiter is not needed for it. */
  private take(check: string, claim: Claim, now: number): Effect.Effect<Gate.Answer> | undefined {
    const closed = this.closed()
    if (now < closed.endsAt) {
      return closed.reason === byStore && this.settings.allowUncounted ? opened : this.postpone(check, claim, now)
    }
    if (this.tokens === 0 || now >= this.windowEndsAt) return undefined
    this.tokens--
    return opened
  }

  private closed(): Closing {
    return [this.everywhere, this.server, this.empty].reduce((a, b) => (b.endsAt > a.endsAt ? b : a))
  }

  private postpone(check: string, claim: Claim, now: number): Effect.Effect<Gate.Answer> {
    const { endsAt, reason } = this.closed()
    const from = Math.max(now, endsAt)
    const at = claim === "own" ? this.queue.again(check, from) : this.queue.join(check, from)
    return Effect.succeed(Gate.postponed(Math.max(1, at - now), now < endsAt ? reason : byBudget))
  }

  private refill(check: string, claim: Claim): Effect.Effect<Gate.Answer> {
    return this.refilling.withPermit(
      Effect.flatMap(Clock.currentTimeMillis, (now) => this.take(check, claim, now) ?? this.lease(check, claim, now))
    )
  }

  /** `now` is the time before the call: a lease may expire too early, but never too late. */
  private lease(check: string, claim: Claim, now: number): Effect.Effect<Gate.Answer> {
    const { lease } = this.settings
    const tokens = now < this.windowEndsAt ? Math.min(lease, this.remaining) : lease
    if (tokens === 0) return this.close(this.windowEndsAt, byBudget, check, claim, now)
    const leased =
      tokens === 1
        ? this.consume(1, now)
        : Effect.catchIf(this.consume(tokens, now), isExceeded, () => this.consume(1, now))
    return Effect.catch(leased, ({ reason }) => {
      this.tokens = this.remaining = this.windowEndsAt = 0
      if (reason._tag === "RateLimitExceeded") {
        return this.close(now + Math.max(1, Duration.toMillis(reason.retryAfter)), byBudget, check, claim, now)
      }
      return Effect.andThen(
        Effect.logWarning(`RateLimitGate: the store of the limiter failed for ${this.name}`, reason),
        Effect.suspend(() => this.close(now + storePauseMillis, byStore, check, claim, now))
      )
    })
  }

  private consume(tokens: number, now: number): Effect.Effect<Gate.Answer, RateLimiter.RateLimiterError> {
    const { limit, windowMillis } = this.settings
    return Effect.map(
      this.limiter.consume({ key: this.name, limit, window: windowMillis, tokens, onExceeded: "fail" }),
      ({ remaining, resetAfter }) => {
        this.tokens = tokens - 1
        this.remaining = remaining
        this.windowEndsAt = now + Duration.toMillis(resetAfter)
        return Gate.open
      }
    )
  }

  private close(endsAt: number, reason: string, check: string, claim: Claim, now: number): Effect.Effect<Gate.Answer> {
    this.empty.endsAt = endsAt
    this.empty.reason = reason
    return this.take(check, claim, now)!
  }
}

const isIdle = (budget: Budget, now: number): boolean => budget.isIdle(now)

const opened: Effect.Effect<Gate.Answer> = /*#__PURE__*/ Effect.succeed(Gate.open)

const isExceeded = ({ reason }: RateLimiter.RateLimiterError): boolean => reason._tag === "RateLimitExceeded"

/** How long an answer closes the gate, in milliseconds. */
const closing = ({ headers, status }: AnswerHead, now: number, { pauseMillis }: Settings): number | undefined => {
  const empty = exhaustedMillis(headers, now)
  if (status !== 429) return empty
  const hint = HintReader.fromHeaders(headers, now)
  const hinted = hint === undefined || hint === "unreadable" ? 0 : Duration.toMillis(hint)
  return Math.max(hinted, empty ?? 0) || pauseMillis
}
