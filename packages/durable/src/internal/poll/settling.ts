import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { EndingError } from "effect-poll/Ending"
import type { Job } from "effect-poll/Job"
import { CancelFailed } from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import { DurableJobUnknown, type DurableStoreError } from "../../DurableError.ts"
import type { DurableRef } from "../../DurableRef.ts"
import type { DurableRow } from "../../DurableRow.ts"
import { DurableStore } from "../../DurableStore.ts"
import type { Described } from "./described.ts"
import { encodeEnding, ofTerminal } from "./endings.ts"

// Ends a durable job from outside of its runner, or asks its server to cancel it.

/** The row of a reference. Fails if the store does not know it, or if it is of another kind. */
export const rowOf = (
  kind: string,
  ref: DurableRef
): Effect.Effect<DurableRow, DurableJobUnknown | DurableStoreError, DurableStore> =>
  Effect.gen(function* () {
    const store = yield* DurableStore
    const [row] = ref.kind === kind ? yield* store.find(kind, [ref.id]) : []
    return row ?? (yield* unknown(ref))
  })

export const unknown = ({ id, kind }: DurableRef): DurableJobUnknown => new DurableJobUnknown({ kind, id })

/** Ends a job, unless it has ended. */
export const settle = <K, A, F>(
  job: Described<K, A, F>,
  ref: DurableRef,
  status: Status.Terminal<A, F>
): Effect.Effect<"settled" | "late", DurableJobUnknown | EndingError | DurableStoreError, DurableStore> =>
  Effect.flatMap(rowOf(job.name, ref), (row) => settleRow(job, row, status))

/** Asks the server to cancel a job, and a runner to check it soon. A job that has not been submitted ends at once. */
export const cancel = <K, A, F, E, R>(
  job: Job<K, A, F, E, R, never, unknown> & Described<K, A, F>,
  ref: DurableRef,
  timeoutMillis: number
): Effect.Effect<void, CancelFailed | DurableJobUnknown | DurableStoreError, DurableStore | R> =>
  Effect.gen(function* () {
    const row = yield* rowOf(job.name, ref)
    if (row.state === "ended") return
    const failed = (key: string, reason: CancelFailed["reason"], error?: unknown) =>
      new CancelFailed({ job: job.name, key, reason, error })
    if (row.key === null) {
      if (row.state === "submitting") {
        return yield* failed("", "failed", new Error("its submit has not answered yet"))
      }
      const status = Status.canceled({ reason: "it was canceled before it was submitted" })
      // It has no result or failure, so encoding cannot fail.
      yield* Effect.catchTag(settleRow(job, row, status), "EndingError", Effect.die)
      return
    }
    const encoded = row.key
    const key = yield* Effect.try({
      try: () => job.key.decode(encoded),
      // A secret part of a key that cannot be read must not be shown.
      catch: (error) => failed(job.key.show === undefined ? encoded : "?", "failed", error)
    })
    const shown = job.key.show?.(key) ?? encoded
    const { cancel } = job
    if (cancel === undefined) return yield* failed(shown, "unsupported")
    const answered = yield* Effect.suspend(() => cancel(key)).pipe(
      Effect.mapError((error) => failed(shown, "failed", error)),
      Effect.timeoutOption(Duration.millis(timeoutMillis))
    )
    if (Option.isNone(answered)) return yield* failed(shown, "timedOut")
    const store = yield* DurableStore
    yield* store.nudge(job.name, row.id)
  })

// ---- internal ----

const settleRow = <K, A, F>(
  job: Described<K, A, F>,
  row: DurableRow,
  status: Status.Terminal<A, F>
): Effect.Effect<"settled" | "late", EndingError | DurableStoreError, DurableStore> =>
  Effect.gen(function* () {
    if (row.state === "ended") return "late"
    const encoded = encodeEnding(job, ofTerminal(job, row, status, yield* Clock.currentTimeMillis))
    const { ending, outcome } = yield* Effect.fromResult(encoded)
    const store = yield* DurableStore
    const { id, round } = row
    const [finished] = yield* store.finish(job.name, [
      { id, round, claim: undefined, outcome, ending, attempts: undefined }
    ])
    return finished === "ended" ? "settled" : "late"
  })
