import { constFalse } from "effect/Function"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import * as Workflow from "effect/workflow/Workflow"
import { WorkflowEngine, WorkflowInstance } from "effect/workflow/WorkflowEngine"
import type { WithCodecs } from "effect-poll/Job"
import { DurableJobUnknown, type DurableStoreError } from "../../DurableError.ts"
import type { DurableRef } from "../../DurableRef.ts"
import { DurableStore } from "../../DurableStore.ts"
import type { EndedError } from "../../DurableView.ts"
import { tolerant } from "../poll/changes.ts"
import { decodeResult } from "../poll/endings.ts"
import { sealerOf } from "../seal/store.ts"
import { type Delivered, deferredName, deferredOf, encode, placeOf } from "./hook.ts"

/** What names a wait. */
export interface Named {
  /** Its name within the execution. */
  readonly name: string
  /** The idempotency key of the job, if it is not derived from the execution and the name. */
  readonly idempotencyKey: string | undefined
}

/** Registers a job, and suspends the workflow until the job has ended. */
export const waitFor = <K, A, F>(
  job: WithCodecs<K, A, F>,
  { idempotencyKey, name }: Named,
  refOf: (idempotencyKey: string) => Effect.Effect<DurableRef>,
  submit: (idempotencyKey: string) => Effect.Effect<ReadonlyArray<DurableRef>, DurableStoreError, DurableStore>
): Effect.Effect<
  A,
  EndedError<F> | DurableJobUnknown | DurableStoreError,
  DurableStore | WorkflowEngine | WorkflowInstance
> =>
  Effect.gen(function* () {
    const { executionId, workflow } = yield* WorkflowInstance
    const key = idempotencyKey ?? JSON.stringify(["workflow", workflow._tag, executionId, name])
    const { id, kind } = yield* refOf(key)
    const deferred = deferredOf(deferredName(id))
    const store = yield* DurableStore
    const engine = yield* WorkflowEngine
    const register = Effect.gen(function* () {
      // Let the other waits of the workflow start before one of them can suspend it.
      yield* Effect.yieldNow
      const known = yield* engine.deferredResult(deferred)
      if (Option.isSome(known)) return known
      yield* tolerant(Effect.provideService(submit(key), DurableStore, store))
      const hook = encode({ workflow: workflow._tag, executionId, deferred: deferred.name })
      const isKnown = kind === job.name && (yield* tolerant(store.hook(kind, id, hook)))
      return isKnown ? Option.none() : yield* new DurableJobUnknown({ kind, id })
    })
    // Registering counts as an activity, so that another wait does not suspend the workflow before this one is registered.
    const known = yield* Workflow.wrapActivityResult(register, constFalse)
    const { ending, idempotencyKey: stored }: Delivered = Option.isSome(known)
      ? yield* known.value
      : yield* DurableDeferred.await(deferred)
    const sealer = sealerOf(store)
    const opened = sealer === undefined ? ending : yield* sealer.open(ending, placeOf(id))
    return yield* Effect.fromResult(decodeResult(job, { id, kind, idempotencyKey: stored }, opened))
  })
