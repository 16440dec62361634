// Numbers for people.

/** A number with separators and at most three digits that count behind the point. */
export const amount = (value: number): string => {
  if (value === Number.POSITIVE_INFINITY) return "∞"
  const size = Math.abs(value)
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2
  return grouped(value.toFixed(digits))
}

/** A time in seconds, in the unit that fits. */
export const duration = (seconds: number): string => {
  if (seconds === Number.POSITIVE_INFINITY) return "∞"
  if (seconds < 1) return `${grouped(String(Math.round(seconds * 1_000)))} ms`
  // Seconds below two minutes, minutes below two hours, and so on; but a minute is a minute.
  const [unit, size] = units.findLast(([, length]) => seconds >= 2 * length || seconds === length) ?? units[0]!
  const value = seconds / size
  const text = value >= 100 ? grouped(value.toFixed(0)) : String(Number(value.toFixed(value >= 10 ? 1 : 2)))
  return `${text} ${unit}`.replace(/^1 (day|year)s$/, "1 $1")
}

// ---- internal ----

const units: ReadonlyArray<readonly [name: string, seconds: number]> = [
  ["s", 1],
  ["min", 60],
  ["h", 3_600],
  ["days", 86_400],
  ["years", 365 * 86_400]
]

const grouped = (digits: string): string => {
  const [whole, rest] = digits.split(".")
  const text = whole!.replace(/\B(?=(\d{3})+$)/g, ",")
  return rest === undefined ? text : `${text}.${rest}`
}
