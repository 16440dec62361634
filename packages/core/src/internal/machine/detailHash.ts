import * as Hash from "effect/Hash"

// Tokens contain no detail, so a resumed wait compares its hash.

/** The hash of a detail that cannot be hashed. It is never equal to another, not even to itself. */
export const unhashable = "none"

/**
 * A hash of a detail: details that are equal by `Equal` have the same one, in every process unless a part of them is equal
 * only to itself, such as a function. `unhashable` for what nests too deep; undefined for no detail.
 */
export const detailHash = (detail: unknown): string | undefined => {
  if (detail === undefined) return undefined
  try {
    return isShallow(detail) ? String(Hash.hash(detail)) : unhashable
  } catch {
    // A getter threw, or the stack was almost full before.
    return unhashable
  }
}

/** Whether a detail is the one that has this hash. */
export const hasHash = (detail: unknown, hash: string | undefined): boolean =>
  hash !== unhashable && detailHash(detail) === hash

/**
 * Whether a value nests no deeper than `Equal` and `Hash` can go: they recurse, and to exhaust the stack within them could
 * leave traces in their own records. Throws what a getter throws.
 */
export const isShallow = (value: unknown): boolean => !isObject(value) || fits(value, deepest)

// ---- internal ----

/** The deepest detail that is compared, in levels of objects. */
const deepest = 512

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
