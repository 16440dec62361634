import type { Truth } from "@effect-poll/testing/Truth"
import type { Mismatch } from "./judge.ts"
import { type EndingKind, endings, type Plan, providers } from "./plan.ts"
import { endedOf, type Tally, zeroes } from "./tally.ts"
import type { Seen } from "./watch.ts"

/** The lag of detection: milliseconds from an end to our knowing. Absent where no end was seen. */
export interface Lag {
  readonly p50: number | null
  readonly p95: number | null
}

/** What is told of one provider, and of all of them. */
export interface Summary {
  readonly jobs: number
  readonly outcomes: Readonly<Record<EndingKind, number>>
  readonly requests: number
  readonly failedChecks: number
  readonly lagMillis: Lag
  /** The same lag in nominal time: as it would be without the speed-up. */
  readonly lagScaledMillis: Lag
  readonly mismatches: number
}

/** The end of a demo. */
export interface Report extends Summary {
  readonly speed: number
  readonly seconds: number
  readonly providers: Readonly<Record<Plan["provider"], Summary>>
  readonly mismatchList: ReadonlyArray<Mismatch>
}

export const make = (facts: {
  readonly seen: ReadonlyArray<Seen>
  readonly truths: ReadonlyArray<Truth>
  readonly tally: Tally
  readonly mismatches: ReadonlyArray<Mismatch>
  readonly speed: number
  readonly seconds: number
}): Report => {
  const { mismatches, seconds, speed, tally } = facts
  const truths = new Map(facts.truths.map((truth) => [truth.id, truth]))
  const summary = (names: ReadonlyArray<Plan["provider"]>): Summary => {
    const rows = names.map((name) => tally[name])
    const seen = facts.seen.filter(({ plan }) => names.includes(plan.provider))
    const lags = seen.flatMap((one) => lagOf(one, truths.get(one.id)))
    const lag = { p50: percentile(lags, 0.5), p95: percentile(lags, 0.95) }
    return {
      jobs: sum(rows.map(endedOf)),
      outcomes: Object.assign(
        zeroes(),
        Object.fromEntries(endings.map((kind) => [kind, sum(rows.map(({ ended }) => ended[kind]))]))
      ),
      requests: sum(rows.map(({ requests }) => requests.sent)),
      failedChecks: sum(seen.map(({ failedChecks }) => failedChecks)),
      lagMillis: lag,
      lagScaledMillis: { p50: scaled(lag.p50, speed), p95: scaled(lag.p95, speed) },
      mismatches: mismatches.filter(({ provider }) => provider !== undefined && names.includes(provider)).length
    }
  }
  return {
    ...summary(providers),
    mismatches: mismatches.length,
    speed,
    seconds,
    providers: Object.fromEntries(providers.map((name) => [name, summary([name])])) as Report["providers"],
    mismatchList: mismatches
  }
}

/** The smallest value that so large a share of the values does not exceed (nearest rank); null of no values. */
export const percentile = (values: ReadonlyArray<number>, share: number): number | null =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? null

/** The report as lines that fit 80 columns: a column per provider, then what does not agree with the truth. */
export const render = (report: Report): ReadonlyArray<string> => {
  const columns = [...providers.map((name) => report.providers[name]), report]
  const widths = [...providers, "all"].map((name) => Math.max(name.length, 8) + 1)
  const row = (label: string, cells: ReadonlyArray<string>) =>
    label.padEnd(12) + cells.map((cell, index) => cell.padStart(widths[index]!)).join("")
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
    `${report.jobs} ${report.jobs === 1 ? "job" : "jobs"} in ${report.seconds.toFixed(1)} s at speed ${report.speed}: 1 s here is ${report.speed} s in scaled time`,
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
    time("  scaled p50", ({ lagScaledMillis }) => lagScaledMillis.p50),
    time("  scaled p95", ({ lagScaledMillis }) => lagScaledMillis.p95),
    "",
    `mismatches against the server's truth: ${report.mismatches}`,
    ...report.mismatchList.flatMap(({ of, seen, truth, what }) => [
      `  ${of}: ${what}`,
      `    we saw: ${JSON.stringify(seen) ?? "nothing"}`,
      `    truth:  ${JSON.stringify(truth) ?? "nothing"}`
    ])
  ]
}

// ---- internal ----

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

/** Only an end that the server tells of can be seen late. */
const lagOf = ({ ending, knownAt }: Seen, truth: Truth | undefined): ReadonlyArray<number> =>
  truth?.endedAt !== undefined && truth.outcome === ending.kind ? [Math.max(0, knownAt - truth.endedAt)] : []

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

const scaled = (millis: number | null, speed: number): number | null => (millis === null ? null : millis * speed)

const dashed = (count: number): string => (count === 0 ? "-" : String(count))

const duration = (millis: number | null): string =>
  millis === null ? "-" : millis < 1000 ? `${Math.round(millis)} ms` : `${(millis / 1000).toFixed(1)} s`
