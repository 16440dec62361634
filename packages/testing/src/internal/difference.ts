/**
 * Formats values and their differences for the messages of assertions.
 *
 * @since 0.1.0
 */
import * as Formatter from "effect/Formatter"

/** The longest value that is compared by lines, in lines. */
const longest = 200

/** The most characters of a text in a message. */
const mostCharacters = 4_000

/** A value in one or several lines, of a long one the beginning. */
export const show = (value: unknown): string => {
  const line = Formatter.format(value)
  return bounded(line.length <= 72 ? line : Formatter.format(value, { space: 2 }))
}

/** The beginning of a text, with the number of characters that were left out; the text itself if it is short. */
export const bounded = (text: string): string =>
  text.length <= mostCharacters
    ? text
    : `${text.slice(0, mostCharacters).replace(/[\uD800-\uDBFF]$/, "")}… (${text.length - mostCharacters} more characters)`

/** Two values, line by line: `-` is only in what was expected, `+` only in what was found. */
export const difference = (expected: unknown, actual: unknown): string => {
  const [before, after] = [expected, actual].map((value) => show(value).split("\n")) as [Array<string>, Array<string>]
  return before.length > longest || after.length > longest || before.length + after.length === 2
    ? `- ${before.join("\n- ")}\n+ ${after.join("\n+ ")}`
    : byLines(before, after).join("\n")
}

// ---- internal ----

const byLines = (before: ReadonlyArray<string>, after: ReadonlyArray<string>): ReadonlyArray<string> => {
  const common = commonLengths(before, after)
  const lines: Array<string> = []
  let [i, j] = [0, 0]
  while (i < before.length || j < after.length) {
    if (i < before.length && before[i] === after[j]) {
      lines.push(`  ${before[i++]!}`)
      j++
    } else if (i < before.length && (j === after.length || common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push(`- ${before[i++]!}`)
    } else lines.push(`+ ${after[j++]!}`)
  }
  return lines
}

/** The number of lines that the rest of the texts have in common, from each pair of lines on. */
const commonLengths = (
  before: ReadonlyArray<string>,
  after: ReadonlyArray<string>
): ReadonlyArray<ReadonlyArray<number>> => {
  const lengths = Array.from({ length: before.length + 1 }, () => Array.from({ length: after.length + 1 }, () => 0))
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i]![j] =
        before[i] === after[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!)
    }
  }
  return lengths
}
