/**
 * Waits for remote jobs that outlive a process: one process submits a job, another checks it, a third awaits it.
 *
 * **When to use**
 *
 * Use when a wait must survive a crash or a deployment, or when there are more jobs than one process can check. For waits
 * that may end with their process, use `Poll` and `Poller`.
 *
 * **Details**
 *
 * A submit stores the job. A runner (the layer `runner`, in any process) checks it by the same rules as a `Poller`, and
 * stores how it ended. A check is never stored. `await`, `results`, `find` and `list` read the store, in any process.
 *
 * - Once `submit` has returned, no crash loses the job. Submits with the same idempotency key yield the same job, even if
 *   two machines submit at the same time.
 * - A job ends once: the first end that is stored counts, whether a check found it, a signal brought it, or `settle` did.
 * - Checks are made at least once: after a crash a wait starts over with the same deadline. `onEnded` also runs at least
 *   once.
 * - One layer, which provides `DurableStore` and `Ownership`, decides where jobs are stored and which process checks them:
 *   `layerMemory`, `DurableSqlite.layer` or `DurableCluster.layer`. The rest of the program does not depend on it.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Codec } from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Types from "effect/Types"
import type { Run } from "effect-poll/CheckResult"
import type { EndingError } from "effect-poll/Ending"
import type { Job, WithCodecs } from "effect-poll/Job"
import type { CancelFailed } from "effect-poll/PollError"
import type { PollOptions, ToldByKeyOptions } from "effect-poll/PollOptions"
import type { Terminal } from "effect-poll/Status"
import type { DurableJobUnknown, DurableStoreError } from "./DurableError.ts"
import type { DurableRef } from "./DurableRef.ts"
import type { DurableRow } from "./DurableRow.ts"
import { DurableRunner } from "./DurableRunner.ts"
import * as DurableStore from "./DurableStore.ts"
import type { Ended, EndedError, View } from "./DurableView.ts"
import { onEndedHook } from "./internal/kind.ts"
import { filterOf, type ListOptions } from "./internal/poll/filter.ts"
import { encodeInput } from "./internal/poll/inputs.ts"
import { idOf } from "./internal/poll/ids.ts"
import { type AnyJob, makeKind } from "./internal/poll/kinds.ts"
import * as options from "./internal/poll/options.ts"
import { endedRows } from "./internal/poll/results.ts"
import * as settling from "./internal/poll/settling.ts"
import { type Draft, submitAll } from "./internal/poll/submitting.ts"
import { endedOf, viewOf } from "./internal/poll/views.ts"
import { awaitEnd } from "./internal/poll/waiters.ts"
import * as Ownership from "./Ownership.ts"

export type {
  /**
   * Which jobs `list` yields: those that meet all of the conditions.
   *
   * @category models
   * @since 0.1.0
   */
  ListOptions
}

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<in K, in out A, in out F, in E, in out I, out RS, out RT, out RO> {
  /**
   * How long a job may take from its submit, unless the submit sets its own deadline; a positive finite duration or
   * `"unbounded"`. A wait that reaches its deadline ends with `PollTimeout`.
   */
  readonly deadline: Duration.Input | "unbounded"
  /**
   * How long a job is kept after its end; a positive finite duration or `"forever"`, default 30 days. After that its
   * reference is unknown (`DurableJobUnknown`), and its idempotency key may be used for a new job.
   */
  readonly retention?: Duration.Input | "forever" | undefined
  /** The options of the waits that runners make. Its `signal` and `push` are functions that return the streams for a key. */
  readonly wait?: WaitOptions<K, A, F, E, RS, RT> | undefined
  /** How runners submit jobs; needed by `submitInputs`. Default: none, and only `submit` can be used. */
  readonly input?: InputOptions<I> | undefined
  /**
   * Runs in a runner after the end of a job is stored: at least once, so it should be idempotent. A run that fails, or takes
   * longer than a minute, is repeated until one succeeds or the retention of the job is over. Whether it runs is stored with
   * the job, so the processes that submit need this option too. Default: none.
   */
  readonly onEnded?: ((ended: Ended<K, A, F>) => Effect.Effect<unknown, unknown, RO>) | undefined
  /**
   * Returns a group for a key, such as the host of its URL. One process checks all jobs of a group, so that a gate in that
   * process sees all checks of the host. Default: jobs are spread evenly.
   */
  readonly affinity?: ((key: K) => string) | undefined
  /**
   * The number of buckets; an integer >= 1, default 128. It is used by processes without an `Ownership`, which only submit,
   * and must be the number that the `Ownership` of the runners has.
   */
  readonly buckets?: number | undefined
}

/**
 * How runners wait: the options of a wait, except those that durable waits set themselves.
 *
 * @category models
 * @since 0.1.0
 */
export type WaitOptions<K, A, F, E, RS, RT> = Omit<
  PollOptions<E, RS>,
  "deadline" | "since" | "name" | "onInterrupt" | "onClose"
> &
  ToldByKeyOptions<K, A, F, RT>

/**
 * How runners submit jobs.
 *
 * @category models
 * @since 0.1.0
 */
export interface InputOptions<in out I> {
  /** The Schema of the inputs. Their encoded form must be what JSON preserves. */
  readonly schema: Codec<I, unknown>
  /**
   * Returns the input with the idempotency key in it, so that the submit of the job can send it. Unless `onUnknown` is
   * `"fail"`, a submit may be repeated with the same key, and the server must treat the two as one.
   */
  readonly withIdempotencyKey: (input: I, idempotencyKey: string) => I
  /**
   * What to do if a process died while it submitted a job, so that it is unknown whether the server accepted it.
   * `"submitAgain"` (the default) submits it again with the same idempotency key. `"fail"` ends the job with
   * `DurableSubmitFailed` and the `reason` `"unknown"`; it costs one more row write for each job.
   */
  readonly onUnknown?: "submitAgain" | "fail" | undefined
  /** How long a submit may take; a positive finite duration or `"unbounded"`, default 5 minutes. */
  readonly submitTimeout?: Duration.Input | "unbounded" | undefined
  /** As the option `affinity` of `make`, but for an input. Default: jobs are spread evenly. */
  readonly affinity?: ((input: I) => string) | undefined
}

/**
 * The options of `submit` for jobs with keys `K`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SubmitOptions<in K> {
  /**
   * Returns the idempotency key for a key; a non-empty string. Submits with the same idempotency key yield the same
   * reference, for as long as the job is retained. Default: none, and each submit stores a new job.
   */
  readonly idempotencyKey?: ((key: K) => string) | undefined
  /**
   * Returns the run to wait for, where one key is used for several runs: an end of an earlier one counts as pending, as by
   * the option `since` of a wait. A `retry` waits for the same run. Default: any end counts.
   */
  readonly since?: ((key: K) => Run | undefined) | undefined
  /** How long the job may take; a positive finite duration or `"unbounded"`. Default: the `deadline` of `make`. */
  readonly deadline?: Duration.Input | "unbounded" | undefined
  /** Tags to list jobs by: at most 16 non-empty strings of at most 200 characters. Default: none. */
  readonly tags?: ReadonlyArray<string> | undefined
  /**
   * The least time before the first check; a non-negative finite duration, default 0. A longer first wait of the strategy
   * holds as well.
   */
  readonly delay?: Duration.Input | undefined
}

/**
 * The options of `submitInputs` for inputs `I`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SubmitInputsOptions<in I> {
  /**
   * Returns the idempotency key for an input; a non-empty string. Submits with the same one yield the same reference, for
   * as long as the job is retained.
   */
  readonly idempotencyKey: (input: I) => string
  /** How long the job may take; a positive finite duration or `"unbounded"`. Default: the `deadline` of `make`. */
  readonly deadline?: Duration.Input | "unbounded" | undefined
  /** Tags to list jobs by: at most 16 non-empty strings of at most 200 characters. Default: none. */
  readonly tags?: ReadonlyArray<string> | undefined
}

/**
 * Durable waits for the jobs of one kind. `R` are the services of the job, `RR` those of its runner, and `I` is the input
 * of its submit. Methods whose type has `DurableStoreError` fail with it if the store cannot be reached.
 *
 * @category models
 * @since 0.1.0
 */
export interface DurablePoll<in out K, in out A, in out F = never, out R = never, in out I = never, out RR = R> {
  /** The name of the job. */
  readonly kind: string
  /** The job. */
  readonly job: WithCodecs<K, A, F>

  /**
   * Stores jobs that their server has already accepted, by their keys, and yields their references in the same order. Once
   * it has returned, no crash loses them. Up to 1,000 jobs are stored with one statement, all or none; more take several
   * statements, of which the first ones may have succeeded if a later one fails. Throws a RangeError at the call for an
   * option that is out of range, and for a key whose encoded form is empty.
   */
  readonly submit: (
    keys: Iterable<K>,
    options?: SubmitOptions<K>
  ) => Effect.Effect<ReadonlyArray<DurableRef>, DurableStoreError, DurableStore.DurableStore>
  /**
   * Stores inputs that a runner will submit to their server, and yields the references of the jobs in the same order. Up to
   * 1,000 are stored with one statement, all or none. Throws a RangeError at the call if `make` has no option `input`, for
   * an option that is out of range, and for an input that cannot be encoded.
   */
  readonly submitInputs: (
    inputs: Iterable<I>,
    options: SubmitInputsOptions<I>
  ) => Effect.Effect<ReadonlyArray<DurableRef>, DurableStoreError, DurableStore.DurableStore>

  /**
   * Computes the reference of a job from its idempotency key. It does not read the store, so the job may not exist. Throws a
   * RangeError at the call for an empty key.
   */
  readonly ref: (idempotencyKey: string) => Effect.Effect<DurableRef>
  /**
   * Waits until a job has ended, and yields its result or fails with its error. It makes no checks itself, so a runner must
   * be running in some process. Fibers of one process that await jobs of the same kind share their queries. If the store
   * fails, it is queried again for up to a minute.
   */
  readonly await: (
    ref: DurableRef
  ) => Effect.Effect<A, EndedError<F> | DurableJobUnknown | DurableStoreError, DurableStore.DurableStore>
  /**
   * Yields the ends of all jobs of the kind, in the order of their positions. The stream never completes: after the ends
   * that are stored already, it yields new ones as they are stored. A reader that stores each position together with what
   * it did about the end, and starts after that position the next time, misses none and repeats none, as long as it is not
   * away for longer than the retention. If the store fails, it is queried again for up to a minute. Throws a RangeError at
   * the call for a bad position.
   */
  readonly results: (options?: {
    /**
     * The position after which to start: an integer >= 0, or `"now"` for new ends only. Default 0, which starts with the
     * oldest end that is retained.
     */
    readonly after?: number | "now" | undefined
  }) => Stream.Stream<Ended<K, A, F>, DurableStoreError, DurableStore.DurableStore>

  /**
   * Ends a job without a check, such as for a webhook or an operator. Yields `"settled"`, or `"late"` if the job had ended
   * already. The server is not asked, and the job is not canceled there. Fails with `EndingError` if the value does not match
   * the Schema of the job. Throws a RangeError at the call for a status that is not terminal.
   */
  readonly settle: (
    ref: DurableRef,
    status: Terminal<A, F>
  ) => Effect.Effect<"settled" | "late", DurableJobUnknown | EndingError | DurableStoreError, DurableStore.DurableStore>
  /**
   * Asks the server to cancel the job, and then a runner to check it soon. The wait continues: the job may still succeed.
   * Does nothing if the job has ended.
   *
   * It fails with `CancelFailed` if the job has no `cancel`, if that fails, or if it takes longer than `wait.cancelTimeout`
   * (default 10 seconds). A job that has not been submitted yet ends with `JobCanceled` at once; if a runner is submitting
   * it at this moment, the server may still accept it. With `onUnknown: "fail"`, that case fails with `CancelFailed`.
   */
  readonly cancel: (
    ref: DurableRef
  ) => Effect.Effect<void, CancelFailed | DurableJobUnknown | DurableStoreError, DurableStore.DurableStore | R>
  /** Asks a runner to check the job soon. Yields whether the job is known and has not ended. */
  readonly checkNow: (ref: DurableRef) => Effect.Effect<boolean, DurableStoreError, DurableStore.DurableStore>
  /**
   * Starts the wait of an ended job again, with a deadline of the same length from now. A job whose submit failed is
   * submitted again, with the same idempotency key; any other is checked again. A job that has not ended is not changed.
   * Yields the same reference.
   */
  readonly retry: (
    ref: DurableRef
  ) => Effect.Effect<DurableRef, DurableJobUnknown | DurableStoreError, DurableStore.DurableStore>

  /** Yields what the store knows of a job: its key, its state, and how it ended. */
  readonly find: (
    ref: DurableRef
  ) => Effect.Effect<View<K, A, F>, DurableJobUnknown | DurableStoreError, DurableStore.DurableStore>
  /**
   * Lists jobs by the time of their submit or last `retry`, a page at a time. Throws a RangeError at the call for an option
   * that is out of range.
   */
  readonly list: (
    options?: ListOptions
  ) => Effect.Effect<ReadonlyArray<View<K, A, F>>, DurableStoreError, DurableStore.DurableStore>
  /** Counts the jobs of the kind by state and by outcome. */
  readonly stats: Effect.Effect<DurableStore.KindStats, DurableStoreError, DurableStore.DurableStore>
  /**
   * Stops all runners from checking and submitting jobs of the kind, within about a second, until `unpause`. Deadlines still
   * apply; that of a job that has not been submitted yet is noticed after the pause.
   */
  readonly pause: Effect.Effect<void, DurableStoreError, DurableStore.DurableStore>
  /** Ends a pause. */
  readonly unpause: Effect.Effect<void, DurableStoreError, DurableStore.DurableStore>

  /**
   * Checks the jobs of the kind in this process: those in the buckets that it owns. Building the layer twice on one
   * `DurableRunner` is a defect.
   */
  readonly runner: Layer.Layer<never, never, DurableRunner | RR>
}

/**
 * Creates durable waits for a job that has Schemas (`Job.withCodecs`).
 *
 * **Details**
 *
 * The name of the job becomes the kind of what is stored, so two jobs in one store must not have the same name. Throws a
 * RangeError for a job without Schemas, and for an option that is out of range.
 *
 * **Example** (Waiting for a job that another process checks)
 *
 * ```ts
 * import * as DurablePoll from "@effect-poll/durable/DurablePoll"
 * import * as DurableRunner from "@effect-poll/durable/DurableRunner"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Schema from "effect/Schema"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const Render = Job.make("render", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) }).pipe(
 *   Job.withCodecs({ success: Schema.String })
 * )
 * const Renders = DurablePoll.make(Render, { deadline: "1 hour" })
 *
 * const program = Effect.gen(function* () {
 *   const [ref] = yield* Renders.submit(["cat"], { idempotencyKey: (id) => id, tags: ["animals"] })
 *   return yield* Renders.await(ref!)
 * })
 *
 * const Live = Renders.runner.pipe(Layer.provide(DurableRunner.layer()), Layer.provideMerge(DurablePoll.layerMemory))
 * await Effect.runPromise(Effect.provide(program, Live)) // => "cat.png"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <K, A, F, E, R, I, ES, RS = never, RT = never, RO = never>(
  job: Job<K, A, F, E, R, I, ES> & WithCodecs<K, A, F>,
  given: Options<Types.NoInfer<K>, Types.NoInfer<A>, Types.NoInfer<F>, Types.NoInfer<E>, I, RS, RT, RO>
): DurablePoll<K, A, F, R, I, Types.NoInfer<R | RS | RT | RO>> => {
  const any = job as unknown as AnyJob<K, A, F>
  const settings = options.settingsOf(any as never, given as never)
  const kind = job.name
  const hooks = given.onEnded === undefined ? [] : [onEndedHook]
  const common = { kind, hooks, buckets: settings.buckets }
  const store = DurableStore.DurableStore

  return {
    kind,
    job,
    submit: (keys, of = {}) => {
      const name = "DurablePoll.submit"
      const { deadline, delay, idempotencyKey, since, tags, ...others } = of
      options.only(name, "", others, [])
      const drafts = Array.from(keys, (key): Draft => ({
        key: options.text(`${name}: key`, job.key.encode(key)),
        input: null,
        since: options.sinceOf(`${name}: since`, since?.(key)),
        idempotencyKey: idempotencyKey ? options.text(`${name}: idempotencyKey`, idempotencyKey(key)) : null,
        affinity: given.affinity?.(key)
      }))
      return submitAll(
        {
          ...common,
          state: "pending",
          tags: options.tagsOf(name, tags),
          delayMillis: options.delayMillis(`${name}: delay`, delay),
          deadlineMillis: options.deadlineMillis(`${name}: deadline`, deadline, settings.deadlineMillis)
        },
        drafts
      )
    },
    submitInputs: (inputs, { deadline, idempotencyKey, tags, ...others }) => {
      const name = "DurablePoll.submitInputs"
      options.only(name, "", others, [])
      const { input: how } = settings
      if (how === undefined) throw new RangeError(`${name}: DurablePoll.make has no option input`)
      const drafts = Array.from(inputs, (input): Draft => ({
        key: null,
        input: encodeInput(name, how.schema, input),
        since: null,
        idempotencyKey: options.text(`${name}: idempotencyKey`, idempotencyKey(input)),
        affinity: how.affinity?.(input)
      }))
      return submitAll(
        {
          ...common,
          state: "outbox",
          tags: options.tagsOf(name, tags),
          delayMillis: 0,
          deadlineMillis: options.deadlineMillis(`${name}: deadline`, deadline, settings.deadlineMillis)
        },
        drafts
      )
    },

    ref: (idempotencyKey) => {
      const text = options.text("DurablePoll.ref: idempotencyKey", idempotencyKey)
      return Effect.map(idOf(kind, text), (id) => ({ kind, id }))
    },
    await: (ref) =>
      Effect.gen(function* () {
        const row: DurableRow | undefined = ref.kind === kind ? yield* awaitEnd(yield* store, kind, ref.id) : undefined
        const ended = row && endedOf(job, row)
        if (ended === undefined) return yield* settling.unknown(ref)
        return yield* Effect.fromResult(ended.result)
      }),
    results: (of = {}) => {
      const after = options.positionOf("DurablePoll.results: after", of.after)
      return Stream.unwrap(Effect.map(store, (service) => endedRows(service, kind, after))).pipe(
        Stream.map((row) => endedOf(job, row)),
        Stream.filter((ended) => ended !== undefined)
      )
    },

    settle: (ref, status) => settling.settle(job, ref, options.terminal("DurablePoll.settle: status", status)),
    cancel: (ref) => settling.cancel(any, ref, settings.cancelTimeoutMillis) as never,
    checkNow: (ref) =>
      store.use((service) => (ref.kind === kind ? service.nudge(kind, ref.id) : Effect.succeed(false))),
    retry: (ref) =>
      Effect.gen(function* () {
        const row = ref.kind === kind ? yield* (yield* store).reopen(kind, ref.id, hooks) : undefined
        return row === undefined ? yield* settling.unknown(ref) : ref
      }),

    find: (ref) => Effect.map(settling.rowOf(kind, ref), (row) => viewOf(job, row)),
    list: (of = {}) => {
      const filter = filterOf(kind, of)
      return store.use((service) => Effect.map(service.list(filter), (rows) => rows.map((row) => viewOf(job, row))))
    },
    stats: store.use((service) =>
      Effect.map(service.stats, (all) => all.find((each) => each.kind === kind) ?? { ...nothing, kind })
    ),
    pause: store.use((service) => service.pause(kind, true)),
    unpause: store.use((service) => service.pause(kind, false)),

    runner: Layer.effectDiscard(
      Effect.gen(function* () {
        const context = yield* Effect.context<R | RS | RT | RO>()
        const runner = yield* DurableRunner
        yield* runner.register(makeKind(any, settings, given.onEnded as never, context as never))
      })
    )
  }
}

/**
 * Keeps jobs in the memory of this process, which checks all of them. Use it for tests and first experiments: all jobs are
 * lost when the process ends.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<DurableStore.DurableStore | Ownership.Ownership> = /*#__PURE__*/ Layer.merge(
  DurableStore.layerMemory,
  Ownership.layerLocal
)

// ---- internal ----

const nothing: Omit<DurableStore.KindStats, "kind"> = { open: {}, ended: {}, oldestMillis: null, paused: false }
