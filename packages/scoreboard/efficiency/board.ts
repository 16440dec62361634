// The table of `scoreboard efficiency`.
import * as Grid from "@effect-poll/lab/Grid"
import * as Effect from "effect/Effect"
import * as Strategy from "effect-poll/Strategy"
import { describe, judge, type Verdict } from "../fleet/row.ts"
import * as ciRuns from "./ci.ts"
import { aims, type Figures } from "./figures.ts"
import { fleet, fleetOthers } from "./fleet.ts"
import { rate, rateEach, rateOne, type Rating, withOptimum } from "./grid.ts"
import { learned, simple } from "./learned.ts"
import { learning, ratioOf, shift } from "./learning.ts"
import { micros } from "./micros.ts"
import { progress } from "./progress.ts"
import { published } from "./published.ts"
import type { Subject } from "./subject.ts"
import * as tuned from "./tuned.ts"

export interface Options {
  /** A JSON file of durations of CI runs. */
  readonly ci?: string | undefined
  readonly tell: (what: string) => void
}

/** Knowing nothing: checks at w k^2 / 2. */
export const coldLinear = (w: number): Strategy.Strategy =>
  Strategy.linear({ initial: 1_500 * w, increment: 1_000 * w }).pipe(Strategy.withFirstWait(500 * w))

const strategies = ({ tell }: Options, subject: Subject): Effect.Effect<Figures> =>
  Effect.gen(function* () {
    const cells = withOptimum(Grid.cells())
    const out: Record<string, Rating> = {}
    for (const [name, strategy] of Object.entries(published)) {
      tell(name)
      out[name] = yield* rateOne(strategy, cells)
    }
    out["cold linear: checks at w k^2 / 2"] = yield* rateEach(({ w }) => coldLinear(w), cells)
    for (const [name, unlearned] of [
      ["learned, cold", subject],
      ["learned simple, cold", simple]
    ] as const) {
      const ratios: Array<number> = []
      for (const cell of cells) ratios.push(yield* ratioOf(yield* unlearned.make(cell.w), cell))
      out[name] = rate(ratios)
    }
    for (const [name, cost] of [
      ["fixed, tuned in hindsight", tuned.fixed],
      ["exponential, tuned in hindsight", tuned.exponential],
      ["first wait and fixed, tuned in hindsight", tuned.firstWait]
    ] as const) {
      tell(name)
      out[name] = rate(cells.map((cell) => cost(cell) / cell.best))
    }
    return { strategies: out }
  })

const ci = (subject: Subject, options: Options): Effect.Effect<Figures> =>
  Effect.suspend(() => {
    const durations = ciRuns.read(options.ci)
    return durations === undefined ? Effect.succeed<Figures>({}) : ciRuns.ci(subject, durations)
  })

/** The parts of the table. */
const parts: Readonly<Record<string, (options: Options, subject: Subject) => Effect.Effect<Figures>>> = {
  strategies,
  learning: (_, subject) => learning(subject, withOptimum(Grid.cells()), 3),
  simple: () =>
    Effect.map(learning(simple, withOptimum(Grid.cells()), 3), ({ gmean, worst }) =>
      gmean === undefined || worst === undefined ? {} : { simple: { ...gmean, worst: worst.cold } }
    ),
  shift: (_, subject) => shift(subject, 4),
  progress: (_, subject) => progress(subject, { learned: 150, judged: 150 }),
  ci: (options, subject) => ci(subject, options),
  fleet: ({ tell }) => Effect.promise(() => fleet(tell)),
  fleetOthers: ({ tell }) => Effect.promise(() => fleetOthers(tell)),
  micros: () => Effect.sync(() => micros(100))
}

export const names: ReadonlyArray<string> = Object.keys(parts)

/** The parts that are measured if none are named. */
export const usual: ReadonlyArray<string> = names.filter((name) => name !== "fleetOthers")

export const run = async (
  wanted: ReadonlyArray<string>,
  options: Options,
  subject: Subject = learned
): Promise<Figures> => {
  const figures: Figures = {}
  for (const name of wanted) {
    const began = performance.now()
    Object.assign(figures, await Effect.runPromise(parts[name]!(options, subject)))
    options.tell(`${name}: ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  }
  return figures
}

export interface Line {
  readonly figure: string
  readonly value: number | undefined
  readonly aim: string
  readonly verdict: Verdict
}

/** The figures that have an aim, by the path of their name. */
export const linesOf = (figures: Figures): ReadonlyArray<Line> =>
  Object.entries(aims).map(([figure, aim]) => {
    const value = valueAt(figures, figure.split("."))
    return { figure, value, aim: describe(aim), verdict: value === undefined ? "none" : judge(value, aim) }
  })

export const print = (figures: Figures): void => {
  if (figures.strategies !== undefined) {
    console.log("cost divided by that of the best schedule, over 120 cells\n")
    const rows = Object.entries(figures.strategies).toSorted(([, a], [, b]) => a.gmean - b.gmean)
    console.log(`${"strategy".padEnd(50)}${"mean".padStart(8)}${"worst".padStart(9)}`)
    for (const [name, { gmean, worst }] of rows) {
      console.log(`${name.padEnd(50)}${gmean.toFixed(2).padStart(8)}${worst.toFixed(1).padStart(9)}`)
    }
    console.log("")
  }
  for (const [kind, ratio] of Object.entries(figures.byProgress ?? {})) {
    console.log(`${`progress, ${kind}`.padEnd(24)}${String(round(ratio)).padStart(14)}`)
  }
  for (const [after, ratio] of Object.entries(figures.simple ?? {})) {
    console.log(`${`simple.${after}`.padEnd(24)}${String(round(ratio)).padStart(14)}`)
  }
  if (figures.plannerMicros !== undefined) {
    console.log(`${"plannerMicros".padEnd(24)}${String(round(figures.plannerMicros)).padStart(14)}`)
  }
  for (const { aim, figure, value, verdict } of linesOf(figures)) {
    const text = value === undefined ? "not measured" : String(round(value))
    console.log(`${figure.padEnd(34)}${text.padStart(14)}  ${aim.padEnd(9)}${verdict === "none" ? "" : verdict}`)
  }
}

/** The line that `--json` prints: four digits. */
export const summary = (figures: Figures): unknown =>
  JSON.parse(JSON.stringify(figures, (_, value: unknown) => (typeof value === "number" ? round(value) : value)))

// ---- internal ----

const valueAt = (value: unknown, path: ReadonlyArray<string>): number | undefined => {
  const [first, ...rest] = path
  if (first === undefined) return typeof value === "number" ? value : undefined
  return typeof value === "object" && value !== null
    ? valueAt((value as Readonly<Record<string, unknown>>)[first], rest)
    : undefined
}

const round = (value: number): number => Math.round(value * 10_000) / 10_000
