import { readFileSync } from "node:fs"

// Mutants that no test can notice, since the changed code does the same: named in equivalent.json, with a reason.

/** Where a changed place is. Lines and columns count from 1. */
export interface Location {
  readonly start: { readonly line: number; readonly column: number }
  readonly end: { readonly line: number; readonly column: number }
}

/** Mutants of one file that do the same as its code, for the same reason. */
export interface Equivalents {
  /** The end of the path of the file. */
  readonly file: string
  readonly reason: string
  /** Each as `code -> replacement`, as the list of those that are not noticed has it. */
  readonly mutants: ReadonlyArray<string>
}

/** What a mutant changes, as `code -> replacement`. Of code of several lines, the first one. */
export const changeOf = (source: string, { end, start }: Location, replacement: string): string => {
  const line = source.split("\n")[start.line - 1] ?? ""
  const code = line.slice(start.column - 1, end.line === start.line ? end.column - 1 : undefined).trim()
  return `${code} -> ${oneLine(replacement)}`
}

/** The equivalents that are named. */
export const equivalents = JSON.parse(
  readFileSync(new URL("equivalent.json", import.meta.url), "utf8")
) as ReadonlyArray<Equivalents>

/** Whether a change of a file is named as equivalent. */
export const isEquivalent = (file: string, change: string, named: ReadonlyArray<Equivalents> = equivalents): boolean =>
  named.some((some) => file.endsWith(some.file) && some.mutants.includes(change))

// ---- internal ----

const oneLine = (code: string): string => {
  const line = code.replaceAll(/\s+/g, " ")
  return line.length > 100 ? `${line.slice(0, 100)}...` : line
}
