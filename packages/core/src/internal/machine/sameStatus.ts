import * as Equal from "effect/Equal"
import type { Pending, Status } from "../../Status.ts"
import { hasHash } from "./detailHash.ts"
import { storedId } from "./words.ts"

/**
 * Whether two statuses are pending and equal. A detail that cannot be compared, such as one that nests too deep, never
 * equals another. Of a status that comes from a token only the hash of its detail is known: `hash`. The same goes for
 * the id of an action that is long.
 */
export const sameStatus = (
  a: Status<unknown, unknown>,
  b: Status<unknown, unknown>,
  hash: string | undefined
): boolean =>
  a._tag === "Pending" &&
  b._tag === "Pending" &&
  (a === b ||
    (a.state === b.state &&
      a.progress === b.progress &&
      (a.action?.id === b.action?.id || storedIdOf(a) === storedIdOf(b)) &&
      (hash === undefined ? a.detail === b.detail || sameDetail(a.detail, b.detail) : hasHash(b.detail, hash))))

// ---- internal ----

const storedIdOf = ({ action }: Pending): string | undefined => (action === undefined ? undefined : storedId(action.id))

/** The deepest detail that is compared, in levels of objects. */
const deepest = 512

const sameDetail = (a: unknown, b: unknown): boolean => {
  if (!isObject(a) || !isObject(b)) return Equal.equals(a, b)
  try {
    // `Equal` recurses. To exhaust the stack within it could leave traces in its own records, so depth is measured first.
    return fits(a, deepest) && fits(b, deepest) && Equal.equals(a, b)
  } catch {
    // A getter threw, or the stack was almost full before.
    return false
  }
}

const isObject = (u: unknown): u is object => typeof u === "object" && u !== null

/** Whether an object nests no deeper than a number of levels. Each object is visited once, since there may be cycles. */
const fits = (self: object, levels: number, visited?: Set<object>): boolean => {
  if (ArrayBuffer.isView(self)) return true
  for (const key in self) {
    const field: unknown = (self as Record<string, unknown>)[key]
    if (!isObject(field)) continue
    if (levels === 1) return false
    visited ??= new Set([self])
    if (visited.has(field)) continue
    visited.add(field)
    if (!fits(field, levels - 1, visited)) return false
  }
  return true
}
