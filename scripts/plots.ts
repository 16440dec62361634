/**
 * The plots and tables of the guide "Choosing a strategy", made by the lab.
 *
 * Without options it writes them. With `--check` it fails where one is stale.
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Audit from "@effect-poll/lab/Audit"
import * as Comparison from "@effect-poll/lab/Comparison"
import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import * as Published from "@effect-poll/lab/Published"
import * as History from "@effect-poll/learned/History"
import * as Learned from "@effect-poll/learned/Learned"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Strategy from "effect-poll/Strategy"

/** A plot: jobs of one model, and the strategies that are compared for them. */
interface Plot {
  readonly name: string
  readonly title: string
  readonly model: Model.Model
  /** Published strategies to show as points. */
  readonly points: Readonly<Record<string, Strategy.Strategy>>
  /** From the shortest to the longest interval, in seconds. */
  readonly intervals: readonly [number, number]
}

const backoff = (initial: number, factor: number, cap: number) =>
  Strategy.exponential({ initial: 1_000 * initial, factor, cap: 1_000 * cap })

const points = {
  "2 s x 1.5, cap 30 s": backoff(2, 1.5, 30),
  "100 ms x 1.3, cap 60 s": backoff(0.1, 1.3, 60),
  "AWS waiter, 2 to 120 s": Published.awsWaiter(2, 120)
}

const plots: ReadonlyArray<Plot> = [
  {
    name: "typical",
    title: "Jobs of about 45 seconds (lognormal, s = 0.5)",
    model: Model.named(Model.truncated(Model.lognormal({ median: 45, sigma: 0.5 })), "jobs of about 45 seconds"),
    points,
    intervals: [0.5, 40]
  },
  {
    name: "tail",
    title: "Jobs of 5 minutes with a long tail (lognormal, s = 1.5)",
    model: Model.named(Model.truncated(Model.lognormal({ median: 300, sigma: 1.5 })), "jobs with a long tail"),
    points,
    intervals: [2, 200]
  },
  {
    name: "two-kinds",
    title: "Two kinds of jobs: about 20 seconds, or about 4 minutes",
    model: Model.truncated(
      Model.mixture("two kinds of jobs", [
        [0.6, Model.lognormal({ median: 22, sigma: 0.2 })],
        [0.4, Model.lognormal({ median: 225, sigma: 0.25 })]
      ])
    ),
    points,
    intervals: [1, 80]
  }
]

/** Numbers from one to another in equal ratios. */
const between = ([from, to]: readonly [number, number], count: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, index) => from * Math.pow(to / from, index / (count - 1)))

/** What a history has learned of a hundred jobs of a model, drawn at random. */
const historyOf = (model: Model.Model): Effect.Effect<History.History> =>
  Effect.gen(function* () {
    const history = History.makeUnsafe("job")
    for (let job = 0; job < 100; job++) {
      yield* History.record(history, History.ended(1_000 * model.quantile(yield* Random.next)))
    }
    return history
  }).pipe(Random.withSeed("plots"))

const compare = ({ intervals, model, points }: Plot): Effect.Effect<Comparison.Comparison> =>
  Effect.flatMap(historyOf(model), (history) => {
    const spread = between(intervals, 14)
    const first = model.quantile(0.02)
    return Lab.compare(model, [
      { name: "fixed interval", strategies: spread.map((seconds) => Strategy.spaced(1_000 * seconds)) },
      {
        name: "first wait, then fixed",
        strategies: spread.map((seconds) =>
          Strategy.spaced(1_000 * seconds).pipe(Strategy.withFirstWait(1_000 * first))
        )
      },
      {
        name: "linear, no cap",
        strategies: between([intervals[0] / 10, intervals[1] / 2], 14).map((w) =>
          Strategy.linear({ initial: 500 * w, increment: 1_000 * w })
        )
      },
      ...Object.entries(points).map(([label, strategy]) => ({ name: label, strategies: [strategy] })),
      {
        name: "learned, 100 jobs",
        strategies: [Learned.strategy(history, { lagWorth: "2 seconds" })],
        isYours: true
      }
    ])
  })

/** The least cost of each family, divided by that of the best schedule: a column for each plot. */
export const costs = (comparisons: ReadonlyArray<Comparison.Comparison>): string => {
  const names = comparisons[0]!.families.map(({ name }) => name)
  const line = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`
  return [
    line(["strategy", ...comparisons.map(({ model }) => model)]),
    line(["---", ...comparisons.map(() => "---")]),
    ...names.map((name, family) =>
      line([
        name,
        ...comparisons.map(({ best, families }) =>
          (Math.min(...families[family]!.points.map(({ cost }) => cost)) / best).toFixed(2)
        )
      ])
    )
  ].join("\n")
}

/** The table of published waiters. */
const waiters: Effect.Effect<string> = Effect.gen(function* () {
  const rows: Array<readonly [string, Audit.Audit]> = []
  for (const { name, schedule } of Published.waiters) rows.push([name, yield* Lab.audit(schedule)])
  return Audit.toMarkdown(rows)
}).pipe(Random.withSeed("plots"))

/** The page with a table in place of the one between its marks. */
export const withTable = (page: string, name: string, table: string): string => {
  const [start, end] = [`<!-- plots: ${name} -->`, "<!-- end of plots -->"]
  const from = page.indexOf(start)
  const to = page.indexOf(end, from)
  if (from < 0 || to < 0) throw new Error(`the page has no ${start}`)
  return `${page.slice(0, from + start.length)}\n\n${table}\n\n${page.slice(to)}`
}

/** A page without what a formatter changes in tables: the width of cells. */
export const plain = (page: string): string => page.replaceAll(/ +\|/g, " |").replaceAll(/-{3,}/g, "---")

const main = async (isChecking: boolean): Promise<void> => {
  const folder = join(import.meta.dirname, "../docs/guide/plots")
  const guide = join(import.meta.dirname, "../docs/guide/21-choosing-a-strategy.md")
  const stale: Array<string> = []
  mkdirSync(folder, { recursive: true })
  const comparisons: Array<Comparison.Comparison> = []
  for (const plot of plots) {
    const file = join(folder, `${plot.name}.svg`)
    const comparison = await Effect.runPromise(compare(plot))
    comparisons.push(comparison)
    const svg = Comparison.toSvg(comparison, { title: plot.title, id: plot.name })
    if (existsSync(file) && readFileSync(file, "utf8") === svg) continue
    if (isChecking) stale.push(`docs/guide/plots/${plot.name}.svg`)
    else writeFileSync(file, svg)
  }
  const page = readFileSync(guide, "utf8")
  const withCosts = withTable(page, "costs", costs(comparisons))
  const current = withTable(withCosts, "waiters", await Effect.runPromise(waiters))
  if (plain(current) !== plain(page)) {
    if (isChecking) stale.push("a table in docs/guide/21-choosing-a-strategy.md")
    else {
      writeFileSync(guide, current)
      execFileSync(join(import.meta.dirname, "../node_modules/.bin/oxfmt"), [guide])
    }
  }
  for (const what of stale) console.log(`${what} is stale: run \`node scripts/plots.ts\``)
  console.log(`${plots.length} plots, ${stale.length} stale`)
  if (stale.length > 0) process.exitCode = 1
}

if (import.meta.main) await main(process.argv.includes("--check"))
