// Keys may hold what a text column cannot: a NUL, or half a character. Such a key is stored as JSON, which begins with a
// quote, and so is a key that begins with one.

/** A text as a column holds it. */
export const toText = (text: string): string => (/^"|\0|\p{Surrogate}/u.test(text) ? JSON.stringify(text) : text)

/** The text that a column holds. */
export const fromText = (stored: string): string => (stored.startsWith('"') ? JSON.parse(stored) : stored)
