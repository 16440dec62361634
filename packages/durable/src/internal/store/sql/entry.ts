import type { Finish, Insert, Save } from "../model.ts"
import { toTags, toText, toTextOrNull } from "./text.ts"

// What statements are given as JSON.

/** Waits to be stored, one for each id, in the order of their ids: two statements then lock rows in the same order. */
export const toInserts = (rows: ReadonlyArray<Insert>): ReadonlyArray<InsertEntry> => {
  const unique = new Map<string, Insert>()
  for (const row of rows) {
    const first = unique.get(row.id)
    unique.set(row.id, first === undefined ? row : { ...first, hooks: [...first.hooks, ...row.hooks] })
  }
  return Array.from(unique.values(), (row) => ({
    id: toText(row.id),
    kind: toText(row.kind),
    job_key: toTextOrNull(row.key),
    bucket: row.bucket,
    state: row.state,
    since: toTextOrNull(row.since),
    deadline_millis: row.deadlineMillis === null ? null : Math.ceil(row.deadlineMillis),
    delay: Math.ceil(row.delayMillis),
    token: toTextOrNull(row.token),
    input: toTextOrNull(row.input),
    idempotency_key: toTextOrNull(row.idempotencyKey),
    tags: toTags(row.tags),
    hooks: row.hooks.length === 0 ? null : Array.from(new Set(row.hooks), toText)
  })).toSorted((one, other) => (one.id < other.id ? -1 : 1))
}

export interface InsertEntry {
  readonly id: string
  readonly hooks: ReadonlyArray<string> | null
  readonly [column: string]: unknown
}

/** Endings with their places in the batch. */
export const toFinishes = (batch: ReadonlyArray<Finish>): ReadonlyArray<object> =>
  batch.map((finish, ord) => ({
    ord,
    id: toText(finish.id),
    round: finish.round,
    bucket: finish.claim?.bucket ?? null,
    epoch: finish.claim?.epoch ?? null,
    outcome: toText(finish.outcome),
    ending: toText(finish.ending),
    attempts: finish.attempts ?? 0
  }))

/** Changes by the owners of buckets. */
export const toSaves = (batch: ReadonlyArray<Save>): ReadonlyArray<object> =>
  batch.map((save) => ({
    ...toHeld(save),
    token: toText(save.token),
    due_at: Math.ceil(save.dueAt),
    job_key: toTextOrNull(save.key),
    since: toTextOrNull(save.since)
  }))

/** A row and the claim of its bucket. */
export const toHeld = ({ claim, id, round }: Pick<Save, "id" | "round" | "claim">): object => ({
  id: toText(id),
  round,
  bucket: claim.bucket,
  epoch: claim.epoch
})

/**
 * Splits a batch in which ids are repeated: no part has an id twice. A statement changes a row once, and the first entry is
 * to win.
 */
export const withoutRepeats = <A extends { readonly id: string }>(
  batch: ReadonlyArray<A>
): ReadonlyArray<ReadonlyArray<readonly [index: number, entry: A]>> => {
  const layers: Array<Array<readonly [number, A]>> = []
  const seen = new Map<string, number>()
  batch.forEach((entry, index) => {
    const layer = seen.get(entry.id) ?? 0
    seen.set(entry.id, layer + 1)
    const place = layers[layer] ?? []
    layers[layer] = place
    place.push([index, entry])
  })
  return layers
}
