import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Exit } from "effect/Exit"
import { hasProperty } from "effect/Predicate"
import type { Job, Receipt, WithCodecs } from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { PollError } from "effect-poll/PollError"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type { DurableRow } from "../../DurableRow.ts"
import type { Ended } from "../../DurableView.ts"
import type { Encoded, Kind, Submitted } from "../kind.ts"
import { defect, encodeEnding, encodeExit, ofTerminal, submitFailed, timedOut } from "./endings.ts"
import { decodeInput } from "./inputs.ts"
import type { InputSettings, Settings } from "./options.ts"
import { endedOf } from "./views.ts"

/** A job with the types of its services and errors erased. */
export type AnyJob<K, A, F> = Job<K, A, F, unknown, unknown, never, unknown> & WithCodecs<K, A, F>

/** What a runner needs to check jobs of one kind, with the services that they need. */
export const makeKind = <K, A, F>(
  job: AnyJob<K, A, F>,
  settings: Settings,
  onEnded: ((ended: Ended<K, A, F>) => Effect.Effect<unknown, unknown, unknown>) | undefined,
  context: Context.Context<unknown>
): Kind => {
  const provided = <B, E>(effect: Effect.Effect<B, E, unknown>): Effect.Effect<B, E> =>
    Effect.updateContext(effect, () => context)
  const freshen = freshener(job, settings, provided)
  const { input, push, retentionMillis, signal } = settings
  return {
    name: job.name,
    begin: (poller, row, token) =>
      Effect.gen(function* () {
        const key = job.key.decode(token.key)
        const from = token.attempts === 0 ? yield* freshen(key, token, row.nudges > 0) : token
        return yield* provided(poller.resume(job, from, optionsFor(settings, key)))
      }).pipe(cannotBegin),
    encode: (_, exit) => encodeExit(job, exit as Exit<A, PollError<F, unknown>>),
    submit: input && ((row) => submit(job, settings, input, row, provided)),
    submitLate: input && ((row) => timedOut(job, row)),
    submitUnknown: input?.onUnknown === "fail" ? () => submitFailed("unknown", restarted) : undefined,
    onEnded:
      onEnded &&
      ((row) => {
        const ended = endedOf(job, row)
        return ended === undefined ? Effect.void : Effect.asVoid(provided(Effect.suspend(() => onEnded(ended))))
      }),
    staysInMemory: (signal ?? push ?? job.push) !== undefined,
    retentionMillis
  }
}

// ---- internal ----

const restarted = "the process ended while it submitted the job"

/** The options of the wait for a key. It is the same object for all keys, unless the waits listen to streams. */
const optionsFor = ({ push, signal, wait }: Settings, key: unknown): object => {
  if (signal === undefined && push === undefined) return wait
  return { ...wait, ...(signal && { signal: signal(key as never) }), ...(push && { push: push(key as never) }) }
}

/** Ends a wait that cannot start, because its key cannot be decoded or a function in its options threw. */
const cannotBegin = <B>(begin: Effect.Effect<B, unknown>): Effect.Effect<B | Encoded> =>
  Effect.catchCause(begin, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.failCause(cause as Cause.Cause<never>)
      : Effect.succeed(defect(textOf(cause)))
  )

const textOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

type Provided = <B, E>(effect: Effect.Effect<B, E, unknown>) => Effect.Effect<B, E>

/**
 * Completes the token of a wait that has made no check yet with what only its strategy knows: the time of the first check, and
 * the longest duration of the wait.
 */
const freshener = <K, A, F>(
  job: AnyJob<K, A, F>,
  { untold }: Settings,
  provided: Provided
): ((key: K, token: ResumeToken, isNudged: boolean) => Effect.Effect<ResumeToken>) => {
  const isSame = typeof job.strategy !== "function" || hasProperty(untold, "strategy")
  let known: ResumeToken | undefined
  return (key, token, isNudged) =>
    Effect.gen(function* () {
      const from = known ?? (yield* provided(Poll.prepare(job, key, { ...untold, deadline: "unbounded" })))
      if (isSame) known = from
      const { boundedBy, deadlineAt, dueAt, startedAt } = from
      const isUnbounded = deadlineAt === "unbounded"
      const endsAt = isUnbounded ? Number.POSITIVE_INFINITY : token.startedAt + (deadlineAt - startedAt)
      const isSooner = endsAt < (token.deadlineAt === "unbounded" ? Number.POSITIVE_INFINITY : token.deadlineAt)
      return {
        ...token,
        dueAt: isNudged ? token.dueAt : Math.max(token.dueAt, token.startedAt + (dueAt - startedAt)),
        ...(isSooner && { deadlineAt: endsAt, boundedBy })
      }
    })
}

// -- submits --

/** Carries the receipt of a submit out of `Poll.run`, as an error, before the first check. */
class Accepted {
  readonly token: ResumeToken
  readonly receipt: Receipt<unknown, unknown, unknown>
  constructor(token: ResumeToken, receipt: Receipt<unknown, unknown, unknown>) {
    this.token = token
    this.receipt = receipt
  }
}

/** Submits the input of a row, with its idempotency key. Fails only if it is interrupted. */
const submit = <K, A, F>(
  job: AnyJob<K, A, F>,
  settings: Settings,
  input: InputSettings,
  row: DurableRow,
  provided: Provided
): Effect.Effect<Submitted> =>
  Effect.gen(function* () {
    const idempotencyKey = row.idempotencyKey ?? row.id
    const given = input.withIdempotencyKey(decodeInput(input.schema, row.input), idempotencyKey)
    const accepted = yield* provided(
      Effect.flip(
        Poll.run(
          job,
          given as never,
          {
            ...settings.untold,
            deadline: row.deadlineMillis ?? "unbounded",
            submitTimeout: input.submitTimeout,
            onReceipt: (token: ResumeToken, receipt: Receipt<unknown, unknown, unknown>) =>
              Effect.fail(new Accepted(token, receipt))
          } as never
        )
      )
    )
    return accepted instanceof Accepted ? yield* received(job, row, accepted) : yield* Effect.fail(accepted)
  }).pipe(
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.failCause(cause as Cause.Cause<never>)
        : Effect.succeed<Submitted>({
            _tag: "Ended",
            key: undefined,
            encoded: submitFailed("failed", textOf(cause))
          })
    )
  )

const received = <K, A, F>(
  job: AnyJob<K, A, F>,
  row: DurableRow,
  { receipt, token }: Accepted
): Effect.Effect<Submitted> =>
  Effect.clockWith((clock) => {
    const { ended } = receipt
    if (ended === undefined) return Effect.succeed<Submitted>({ _tag: "Accepted", key: token.key, token })
    return Effect.sync((): Submitted => {
      const status = ended as Parameters<typeof ofTerminal<K, A, F>>[2]
      const at = clock.currentTimeMillisUnsafe()
      const encoded = encodeEnding(job, ofTerminal(job, { ...row, key: token.key, createdAt: at }, status, at))
      return {
        _tag: "Ended",
        key: token.key,
        encoded: encoded._tag === "Success" ? encoded.success : defect(encoded.failure.message)
      }
    })
  })
