/**
 * Waits as queries of TanStack Query 5: `pollQueryOptions` makes the options of a query that is one wait.
 *
 * **When to use**
 *
 * Use where an app keeps its server state in TanStack Query already. Otherwise use the hooks of this package, which
 * offer more: the phase `"checking"`, `pause` and `cancel`, slow checks while hidden, and one loop for all tabs.
 *
 * **Details**
 *
 * - Each fetch of the query makes at most one check, by `Poll.advance`, and continues from the token in the data of the
 *   query. That data has the time of the next check, and `refetchInterval` only reads it. A fetch before that time
 *   sends no request, whatever caused it: the focus of the window, a second component, an invalidation. So the delays
 *   that the server requests, the deadline and the budgets hold, also after hydration.
 * - A wait that has ended makes no further check. `resetQueries` begins a new one.
 * - The error that ends the wait is the typed `error` of the query, and also in the `outcome` of its data. A failed
 *   check that does not end the wait is not an error of the query: see `lastCheckError`.
 * - The data in the cache is JSON, so it can be dehydrated and persisted. Results and failures are encoded by the
 *   Schemas of the job (`Job.withCodecs`), which must decode synchronously. Without Schemas they are kept unchanged.
 *   `select` makes `PollQueryData` of it.
 * - While the window is hidden no check is made, unless `refetchIntervalInBackground` is set. While the browser is
 *   offline, fetches are paused. Both are rules of TanStack Query.
 * - The signal of the fetch aborts the check. An aborted check does not count as an attempt.
 *
 * **Gotchas**
 *
 * The query and its wait are removed `gcTime` after its last component is unmounted, by default 5 minutes.
 *
 * @since 0.1.0
 */
import type { DataTag, Query, QueryFunctionContext } from "@tanstack/react-query"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ManagedRuntime } from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import type { Outcome } from "@effect-poll/web/Snapshot"
import type { Run } from "effect-poll/CheckResult"
import type { Any, Watchable } from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import { type PollError, ResumeTokenError } from "effect-poll/PollError"
import type { AdvanceOptions } from "effect-poll/PollOptions"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import { decodeStatus, encodeStatus, encodeValue, decodeValue } from "./internal/coded.ts"

/**
 * The data of the query as a component reads it: fields of the `Snapshot` of a store, with the same names.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollQueryData<out A, out F = never, out E = never> {
  /** `"waiting"` while the wait continues, `"ended"` after that. */
  readonly phase: "waiting" | "ended"
  /** The last status that was found, or `undefined` if there is none. */
  readonly status: Status.Status<A, F> | undefined
  /** The number of checks made, including failed ones. */
  readonly attempt: number
  /** When the wait began, in milliseconds since 1970; `undefined` if it ended with its first check. */
  readonly startedAt: number | undefined
  /** When the next check is due, in milliseconds since 1970; `undefined` once the wait has ended. */
  readonly nextAt: number | undefined
  /** The error of the last check, or `undefined` if that check did not fail. The wait continues. */
  readonly lastCheckError: E | undefined
  /** How the wait ended, or `undefined` while it continues. */
  readonly outcome: Outcome<A, F, E> | undefined
}

/**
 * The state of a wait in the cache: JSON, for `dehydrate` and for persisters. Components read `PollQueryData`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollQueryState {
  /** The version of this format. */
  readonly version: 1
  /** The token to continue from; `undefined` if the wait ended with its first check. */
  readonly token: ResumeToken | undefined
  /** The number of checks made, including failed ones. */
  readonly attempt: number
  /** The last status, with its result or failure encoded. */
  readonly status: Status.Status<unknown, unknown> | undefined
  /** The error of the last check, or `undefined` if that check did not fail. */
  readonly lastCheckError?: unknown
  /** How the wait ended, with the result encoded; `undefined` while it continues. */
  readonly outcome?: Outcome<unknown, unknown, unknown> | undefined
}

/**
 * The key of a query: the name of the job, the encoded key (`null` if the key is `undefined`), and the run to wait for
 * (`null` without the option `since`).
 *
 * @category models
 * @since 0.1.0
 */
export type PollQueryKey = readonly ["effect-poll", job: string, key: string | null, since: Run | null]

/**
 * The options of `pollQueryOptions`: those of `Poll.advance`, and `select`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollQueryOptions<A, F, E, out R, out T> extends AdvanceOptions<E, R> {
  /** Maps the state of the wait to the `data` of the component. Default: the whole `PollQueryData`. */
  readonly select?: ((data: PollQueryData<A, F, E>) => T) | undefined
}

/**
 * The options of a query, for `useQuery`, `useSuspenseQuery`, `useQueries`, `prefetchQuery` and the rest of TanStack
 * Query. Spread them to add options of TanStack Query.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollQuery<out T, Err> {
  readonly queryKey: DataTag<PollQueryKey, PollQueryState, Err>
  readonly queryFn: (context: QueryFunctionContext<PollQueryKey>) => Promise<PollQueryState>
  /** Decodes the state in the cache. */
  readonly select: (state: PollQueryState) => T
  /** False if the key is `undefined`. */
  readonly enabled: boolean
  /** The data is fresh until the next check is due, and always once the wait has ended. In milliseconds. */
  readonly staleTime: (query: Query<PollQueryState, Err, PollQueryState, PollQueryKey>) => number
  /** The milliseconds until the next check is due; `false` once the wait has ended. It only reads the data. */
  readonly refetchInterval: (query: Query<PollQueryState, Err, PollQueryState, PollQueryKey>) => number | false
  /** Off: `checkErrors` decides how many failed checks are tolerated. */
  readonly retry: false
  /** Not set. Gives the error its type, and can be set in a spread. */
  readonly throwOnError?: (error: Err, query: Query<PollQueryState, Err, PollQueryState, PollQueryKey>) => boolean
}

/**
 * Returns the options of a query that is one wait for a job.
 *
 * **Details**
 *
 * Queries with the same job name and key are one wait. Each fetch uses the options of the component that caused it; the
 * deadline stays that of the first one. The data of the query is `undefined` until the first check has ended. With the
 * key `undefined` the query is disabled.
 *
 * A job that needs services takes them from `runtime`. A job made by `Job.provide` needs none, but builds its layer for
 * each check. A strategy must be made by `Strategy`, since a token cannot hold the state of any other `Schedule`.
 * Another one is a type error in the options, and a RangeError in a job. An out-of-range option throws a RangeError at
 * the call.
 *
 * **Example** (Waiting in a query)
 *
 * ```ts
 * import { QueryClient } from "@tanstack/react-query"
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 * import { pollQueryOptions } from "@effect-poll/react/query"
 *
 * const Render = Job.make("render", {
 *   check: (_id: string) => Effect.succeed(Status.pending({ state: "RENDERING", percent: 40 }))
 * })
 * const client = new QueryClient()
 * const options = pollQueryOptions(Render, "cat", { deadline: "10 minutes" })
 * const state = await client.fetchQuery(options)
 * options.select(state).status?.state // => "RENDERING"
 * ```
 *
 * @category queries
 * @since 0.1.0
 */
export const pollQueryOptions: {
  /**
   * Returns the options of a query that is one wait for a job. The query is disabled while the key is `undefined`. A
   * strategy must be made by `Strategy`. An out-of-range option throws a RangeError at the call.
   */
  <K, A, F, E, T = PollQueryData<A, F, E>>(
    job: Watchable<K, A, F, E, never>,
    key: NoInfer<K> | undefined,
    options: PollQueryOptions<A, F, E, never, T> & { readonly runtime?: undefined }
  ): PollQuery<T, PollError<F, E>>
  /**
   * Returns the options of a query that is one wait for a job, with its services from `runtime`. The query is disabled
   * while the key is `undefined`. A strategy must be made by `Strategy`. An out-of-range option throws a RangeError at
   * the call.
   */
  <K, A, F, E, R, ER, RS = never, T = PollQueryData<A, F, E>>(
    job: Watchable<K, A, F, E, R>,
    key: NoInfer<K> | undefined,
    options: PollQueryOptions<A, F, E, RS, T> & {
      /** Provides the services of the job and of the options. It is not disposed. */
      readonly runtime: ManagedRuntime<NoInfer<R | RS>, ER>
    }
  ): PollQuery<T, PollError<F, E> | ER>
} = (job: Any, key: unknown, options: AnyOptions): never => {
  const { runtime, select, ...rest } = options
  const wait: Wait = { job, options: rest, runtime }
  const read = readerOf(job)
  const found: PollQuery<unknown, unknown> = {
    queryKey: tagged(["effect-poll", job.name, key === undefined ? null : job.key.encode(key), rest.since ?? null]),
    queryFn: (context) => fetchState(wait, key, context),
    select: select === undefined ? read : (state) => select(read(state)),
    enabled: key !== undefined,
    staleTime: ({ state: { data: found, dataUpdatedAt } }) => {
      const data = stateOf(found)
      if (data === undefined) return 0
      const nextAt = nextAtOf(data)
      return nextAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, nextAt - dataUpdatedAt)
    },
    refetchInterval: ({ state: { data: found, fetchStatus, status } }) => {
      if (found === undefined || fetchStatus !== "idle" || status === "error") return false
      const data = stateOf(found)
      // Something else wrote it, or another release: the next fetch begins anew.
      if (data === undefined) return 1
      const nextAt = nextAtOf(data)
      return nextAt === undefined ? false : delayUntil(nextAt, data.token?.writtenAt)
    },
    retry: false
  }
  // Options out of range throw here, not in the fetch.
  if (key !== undefined) void Poll.advance(job, key, rest)
  return found as never
}

// ---- internal ----

type AnyOptions = AdvanceOptions<unknown, unknown> & {
  readonly runtime?: ManagedRuntime<unknown, unknown> | undefined
  readonly select?: ((data: PollQueryData<unknown, unknown, unknown>) => unknown) | undefined
}

interface Wait {
  readonly job: Any
  readonly options: AdvanceOptions<unknown, unknown>
  readonly runtime: ManagedRuntime<unknown, unknown> | undefined
}

/** The key carries a tag in its type only. */
const tagged = (key: PollQueryKey): PollQuery<unknown, unknown>["queryKey"] => key as never

const nextAtOf = ({ outcome, token }: PollQueryState): number | undefined =>
  outcome === undefined ? token?.dueAt : undefined

/** The longest delay of a timer. */
const longestDelay = 2_147_483_647

/**
 * The milliseconds of a timer. A token that was written by a clock ahead of this one is read at once, which sends
 * nothing: its times are then those of this clock.
 */
const delayUntil = (nextAt: number, writtenAt: number | undefined): number => {
  const now = Effect.runSync(Clock.currentTimeMillis)
  return writtenAt !== undefined && writtenAt > now ? 1 : Math.max(1, Math.min(Math.ceil(nextAt - now), longestDelay))
}

/** Continues from what the cache holds. The way out of Effect, so a Promise is intended. */
// @effect-diagnostics-next-line asyncFunction:off
const fetchState = async (
  wait: Wait,
  key: unknown,
  { client, queryKey, signal }: QueryFunctionContext<PollQueryKey>
): Promise<PollQueryState> => {
  // A component that leaves at once, as in StrictMode, sends nothing.
  await Promise.resolve()
  signal.throwIfAborted()
  const cached = stateOf(client.getQueryData(queryKey))
  if (cached?.outcome?._tag === "Success") return cached
  // An error that was dehydrated is none: then the next check finds the end again.
  const error = cached === undefined ? undefined : errorOf(cached.outcome)
  if (error !== undefined) throw error
  const state = await next(wait, key, cached, signal)
  const ended = errorOf(state.outcome)
  if (ended === undefined) return state
  // A query that was removed meanwhile is not made again.
  signal.throwIfAborted()
  // The next fetch has to know that the wait has ended.
  client.setQueryData(queryKey, state)
  throw ended
}

// @effect-diagnostics-next-line asyncFunction:off
const next = async (
  wait: Wait,
  key: unknown,
  before: PollQueryState | undefined,
  signal: AbortSignal
): Promise<PollQueryState> => {
  const { job, options, runtime } = wait
  const token = before?.token
  const advanced = Poll.advance(job, token ?? key, options)
  const exit = await (runtime === undefined
    ? Effect.runPromiseExit(advanced as Effect.Effect<Poll.Advanced<unknown, unknown, unknown>>, { signal })
    : runtime.runPromiseExit(advanced, { signal }))
  if (Exit.isSuccess(exit)) return stateAfter(job, before, exit.value)
  if (Exit.hasInterrupts(exit)) signal.throwIfAborted()
  const error = Cause.squash(exit.cause)
  // What was stored is of another release, or not ours at all.
  if (token !== undefined && error instanceof ResumeTokenError) return next(wait, key, undefined, signal)
  throw error
}

/** What the cache holds, if it is a state of a wait. */
const stateOf = (data: PollQueryState | undefined): PollQueryState | undefined =>
  data?.version === 1 && (data.outcome !== undefined || typeof data.token?.dueAt === "number") ? data : undefined

const errorOf = (outcome: PollQueryState["outcome"]): {} | undefined => {
  if (outcome?._tag === "Failure") return outcome.error instanceof Error ? outcome.error : undefined
  return outcome?._tag === "Defect" ? (outcome.defect ?? new Error("a defect")) : undefined
}

const stateAfter = (
  job: Any,
  before: PollQueryState | undefined,
  found: Poll.Advanced<unknown, unknown, unknown>
): PollQueryState => {
  if (found._tag === "Ended") return ended(job, before, found.exit)
  const { attempts: attempt, lastCheckError, token } = found
  const isChecked = token.checkedAt !== before?.token?.checkedAt
  // A token has no detail, so what it says is only as good as the status that it was written with.
  const isKept = before !== undefined && (!isChecked || (isPending(found.status) && isSameStatus(token, before.token)))
  return {
    version: 1,
    token,
    attempt,
    status: isKept ? before.status : found.status && encodeStatus(job, found.status),
    lastCheckError: isChecked ? lastCheckError : before?.lastCheckError
  }
}

const isPending = (status: Status.Status<unknown, unknown> | undefined): boolean =>
  status === undefined || status._tag === "Pending"

const isSameStatus = (token: ResumeToken, before: ResumeToken | undefined): boolean =>
  JSON.stringify([token.status, token.unconfirmed]) === JSON.stringify([before?.status, before?.unconfirmed])

const ended = (
  job: Any,
  before: PollQueryState | undefined,
  exit: Exit.Exit<unknown, PollError<unknown, unknown>>
): PollQueryState => {
  const token = before?.token
  const isRetry = token?.retries !== undefined || token?.alone === true
  const attempt = token === undefined ? 1 : isRetry ? token.attempts : token.attempts + 1
  if (Exit.isSuccess(exit)) {
    const status = Status.succeeded(encodeValue(job, "success", exit.value))
    return { version: 1, token, attempt, status, outcome: { _tag: "Success", value: status.value } }
  }
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (error === undefined) {
    const defect = Cause.squash(exit.cause)
    return { version: 1, token, attempt, status: before?.status, outcome: { _tag: "Defect", defect } }
  }
  return {
    version: 1,
    token,
    attempt: error.attempts,
    status: error.lastStatus === undefined ? before?.status : encodeStatus(job, error.lastStatus),
    lastCheckError: error.lastCheckError,
    outcome: { _tag: "Failure", error }
  }
}

// -- what components read --

type Read = (state: PollQueryState) => PollQueryData<unknown, unknown, unknown>

const readers = new WeakMap<object, Read>()

/** What is read of data that is not a state of a wait: nothing is known until the next fetch. */
const unknown: PollQueryData<unknown, unknown, unknown> = {
  phase: "waiting",
  status: undefined,
  attempt: 0,
  startedAt: undefined,
  nextAt: undefined,
  lastCheckError: undefined,
  outcome: undefined
}

/** The same function for the same job, and the same data for the same state, so that nothing is read twice. */
const readerOf = (job: Any): Read => {
  let reader = readers.get(job)
  if (reader === undefined) {
    const read = new WeakMap<PollQueryState, PollQueryData<unknown, unknown, unknown>>()
    reader = (state) => {
      if (stateOf(state) === undefined) return unknown
      let data = read.get(state)
      if (data === undefined) read.set(state, (data = dataOf(job, state)))
      return data
    }
    readers.set(job, reader)
  }
  return reader
}

const dataOf = (job: Any, state: PollQueryState): PollQueryData<unknown, unknown, unknown> => {
  const { attempt, lastCheckError, outcome, status, token } = state
  return {
    phase: outcome === undefined ? "waiting" : "ended",
    status: status && decodeStatus(job, status),
    attempt,
    startedAt: token?.startedAt,
    nextAt: nextAtOf(state),
    lastCheckError,
    outcome:
      outcome?._tag === "Success" ? { _tag: "Success", value: decodeValue(job, "success", outcome.value) } : outcome
  }
}
