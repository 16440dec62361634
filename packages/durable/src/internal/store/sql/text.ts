// Keys may hold what a text column cannot: a NUL, or half a character. Such a key is stored as JSON, which begins with a
// quote, and so is a key that begins with one.

/** A text as a column holds it. */
export const toText = (text: string): string => (/^"|\0|\p{Surrogate}/u.test(text) ? JSON.stringify(text) : text)

/** The text that a column holds. */
export const fromText = (stored: string): string => {
  if (!stored.startsWith('"')) return stored
  // A damaged text is read as it is. An error would prevent all other rows from being read.
  const text = parsed(stored)
  return typeof text === "string" ? text : stored
}

/** As `toText`, where there may be none. */
export const toTextOrNull = (text: string | null | undefined): string | null =>
  text === null || text === undefined ? null : toText(text)

/** As `fromText`, where there may be none. */
export const fromTextOrNull = (stored: string | null): string | null => (stored === null ? null : fromText(stored))

/** The tags that a column holds. */
export const fromTags = (stored: string | null): ReadonlyArray<string> => {
  const tags = stored === null ? [] : parsed(stored)
  return Array.isArray(tags) ? tags : []
}

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** Tags as a column holds them: JSON, whose escapes are all ASCII. */
export const toTags = (tags: ReadonlyArray<string>): string | null => (tags.length === 0 ? null : JSON.stringify(tags))
