import * as Schema from "effect/Schema"
import * as DurableDeferred from "effect/workflow/DurableDeferred"

// What connects a durable job with a workflow that waits for it: a hook of the job names the deferred of the execution.

/** The deferred that a workflow waits for. */
export interface Place {
  /** The name of the workflow. */
  readonly workflow: string
  readonly executionId: string
  /** The name of the deferred. */
  readonly deferred: string
}

/**
 * The ending of the job as it is stored in its row. The workflow decodes it with the Schemas of the job. The engine stores it,
 * so it is encrypted if the store is.
 */
export interface Delivered {
  readonly ending: string
  readonly idempotencyKey: string | null
}

/** The name of the deferred for a job. An execution has one for each job that it waits for. */
export const deferredName = (id: string): string => `effect-poll/${id}`

/** What an encrypted ending is bound to, so that it cannot be decrypted as that of another job. */
export const placeOf = (id: string): string => JSON.stringify(["workflow", id])

/** The deferred of a name. */
export const deferredOf = (name: string): DurableDeferred.DurableDeferred<Schema.Codec<Delivered>> =>
  DurableDeferred.make(name, { success: Delivered })

/** The hook for a place. */
export const encode = ({ deferred, executionId, workflow }: Place): string =>
  prefix + JSON.stringify([workflow, executionId, deferred])

/** The place that a hook names; `undefined` for another hook. */
export const decode = (hook: string): Place | undefined => {
  if (!hook.startsWith(prefix)) return undefined
  try {
    const [workflow, executionId, deferred] = JSON.parse(hook.slice(prefix.length)) as ReadonlyArray<unknown>
    if (typeof workflow !== "string" || typeof executionId !== "string" || typeof deferred !== "string")
      return undefined
    return { workflow, executionId, deferred }
  } catch {
    return undefined
  }
}

// ---- internal ----

const prefix = "workflow "

const Delivered: Schema.Codec<Delivered> = /*#__PURE__*/ Schema.Struct({
  ending: Schema.String,
  idempotencyKey: Schema.NullOr(Schema.String)
})
