/**
 * Ends a job from outside: whoever holds the token of a signal says how the job ended.
 *
 * **When to use**
 *
 * Use for jobs that this system decides about: a person approves a document, a worker reports its result, another
 * service calls a URL. A webhook of a provider is something else, a push: it is a reason to check, and does not end a
 * job by itself.
 *
 * **Details**
 *
 * 1. `make` opens a signal for a job and yields its token. The job needs Schemas (`Job.withCodecs`), because a
 *    completion is stored and read again, perhaps by another process.
 * 2. The token goes to whoever completes the job, often in a URL (`baseUrl`). It is `Redacted`: it appears in no log and
 *    in no error, and is not stored.
 * 3. The first call of `complete`, `fail` or `cancel` ends the signal. Each call yields what it did.
 * 4. `events` tells any number of waits how the signal ended, now or later.
 *
 * | call with a token | answer |
 * |---|---|
 * | of an open signal | `"accepted"` |
 * | of a signal that was completed, failed or canceled | `"alreadyEnded"`: nothing changes |
 * | of a signal whose time has passed | `SignalExpired`, `reason: "maxWaitTime"` |
 * | of a signal that missed a heartbeat | `SignalExpired`, `reason: "heartbeat"` |
 * | of a signal that another one replaced | `SignalExpired`, `reason: "replaced"` |
 * | of another job, an invalid one, or one whose retention is over | `SignalUnknown` |
 *
 * A completion counts if the store records it before the signal expires, by the clock of the caller. Once a wait has
 * been told that a signal has expired, no completion of it is accepted, even if a clock is set back.
 *
 * **Example** (Waiting for an approval)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 * import * as Job from "effect-poll/Job"
 * import * as Signal from "effect-poll/Signal"
 * import * as SignalStore from "effect-poll/SignalStore"
 * import * as Status from "effect-poll/Status"
 *
 * const Review = Job.make("review", {
 *   check: (_document: string) => Effect.succeed(Status.pending() as Status.Status<{ readonly approved: boolean }>)
 * }).pipe(Job.withCodecs({ success: Schema.Struct({ approved: Schema.Boolean }) }))
 *
 * const program = Effect.gen(function* () {
 *   const signal = yield* Signal.make(Review, "doc-1", { maxWaitTime: "2 days" })
 *   const first = yield* Signal.complete(Review, signal.token, { approved: true })
 *   const second = yield* Signal.complete(Review, signal.token, { approved: false })
 *   const told = yield* Stream.runCollect(signal.events)
 *   return [first, second, told.map((each) => each._tag)]
 * })
 * await Effect.runPromise(Effect.provide(program, SignalStore.layerMemory())) // => ["accepted", "alreadyEnded", ["Ended"]]
 * ```
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { ask } from "./internal/signal/ask.ts"
import { checkSettlement, encodeFailure, encodeSuccess, statusOf } from "./internal/signal/codecs.ts"
import { endingOf, now } from "./internal/signal/events.ts"
import { hashOf, makeToken } from "./internal/signal/tokens.ts"
import { urlWith } from "./internal/signal/url.ts"
import * as validate from "./internal/validate.ts"
import type { AnyWithCodecs, Codecs, WithCodecs } from "./Job.ts"
import {
  SignalConflict,
  type SignalEncodeError,
  SignalExpired,
  type SignalStoreError,
  SignalUnknown
} from "./SignalError.ts"
import { type Ending, expired, type Filter, type Settlement, type SignalRow } from "./SignalRow.ts"
import { type Service, SignalStore } from "./SignalStore.ts"
import type { Status, Terminal } from "./Status.ts"
import * as Told from "./Told.ts"

/**
 * An open signal, as `make` yields it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Signal<out K, out A, out F = never> extends Attached<K, A, F> {
  /** The secret that ends the job. It is not stored anywhere: keep it, or pass it on. */
  readonly token: Redacted.Redacted<string>
  /** The URL with the token, or `undefined` without a `baseUrl`. */
  readonly url: Redacted.Redacted<string> | undefined
}

/**
 * A signal that was found again, as `attach` yields it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attached<out K, out A, out F = never> {
  /** The key of the job. */
  readonly key: K
  /** When its `maxWaitTime` passes, in wall-clock milliseconds. */
  readonly expiresAt: number
  /**
   * How the signal ends: one `Ended`, then the stream is over. A completion that is stored already is emitted at once,
   * so that none is lost before a wait starts. Each run of the stream asks the store again. A signal that expires is an
   * `Ended` with an `Expired` status, a canceled or replaced one with a `Canceled` status; each has a reason. A store
   * that fails is asked again until it answers. A stored value that the Schema no longer accepts is a defect.
   */
  readonly events: Stream.Stream<Told.Told<A, F>>
}

/**
 * How a wait learns that a signal has ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface EventOptions {
  /**
   * How often the store is asked, in addition to its `changes`; a positive finite duration, default 2 seconds. Each
   * interval is shortened at random by up to a quarter. It doubles with each failure of the store in a row, up to a
   * minute.
   */
  readonly interval?: Duration.Input | undefined
}

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends EventOptions {
  /**
   * How long the signal may stay open; a positive finite duration. After that it expires, and a wait for it ends with
   * `JobExpired`. The deadline of the wait should be longer, otherwise it ends with `PollTimeout` first.
   */
  readonly maxWaitTime: Duration.Input
  /**
   * How long the signal may go without a `heartbeat` from the holder of its token, counted from `make`; a positive
   * finite duration. After that it expires with another reason. Default: no heartbeats are needed.
   */
  readonly heartbeat?: Duration.Input | undefined
  /**
   * What to do if the job already has an open signal. `"fail"` (the default): `SignalConflict`. `"replace"`: the open
   * one ends, its waits are told that it was canceled, and its token answers `SignalExpired` with `reason: "replaced"`.
   */
  readonly onConflict?: "fail" | "replace" | undefined
  /** Words by which `list` finds the signal; at most 64 non-empty strings. Default: none. */
  readonly tags?: ReadonlyArray<string> | undefined
  /**
   * The URL under which tokens are accepted, to which `/` and the token are added; an absolute `http` or `https` URL,
   * whose query is kept. Or a function that returns the URL for a token. Default: the signal has no `url`.
   */
  readonly baseUrl?: string | URL | ((token: Redacted.Redacted<string>) => string | URL) | undefined
}

/**
 * A token, as `make` yields it or as it arrives in a request.
 *
 * @category models
 * @since 0.1.0
 */
export type Token = Redacted.Redacted<string> | string

/**
 * What a call did: it was `"accepted"`, or the signal had been completed, failed or canceled before, and the call changed
 * nothing.
 *
 * @category models
 * @since 0.1.0
 */
export type Answer = "accepted" | "alreadyEnded"

/**
 * A signal as `list` and `describe` show it: without its token and its value.
 *
 * @category models
 * @since 0.1.0
 */
export interface Description {
  /** The name of the `Job`. */
  readonly job: string
  /** The encoded key. */
  readonly key: string
  /** The tags of the signal. */
  readonly tags: ReadonlyArray<string>
  /** Whether the signal is open, or how it ended. */
  readonly state: "open" | "succeeded" | "failed" | "canceled" | "expired" | "replaced"
  /** When it was made, in wall-clock milliseconds. */
  readonly createdAt: number
  /** When its `maxWaitTime` passes, in wall-clock milliseconds. */
  readonly expiresAt: number
  /** When it ended, in wall-clock milliseconds, or `undefined` if it is open. */
  readonly endedAt: number | undefined
}

/**
 * Opens a signal for a job.
 *
 * **Details**
 *
 * A job has one open signal at a time. The token is 256 random bits; it is not derived from the key. Throws a RangeError
 * for an option that is out of range, and for a key that cannot be encoded.
 *
 * **Example** (Handing out a URL)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 * import * as Schema from "effect/Schema"
 * import * as Job from "effect-poll/Job"
 * import * as Signal from "effect-poll/Signal"
 * import * as SignalStore from "effect-poll/SignalStore"
 * import * as Status from "effect-poll/Status"
 *
 * const Payment = Job.make("payment", {
 *   check: (_order: string) => Effect.succeed(Status.pending() as Status.Status<string>)
 * }).pipe(Job.withCodecs({ success: Schema.String }))
 *
 * const program = Effect.map(
 *   Signal.make(Payment, "order-1", { maxWaitTime: "1 hour", baseUrl: "https://shop.example/v1/signals" }),
 *   ({ token, url }) => [`${url}`, Redacted.value(url!) === `https://shop.example/v1/signals/${Redacted.value(token)}`]
 * )
 * await Effect.runPromise(Effect.provide(program, SignalStore.layerMemory())) // => ["<redacted:signal url>", true]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <K, A, F = never>(
  job: WithCodecs<K, A, F>,
  key: K,
  options: Options
): Effect.Effect<Signal<K, A, F>, SignalConflict | SignalStoreError, SignalStore> => {
  validate.fields("Signal.make", options, ofMake)
  const everyMillis = intervalOf(options)
  const maxWait = validate.millis("Signal.make: maxWaitTime", options.maxWaitTime, "positive")
  const heartbeat =
    options.heartbeat === undefined ? null : validate.millis("Signal.make: heartbeat", options.heartbeat, "positive")
  const tags = tagsOf(options.tags ?? [])
  const toUrl = urlWith(options.baseUrl)
  const encoded = job.key.encode(key)
  return Effect.gen(function* () {
    const store = yield* SignalStore
    const token = yield* makeToken
    // It may be user code that throws, after which no signal is open.
    const url = toUrl(token)
    const hash = (yield* hashOf(token))!
    const createdAt = yield* now
    const expiresAt = later(createdAt, maxWait)
    const heartbeatMillis = heartbeat === null ? null : Math.max(1, Math.ceil(heartbeat))
    const row: SignalRow = {
      hash,
      job: job.name,
      key: encoded,
      tags,
      createdAt,
      expiresAt,
      heartbeatMillis,
      closesAt: Math.min(expiresAt, createdAt + (heartbeatMillis ?? Number.POSITIVE_INFINITY)),
      endedAt: null,
      ending: null
    }
    const inserted = yield* ask(store, "insert", (store) => store.insert(row, options.onConflict ?? "fail"))
    if (inserted !== "inserted") {
      const shown = job.key.show?.(key) ?? encoded
      return yield* new SignalConflict({ job: job.name, key: shown, expiresAt: inserted.expiresAt })
    }
    return { key, token, url, expiresAt, events: eventsOf(job, store, row, everyMillis) }
  })
}

/**
 * Finds a signal again by its token or by the key of its job, for a wait in another process or after a restart.
 *
 * **Details**
 *
 * By the key it is the signal that was made last, whether it is still open or not. Fails with `SignalUnknown` if there is
 * none, if the token is that of another job, and once the retention of an ended signal is over.
 *
 * **Example** (Waiting after a restart)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 * import * as Stream from "effect/Stream"
 * import * as Job from "effect-poll/Job"
 * import * as Signal from "effect-poll/Signal"
 * import * as SignalStore from "effect-poll/SignalStore"
 * import * as Status from "effect-poll/Status"
 *
 * const Payment = Job.make("payment", {
 *   check: (_order: string) => Effect.succeed(Status.pending() as Status.Status<string>)
 * }).pipe(Job.withCodecs({ success: Schema.String }))
 *
 * const program = Effect.gen(function* () {
 *   const { token } = yield* Signal.make(Payment, "order-1", { maxWaitTime: "1 hour" })
 *   yield* Signal.complete(Payment, token, "receipt-7")
 *   const signal = yield* Signal.attach(Payment, { key: "order-1" })
 *   return yield* Stream.runHead(signal.events)
 * })
 * const told = await Effect.runPromise(Effect.provide(program, SignalStore.layerMemory()))
 * told._tag === "Some" && told.value._tag === "Ended" && told.value.status._tag // => "Succeeded"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const attach = <K, A, F = never>(
  job: WithCodecs<K, A, F>,
  by: { readonly token: Token; readonly key?: undefined } | { readonly key: K; readonly token?: undefined },
  options?: EventOptions
): Effect.Effect<Attached<K, A, F>, SignalUnknown | SignalStoreError, SignalStore> => {
  validate.fields("Signal.attach", options ?? {}, ofEvents)
  const everyMillis = intervalOf(options)
  const encoded = by.token === undefined ? job.key.encode(by.key) : undefined
  return Effect.gen(function* () {
    const store = yield* SignalStore
    const row =
      by.token === undefined
        ? yield* ask(store, "newest", (store) => store.newest(job.name, encoded!))
        : yield* rowOf(store, by.token)
    if (row === undefined || row.job !== job.name) return yield* new SignalUnknown()
    return {
      key: by.token === undefined ? by.key : job.key.decode(row.key),
      expiresAt: row.expiresAt,
      events: eventsOf(job, store, row, everyMillis)
    }
  })
}

/**
 * Ends a job as succeeded, with its result.
 *
 * **Details**
 *
 * Yields `"alreadyEnded"` if the signal was completed, failed or canceled before: then this value is not stored, and
 * nothing changes. A repeated call is harmless. See the table of the module for the other answers.
 *
 * **Example** (Completing a job that may have been replaced)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 * import * as Job from "effect-poll/Job"
 * import * as Signal from "effect-poll/Signal"
 * import * as SignalStore from "effect-poll/SignalStore"
 * import * as Status from "effect-poll/Status"
 *
 * const Payment = Job.make("payment", {
 *   check: (_order: string) => Effect.succeed(Status.pending() as Status.Status<string>)
 * }).pipe(Job.withCodecs({ success: Schema.String }))
 *
 * const program = Effect.gen(function* () {
 *   const old = yield* Signal.make(Payment, "order-1", { maxWaitTime: "1 hour" })
 *   yield* Signal.make(Payment, "order-1", { maxWaitTime: "1 hour", onConflict: "replace" })
 *   return yield* Signal.complete(Payment, old.token, "receipt-7").pipe(
 *     Effect.catchTag("SignalExpired", (error) => Effect.succeed(error.reason))
 *   )
 * })
 * await Effect.runPromise(Effect.provide(program, SignalStore.layerMemory())) // => "replaced"
 * ```
 *
 * @category settling
 * @since 0.1.0
 */
export const complete = <K, A, F = never>(
  job: WithCodecs<K, A, F>,
  token: Token,
  value: NoInfer<A>
): Effect.Effect<Answer, SignalUnknown | SignalExpired | SignalEncodeError | SignalStoreError, SignalStore> =>
  Effect.flatMap(encodeSuccess(job, value), (ending) => settle(token, () => Effect.succeed(ending), job.name))

/**
 * Ends a job as failed, with its failure. The wait ends with `JobFailed`. See `complete` for the answers.
 *
 * @category settling
 * @since 0.1.0
 */
export const fail = <K, A, F>(
  job: WithCodecs<K, A, F>,
  token: Token,
  failure: NoInfer<F>
): Effect.Effect<Answer, SignalUnknown | SignalExpired | SignalEncodeError | SignalStoreError, SignalStore> =>
  Effect.flatMap(encodeFailure(job, failure), (ending) => settle(token, () => Effect.succeed(ending), job.name))

/**
 * Ends a job as canceled, with an optional reason for people. The wait ends with `JobCanceled`. See `complete` for the
 * answers.
 *
 * @category settling
 * @since 0.1.0
 */
export const cancel = (
  token: Token,
  reason?: string
): Effect.Effect<Answer, SignalUnknown | SignalExpired | SignalStoreError, SignalStore> =>
  settle(token, () => Effect.succeed({ _tag: "Canceled", ...(reason === undefined ? {} : { reason }) }))

/**
 * Reports that the holder of the token is still working on the job. That restarts the `heartbeat` of the signal, up to
 * its `maxWaitTime`. For a signal without a `heartbeat` the call is accepted and changes nothing. See `complete` for
 * the answers.
 *
 * **Example** (Reporting that a worker is alive)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 * import * as Job from "effect-poll/Job"
 * import * as Signal from "effect-poll/Signal"
 * import * as SignalStore from "effect-poll/SignalStore"
 * import * as Status from "effect-poll/Status"
 *
 * const Payment = Job.make("payment", {
 *   check: (_order: string) => Effect.succeed(Status.pending() as Status.Status<string>)
 * }).pipe(Job.withCodecs({ success: Schema.String }))
 *
 * const program = Effect.gen(function* () {
 *   const { token } = yield* Signal.make(Payment, "order-1", { maxWaitTime: "1 hour", heartbeat: "1 minute" })
 *   return yield* Signal.heartbeat(token)
 * })
 * await Effect.runPromise(Effect.provide(program, SignalStore.layerMemory())) // => "accepted"
 * ```
 *
 * @category settling
 * @since 0.1.0
 */
export const heartbeat = (
  token: Token
): Effect.Effect<Answer, SignalUnknown | SignalExpired | SignalStoreError, SignalStore> =>
  Effect.gen(function* () {
    const store = yield* SignalStore
    const hash = yield* hashOf(token)
    if (hash === undefined) return yield* new SignalUnknown()
    const at = yield* now
    const found = yield* ask(store, "touch", (store) => store.touch(hash, at))
    return found === "touched" ? "accepted" : yield* answerFor(found)
  })

/**
 * Ends a job with an encoded result or failure, such as the body of a request.
 *
 * **When to use**
 *
 * Use for a route that accepts tokens of several jobs: the token determines the job.
 *
 * **Details**
 *
 * The job of the token is looked up among `jobs`; if it is not there, the call fails with `SignalUnknown`. The value is
 * decoded by the Schema of that job before anything is stored: a value that does not match is a `SignalEncodeError`,
 * and the signal stays open. See `complete` for the answers.
 *
 * **Example** (Accepting the body of a request)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 * import * as Job from "effect-poll/Job"
 * import * as Signal from "effect-poll/Signal"
 * import * as SignalStore from "effect-poll/SignalStore"
 * import * as Status from "effect-poll/Status"
 *
 * const Payment = Job.make("payment", {
 *   check: (_order: string) => Effect.succeed(Status.pending() as Status.Status<string>)
 * }).pipe(Job.withCodecs({ success: Schema.String }))
 *
 * const program = Effect.gen(function* () {
 *   const { token } = yield* Signal.make(Payment, "order-1", { maxWaitTime: "1 hour" })
 *   const settle = (value: unknown) => Signal.settleEncoded([Payment], token, { _tag: "Succeeded", value })
 *   const refused = yield* Effect.flip(settle(7))
 *   return [refused._tag, yield* settle("receipt-7")]
 * })
 * await Effect.runPromise(Effect.provide(program, SignalStore.layerMemory())) // => ["SignalEncodeError", "accepted"]
 * ```
 *
 * @category settling
 * @since 0.1.0
 */
export const settleEncoded = (
  jobs: ReadonlyArray<AnyWithCodecs>,
  token: Token,
  ending: Settlement
): Effect.Effect<Answer, SignalUnknown | SignalExpired | SignalEncodeError | SignalStoreError, SignalStore> =>
  settle<SignalUnknown | SignalEncodeError>(token, (row) => {
    const job = jobs.find((each) => each.name === row.job)
    return job === undefined ? Effect.fail(new SignalUnknown()) : checkSettlement(job, ending)
  })

/**
 * Describes the signal of a token: its job, its key and its state. Fails with `SignalUnknown` if there is none.
 *
 * @category reading
 * @since 0.1.0
 */
export const describe = (token: Token): Effect.Effect<Description, SignalUnknown | SignalStoreError, SignalStore> =>
  Effect.gen(function* () {
    const store = yield* SignalStore
    const row = yield* rowOf(store, token)
    if (row === undefined) return yield* new SignalUnknown()
    return descriptionOf(expired(row, yield* now))
  })

/**
 * Lists signals, the oldest first: all of them, or those with a tag, in a state or of a job. At most `limit`, by default
 * 1,000. Throws a RangeError for a filter that is out of range.
 *
 * **Example** (Finding open signals by a tag)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 * import * as Job from "effect-poll/Job"
 * import * as Signal from "effect-poll/Signal"
 * import * as SignalStore from "effect-poll/SignalStore"
 * import * as Status from "effect-poll/Status"
 *
 * const Payment = Job.make("payment", {
 *   check: (_order: string) => Effect.succeed(Status.pending() as Status.Status<string>)
 * }).pipe(Job.withCodecs({ success: Schema.String }))
 *
 * const program = Effect.gen(function* () {
 *   yield* Signal.make(Payment, "order-1", { maxWaitTime: "1 hour", tags: ["eu"] })
 *   yield* Signal.make(Payment, "order-2", { maxWaitTime: "1 hour" })
 *   const open = yield* Signal.list({ tag: "eu", state: "open" })
 *   return open.map(({ job, key }) => `${job} ${key}`)
 * })
 * await Effect.runPromise(Effect.provide(program, SignalStore.layerMemory())) // => ["payment order-1"]
 * ```
 *
 * @category reading
 * @since 0.1.0
 */
export const list = (filter?: Filter): Effect.Effect<ReadonlyArray<Description>, SignalStoreError, SignalStore> => {
  validate.fields("Signal.list", filter ?? {}, ofList)
  return Effect.gen(function* () {
    const store = yield* SignalStore
    const at = yield* now
    const rows = yield* ask(store, "list", (store) => store.list(filter ?? {}, at))
    return rows.map((row) => descriptionOf(expired(row, at)))
  })
}

/**
 * Makes the option `signal` of a wait from any stream: server-sent events, a socket, a queue.
 *
 * **Details**
 *
 * A terminal status ends the job, and the stream, so use only streams from whoever decides about it. A pending status is a
 * report, and `"wake"` a reason to check. A stream that fails or ends before a terminal status is run again by the wait,
 * and a check follows: see `Source` of the module `Told`.
 *
 * **Example** (Listening to a queue)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 * import * as Signal from "effect-poll/Signal"
 * import * as Status from "effect-poll/Status"
 *
 * const statuses = Stream.make(Status.pending({ progress: 0.5 }), Status.succeeded("cat.png"))
 * const told = await Effect.runPromise(Stream.runCollect(Signal.fromStream(statuses)))
 * told.map((each) => each._tag) // => ["Report", "Ended"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromStream = <A, F = never, E = never, R = never>(
  stream: Stream.Stream<Status<A, F> | "wake", E, R>
): Stream.Stream<Told.Told<A, F>, E, R> =>
  Stream.takeUntil(
    Stream.map(stream, (each): Told.Told<A, F> => {
      if (each === "wake") return Told.wake
      return each._tag === "Pending" ? Told.report(each) : Told.ended(each)
    }),
    (told) => told._tag === "Ended"
  )

// ---- internal ----

const ofEvents: validate.Shape = { interval: "a positive finite duration" }

const ofMake: validate.Shape = {
  ...ofEvents,
  maxWaitTime: "a positive finite duration",
  heartbeat: "a positive finite duration",
  onConflict: '"fail" or "replace"',
  tags: "an array of tags",
  baseUrl: "a string or an object or a function"
}

const ofList: validate.Shape = {
  tag: "a string",
  state: '"open" or "ended"',
  job: "a string",
  limit: "an integer >= 1"
}

const mostTags = 64

const tagsOf = (tags: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (tags.length > mostTags || tags.includes("")) {
    validate.refuse("Signal.make: tags", `at most ${mostTags} non-empty strings`, tags)
  }
  return [...new Set(tags)]
}

const intervalOf = (options: EventOptions | undefined): number => validate.toMillis(options?.interval ?? "2 seconds")

/** The latest time that a Date can hold. */
const lastTime = 8.64e15

const later = (at: number, millis: number): number => Math.min(lastTime, Math.max(at + 1, Math.ceil(at + millis)))

const eventsOf = <A, F>(
  job: { readonly name: string; readonly codecs: Codecs<A, F> },
  store: Service,
  signal: { readonly hash: string; readonly expiresAt: number },
  everyMillis: number
): Stream.Stream<Told.Told<A, F>> =>
  Stream.fromEffect(
    Effect.map(
      Effect.flatMap(endingOf(store, signal, everyMillis), (ending) => statusOf(job, ending)),
      (status) => Told.ended(status as Terminal<A, F>)
    )
  )

const rowOf = (store: Service, token: Token): Effect.Effect<SignalRow | undefined, SignalStoreError> =>
  Effect.flatMap(hashOf(token), (hash) =>
    hash === undefined ? Effect.undefined : ask(store, "get", (store) => store.get(hash))
  )

/** Settles the signal of a token, with what is made of its row. A signal of another job counts as unknown. */
const settle = <E>(
  token: Token,
  endingFor: (row: SignalRow) => Effect.Effect<Settlement, E>,
  job?: string
): Effect.Effect<Answer, E | SignalUnknown | SignalExpired | SignalStoreError, SignalStore> =>
  Effect.gen(function* () {
    const store = yield* SignalStore
    const row = yield* rowOf(store, token)
    if (row === undefined || (job !== undefined && row.job !== job)) return yield* new SignalUnknown()
    const ending = yield* endingFor(row)
    const at = yield* now
    const found = yield* ask(store, "settle", (store) => store.settle(row.hash, ending, at))
    return found === "settled" ? "accepted" : yield* answerFor(found)
  })

/** The answer to a call for a signal that is not open. */
const answerFor = (row: SignalRow | undefined): Effect.Effect<Answer, SignalUnknown | SignalExpired> => {
  if (row?.ending == null) return Effect.fail(new SignalUnknown())
  const { ending, endedAt, job } = row
  if (ending._tag !== "Expired" && ending._tag !== "Replaced") return Effect.succeed("alreadyEnded")
  const reason = ending._tag === "Replaced" ? "replaced" : ending.reason
  return Effect.fail(new SignalExpired({ job, reason, endedAt: endedAt ?? row.closesAt }))
}

const stateOf: { readonly [tag in Ending["_tag"]]: Description["state"] } = {
  Succeeded: "succeeded",
  Failed: "failed",
  Canceled: "canceled",
  Expired: "expired",
  Replaced: "replaced"
}

const descriptionOf = ({ createdAt, endedAt, ending, expiresAt, job, key, tags }: SignalRow): Description => ({
  job,
  key,
  tags,
  state: ending === null ? "open" : stateOf[ending._tag],
  createdAt,
  expiresAt,
  endedAt: endedAt ?? undefined
})
