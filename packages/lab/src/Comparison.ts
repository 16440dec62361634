/**
 * Strategies side by side (see `Lab.compare`): as a table, as JSON, and as a plot of requests against lag.
 *
 * @since 0.1.0
 */
import { plot } from "./internal/plot.ts"
import { textTable } from "./internal/table.ts"
import { amount, duration } from "./internal/words.ts"
import type { Cost } from "./Simulation.ts"

/**
 * What families of strategies cost for one model.
 *
 * @category models
 * @since 0.1.0
 */
export interface Comparison {
  /** The name of the model. */
  readonly model: string
  /** The seconds of lag that are worth one request. */
  readonly w: number
  /** The least cost that any schedule can have at `w`. */
  readonly best: number
  /** The best possible schedules for prices of lag from low to high. */
  readonly optimum: ReadonlyArray<Cost>
  /** The families that were compared. */
  readonly families: ReadonlyArray<Family>
}

/**
 * The strategies of one kind.
 *
 * @category models
 * @since 0.1.0
 */
export interface Family {
  /** The name in the table and the plot. */
  readonly name: string
  /** Whether it is marked in the plot. */
  readonly isYours: boolean
  /** The cost of each strategy. */
  readonly points: ReadonlyArray<Cost>
}

/**
 * Writes a comparison as a table in plain text: for each family the strategy with the least cost.
 *
 * @category destructors
 * @since 0.1.0
 */
export const toText = (self: Comparison): string => {
  const row = (name: string, { cost, lag, missed, requests }: Cost) => [
    name,
    amount(requests),
    duration(lag),
    amount(cost),
    `${(cost / self.best).toFixed(2)}x`,
    missed === 0 ? "" : `${(100 * missed).toFixed(1)} %`
  ]
  return textTable(
    [`${self.model}, w = ${duration(self.w)}`, "requests", "lag", "cost", "of the best", "missed"],
    [
      row("best possible", cheapest(self.optimum)),
      ...self.families.map(({ name, points }) => row(name, cheapest(points)))
    ]
  )
}

/**
 * Writes a comparison as JSON, with all points.
 *
 * @category destructors
 * @since 0.1.0
 */
export const toJson = (self: Comparison): string => JSON.stringify(self)

/**
 * Draws a comparison as SVG: the mean requests of a wait against its mean lag, both on logarithmic scales. Less is
 * better on both.
 *
 * **Details**
 *
 * Each family is a curve with its name at its end, or a mark if it has one strategy. The plot has a title and a
 * description with the figures for people who do not see it, and follows the light or dark mode of the reader.
 *
 * @category destructors
 * @since 0.1.0
 */
export const toSvg = (
  self: Comparison,
  options?: {
    /** The title; default: the name of the model. */
    readonly title?: string | undefined
    /** The width in pixels; a number >= 320, default 760. */
    readonly width?: number | undefined
    /** The height in pixels; a number >= 240, default 480. */
    readonly height?: number | undefined
    /** Makes the ids of the elements unique in a page with several plots; default `"plot"`. */
    readonly id?: string | undefined
  }
): string => {
  const { height = 480, id = "plot", title = `Requests and lag: ${self.model}`, width = 760 } = options ?? {}
  if (!(width >= 320)) throw new RangeError(`Comparison.toSvg: width must be a number >= 320, got ${width}`)
  if (!(height >= 240)) throw new RangeError(`Comparison.toSvg: height must be a number >= 240, got ${height}`)
  return plot(self, { title, width, height, id })
}

// ---- internal ----

const cheapest = (points: ReadonlyArray<Cost>): Cost =>
  points.reduce((best, point) => (point.missed <= best.missed && point.cost < best.cost ? point : best))
