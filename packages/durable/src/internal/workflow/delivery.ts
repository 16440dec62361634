import type { Cause } from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import type { DurableStoreError } from "../../DurableError.ts"
import type { DurableRow } from "../../DurableRow.ts"
import type { Service } from "../../DurableStore.ts"
import { until, wake } from "../poll/changes.ts"
import { isSealed } from "../seal/sealed.ts"
import { type Sealer, sealerOf } from "../seal/store.ts"
import { decode, deferredOf, type Place, placeOf } from "./hook.ts"

/** Completes the deferreds of workflows whose jobs have ended, for as long as it runs. */
export const deliver = (
  store: Service,
  engine: WorkflowEngine["Service"],
  kinds: ReadonlyArray<string>
): Effect.Effect<never> =>
  Effect.gen(function* () {
    const latch = Latch.makeUnsafe()
    const sealer = sealerOf(store)
    yield* wake(store, latch)
    // Hooks that stay belong to others, or have failed. They must not use up the page.
    let staying = 0
    const pass = Effect.gen(function* () {
      // An end that is stored from here on may not be seen by this query.
      latch.closeUnsafe()
      const limit = page + staying
      const found = yield* store.hooked({ kinds, limit })
      const due: Array<Due> = []
      for (const { hook, row } of found) {
        const place = decode(hook)
        // One that cannot be decrypted here is left to a process that has the key.
        if (place === undefined || row.ended === null || isSealed(row.ended.ending)) continue
        due.push({ hook, place, row, ending: row.ended.ending })
      }
      const results = yield* Effect.forEach(due, (each) => Effect.exit(complete(engine, sealer, each)), {
        concurrency: atOnce
      })
      const done = due.filter((_, at) => Exit.isSuccess(results[at]!))
      staying = Math.min(mostStaying, found.length - done.length)
      if (done.length > 0) yield* store.unhook(done.map(({ hook, row: { id, round } }) => ({ id, hook, round })))
      const failed = results.find(Exit.isFailure)
      if (failed !== undefined) {
        yield* Effect.logWarning(
          "The result of a job could not be delivered to its workflow; it is delivered again",
          failed.cause
        )
      }
      return found.length === limit && done.length > 0
    })
    return yield* Effect.forever(
      Effect.matchCauseEffect(pass, {
        // Defects too: otherwise no more workflows would be resumed.
        onFailure: (cause: Cause<DurableStoreError>) =>
          Effect.andThen(Effect.logWarning("The hooks of workflows could not be read", cause), Effect.sleep(pause)),
        onSuccess: (hasMore) => (hasMore ? Effect.void : until(latch))
      })
    )
  }).pipe(Effect.scoped)

// ---- internal ----

/** The number of hooks in a page, of concurrent deliveries, and of undelivered hooks that a page may skip. */
const page = 200
const atOnce = 16
const mostStaying = 10_000

/** The time limit of a delivery, and the pause after the store has failed, in milliseconds. */
const longest = 30_000
const pause = 1_000

interface Due {
  readonly hook: string
  readonly place: Place
  readonly row: DurableRow
  readonly ending: string
}

/** Completes the deferred of a wait. Only the first completion counts, so this may be repeated. */
const complete = (engine: WorkflowEngine["Service"], sealer: Sealer | undefined, { ending, place, row }: Due) =>
  Effect.gen(function* () {
    const stored = sealer === undefined ? ending : yield* sealer.seal(ending, placeOf(row.id))
    yield* engine.deferredDone(deferredOf(place.deferred), {
      workflowName: place.workflow,
      executionId: place.executionId,
      deferredName: place.deferred,
      exit: Exit.succeed({ ending: stored, idempotencyKey: row.idempotencyKey })
    })
  }).pipe(Effect.timeout(longest))
