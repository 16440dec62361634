// What the table measures, and the aims.
import type { Aim } from "../fleet/row.ts"
import type { Rating } from "./grid.ts"

/** The last line of `--json`. A part that was not measured is missing. */
export interface Figures {
  /** The cost of the learned strategy divided by that of the best schedule, after 0, 5, 20 and 100 jobs. */
  readonly gmean?: { readonly cold: number; readonly n5: number; readonly n20: number; readonly n100: number }
  readonly worst?: { readonly cold: number }
  /** The same, as the mean of the jobs 41 to 50 after all jobs have become three times slower, or faster: the worse. */
  readonly shift50?: number
  /** The cost with progress divided by that of the best schedule without: for the worst kind of progress. */
  readonly progressWorst?: number
  /** The same for each kind of progress. */
  readonly byProgress?: Readonly<Record<string, number>>
  /** `gmean` and the worst of cold for the simple strategy: a first wait and even spacing. */
  readonly simple?: Readonly<Record<"cold" | "n5" | "n20" | "n100" | "worst", number>>
  /** The cost after 100 jobs of which only the interval of the end is known, divided by that after 100 known exactly. */
  readonly censored100?: number
  /** The requests for the durations of CI runs, divided by those of other strategies at the same mean lag. */
  readonly ci?: { readonly vsFixed: Readonly<Record<string, number>>; readonly vsExponential: number }
  readonly fleet?: FleetFigures
  /** The same for other kinds of jobs, and how much less lag than a fixed interval any strategy could have. */
  readonly fleetOthers?: Readonly<Record<string, FleetFigures & { readonly atMost: number }>>
  /** The CPU time of a decision, of one with progress, and of an ending with the plan that follows. */
  readonly stepMicros?: number
  readonly progressStepMicros?: number
  readonly plannerMicros?: number
  readonly strategies?: Readonly<Record<string, Rating>>
}

/** A fleet under a budget, with 4, 8 and 15 checks for each job. */
export interface FleetFigures {
  /** The mean lag divided by its bound, for the worst budget. */
  readonly vsBound: number
  /** The same with batches, whose bound is that of as many times the requests. */
  readonly vsBoundBatched: number
  /** The mean lag of the best fixed interval at the same budget, divided by that of the fleet. */
  readonly vsBestFixed: number
  /** By how many requests a second exceeds the budget and one burst, at most. */
  readonly overBudget: number
}

/** A figure by the path of its name. */
export const aims: Readonly<Record<string, Aim>> = {
  "gmean.cold": { atMost: 1.65 },
  "gmean.n5": { atMost: 1.15 },
  "gmean.n20": { atMost: 1.06 },
  "gmean.n100": { atMost: 1.03 },
  "worst.cold": { atMost: 3.5 },
  shift50: { atMost: 1.1 },
  progressWorst: { atMost: 1.05 },
  censored100: { atMost: 1.05 },
  "ci.vsFixed.1": { atMost: 0.55 },
  "ci.vsFixed.2": { atMost: 0.55 },
  "ci.vsFixed.3": { atMost: 0.55 },
  "ci.vsFixed.5": { atMost: 0.55 },
  "ci.vsFixed.10": { atMost: 0.55 },
  "ci.vsExponential": { atMost: 0.25 },
  "fleet.vsBound": { atMost: 1.1 },
  "fleet.vsBoundBatched": { atMost: 1.25 },
  "fleet.vsBestFixed": { atLeast: 2 },
  "fleet.overBudget": { atMost: 0 },
  "fleetOthers.narrow.vsBound": { atMost: 1.1 },
  "fleetOthers.narrow.vsBoundBatched": { atMost: 1.25 },
  "fleetOthers.narrow.overBudget": { atMost: 0 },
  "fleetOthers.wide.vsBound": { atMost: 1.1 },
  "fleetOthers.wide.vsBoundBatched": { atMost: 1.25 },
  "fleetOthers.wide.overBudget": { atMost: 0 },
  "fleetOthers.heavy.vsBound": { atMost: 1.1 },
  "fleetOthers.heavy.vsBoundBatched": { atMost: 1.25 },
  "fleetOthers.heavy.overBudget": { atMost: 0 },
  stepMicros: { atMost: 5 },
  progressStepMicros: { atMost: 100 }
}
