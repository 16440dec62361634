import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DurableStoreError } from "../../DurableError.ts"
import type { DurableRef } from "../../DurableRef.ts"
import { DurableStore, type Insert } from "../../DurableStore.ts"
import { Ownership } from "../../Ownership.ts"
import { bucketOf, idOf, randomIds } from "./ids.ts"

// Waits that are stored, many with one statement.

/** A wait to be stored, before it has an id. */
export interface Draft extends Pick<Insert, "key" | "input" | "idempotencyKey" | "since"> {
  /** Equal texts share a bucket; `undefined`: the id decides. */
  readonly affinity: string | undefined
}

/** What the waits of one submit have in common. */
export interface Common extends Pick<Insert, "kind" | "state" | "tags" | "deadlineMillis" | "delayMillis" | "hooks"> {
  /** The number of buckets, unless an `Ownership` says it. */
  readonly buckets: number
}

/** Stores waits, at most a thousand with one statement, and yields their references in the order of the drafts. */
export const submitAll = (
  { buckets, ...common }: Common,
  drafts: ReadonlyArray<Draft>
): Effect.Effect<ReadonlyArray<DurableRef>, DurableStoreError, DurableStore> =>
  Effect.gen(function* () {
    const store = yield* DurableStore
    const owned = Option.match(yield* Effect.serviceOption(Ownership), {
      onNone: () => buckets,
      onSome: (ownership) => ownership.buckets
    })
    const refs: Array<DurableRef> = []
    for (let at = 0; at < drafts.length; at += atOnce) {
      const chunk = drafts.slice(at, at + atOnce)
      const random = yield* randomIds(chunk.length)
      const rows = new Map<string, Insert>()
      for (const [index, { affinity, idempotencyKey, input, key, since }] of chunk.entries()) {
        const id = idempotencyKey === null ? random[index]! : yield* idOf(common.kind, idempotencyKey)
        const bucket = bucketOf(affinity ?? id, owned)
        if (!rows.has(id)) rows.set(id, { ...common, id, key, input, since, idempotencyKey, bucket, token: null })
        refs.push({ kind: common.kind, id })
      }
      yield* store.insert(Array.from(rows.values()))
    }
    return refs
  })

// ---- internal ----

const atOnce = 1_000
