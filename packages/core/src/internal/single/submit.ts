import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { hasProperty } from "effect/Predicate"
import type { Any, Receipt } from "../../Job.ts"
import type { PollOptions, SubmitOptions } from "../../PollOptions.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import { isStatus, isTerminal } from "../../Status.ts"
import { ReceiptTimeout, type SubmitError, SubmitTimeout } from "../../SubmitError.ts"
import { holding, leaseOf } from "../lease.ts"
import { receipt as receiptToken } from "../machine/token.ts"
import { Reference as PollDefaults } from "../options/defaults.ts"
import { millisOf, shownKey } from "../options/policy.ts"
import * as request from "../options/request.ts"
import { ofSubmit } from "../options/shape.ts"
import { printed, quoted } from "../text.ts"
import * as validate from "../validate.ts"
import * as host from "./host.ts"

// Submits a job, stores its receipt, and waits for its end.

type AnyReceipt = Receipt<unknown, unknown, unknown>

type AnyRunOptions = PollOptions<never, unknown> &
  SubmitOptions & {
    readonly onReceipt?:
      | ((token: ResumeToken, receipt: AnyReceipt) => Effect.Effect<unknown, unknown, unknown>)
      | undefined
  }

/** What a run is made of, with the types of the job erased. */
interface Submission {
  readonly name: string
  readonly job: string
  /** Throws for defaults out of range: before anything is submitted. */
  readonly policy: request.Request["policy"]
  readonly submit: () => Effect.Effect<AnyReceipt, unknown, unknown>
  readonly requestFor: (receipt: AnyReceipt) => request.Request
  readonly onReceipt: AnyRunOptions["onReceipt"]
  /** In milliseconds. */
  readonly submitTimeout: number
  readonly receiptTimeout: number
}

/** Submits a job and waits for its end; `name` is the function that messages name. Throws a RangeError. */
export const ofJob = (
  name: string,
  job: Any,
  input: unknown,
  options: AnyRunOptions = {} as AnyRunOptions
): Effect.Effect<unknown, unknown, unknown> => {
  request.aJob(name, job)
  const { submit: submitOf } = job
  if (submitOf === undefined) throw new RangeError(`${name}: the job ${printed(job.name)} has no submit`)
  const { onReceipt, receiptTimeout, submitTimeout, ...wait } = options
  // Validates the options before there is a key.
  const policy = request.checkOfAny(name, job, wait)
  validate.fields(name, { onReceipt, receiptTimeout, submitTimeout }, ofSubmit)
  const running = run({
    name,
    job: job.name,
    policy,
    submit: () => submitOf(input as never),
    requestFor: (receipt) => request.ofAny(name, job, receipt.key, { ...wait, since: wait.since ?? receipt.since }),
    onReceipt,
    submitTimeout: millisOf(submitTimeout ?? 300_000),
    receiptTimeout: millisOf(receiptTimeout ?? 10_000)
  })
  return holding(leaseOf(job), running)
}

// ---- internal ----

/**
 * Until the submit has answered, an interruption interrupts it. From then on the receipt is stored first; then the wait
 * that follows is interrupted, even if it has not begun.
 */
const run = (submission: Submission): Effect.Effect<unknown, unknown, unknown> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.map(submitted(submission, restore), checked(submission)), (receipt) =>
      Effect.flatMap(begun(submission, receipt), ({ request, start }) => {
        const stored = store(submission, request, start.token, receipt)
        return Effect.flatMap(Effect.exit(stored), (exit) => follow(request, start, exit, restore))
      })
    )
  )

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

interface Start {
  readonly token: ResumeToken
  readonly ended: AnyReceipt["ended"]
}

/**
 * A receipt as callers without types may yield it. The job has been accepted: only a receipt without a key, or with an
 * end that is none, is refused.
 */
const checked =
  ({ name }: Submission) =>
  (receipt: AnyReceipt): AnyReceipt => {
    if (!hasProperty(receipt, "key")) validate.refuse(`${name}: the receipt of the submit`, "{ key }", receipt)
    const { ended, hint } = receipt
    if (ended !== undefined && !isStatus(ended)) {
      validate.refuse(`${name}: ended of the receipt of ${quoted(String(receipt.key))}`, "a terminal status", ended)
    }
    const isEnd = ended === undefined || isTerminal(ended)
    const isReadable = hint === undefined || hint === "unreadable" || Option.isSome(Duration.fromInput(hint))
    if (isEnd && isReadable) return receipt
    return { ...receipt, ended: isEnd ? ended : undefined, hint: isReadable ? hint : "unreadable" }
  }

/** The receipt of the submit. It runs in a fiber of its own, so that an answer is never lost to an interruption. */
const submitted = (
  { job, policy, submit, submitTimeout }: Submission,
  restore: Restore
): Effect.Effect<AnyReceipt, unknown, unknown> =>
  Effect.gen(function* () {
    policy(yield* PollDefaults)
    const since = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.forkDetach(Effect.suspend(submit), { startImmediately: true })
    const awaited = Effect.timeoutOption(Fiber.await(fiber), Duration.millis(submitTimeout))
    const exit = yield* Effect.exit(restore(awaited))
    if (Exit.isFailure(exit))
      return yield* interrupted(fiber, submitTimeout - ((yield* Clock.currentTimeMillis) - since))
    if (Option.isSome(exit.value)) return yield* exit.value.value
    // It may answer at the very last moment.
    fiber.interruptUnsafe()
    const last = fiber.pollUnsafe()
    if (last !== undefined && Exit.isSuccess(last)) return last.value
    return yield* Effect.fail(new SubmitTimeout({ job, submitTimeout: Duration.millis(submitTimeout) }))
  })

/** Interrupts a submit, and waits for what becomes of it: the server may have accepted the job already. */
const interrupted = (
  fiber: Fiber.Fiber<AnyReceipt, unknown>,
  atMost: number
): Effect.Effect<AnyReceipt, unknown, unknown> => {
  fiber.interruptUnsafe()
  const awaited = Effect.timeoutOption(Fiber.await(fiber), Duration.millis(Math.max(0, atMost)))
  return Effect.flatMap(awaited, (exit) => (Option.isSome(exit) ? exit.value : Effect.interrupt))
}

const begun = (
  { requestFor }: Submission,
  receipt: AnyReceipt
): Effect.Effect<{ readonly request: request.Request; readonly start: Start }> =>
  Effect.gen(function* () {
    const request = requestFor(receipt)
    const policy = request.policy(yield* PollDefaults)
    const token = receiptToken(policy, request.key, yield* Clock.currentTimeMillis, receipt.hint)
    return { request, start: { token, ended: receipt.ended } }
  })

const store = (
  { job, onReceipt, receiptTimeout }: Submission,
  request: request.Request,
  token: ResumeToken,
  receipt: AnyReceipt
): Effect.Effect<unknown, unknown, unknown> =>
  onReceipt === undefined
    ? Effect.void
    : Effect.gen(function* () {
        const fiber = yield* Effect.forkDetach(
          Effect.suspend(() => onReceipt(token, receipt)),
          {
            startImmediately: true
          }
        )
        const awaited = Effect.timeoutOption(Fiber.await(fiber), Duration.millis(receiptTimeout))
        const exit = yield* awaited
        if (Option.isSome(exit)) return yield* exit.value
        fiber.interruptUnsafe()
        const key = shownKey(request.policy(yield* PollDefaults), request.key, request.rawKey)
        return yield* Effect.fail<SubmitError>(
          new ReceiptTimeout({ job, key, receiptTimeout: Duration.millis(receiptTimeout), token })
        )
      })

/** Waits for the job. If an interruption prevents that, the wait is ended as interrupted. */
const follow = (
  request: request.Request,
  start: Start,
  stored: Exit.Exit<unknown, unknown>,
  restore: Restore
): Effect.Effect<unknown, unknown, unknown> => {
  let hasStarted = false
  const wait = Exit.isFailure(stored)
    ? Effect.flatMap(
        Effect.suspend(() => stored),
        Effect.succeed
      )
    : host.run(request, { ...start, onStart: () => (hasStarted = true) })
  const abandoned = Effect.suspend(() => (hasStarted ? Effect.void : host.abandon(request, start)))
  // Whether it was interrupted meanwhile shows as soon as it can be.
  return Effect.flatMap(Effect.exit(restore(Effect.void)), (exit) =>
    Exit.isFailure(exit)
      ? Effect.andThen(abandoned, Exit.isFailure(stored) ? stored : exit)
      : Effect.onInterrupt(restore(wait), () => abandoned)
  )
}
