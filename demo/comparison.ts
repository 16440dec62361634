import type { Truth } from "@effect-poll/testing/Truth"
import { lagWorthSeconds } from "./learning.ts"
import { laneOf, type Plan, providers } from "./plan.ts"
import { duration, type Lag, lagOf, percentile, sum } from "./report.ts"
import type { WaitOutcome } from "./watch.ts"

/** What the waits of one strategy cost. */
export interface Side {
  /** The requests of their checks. */
  readonly requests: number
  readonly lagNominalMillis: Lag & { readonly mean: number | null }
}

/** Two strategies on the same jobs. */
export interface Pair {
  readonly jobs: number
  readonly published: Side
  readonly learned: Side
}

/** A round of the comparison. */
export interface Round extends Pair {
  /** How many endings the learned strategies knew when the round began. */
  readonly endingsBefore: number
  readonly providers: Readonly<Record<Plan["provider"], Pair>>
}

/** The waits of one strategy, and what the server recorded. */
export interface Facts {
  readonly waits: ReadonlyArray<WaitOutcome>
  readonly truths: ReadonlyArray<Truth>
}

/** Compares the waits that go by their strategy alone or by webhooks too; those told by a signal are left out. */
export const make = (facts: {
  readonly endingsBefore: number
  readonly published: Facts
  readonly learned: Facts
  readonly speed: number
}): Round => {
  const pair = (names: ReadonlyArray<Plan["provider"]>): Pair => {
    const published = chosen(facts.published, names)
    return {
      jobs: published.length,
      published: sideOf(published, facts.published, facts.speed),
      learned: sideOf(chosen(facts.learned, names), facts.learned, facts.speed)
    }
  }
  return {
    ...pair(providers),
    endingsBefore: facts.endingsBefore,
    providers: Object.fromEntries(providers.map((name) => [name, pair([name])])) as Round["providers"]
  }
}

/** The rounds as lines of at most 80 columns: a table for each, with a row per provider. */
export const render = (rounds: ReadonlyArray<Round>): ReadonlyArray<string> => [
  "published strategies and learned ones, on the same jobs",
  ...rounds.flatMap((round, index) => [
    "",
    `round ${index + 1}: ${round.jobs} ${round.jobs === 1 ? "job" : "jobs"}, ${round.endingsBefore === 0 ? "nothing known" : `${round.endingsBefore} endings known`}`,
    row("", ["requests", "mean lag", "lag p95"], 20),
    row("", ["published", "learned", "published", "learned", "published", "learned"]),
    ...providers.map((name) => line(name, round.providers[name])),
    line("all", round)
  ]),
  "",
  `lag is nominal; the learned strategies count ${lagWorthSeconds} s of lag as much as a request`
]

// ---- internal ----

const chosen = ({ waits }: Facts, names: ReadonlyArray<Plan["provider"]>): ReadonlyArray<WaitOutcome> =>
  waits.filter(({ plan }) => {
    const lane = laneOf(plan)
    return names.includes(plan.provider) && (lane === undefined || lane === "asked")
  })

const sideOf = (waits: ReadonlyArray<WaitOutcome>, { truths }: Facts, speed: number): Side => {
  const byId = new Map(truths.map((truth) => [truth.id, truth]))
  const lags = waits.flatMap((wait) => lagOf(wait, byId.get(wait.id))).map((millis) => millis * speed)
  return {
    requests: sum(waits.map(({ requests }) => requests.sent)),
    lagNominalMillis: {
      mean: lags.length === 0 ? null : sum(lags) / lags.length,
      p50: percentile(lags, 0.5),
      p95: percentile(lags, 0.95)
    }
  }
}

const row = (label: string, cells: ReadonlyArray<string>, width = 10): string =>
  label.padEnd(14) + cells.map((cell) => cell.padStart(width)).join("")

const line = (name: string, { learned, published }: Pair): string =>
  row(name, [
    String(published.requests),
    String(learned.requests),
    ...(["mean", "p95"] as const).flatMap((of) => [
      duration(published.lagNominalMillis[of]),
      duration(learned.lagNominalMillis[of])
    ])
  ])
