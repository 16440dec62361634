/** The numbers in a column of a CSV text: the one with this header, or the first that holds numbers. */
export const readColumn = (text: string, column: string | undefined): ReadonlyArray<number> => {
  const rows = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .map(cells)
  const first = rows[0] ?? []
  const header = first.every((cell) => cell === "" || !isNumber(cell))
  const body = header ? rows.slice(1) : rows
  const at =
    column === undefined
      ? first.findIndex((_, index) => body.some((row) => isNumber(row[index] ?? "")))
      : header
        ? first.indexOf(column)
        : -1
  if (at < 0) {
    throw new RangeError(
      column === undefined
        ? "Model.fromCsv: there is no column of numbers"
        : `Model.fromCsv: there is no column ${JSON.stringify(column)}`
    )
  }
  return body.flatMap((row) => {
    const cell = row[at] ?? ""
    if (cell === "") return []
    if (!isNumber(cell)) throw new RangeError(`Model.fromCsv: cells must be numbers, got ${JSON.stringify(cell)}`)
    return [Number(cell)]
  })
}

// ---- internal ----

const isNumber = (cell: string): boolean => cell !== "" && Number.isFinite(Number(cell))

/** The cells of a line. A quoted one may hold commas, and quotes that are doubled. */
const cells = (line: string): ReadonlyArray<string> =>
  [...line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? plain!.trim() : quoted.replaceAll('""', '"')
  )
