import type { Truth } from "@effect-poll/testing/Truth"
import type { Mismatch } from "./judge.ts"
import { type EndingKind, endings, type Lane, laneOf, lanes, type Plan, providers } from "./plan.ts"
import { endedOf, type Tally, zeroes } from "./tally.ts"
import type { WaitOutcome } from "./watch.ts"

/** Percentiles of the lag: milliseconds from the end of a job to the end of its wait. Null if no job ended. */
export interface Lag {
  readonly p50: number | null
  readonly p95: number | null
}

/** The results of one provider, or of all of them. */
export interface Summary {
  readonly jobs: number
  readonly outcomes: Readonly<Record<EndingKind, number>>
  readonly requests: number
  readonly failedChecks: number
  readonly lagMillis: Lag
  /** The same lag in nominal time: as it would be at speed 1. */
  readonly lagNominalMillis: Lag
  readonly mismatches: number
}

/** The reviews of one lane: tasks whose end the demo decides. */
export interface LaneSummary {
  readonly reviews: number
  /** The requests of their checks. */
  readonly requests: number
  readonly lagNominalMillis: Lag
}

/** The report of a simulation. */
export interface Report extends Summary {
  readonly speed: number
  readonly elapsedMillis: number
  readonly providers: Readonly<Record<Plan["provider"], Summary>>
  readonly lanes: Readonly<Record<Lane, LaneSummary>>
  readonly mismatchList: ReadonlyArray<Mismatch>
}

/** Computes the report. */
export const make = (facts: {
  readonly waits: ReadonlyArray<WaitOutcome>
  readonly truths: ReadonlyArray<Truth>
  readonly tally: Tally
  readonly mismatches: ReadonlyArray<Mismatch>
  readonly speed: number
  readonly elapsedMillis: number
}): Report => {
  const { elapsedMillis, mismatches, speed, tally } = facts
  const truths = new Map(facts.truths.map((truth) => [truth.id, truth]))
  const summary = (names: ReadonlyArray<Plan["provider"]>): Summary => {
    const rows = names.map((name) => tally[name])
    const waits = facts.waits.filter(({ plan }) => names.includes(plan.provider))
    const lags = waits.flatMap((wait) => lagOf(wait, truths.get(wait.id)))
    const lag = { p50: percentile(lags, 0.5), p95: percentile(lags, 0.95) }
    return {
      jobs: sum(rows.map(endedOf)),
      outcomes: Object.assign(
        zeroes(),
        Object.fromEntries(endings.map((kind) => [kind, sum(rows.map(({ ended }) => ended[kind]))]))
      ),
      requests: sum(rows.map(({ requests }) => requests.sent)),
      failedChecks: sum(waits.map(({ failedChecks }) => failedChecks)),
      lagMillis: lag,
      lagNominalMillis: { p50: nominal(lag.p50, speed), p95: nominal(lag.p95, speed) },
      mismatches: mismatches.filter(({ provider }) => provider !== undefined && names.includes(provider)).length
    }
  }
  const lane = (name: Lane): LaneSummary => {
    const waits = facts.waits.filter(({ plan }) => laneOf(plan) === name)
    const lags = waits.flatMap((wait) => lagOf(wait, truths.get(wait.id)))
    return {
      reviews: waits.length,
      requests: sum(waits.map(({ requests }) => requests.sent)),
      lagNominalMillis: {
        p50: nominal(percentile(lags, 0.5), speed),
        p95: nominal(percentile(lags, 0.95), speed)
      }
    }
  }
  return {
    ...summary(providers),
    mismatches: mismatches.length,
    speed,
    elapsedMillis,
    providers: Object.fromEntries(providers.map((name) => [name, summary([name])])) as Report["providers"],
    lanes: Object.fromEntries(lanes.map((name) => [name, lane(name)])) as Report["lanes"],
    mismatchList: mismatches
  }
}

/** The percentile of the values by the nearest-rank method; `share` is from 0 to 1. Null if there are no values. */
export const percentile = (values: ReadonlyArray<number>, share: number): number | null =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? null

/** The report as lines of at most 80 columns: a table with a column per provider, then the mismatches. */
export const render = (report: Report): ReadonlyArray<string> => {
  const columns = [...providers.map((name) => report.providers[name]), report]
  const widths = [...providers, "all"].map((name) => Math.max(name.length, 8) + 1)
  const row = (label: string, cells: ReadonlyArray<string>) =>
    label.padEnd(13) + cells.map((cell, index) => cell.padStart(widths[index]!)).join("")
  const count = (label: string, of: (summary: Summary) => number) =>
    row(
      label,
      columns.map((one) => dashed(of(one)))
    )
  const time = (label: string, of: (summary: Summary) => number | null) =>
    row(
      label,
      columns.map((one) => duration(of(one)))
    )
  const rule = "-".repeat(
    row(
      "",
      columns.map(() => "")
    ).length
  )
  return [
    `${report.jobs} ${report.jobs === 1 ? "job" : "jobs"} in ${(report.elapsedMillis / 1000).toFixed(1)} s at speed ${report.speed}: 1 s is ${report.speed} s of nominal time`,
    "",
    row("", [...providers, "all"]),
    rule,
    ...endings
      .filter((kind) => report.outcomes[kind] > 0)
      .map((kind) => count(labels[kind], ({ outcomes }) => outcomes[kind])),
    count("jobs", ({ jobs }) => jobs),
    rule,
    count("requests", ({ requests }) => requests),
    count("failed checks", ({ failedChecks }) => failedChecks),
    time("lag p50", ({ lagMillis }) => lagMillis.p50),
    time("lag p95", ({ lagMillis }) => lagMillis.p95),
    time("  nominal p50", ({ lagNominalMillis }) => lagNominalMillis.p50),
    time("  nominal p95", ({ lagNominalMillis }) => lagNominalMillis.p95),
    "",
    "lag: from the end of a job to the end of its wait; nominal: the same at speed 1",
    "",
    ...renderLanes(report.lanes),
    "",
    `mismatches with the records of the server: ${report.mismatches}`,
    ...report.mismatchList.flatMap(({ aspect, observed, subject, truth }) => [
      `  ${subject}: ${aspect}`,
      `    observed: ${JSON.stringify(observed) ?? "nothing"}`,
      `    truth:    ${JSON.stringify(truth) ?? "nothing"}`
    ])
  ]
}

/** Milliseconds from the end of a job to the end of its wait. Only an end that the server reports has a lag. */
export const lagOf = ({ ending, detectedAt }: WaitOutcome, truth: Truth | undefined): ReadonlyArray<number> =>
  truth?.endedAt !== undefined && truth.outcome === ending.kind ? [Math.max(0, detectedAt - truth.endedAt)] : []

/** The sum of the values. */
export const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

/** A time as text; a dash for none. */
export const duration = (millis: number | null): string =>
  millis === null ? "-" : millis < 1000 ? `${Math.round(millis)} ms` : `${(millis / 1000).toFixed(1)} s`

// ---- internal ----

/** How the waits for reviews learn of their ends, with a column per lane. */
const renderLanes = (report: Report["lanes"]): ReadonlyArray<string> => {
  const row = (label: string, of: (name: Lane) => string) =>
    label.padEnd(22) + lanes.map((name) => of(name).padStart(9)).join("")
  return [
    row("reviews, by lane", (name) => name),
    row("  reviews", (name) => dashed(report[name].reviews)),
    row("  requests", (name) => dashed(report[name].requests)),
    row("  nominal lag p50", (name) => duration(report[name].lagNominalMillis.p50)),
    row("  nominal lag p95", (name) => duration(report[name].lagNominalMillis.p95)),
    "",
    "asked: by checks alone; told: by a signal; both: by a signal, with slow checks",
    "behind it, which find the ends whose signals were lost"
  ]
}

const labels: Readonly<Record<EndingKind, string>> = {
  succeeded: "succeeded",
  failed: "failed",
  canceled: "canceled",
  expired: "expired",
  notFound: "not found",
  timedOut: "timed out",
  stalled: "stalled",
  rejected: "rejected",
  broken: "broken"
}

const nominal = (millis: number | null, speed: number): number | null => (millis === null ? null : millis * speed)

const dashed = (count: number): string => (count === 0 ? "-" : String(count))
