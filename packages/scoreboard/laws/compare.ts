// Whether two traces are the same, and where they differ.
import type { Ending, Trace } from "./trace.ts"

/** What is compared of a wait. */
export interface Scope {
  /** Whether events are compared. */
  readonly events: boolean
  /** Only what comes later than this, or at it if it is a check; everything if undefined. */
  readonly from?: number | undefined
}

/** The first difference in words; undefined if there is none. */
export const differenceOf = (expected: Trace, actual: Trace, scope: Scope): string | undefined =>
  firstOf("check", expected.checks, actual.checks) ??
  firstOf("cancel", expected.cancels, actual.cancels) ??
  (scope.events ? firstOf("event", expected.events, actual.events) : undefined) ??
  endingDifference(expected.ending, actual.ending)

export const endingLine = (ending: Ending | undefined): string =>
  ending === undefined ? "no end" : `${ending.at} ${ending.tag} #${ending.attempts} (${ending.fields})`

/** A trace in lines, its checks and events in the order of their times. */
export const linesOf = ({ cancels, checks, ending, events }: Trace): ReadonlyArray<string> => [
  ...[...checks.map((line) => `${line} <- check`), ...cancels.map((line) => `${line} <- cancel`), ...events].toSorted(
    (a, b) => Number.parseFloat(a) - Number.parseFloat(b)
  ),
  `=> ${endingLine(ending)}`
]

// ---- internal ----

const firstOf = (what: string, expected: ReadonlyArray<string>, actual: ReadonlyArray<string>): string | undefined => {
  for (let at = 0; at < Math.max(expected.length, actual.length); at++)
    if (expected[at] !== actual[at])
      return `${what} ${at + 1}: expected ${expected[at] ?? "none"}, got ${actual[at] ?? "none"}`
  return undefined
}

const endingDifference = (expected: Ending | undefined, actual: Ending | undefined): string | undefined => {
  const [wanted, got] = [endingLine(expected), endingLine(actual)]
  return wanted === got ? undefined : `ending: expected ${wanted}, got ${got}`
}
