// A job whose checks hang, beside a healthy one.
import { full, lagOf, neighbours } from "./hung.ts"
import type { Figures, Row } from "./row.ts"
import { ours } from "./subject.ts"

/** Ratios to the lag of the healthy job alone. */
export const ratios = (parts: Readonly<Record<string, Figures>>): Figures => {
  const { alone, ...others } = parts
  const lag = (figures: Figures | undefined): number => Number(figures?.lagMillis ?? Number.NaN)
  const each = Object.entries(others).map(([name, figures]) => [`${name}Ratio`, lag(figures) / lag(alone)] as const)
  const judged = each.filter(([name]) => name !== "slowRatio").map(([, ratio]) => ratio)
  return { lagRatio: Math.max(...judged), ...Object.fromEntries(each), aloneMillis: lag(alone) }
}

export const row: Row = {
  name: "hungNeighbour",
  what:
    "A job of 2,000 waits whose checks never answer, beside a healthy job of 20 waits that is checked every second, in " +
    "one Poller with concurrency 100: the mean time from an end of the healthy job until it is known, divided by that of " +
    "the healthy job alone. lagRatio is the worse of checks that end with their timeout of 30 s and of checks that cannot " +
    "be interrupted; slowRatio is beside checks that answer after 5 s.",
  aims: { lagRatio: { atMost: 2 } },
  parts: {
    alone: async () => ({ lagMillis: await lagOf(ours, full) }),
    hangs: async () => ({ lagMillis: await lagOf(ours, full, neighbours.hangs) }),
    uninterruptible: async () => ({ lagMillis: await lagOf(ours, full, neighbours.uninterruptible) }),
    slow: async () => ({ lagMillis: await lagOf(ours, full, neighbours.slow) })
  },
  combine: ratios
}
