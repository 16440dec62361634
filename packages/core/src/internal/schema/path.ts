/** Reads the value at a path of keys and indexes. */

/** The keys and indexes that lead to a value. A negative index counts from the end of its array. */
export type Path = readonly [string | number, ...ReadonlyArray<string | number>]

/** The path that a user gave, as a list. Throws a RangeError for one that leads nowhere. */
export const pathOf = (owner: string, given: string | number | ReadonlyArray<string | number>): Path => {
  const path = typeof given === "object" ? given : [given]
  const sound = (key: unknown) => (typeof key === "number" ? Number.isSafeInteger(key) : typeof key === "string")
  if (!Array.isArray(path) || path.length === 0 || !path.every(sound)) {
    throw new RangeError(`${owner} must be a key, an index or a list of them that is not empty, got ${shown(given)}`)
  }
  return path as unknown as Path
}

/** Reads one key or index: `undefined` if `container` has no such keys or indexes at all. */
export const read = (container: unknown, key: string | number): { readonly value: unknown } | undefined => {
  if (typeof container !== "object" || container === null || Array.isArray(container) !== (typeof key === "number")) {
    return undefined
  }
  if (typeof key === "number") return { value: (container as ReadonlyArray<unknown>).at(key) }
  return { value: Object.hasOwn(container, key) ? (container as Record<string, unknown>)[key] : undefined }
}

/** Reads the value at `path` in the JSON of a server: `undefined` if the last key or index has no container. */
export const readPath = (
  root: unknown,
  path: ReadonlyArray<string | number>
): { readonly value: unknown } | undefined => {
  let found: { readonly value: unknown } | undefined = { value: root }
  for (const key of path) {
    found = read(found.value, key)
    if (found === undefined) return undefined
  }
  return found
}

/** Reads the value at `path` in a decoded payload, which may hold getters: `undefined` if there is none. */
export const valueAt = (root: unknown, path: Path): unknown => {
  let value: unknown = root
  for (const key of path) {
    if (value === undefined || value === null) return undefined
    value =
      typeof key === "number" && Array.isArray(value) ? value.at(key) : (value as Record<string | number, unknown>)[key]
  }
  return value
}

/** The path with the negative indexes resolved against the arrays of `root`. */
export const resolved = (root: unknown, path: Path): ReadonlyArray<string | number> =>
  path.map((key, i) => {
    if (typeof key === "string" || key >= 0) return key
    const container = i === 0 ? root : readPath(root, path.slice(0, i))?.value
    return Array.isArray(container) ? Math.max(0, container.length + key) : key
  })

/** Tests whether a payload has at most 2,000 values: as many misfits as are worth collecting. */
export const isSmall = (root: unknown): boolean => {
  const todo: Array<unknown> = [root]
  for (let seen = 0; todo.length > 0;) {
    const value = todo.pop()
    if (typeof value !== "object" || value === null) continue
    for (const key in value) {
      if (++seen > 2_000) return false
      todo.push((value as Record<string, unknown>)[key])
    }
  }
  return true
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 100)
