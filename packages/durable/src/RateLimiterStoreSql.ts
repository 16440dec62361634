/**
 * A store for effect's `RateLimiter` in a table of a SQL database, with effect's `SqlClient`: one rate limit (budget) for all
 * processes that share the database.
 *
 * **When to use**
 *
 * Use to share a rate limit between processes that have a database but no Redis. It takes the place of `layerStoreMemory`
 * and `layerStoreRedis` of `effect/persistence/RateLimiter`; `RateLimitGate` of `@effect-poll/http` makes a gate from the
 * limiter.
 *
 * **Details**
 *
 * - Works with PostgreSQL and SQLite (3.35 or later). The layer fails with a defect for any other dialect.
 * - A request to the limiter is one statement, which locks the row of its budget. All times are those of the database, so
 *   the clocks of the processes do not matter.
 * - A token bucket refills continuously, by the clock of the database. (In effect's Redis store it refills by the clocks of
 *   the processes that make requests.)
 * - A fixed window always lasts for its whole length. If its tokens were used up, and the next request comes within a
 *   twentieth of its length after its end, the next window begins at that end. Otherwise it begins with that request. If
 *   every window began with its first request, a budget in constant demand would never be used in full.
 *
 * **Leases**
 *
 * With `lease: n` a process takes up to n tokens in one statement and hands them out itself, which needs about one statement
 * for n tokens.
 *
 * - A process takes as many tokens as it used recently in half a second, so one that makes few requests takes one token.
 * - Tokens of a token bucket may be reserved before they are available. The process then knows the exact time of each token,
 *   and no other process can take it.
 * - Tokens that were not requested within half a second are given back, and so are those that are left when the layer
 *   closes. If a process is killed, its lease is lost: at most n tokens, once.
 * - Tokens of a window are never used after its end, and a process keeps no more tokens of a token bucket than the bucket has
 *   room for. While the budget is in constant demand, all processes together never exceed it. Otherwise they can exceed a
 *   full bucket by at most their leases.
 * - Leases apply to requests with `onExceeded: "fail"`, such as those of a gate. A request with `"delay"` is always one
 *   statement.
 *
 * **Gotchas**
 *
 * A request inside a transaction of the same client is part of that transaction, and all other requests for the same budget
 * wait until it ends. Do not make checks inside of transactions.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { SignalCrypto } from "effect-poll/SignalCrypto"
import { type Bank, bank, BucketAccount, monotonicMillis, WindowAccount } from "./internal/budget/accounts.ts"
import * as adaptive from "./internal/budget/adaptive.ts"
import * as table from "./internal/budget/table.ts"
import * as validate from "./internal/validate.ts"

/**
 * The options of `layer`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * The name of the table: at most 48 letters, digits and underscores that do not begin with a digit, optionally after a
   * schema and a dot. Default `"effect_poll_budgets"`.
   */
  readonly table?: string | undefined
  /**
   * Whether the layer creates the table if it does not exist; default `true`. With `false`, run the statements of
   * `migration` first.
   */
  readonly createTable?: boolean | undefined
  /**
   * The largest number of tokens of a budget that a process takes from the database in one statement; an integer >= 1,
   * default 1, so that each request is a statement.
   */
  readonly lease?: number | undefined
  /**
   * How long a statement may take; a positive finite duration, default 10 seconds. One that takes longer is interrupted,
   * and fails with `RateLimitStoreError`.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Returns the statements that create the table of budgets, in the order to run them. They change nothing if it exists.
 * `name` is the `table` of the options. Throws a RangeError for a name that is out of range.
 *
 * **Example** (Writing a migration)
 *
 * ```ts
 * import * as RateLimiterStoreSql from "@effect-poll/durable/RateLimiterStoreSql"
 *
 * RateLimiterStoreSql.migration().length // => 1
 * ```
 *
 * @category migrations
 * @since 0.1.0
 */
export const migration = (name: string = defaultTable): ReadonlyArray<string> =>
  table.migration(checkTable("RateLimiterStoreSql.migration: table", name))

/**
 * A store of budgets in a table of a SQL database.
 *
 * **Details**
 *
 * The table is created unless `createTable` is `false`. Once an hour each process that uses it removes rows that are no
 * longer needed. Throws a RangeError at the call for an option that is out of range.
 *
 * **Example** (A budget that all processes share)
 *
 * ```ts no-run
 * import * as Layer from "effect/Layer"
 * import * as RateLimiter from "effect/persistence/RateLimiter"
 * import type { SqlClient } from "effect/sql/SqlClient"
 * import type { SqlError } from "effect/sql/SqlError"
 * import * as RateLimiterStoreSql from "@effect-poll/durable/RateLimiterStoreSql"
 * import * as RateLimitGate from "@effect-poll/http/RateLimitGate"
 *
 * // Such as PgClient.layer({ url }) of @effect/sql-pg.
 * declare const client: Layer.Layer<SqlClient, SqlError>
 *
 * export const limiter = RateLimiter.layer.pipe(
 *   Layer.provide(RateLimiterStoreSql.layer({ lease: 20 })),
 *   Layer.provide(client)
 * )
 *
 * // 6,000 checks a minute in all processes together, of which 200 may be made at once. The store leases; the gate need not.
 * export const gate = RateLimitGate.make({ limit: 6_000, window: "1 minute", burst: 200, lease: 1, budget: "api" })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<RateLimiter.RateLimiterStore, SqlError, SqlClient> => {
  const name = checkTable("RateLimiterStoreSql.layer: table", options.table ?? defaultTable)
  const lease = validate.count("RateLimiterStoreSql.layer: lease", options.lease ?? 1, 1)
  const timeout = validate.millis("RateLimiterStoreSql.layer: timeout", options.timeout ?? "10 seconds")
  return Layer.effect(
    RateLimiter.RateLimiterStore,
    Effect.gen(function* () {
      const sql = (yield* SqlClient).withoutTransforms()
      const statements = table.make(sql, name)
      if (options.createTable !== false) {
        // PostgreSQL lets two processes that create the same table at once fail. The second try finds it.
        yield* Effect.retry(
          Effect.forEach(table.migration(name), (statement) => sql.unsafe(statement), { discard: true }),
          { times: 3 }
        )
      }
      return storeOf(yield* bank(statements, lease), yield* idWith, timeout)
    })
  )
}

// ---- internal ----

const defaultTable = "effect_poll_budgets"

/** How often rows that are no longer needed are removed, in milliseconds. */
const tidyMillis = 3_600_000

/** How many accounts without a lease are remembered. */
const mostAccounts = 1_000

/** How many times a change is tried while others change the same state. */
const mostTries = 100

const checkTable = (option: string, name: string): string => {
  if (!/^([A-Za-z_]\w{0,47}\.)?[A-Za-z_]\w{0,47}$/.test(name)) {
    throw new RangeError(`${option} must be a plain identifier of at most 48 characters, got ${JSON.stringify(name)}`)
  }
  return name
}

type IdOf = (kind: string, key: string) => Effect.Effect<string>

/** Gives the function that makes the id of a row: the key itself, if it is short and plain. */
const idWith: Effect.Effect<IdOf> = /*#__PURE__*/ Effect.map(
  SignalCrypto,
  (crypto): IdOf =>
    (kind, key) =>
      /^[ -~]{0,200}$/.test(key)
        ? Effect.succeed(`${kind}:${key}`)
        : Effect.map(
            crypto.sha256(new TextEncoder().encode(JSON.stringify(key))),
            (hash) => `${kind}#${Hex.encode(hash)}`
          )
)

const storeOf = (bank: Bank, idOf: IdOf, timeout: number): RateLimiter.RateLimiterStore["Service"] => {
  const buckets = accounts((id, limit, refillMillis) => new BucketAccount(bank, id, limit, refillMillis))
  const windows = accounts((id, limit, refillMillis) => new WindowAccount(bank, id, limit, refillMillis))
  const tidy = tidying(bank)
  const asked = <A>(
    operation: string,
    effect: Effect.Effect<A, SqlError>
  ): Effect.Effect<A, RateLimiter.RateLimiterError> =>
    Effect.andThen(tidy, Effect.timeout(effect, timeout)).pipe(
      Effect.mapError(
        (cause) =>
          new RateLimiter.RateLimiterError({
            reason: new RateLimiter.RateLimitStoreError({
              message: `The store of budgets failed (${operation})`,
              cause
            })
          })
      )
    )
  const changed = <A>(operation: string, key: string, change: Change<A>) =>
    asked(
      operation,
      Effect.flatMap(idOf("adaptive", key), (id) => changing(bank, id, change))
    )
  const isLeased = (tokens: number, limit: number) =>
    bank.lease > 1 && Number.isInteger(tokens) && tokens >= 1 && Number.isInteger(limit) && tokens <= limit
  return {
    fixedWindow: ({ key, limit, refillRate, tokens }) => {
      const refillMillis = Duration.toMillis(refillRate)
      const taken = Effect.flatMap(idOf("window", key), (id) =>
        limit !== undefined && isLeased(tokens, limit)
          ? windows(id, limit, refillMillis).take(tokens)
          : Effect.map(
              bank.table.window({ id, tokens, most: tokens, limit, refillMillis }),
              (answer) => [answer.tokens + tokens - answer.taken, answer.endsInMillis] as const
            )
      )
      return asked("fixedWindow", taken)
    },
    tokenBucket: ({ allowOverflow: overflow, key, limit, refillRate, tokens }) => {
      const refillMillis = Duration.toMillis(refillRate)
      const taken = Effect.flatMap(idOf("bucket", key), (id) =>
        !overflow && isLeased(tokens, limit)
          ? buckets(id, limit, refillMillis).take(tokens)
          : Effect.map(
              bank.table.bucket({ id, tokens, most: tokens, limit, refillMillis, overflow }),
              (answer) => [answer.tokens + answer.taken - tokens, answer.elapsedMillis] as const
            )
      )
      return asked("tokenBucket", taken)
    },
    adaptiveConsume: (request) =>
      changed("adaptiveConsume", request.key, (state, now) => adaptive.consume(state, now, request)),
    adaptiveFeedback: (request) =>
      request.status !== 429 || request.retryAfter === undefined
        ? Effect.void
        : changed("adaptiveFeedback", request.key, (state, now) => adaptive.feedback(state, now, request))
  }
}

/** The accounts of a process by budget. */
const accounts = <Account extends { readonly isIdle: boolean }>(
  make: (id: string, limit: number, refillMillis: number) => Account
): ((id: string, limit: number, refillMillis: number) => Account) => {
  const known = new Map<string, Account>()
  return (id, limit, refillMillis) => {
    const name = JSON.stringify([id, limit, refillMillis])
    const found = known.get(name)
    if (found !== undefined) return found
    if (known.size >= mostAccounts) {
      for (const [other, account] of known) if (account.isIdle) known.delete(other)
    }
    const account = make(id, limit, refillMillis)
    known.set(name, account)
    return account
  }
}

type Change<A> = (state: adaptive.Adaptive | undefined, now: number) => adaptive.Changed<A>

const changing = Effect.fnUntraced(function* <A>({ table }: Bank, id: string, change: Change<A>) {
  for (let tries = 1; ; tries++) {
    const before = yield* table.read(id)
    const read = before.state === undefined ? undefined : (JSON.parse(before.state) as adaptive.Adaptive)
    const { state, value } = change(read === undefined || read.expiresAt <= before.now ? undefined : read, before.now)
    if (state === undefined || tries === mostTries) return value
    if (yield* table.write(id, before, JSON.stringify(state), state.expiresAt)) return value
  }
})

const tidying = ({ scope, table }: Bank): Effect.Effect<void> => {
  let next = Number.NEGATIVE_INFINITY
  return Effect.flatMap(monotonicMillis, (now) => {
    if (now < next) return Effect.void
    next = now + tidyMillis
    return Effect.asVoid(Effect.forkIn(Effect.ignore(table.tidy), scope))
  })
}
