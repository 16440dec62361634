/**
 * A gate that limits the rate of checks, with effect's `RateLimiter`.
 *
 * **Details**
 *
 * - Each job has its own budget, unless the option `budget` says otherwise. A check that finds the budget used up is
 *   postponed with the reason "rate budget".
 * - First come, first served: a check is let through if the budget covers it and every check that was postponed before
 *   it, so the budget is never idle while a check wants it. A turn that is not used within half its length (5
 *   milliseconds to 1 second) passes to the next check, since the wait may have ended. For a minute, the check that
 *   missed it stays ahead of later ones. A check whose turn is more than about 4 seconds away is postponed for less than
 *   that, so that it moves up when checks ahead of it leave.
 * - Without the option `burst` no window has more than `limit` checks, wherever it begins. That is right for servers
 *   that count by windows, fixed or sliding: a whole window's checks may be made at once. With `burst` the budget is a
 *   bucket of tokens.
 * - `client` reports every answer to the gate. The server closes the gate by a 429, or by the headers of an exhausted
 *   rate limit. Checks are then postponed with the reason "rate limit of the server". After a 429 the gate starts
 *   without a burst and at the full rate, so a server is not refused the same way again.
 * - `client` also measures how long answers take. If that varies, requests arrive less evenly than they are sent, so
 *   the gate keeps them further apart by as much; this costs at most a tenth of the rate.
 * - The store of the limiter decides who shares a budget: this process with `RateLimiter.layerStoreMemory`, all
 *   machines with `RateLimiter.layerStoreRedis`. What is said above about windows holds for each process. Of several
 *   processes together the limiter lets through the limit on average; without `burst` their checks at the end of one
 *   window and at the start of the next may follow each other closely.
 * - The gate takes a *lease* of several tokens at once, so that one call of the limiter serves many checks. What is left
 *   of a lease when the limiter would have replaced its tokens is lost, so use small leases for a budget that many
 *   processes share.
 *
 * When the server closes the gate, it closes all budgets, in this process. Checks that are in flight at that time may
 * get a 429 too. A 429 is a throttled check: it counts against no error budget.
 *
 * | answer | the gate is closed |
 * |---|---|
 * | 429 with a hint (see `HintReader`) | for the requested delay |
 * | `RateLimit: "name";r=0;t=30` | for 30 seconds; of several exhausted limits the longest counts |
 * | `RateLimit-Remaining: 0`, `RateLimit-Reset: 30`; also with the prefix `X-` | for 30 seconds |
 * | `X-RateLimit-Remaining: 0`, `X-RateLimit-Reset: 1767225600` | until that time, by the `Date` of the answer |
 * | 429 with none of these | for `pause`, doubled for each one in a row, up to the length of the window |
 *
 * Headers of an answer other than a 429 are ignored while the budget is nearly used up by the gate's own count, which
 * is more exact than headers in whole seconds.
 *
 * A limiter that does not answer within 2 seconds counts as one whose store fails. If a question to the gate takes
 * longer than 5 seconds all the same, the check is postponed by a second, with the reason "gate timeout".
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
import * as Gate from "effect-poll/Gate"
import * as HintReader from "./HintReader.ts"
import * as evictingMap from "./internal/gate/evictingMap.ts"
import { ForeignOrigin } from "./internal/request/foreignOrigin.ts"
import { exhaustedMillis } from "./internal/answer/rateLimitHeaders.ts"
import { type Closing, closing, GateTime, RateBudget, type Settings, Unevenness } from "./internal/gate/rateBudget.ts"
import * as validate from "./internal/validate.ts"

/**
 * A gate with budgets, which the server's answers can close.
 *
 * @category models
 * @since 0.1.0
 */
export interface RateLimitGate extends Gate.Gate {
  /**
   * Reports an answer to the gate. `budget` is the budget that it concerns; default: all budgets. `took` is the time
   * from the request to the answer; if it varies, requests are kept further apart.
   */
  readonly observe: (answer: AnswerHead, budget?: string, took?: Duration.Input) => Effect.Effect<void>
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
   * For a server with a bucket of tokens: how many checks may be made at once, an integer >= 1. After that, one check
   * follows in each `window / limit`. 1 spaces all checks evenly. Default: none; at most `limit` checks in any window,
   * which may all be made at once.
   */
  readonly burst?: number | undefined
  /**
   * The number of tokens that are taken from the limiter at once; an integer from 1 to `limit`, and at most `burst`.
   * Default: a tenth of that, at least 1, so that ten calls serve a window.
   */
  readonly lease?: number | undefined
  /**
   * The budget of a check, or a function that chooses it; also the key at the limiter. Default: the name of the job.
   */
  readonly budget?: string | ((subject: Gate.Subject) => string) | undefined
  /**
   * How long a 429 without a delay closes the gate, at first; a positive finite duration. It doubles with each such
   * 429 in a row, up to the length of the window. Default: 1 second.
   */
  readonly pause?: Duration.Input | undefined
  /** The longest time for which a server can close the gate; a positive finite duration. Default: 1 hour. */
  readonly maxClosed?: Duration.Input | undefined
  /**
   * What to do with a check while the store of the limiter fails or takes longer than 2 seconds: `"postpone"` it by a
   * second, or `"allow"` it uncounted. Default: `"postpone"`.
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
    const everywhere = closing()
    const time = new GateTime()
    const unevenness = new Unevenness()
    const known: Array<RateBudget> = []
    const budgets = evictingMap.make((name) => {
      const budget = new RateBudget({ name, limiter, everywhere, settings, time, unevenness })
      if (known.length < 2) known.push(budget)
      return budget
    }, isIdle)
    // A limiter that does not answer counts as a failure earlier than the gate does: see `RateBudget`.
    const gate = Gate.make((subject) =>
      Effect.flatMap(Clock.currentTimeMillis, (clock) => {
        const now = time.at(clock)
        return budgets.get(settings.budgetOf(subject), now).ask(JSON.stringify([subject.job, subject.key]), now)
      })
    )
    return {
      ...gate,
      observe: (answer, name, took) =>
        Effect.map(Clock.currentTimeMillis, (clock) => {
          const now = time.at(clock)
          if (took !== undefined) unevenness.note(Duration.toMillis(Duration.fromInputUnsafe(took)))
          const budget = name === undefined ? undefined : budgets.get(name, now)
          const closed = budget?.server ?? everywhere
          const millis = closingMillis(answer, clock, closed, now, settings)
          // With one budget, what concerns all concerns that one.
          const account = budget ?? (known.length === 1 ? known[0] : undefined)
          if (millis === undefined || (answer.status !== 429 && account?.allowance.isLow(now) === true)) return
          closed.endsAt = Math.max(closed.endsAt, now + Math.min(millis, settings.maxClosedMillis))
          if (answer.status === 429) closed.refusals++
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
      const observed = Effect.flatMap(Clock.currentTimeMillis, (sent) => {
        const observe = (response: HttpClientResponse) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) =>
            gate.observe(response, options?.budget?.(request), Math.max(0, now - sent))
          )
        return effect.pipe(
          Effect.tap(observe),
          Effect.tapError((error) =>
            isHttpClientError(error) && error.reason._tag === "StatusCodeError"
              ? observe(error.reason.response)
              : Effect.void
          )
        )
      })
      return options?.budget === undefined
        ? Effect.flatMap(ForeignOrigin, (foreign) => (foreign ? effect : observed))
        : observed
    })
)

// ---- internal ----

interface GateSettings extends Settings {
  readonly pauseMillis: number
  readonly maxClosedMillis: number
  readonly budgetOf: (subject: Gate.Subject) => string
}

const settingsOf = (options: Options): GateSettings => {
  const { budget } = options
  const limit = validate.count("RateLimitGate.make: limit", options.limit, 1)
  const burst = options.burst === undefined ? undefined : validate.count("RateLimitGate.make: burst", options.burst, 1)
  const name = typeof budget === "string" ? validate.nonEmpty("RateLimitGate.make: budget", budget) : undefined
  const atOnce = Math.min(limit, burst ?? limit)
  const lease = options.lease ?? Math.max(1, Math.floor(atOnce / 10))
  return {
    limit,
    burst,
    windowMillis: validate.millis("RateLimitGate.make: window", options.window),
    lease: validate.count("RateLimitGate.make: lease", lease, 1, atOnce),
    pauseMillis: validate.millis("RateLimitGate.make: pause", options.pause ?? "1 second"),
    maxClosedMillis: validate.millis("RateLimitGate.make: maxClosed", options.maxClosed ?? "1 hour"),
    allowUncounted: options.onStoreError === "allow",
    budgetOf: typeof budget === "function" ? budget : name === undefined ? ({ job }) => job : () => name
  }
}

const isIdle = (budget: RateBudget, now: number): boolean => budget.isIdle(now)

/** How long an answer closes the gate, in milliseconds. */
const closingMillis = (
  { headers, status }: AnswerHead,
  clock: number,
  closed: Closing,
  now: number,
  { pauseMillis, windowMillis }: GateSettings
): number | undefined => {
  const isOpen = now >= closed.endsAt
  const empty = exhaustedMillis(headers, clock)
  if (status !== 429) {
    if (isOpen) closed.unhinted = 0
    return empty
  }
  const hint = HintReader.fromHeaders(headers, clock)
  const hinted = Math.max(hint === undefined || hint === "unreadable" ? 0 : Duration.toMillis(hint), empty ?? 0)
  if (hinted > 0) return hinted
  // Those that were in flight when the gate was closed are no news.
  if (isOpen) closed.unhinted++
  return Math.max(pauseMillis, Math.min(windowMillis, pauseMillis * 2 ** (closed.unhinted - 1)))
}
