import type { DurableRef } from "../../DurableRef.ts"
import type { DurableRow } from "../../DurableRow.ts"
import type { Ended, View } from "../../DurableView.ts"
import type { Described } from "./described.ts"
import { decodeResult } from "./endings.ts"

/** A row as programs see it. */
export const viewOf = <K, A, F>(job: Described<K, A, F>, row: DurableRow): View<K, A, F> => {
  const { createdAt, deadlineAt, dueAt, idempotencyKey, round, state, tags } = row
  return {
    ref: refOf(row),
    key: keyOf(job, row.key),
    state,
    round,
    createdAt,
    deadlineAt: deadlineAt ?? "unbounded",
    dueAt,
    idempotencyKey: idempotencyKey ?? undefined,
    tags,
    ended: endedOf(job, row)
  }
}

/** How a row ended, or `undefined`. */
export const endedOf = <K, A, F>(job: Described<K, A, F>, row: DurableRow): Ended<K, A, F> | undefined => {
  const { ended, key, round, tags } = row
  if (ended === null) return undefined
  const { at, attempts, by, ending, position } = ended
  return {
    ref: refOf(row),
    key: keyOf(job, key),
    result: decodeResult(job, row, ending),
    by,
    attempts,
    round,
    endedAt: at,
    position,
    tags
  }
}

// ---- internal ----

const refOf = ({ id, kind }: DurableRow): DurableRef => ({ kind, id })

const keyOf = <K>(job: Pick<Described<K, unknown, unknown>, "key">, key: string | null): K | undefined => {
  if (key === null) return undefined
  try {
    return job.key.decode(key)
  } catch {
    return undefined
  }
}
