// The table of `scoreboard signals`.
import * as fleet from "../fleet/board.ts"
import { rows } from "./rows.ts"

export { print } from "../fleet/board.ts"

export const names: ReadonlyArray<string> = Object.keys(rows)

export const run = (
  wanted: ReadonlyArray<string>,
  tell: (what: string) => void
): Promise<ReadonlyArray<fleet.Measured>> =>
  fleet.run(wanted, tell, { rows, child: new URL("child.ts", import.meta.url) })

/** The line that `--json` prints: the figures by row. */
export const summary = (measured: ReadonlyArray<Pick<fleet.Measured, "figures" | "row">>) =>
  Object.fromEntries(measured.map(({ figures, row }) => [row.name, figures]))
