import * as Equal from "effect/Equal"
import type { Pending, Status } from "../../Status.ts"
import { hasHash, isShallow } from "./detailHash.ts"
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

const sameDetail = (a: unknown, b: unknown): boolean => {
  if (typeof a !== "object" || typeof b !== "object") return Equal.equals(a, b)
  try {
    return isShallow(a) && isShallow(b) && Equal.equals(a, b)
  } catch {
    // A getter threw, or the stack was almost full before.
    return false
  }
}
