/**
 * Lets workflows of effect wait for durable jobs, and makes jobs from workflows.
 *
 * **When to use**
 *
 * Use in a workflow (`effect/workflow`) that has to wait for remote jobs. The workflow is suspended while it waits, and no
 * check is stored. If a program only waits for jobs and needs no workflow, `DurablePoll` alone is much cheaper: two row
 * writes for a job, and about 19 for one that a workflow awaits.
 *
 * **Details**
 *
 * - `inWorkflow` stores the job and a hook, which names the workflow, its execution and a deferred. Then it suspends the
 *   workflow until that deferred is completed. A runner checks the job like any other, and `layer` completes the deferred
 *   once the end is stored.
 * - A replay of the workflow finds the same job, since the idempotency key is derived from the execution.
 * - The deferred is completed at least once; only the first completion counts. Several waits of one workflow run at the same
 *   time if they are forked, or run by `Effect.all` with a `concurrency`.
 * - If the workflow is interrupted, the job keeps running. To stop it, call `cancel` of the `DurablePoll`.
 * - Any `WorkflowEngine` can be used, in memory or in a cluster.
 *
 * **Gotchas**
 *
 * - `layer` must run in some process that has the engine of the workflows; otherwise they stay suspended. It queries the
 *   store every second.
 * - `layer` must not be down for longer than jobs are retained, or the workflows of jobs that are removed stay suspended.
 * - Every process with `layer` delivers the ends of all jobs. Run it in one or two processes, not in all of a large fleet.
 * - The engine stores the ending of the job in the deferred. It is encrypted if the store is (`DurableSeal`). What the
 *   workflow itself stores, such as its result, is not.
 * - The token of a `DurableDeferred` is not a secret: it can be computed from the names of the workflow, the execution and
 *   the deferred. Do not give it to others; let them end jobs with `settle` or a signal.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as Types from "effect/Types"
import { WorkflowEngine, type WorkflowInstance } from "effect/workflow/WorkflowEngine"
import type * as Workflow from "effect/workflow/Workflow"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import type { DurableJobUnknown, DurableStoreError } from "./DurableError.ts"
import type { DurablePoll, SubmitOptions } from "./DurablePoll.ts"
import type { DurableRef } from "./DurableRef.ts"
import { DurableStore } from "./DurableStore.ts"
import type { EndedError } from "./DurableView.ts"
import { deliver } from "./internal/workflow/delivery.ts"
import { waitFor } from "./internal/workflow/waiting.ts"
import * as validate from "./internal/validate.ts"

/**
 * The options of `inWorkflow`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Pick<SubmitOptions<never>, "deadline" | "delay" | "tags"> {
  /**
   * The name of the wait within the execution; a non-empty string. Waits of one execution with the same name share one job.
   * Default: the encoded key.
   */
  readonly name?: string | undefined
  /**
   * The idempotency key of the submit; a non-empty string. Workflows with the same one wait for the same job. Default:
   * derived from the execution and the name, so that each execution has its own job.
   */
  readonly idempotencyKey?: string | undefined
}

/**
 * The options of `runInWorkflow`.
 *
 * @category models
 * @since 0.1.0
 */
export interface RunOptions extends Omit<Options, "delay" | "name"> {
  /** The name of the wait within the execution; a non-empty string. Waits of one execution with the same name share one job. */
  readonly name: string
}

/**
 * The errors of a wait in a workflow: those of `await` of a `DurablePoll`.
 *
 * @category models
 * @since 0.1.0
 */
export type WaitError<F> = EndedError<F> | DurableJobUnknown | DurableStoreError

/**
 * The services that a wait in a workflow needs.
 *
 * @category models
 * @since 0.1.0
 */
export type WaitServices = DurableStore | WorkflowEngine | WorkflowInstance

/**
 * Waits in a workflow for a job that has been submitted to its server: stores it, suspends the workflow until the job has
 * ended, and yields its result or fails with its error.
 *
 * **Details**
 *
 * A replay costs one statement for each wait that has not ended, and no write. If the store fails, it is queried again for up
 * to a minute. Throws a RangeError at the call for an empty name.
 *
 * **Example** (A workflow that waits for two jobs at once)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Schema from "effect/Schema"
 * import * as Workflow from "effect/workflow/Workflow"
 * import * as WorkflowEngine from "effect/workflow/WorkflowEngine"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 * import * as DurablePoll from "@effect-poll/durable/DurablePoll"
 * import * as DurableRunner from "@effect-poll/durable/DurableRunner"
 * import * as DurableWorkflow from "@effect-poll/durable/DurableWorkflow"
 *
 * const Render = Job.make("render", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) }).pipe(
 *   Job.withCodecs({ success: Schema.String })
 * )
 * const Renders = DurablePoll.make(Render, { deadline: "1 hour" })
 *
 * const Album = Workflow.make("Album", {
 *   payload: { ids: Schema.Array(Schema.String) },
 *   success: Schema.Array(Schema.String),
 *   idempotencyKey: ({ ids }) => ids.join()
 * })
 *
 * const Albums = Album.toLayer(({ ids }) =>
 *   Effect.forEach(ids, (id) => DurableWorkflow.inWorkflow(Renders, id), { concurrency: "unbounded" }).pipe(Effect.orDie)
 * )
 *
 * const Live = Layer.mergeAll(Albums, DurableWorkflow.layer(Renders), Renders.runner).pipe(
 *   Layer.provideMerge(DurableRunner.layer()),
 *   Layer.provideMerge(DurablePoll.layerMemory),
 *   Layer.provideMerge(WorkflowEngine.layerMemory)
 * )
 * await Effect.runPromise(Effect.provide(Album.execute({ ids: ["cat", "dog"] }), Live)) // => ["cat.png", "dog.png"]
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const inWorkflow = <K, A, F, R, I, RR>(
  poll: DurablePoll<K, A, F, R, I, RR>,
  key: Types.NoInfer<K>,
  options: Options = {}
): Effect.Effect<A, WaitError<F>, WaitServices> => {
  const { idempotencyKey, name, ...others } = options
  const known = nameOf("DurableWorkflow.inWorkflow", name ?? poll.job.key.encode(key))
  return waitFor(poll.job, { name: known, idempotencyKey }, poll.ref, (idempotencyKeyOf) =>
    poll.submit([key], { ...others, idempotencyKey: () => idempotencyKeyOf })
  )
}

/**
 * Waits in a workflow for a job that a runner submits: stores its input, suspends the workflow until the job has ended, and
 * yields its result or fails with its error. The `DurablePoll` needs the option `input`; without it, the wait is a defect.
 * Throws a RangeError at the call for an empty name.
 *
 * **Example** (Submitting a job in a workflow)
 *
 * ```ts no-run
 * import type { DurablePoll } from "@effect-poll/durable/DurablePoll"
 * import * as DurableWorkflow from "@effect-poll/durable/DurableWorkflow"
 *
 * declare const Renders: DurablePoll<string, string, never, never, { readonly url: string }>
 *
 * export const cat = DurableWorkflow.runInWorkflow(Renders, { url: "https://cat.example" }, { name: "cat" })
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const runInWorkflow = <K, A, F, R, I, RR>(
  poll: DurablePoll<K, A, F, R, I, RR>,
  input: Types.NoInfer<I>,
  options: RunOptions
): Effect.Effect<A, WaitError<F>, WaitServices> => {
  const { idempotencyKey, name, ...others } = options
  const known = nameOf("DurableWorkflow.runInWorkflow", name)
  return waitFor(poll.job, { name: known, idempotencyKey }, poll.ref, (idempotencyKeyOf) =>
    poll.submitInputs([input], { ...others, idempotencyKey: () => idempotencyKeyOf })
  )
}

/**
 * Waits in a workflow for a durable job that was submitted elsewhere, and yields its result or fails with its error. Any
 * number of workflows can wait for the same job. Fails with `DurableJobUnknown` if the store does not have it.
 *
 * @category running
 * @since 0.1.0
 */
export const awaitInWorkflow = <K, A, F, R, I, RR>(
  poll: DurablePoll<K, A, F, R, I, RR>,
  ref: DurableRef
): Effect.Effect<A, WaitError<F>, WaitServices> =>
  waitFor(
    poll.job,
    { name: ref.id, idempotencyKey: undefined },
    () => Effect.succeed(ref),
    () => Effect.succeed([ref])
  )

/**
 * Resumes workflows when the jobs that they wait for have ended, for the kinds of the given `DurablePoll`s. Run it in at least
 * one process that has the engine of the workflows; it needs no runner.
 *
 * **Details**
 *
 * It completes the deferred of a wait after the end of the job is stored. It learns of ends from the `changes` of the store,
 * and also queries the store every second. A delivery that fails is repeated.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  ...polls: readonly [{ readonly kind: string }, ...ReadonlyArray<{ readonly kind: string }>]
): Layer.Layer<never, never, DurableStore | WorkflowEngine> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const store = yield* DurableStore
      const engine = yield* WorkflowEngine
      const kinds = Array.from(new Set(polls.map(({ kind }) => kind)))
      yield* Effect.forkScoped(deliver(store, engine, kinds))
    })
  )

/**
 * The options of `fromWorkflow`.
 *
 * @category models
 * @since 0.1.0
 */
export interface FromOptions {
  /** The name of the job. Default: `workflow/` and the name of the workflow. */
  readonly name?: string | undefined
}

/**
 * Makes a job from a workflow, so that a `Poller` or a `DurablePoll` can wait for workflows. The key is the id of an
 * execution, the input of the submit is the payload, and a check asks the engine for the result.
 *
 * **Details**
 *
 * An execution without a result is pending. The engine does not say whether it exists, so a wait for an unknown execution
 * ends at its deadline. If the workflow failed, the wait ends with `JobFailed` and its error; if it was interrupted, with
 * `JobCanceled`; if it died, with a defect. `cancel` interrupts the workflow.
 *
 * **Example** (Waiting for a workflow)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Schema from "effect/Schema"
 * import * as Workflow from "effect/workflow/Workflow"
 * import * as WorkflowEngine from "effect/workflow/WorkflowEngine"
 * import * as Poll from "effect-poll/Poll"
 * import * as DurableWorkflow from "@effect-poll/durable/DurableWorkflow"
 *
 * const Greet = Workflow.make("Greet", {
 *   payload: { name: Schema.String },
 *   success: Schema.String,
 *   idempotencyKey: ({ name }) => name
 * })
 * const GreetJob = DurableWorkflow.fromWorkflow(Greet)
 *
 * const greeted = Poll.run(GreetJob, { name: "Ada" }, { deadline: "1 minute" })
 * const Live = Greet.toLayer(({ name }) => Effect.succeed(`Hello, ${name}`)).pipe(
 *   Layer.provideMerge(WorkflowEngine.layerMemory)
 * )
 * await Effect.runPromise(Effect.provide(greeted, Live)) // => "Hello, Ada"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromWorkflow = <
  Tag extends string,
  Payload extends Workflow.AnyStructSchema,
  Success extends ServiceFree,
  Failure extends ServiceFree
>(
  workflow: Workflow.Workflow<Tag, Payload, Success, Failure>,
  options: FromOptions = {}
): Job.Job<
  string,
  Success["Type"],
  Failure["Type"],
  never,
  WorkflowEngine | Payload["EncodingServices"],
  Payload["~type.make.in"]
> &
  Job.WithCodecs<string, Success["Type"], Failure["Type"]> => {
  type A = Success["Type"]
  type F = Failure["Type"]
  const { name = `workflow/${workflow._tag}` } = options
  const submit = (payload: Payload["~type.make.in"]) =>
    Effect.map(workflow.execute(payload, { discard: true }), (key) => ({ key }))
  const job = Job.make(name, {
    check: (executionId: string) => Effect.flatMap(workflow.poll(executionId), statusOf<A, F>),
    submit,
    cancel: (executionId: string) => workflow.interrupt(executionId)
  })
  return Job.withCodecs(job, { success: workflow.successSchema, failure: workflow.errorSchema } as never)
}

/**
 * A Schema that needs no services.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServiceFree extends Schema.Top {
  readonly DecodingServices: never
  readonly EncodingServices: never
}

// ---- internal ----

const nameOf = (operation: string, name: string): string => validate.nonEmpty(`${operation}: name`, name)

const statusOf = <A, F>(found: Option.Option<Workflow.Result<A, F>>): Effect.Effect<Status.Status<A, F>> => {
  if (Option.isNone(found)) return Effect.succeed(Status.pending())
  const result = found.value
  if (result._tag === "Suspended") return Effect.succeed(Status.pending({ state: "suspended" }))
  const { exit } = result
  if (Exit.isSuccess(exit)) return Effect.succeed(Status.succeeded(exit.value))
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  if (failure !== undefined) return Effect.succeed(Status.failed(failure.error))
  return Cause.hasInterruptsOnly(exit.cause)
    ? Effect.succeed(Status.canceled({ reason: "interrupted" }))
    : Effect.die(Cause.squash(exit.cause))
}
