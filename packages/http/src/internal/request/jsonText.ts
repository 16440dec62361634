// JSON of others: nested only so deep, found without recursion and before it is parsed.

/** How many objects and arrays may be nested. */
export const maxDepth = 512

/** Tests a text that may be JSON for objects and arrays that are nested too deep. */
export const isTooDeep = (text: string): boolean => {
  // Each level takes two characters.
  if (text.length <= 2 * maxDepth) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22:
        at = endOfString(text, at)
        break
      case 0x5b:
      case 0x7b:
        if (++depth > maxDepth) return true
        break
      case 0x5d:
      case 0x7d:
        depth--
    }
  }
  return false
}

/** Tests a value that a user's function made of a text. Such a value may have parts in common. */
export const isValueTooDeep = (value: unknown): boolean => {
  const seen = new Set<unknown>()
  let level = [value]
  for (let depth = 0; level.length > 0; depth++) {
    const next: Array<unknown> = []
    for (const each of level) {
      if (typeof each !== "object" || each === null || seen.has(each)) continue
      seen.add(each)
      if (depth === maxDepth) return true
      const inner: ReadonlyArray<unknown> = Array.isArray(each) ? each : Object.values(each)
      for (const one of inner) if (typeof one === "object" && one !== null) next.push(one)
    }
    level = next
  }
  return false
}

// ---- internal ----

/** The place of the quote that ends a string; the end of the text if none does. */
const endOfString = (text: string, start: number): number => {
  let end = start
  do {
    end = text.indexOf('"', end + 1)
    if (end === -1) return text.length
  } while (isEscaped(text, end))
  return end
}

/** Whether an odd number of backslashes stands before a place. */
const isEscaped = (text: string, at: number): boolean => {
  let before = at
  while (text.charCodeAt(before - 1) === 0x5c) before--
  return (at - before) % 2 === 1
}
