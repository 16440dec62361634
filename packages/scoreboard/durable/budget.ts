// How exactly three processes keep to one budget.
import * as Effect from "effect/Effect"
import { budget as measure } from "../../durable/test/processes/budget.ts"
import type { Figures } from "../fleet/row.ts"

export const budget = async (): Promise<Figures> => {
  const { errorPercent, missing, rows } = await Effect.runPromise(measure())
  if (missing.length > 0) throw new Error(missing.join("; "))
  if (errorPercent === undefined) throw new Error("nothing was measured")
  const byRow = rows.map(({ name, overPercent, underPercent }) => [
    `${name}: errorPercent`,
    Math.max(overPercent, underPercent)
  ])
  return { errorPercent, ...(Object.fromEntries(byRow) as Figures) }
}
