// Texts of others in messages: one line, bounded, nothing that a terminal obeys.

/** Writes control characters, and those that reorder or end lines, as escapes. */
export const escape = (text: string): string =>
  text.replace(/[\p{Cc}\u2028-\u202e\u2066-\u2069\ufeff]/gu, (character) =>
    JSON.stringify(character).length > 3
      ? JSON.stringify(character).slice(1, -1)
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

/** Cuts a text to a number of characters, without half a character at the end. */
export const cut = (text: string, characters: number): string =>
  text.length <= characters ? text : `${text.slice(0, characters - 3).replace(/[\ud800-\udbff]$/, "")}...`
