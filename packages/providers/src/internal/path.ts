/**
 * Fills the `{names}` of a path template, each with one percent-encoded path segment. Returns undefined if a name has no
 * value. `.` and `..` count as no value, because a URL parser resolves them even when they are encoded.
 */
export const fill = (template: string, values: Readonly<Record<string, string | undefined>>): string | undefined => {
  let complete = true
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined || value === "" || value === "." || value === "..") {
      complete = false
      return ""
    }
    return encodeURIComponent(value)
  })
  return complete ? path : undefined
}

/** Fills a path template that needs all of its values; otherwise a RangeError that names the key. */
export const fillOrThrow = (name: string, template: string, values: Readonly<Record<string, string>>): string => {
  const path = fill(template, values)
  if (path !== undefined) return path
  throw new RangeError(`${name} must be usable as a path segment, got ${JSON.stringify(values)}`)
}

/** A path template that contains all of the names; otherwise a RangeError that says which one is missing. */
export const template = (option: string, value: string, names: ReadonlyArray<string>): string => {
  for (const name of names) {
    if (!value.includes(`{${name}}`)) {
      throw new RangeError(`${option} must contain {${name}}, got ${JSON.stringify(value)}`)
    }
  }
  return value
}
