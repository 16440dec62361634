/**
 * The grid of models on which strategies are compared: ten kinds of distributions, four medians, three weights.
 *
 * **Details**
 *
 * Each model is truncated at its 0.9995 quantile. The two extra kinds are too special for a mean over all of them.
 *
 * @since 0.1.0
 */
import * as Model from "./Model.ts"

/**
 * A model and a weight: one case of a comparison.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cell {
  readonly model: Model.Model
  /** The median of the model before it was truncated, in seconds. */
  readonly median: number
  /** The seconds of lag that are worth one request. */
  readonly w: number
}

/**
 * The medians of the grid, in seconds.
 *
 * @category constants
 * @since 0.1.0
 */
export const medians: ReadonlyArray<number> = [3, 45, 300, 1_800]

/**
 * The weights of the grid: how many seconds of lag one request is worth.
 *
 * @category constants
 * @since 0.1.0
 */
export const weights: ReadonlyArray<number> = [0.5, 2, 10]

/**
 * The ten kinds of models by name, each as a function of the median in seconds. They are not truncated.
 *
 * @category constants
 * @since 0.1.0
 */
export const models: Readonly<Record<string, (median: number) => Model.Model>> = {
  "lognormal s=0.25": (median) => Model.lognormal({ median, sigma: 0.25 }),
  "lognormal s=0.5": (median) => Model.lognormal({ median, sigma: 0.5 }),
  "lognormal s=1": (median) => Model.lognormal({ median, sigma: 1 }),
  "lognormal s=1.5": (median) => Model.lognormal({ median, sigma: 1.5 }),
  exponential: (median) => Model.exponential({ median }),
  "weibull k=0.6": (median) => Model.weibull({ median, shape: 0.6 }),
  "weibull k=2": (median) => Model.weibull({ median, shape: 2 }),
  bimodal: (median) =>
    Model.bimodal({
      fast: Model.lognormal({ median: 0.5 * median, sigma: 0.2 }),
      slow: Model.lognormal({ median: 5 * median, sigma: 0.25 }),
      share: 0.6
    }),
  shifted: (median) => Model.shifted(Model.lognormal({ median: 0.4 * median, sigma: 0.8 }), 0.6 * median),
  "pareto a=1.5": (median) => Model.pareto({ median, alpha: 1.5 })
}

/**
 * Two more kinds of models, which do not count in a mean over the grid.
 *
 * @category constants
 * @since 0.1.0
 */
export const extras: Readonly<Record<string, (median: number) => Model.Model>> = {
  deterministic: (median) => Model.deterministic(median),
  "pareto a=1": (median) => Model.pareto({ median, alpha: 1 })
}

/**
 * The 120 cells of the grid, or those of other models, medians and weights.
 *
 * **Example** (Counting the cells)
 *
 * ```ts
 * import * as Grid from "@effect-poll/lab/Grid"
 *
 * Grid.cells().length // => 120
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const cells = (options?: {
  /** The kinds of models; default `models`. */
  readonly models?: Readonly<Record<string, (median: number) => Model.Model>> | undefined
  /** The medians in seconds; default `medians`. */
  readonly medians?: ReadonlyArray<number> | undefined
  /** The weights in seconds of lag; default `weights`. */
  readonly weights?: ReadonlyArray<number> | undefined
}): ReadonlyArray<Cell> =>
  Object.entries(options?.models ?? models).flatMap(([name, kind]) =>
    (options?.medians ?? medians).flatMap((median) => {
      // One model for all weights.
      const model = Model.named(Model.truncated(kind(median)), name)
      return (options?.weights ?? weights).map((w) => ({ model, median, w }))
    })
  )
