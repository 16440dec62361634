/**
 * How long jobs take: probability models of a duration.
 *
 * A model is a distribution. Everything else of this package is computed from it: what a strategy costs, what the best
 * possible schedule costs, and how much is left to gain.
 *
 * **Details**
 *
 * All times of this package are numbers of seconds.
 *
 * @since 0.1.0
 */
import { dual } from "effect/Function"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import { hasProperty } from "effect/Predicate"
import { readColumn } from "./internal/csv.ts"
import { quantileOf } from "./internal/quantile.ts"
import { gammaP, logGamma, normalCdf, normalQuantile, normalSurvival } from "./internal/special.ts"

const TypeId = "~@effect-poll/lab/Model"

/**
 * A distribution of durations. All times are in seconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Model extends Pipeable {
  readonly [TypeId]: unknown
  /** The name in tables and plots. */
  readonly name: string
  /** The mean duration; `Infinity` for a tail that is heavy enough. */
  readonly mean: number
  /** The share of jobs that have ended by the time `t`, at `t` included. */
  readonly cdf: (t: number) => number
  /** The share of jobs that take longer than `t`. */
  readonly survival: (t: number) => number
  /** The shortest duration within which a share `p` of the jobs has ended. */
  readonly quantile: (p: number) => number
  /** The mean duration of the jobs that have ended by the time `t`, times their share. */
  readonly partialMean: (t: number) => number
  /** The only durations that occur, ascending, if there are finitely many. */
  readonly atoms?: ReadonlyArray<number> | undefined
}

/**
 * Tests whether a value is a model.
 *
 * @category guards
 * @since 0.1.0
 */
export const isModel = (u: unknown): u is Model => hasProperty(u, TypeId)

/**
 * Creates a model from its functions. `quantile` is found from `cdf` if it is not given.
 *
 * **Details**
 *
 * The functions must agree with each other; nothing checks that. All times are in seconds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  name: string,
  functions: {
    /** The share of jobs that have ended by the time `t`. */
    readonly cdf: (t: number) => number
    /** The mean duration of the jobs that have ended by the time `t`, times their share. */
    readonly partialMean: (t: number) => number
    /** The mean duration. */
    readonly mean: number
    /** The share of jobs that take longer than `t`; default `1 - cdf(t)`. Give it if it is known more exactly. */
    readonly survival?: ((t: number) => number) | undefined
    /** The duration within which a share `p` of the jobs has ended; default: searched in `cdf`. */
    readonly quantile?: ((p: number) => number) | undefined
    /** The only durations that occur, ascending, if there are finitely many. */
    readonly atoms?: ReadonlyArray<number> | undefined
  }
): Model => {
  const { cdf } = functions
  const survival = functions.survival ?? ((t: number) => 1 - cdf(t))
  return Object.assign(Object.create(Proto) as Pick<Model, typeof TypeId | "pipe">, {
    name,
    mean: functions.mean,
    cdf,
    survival,
    quantile: functions.quantile ?? quantileOf(cdf, survival),
    partialMean: functions.partialMean,
    atoms: functions.atoms
  })
}

/**
 * All jobs take the same time.
 *
 * @category constructors
 * @since 0.1.0
 */
export const deterministic = (seconds: number): Model =>
  empirical([positive("Model.deterministic: seconds", seconds)], { name: "deterministic" })

/**
 * Jobs that end at a constant rate: how long one has run says nothing about when it ends.
 *
 * **Example** (Half of the jobs end within 45 seconds)
 *
 * ```ts
 * import * as Model from "@effect-poll/lab/Model"
 *
 * const model = Model.exponential({ median: 45 })
 * model.cdf(45) // => 0.5
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const exponential = (options: {
  /** The median in seconds; a positive finite number. */
  readonly median: number
}): Model => {
  const median = positive("Model.exponential: median", options.median)
  const mean = median / Math.LN2
  const survival = (t: number) => (t <= 0 ? 1 : Math.exp(-t / mean))
  return make("exponential", {
    mean,
    survival,
    cdf: (t) => (t <= 0 ? 0 : t === median ? 0.5 : -Math.expm1(-t / mean)),
    quantile: (p) => -mean * Math.log1p(-p),
    partialMean: (t) => (t <= 0 ? 0 : t === Number.POSITIVE_INFINITY ? mean : mean - (t + mean) * survival(t))
  })
}

/**
 * Durations whose logarithm is normally distributed: the usual shape of work that is a product of many factors.
 *
 * @category constructors
 * @since 0.1.0
 */
export const lognormal = (options: {
  /** The median in seconds; a positive finite number. */
  readonly median: number
  /** The standard deviation of the logarithm; a positive finite number. */
  readonly sigma: number
}): Model => {
  const median = positive("Model.lognormal: median", options.median)
  const sigma = positive("Model.lognormal: sigma", options.sigma)
  const mean = median * Math.exp((sigma * sigma) / 2)
  const z = (t: number) => (t <= 0 ? Number.NEGATIVE_INFINITY : Math.log(t / median) / sigma)
  return make(`lognormal s=${sigma}`, {
    mean,
    cdf: (t) => normalCdf(z(t)),
    survival: (t) => normalSurvival(z(t)),
    quantile: (p) => (p <= 0 ? 0 : median * Math.exp(sigma * normalQuantile(p))),
    partialMean: (t) => mean * normalCdf(z(t) - sigma)
  })
}

/**
 * Jobs that end at a rate that falls (`shape` < 1) or rises (`shape` > 1) the longer they run.
 *
 * @category constructors
 * @since 0.1.0
 */
export const weibull = (options: {
  /** The median in seconds; a positive finite number. */
  readonly median: number
  /** The shape k; a positive finite number. */
  readonly shape: number
}): Model => {
  const median = positive("Model.weibull: median", options.median)
  const shape = positive("Model.weibull: shape", options.shape)
  const scale = median / Math.pow(Math.LN2, 1 / shape)
  const a = 1 + 1 / shape
  const mean = scale * Math.exp(logGamma(a))
  const x = (t: number) => (t <= 0 ? 0 : Math.pow(t / scale, shape))
  return make(`weibull k=${shape}`, {
    mean,
    cdf: (t) => -Math.expm1(-x(t)),
    survival: (t) => Math.exp(-x(t)),
    quantile: (p) => scale * Math.pow(-Math.log1p(-p), 1 / shape),
    partialMean: (t) => mean * gammaP(a, x(t))
  })
}

/**
 * Durations with a heavy tail: the longer a job has run, the longer it is going to run.
 *
 * @category constructors
 * @since 0.1.0
 */
export const pareto = (options: {
  /** The median in seconds; a positive finite number. */
  readonly median: number
  /** The exponent of the tail; a positive finite number. At most 1 has no mean. */
  readonly alpha: number
}): Model => {
  const median = positive("Model.pareto: median", options.median)
  const alpha = positive("Model.pareto: alpha", options.alpha)
  const least = median * Math.pow(2, -1 / alpha)
  const survival = (t: number) => (t <= least ? 1 : Math.pow(least / t, alpha))
  return make(`pareto a=${alpha}`, {
    mean: alpha <= 1 ? Number.POSITIVE_INFINITY : (alpha * least) / (alpha - 1),
    survival,
    cdf: (t) => 1 - survival(t),
    quantile: (p) => least * Math.pow(1 - p, -1 / alpha),
    partialMean: (t) => {
      if (t <= least) return 0
      if (alpha === 1) return least * Math.log(t / least)
      return ((alpha * least) / (alpha - 1)) * (1 - Math.pow(least / t, alpha - 1))
    }
  })
}

/**
 * Two kinds of jobs in one: a share of the jobs is fast, the others are slow.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bimodal = (options: {
  /** The durations of the fast jobs. */
  readonly fast: Model
  /** The durations of the slow jobs. */
  readonly slow: Model
  /** The share of fast jobs; a number > 0 and < 1. */
  readonly share: number
}): Model => {
  const { share } = options
  if (!(share > 0 && share < 1)) throw new RangeError(`Model.bimodal: share must be > 0 and < 1, got ${share}`)
  return mixture("bimodal", [
    [share, options.fast],
    [1 - share, options.slow]
  ])
}

/**
 * Jobs of several kinds, each with its weight.
 *
 * **Details**
 *
 * Throws a RangeError without parts, and for a weight that is not a positive finite number.
 *
 * @category constructors
 * @since 0.1.0
 */
export const mixture = (name: string, parts: ReadonlyArray<readonly [weight: number, model: Model]>): Model => {
  if (parts.length === 0) throw new RangeError("Model.mixture: there must be at least one part")
  let sum = 0
  for (const [weight] of parts) sum += positive("Model.mixture: weight", weight)
  const sumOf = (f: (model: Model) => number): number => {
    let total = 0
    for (const [weight, model] of parts) total += (weight / sum) * f(model)
    return total
  }
  const discrete = parts.every(([, model]) => model.atoms !== undefined)
  return make(name, {
    mean: sumOf((model) => model.mean),
    cdf: (t) => sumOf((model) => model.cdf(t)),
    survival: (t) => sumOf((model) => model.survival(t)),
    partialMean: (t) => sumOf((model) => model.partialMean(t)),
    atoms: discrete ? distinct(parts.flatMap(([, model]) => model.atoms!)) : undefined
  })
}

/**
 * The durations that have been measured, each as likely as the others.
 *
 * **Details**
 *
 * Throws a RangeError without values, and for one that is not a non-negative finite number.
 *
 * **Example** (Using the durations of four jobs)
 *
 * ```ts
 * import * as Model from "@effect-poll/lab/Model"
 *
 * const model = Model.empirical([12, 14, 15, 60])
 * model.quantile(0.75) // => 15
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const empirical = (
  values: ReadonlyArray<number>,
  options?: {
    /** The name in tables and plots; default `"empirical"`. */
    readonly name?: string | undefined
  }
): Model => {
  if (values.length === 0) throw new RangeError("Model.empirical: there must be at least one value")
  for (const value of values) {
    if (!(value >= 0 && Number.isFinite(value))) {
      throw new RangeError(`Model.empirical: values must be non-negative finite numbers, got ${value}`)
    }
  }
  const sorted = Float64Array.from(values).toSorted()
  const sums = new Float64Array(sorted.length + 1)
  for (let i = 0; i < sorted.length; i++) sums[i + 1] = sums[i]! + sorted[i]!
  const count = (t: number): number => {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sorted[middle]! <= t) low = middle + 1
      else high = middle
    }
    return low
  }
  const n = sorted.length
  return make(options?.name ?? "empirical", {
    mean: sums[n]! / n,
    cdf: (t) => count(t) / n,
    survival: (t) => (n - count(t)) / n,
    // A share that is just above k / n by rounding is meant to be k / n.
    quantile: (p) => sorted[Math.min(n - 1, Math.max(0, Math.ceil(p * n - 1e-9) - 1))]!,
    partialMean: (t) => sums[count(t)]! / n,
    atoms: distinct([...sorted])
  })
}

/**
 * The durations in a column of a CSV text, in seconds. The first line may be a header.
 *
 * **Details**
 *
 * Without `column` the first column that holds numbers is read. Empty cells are skipped. Throws a RangeError if there
 * is no such column, or for a cell that is not a non-negative number.
 *
 * **Example** (Reading a column)
 *
 * ```ts
 * import * as Model from "@effect-poll/lab/Model"
 *
 * const model = Model.fromCsv("job,seconds\na,12\nb,18", { column: "seconds" })
 * model.mean // => 15
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromCsv = (
  text: string,
  options?: {
    /** The header of the column. */
    readonly column?: string | undefined
    /** The name in tables and plots; default `"empirical"`. */
    readonly name?: string | undefined
  }
): Model => empirical(readColumn(text, options?.column), { name: options?.name })

/**
 * Adds a time that every job takes at least.
 *
 * @category combinators
 * @since 0.1.0
 */
export const shifted: {
  /** Adds `seconds`, a non-negative finite number, to all durations. */
  (seconds: number): (self: Model) => Model
  /** Adds `seconds`, a non-negative finite number, to all durations. */
  (self: Model, seconds: number): Model
} = /*#__PURE__*/ dual(2, (self: Model, seconds: number) => {
  const by = nonNegative("Model.shifted: seconds", seconds)
  return make("shifted", {
    mean: self.mean + by,
    cdf: (t) => self.cdf(t - by),
    survival: (t) => self.survival(t - by),
    quantile: (p) => self.quantile(p) + by,
    partialMean: (t) => self.partialMean(t - by) + by * self.cdf(t - by),
    atoms: self.atoms?.map((atom) => atom + by)
  })
})

/**
 * Multiplies all durations. Use it for a server that has become slower or faster.
 *
 * @category combinators
 * @since 0.1.0
 */
export const scaled: {
  /** Multiplies all durations by `factor`, a positive finite number. */
  (factor: number): (self: Model) => Model
  /** Multiplies all durations by `factor`, a positive finite number. */
  (self: Model, factor: number): Model
} = /*#__PURE__*/ dual(2, (self: Model, factor: number) => {
  positive("Model.scaled: factor", factor)
  return make(self.name, {
    mean: self.mean * factor,
    cdf: (t) => self.cdf(t / factor),
    survival: (t) => self.survival(t / factor),
    quantile: (p) => self.quantile(p) * factor,
    partialMean: (t) => self.partialMean(t / factor) * factor,
    atoms: self.atoms?.map((atom) => atom * factor)
  })
})

/**
 * Leaves out the longest jobs: the durations above the quantile `p`, default 0.9995. Without a longest duration, the
 * cost of checking has no end.
 *
 * @category combinators
 * @since 0.1.0
 */
export const truncated = (self: Model, p = 0.9995): Model => {
  if (!(p > 0 && p <= 1)) throw new RangeError(`Model.truncated: p must be > 0 and <= 1, got ${p}`)
  const longest = self.quantile(p)
  const share = self.cdf(longest)
  const mean = self.partialMean(longest) / share
  return make(self.name, {
    mean,
    cdf: (t) => (t >= longest ? 1 : self.cdf(t) / share),
    survival: (t) => (t >= longest ? 0 : Math.max(0, (self.survival(t) - (1 - share)) / share)),
    quantile: (q) => Math.min(longest, self.quantile(q * share)),
    partialMean: (t) => (t >= longest ? mean : self.partialMean(t) / share),
    atoms: self.atoms?.filter((atom) => atom <= longest)
  })
}

/**
 * Gives a model another name.
 *
 * @category combinators
 * @since 0.1.0
 */
export const named: {
  /** Gives a model another name. */
  (name: string): (self: Model) => Model
  /** Gives a model another name. */
  (self: Model, name: string): Model
} = /*#__PURE__*/ dual(2, (self: Model, name: string) => make(name, self))

// ---- internal ----

const Proto = {
  [TypeId]: TypeId,
  pipe() {
    return pipeArguments(this, arguments)
  },
  toJSON(this: Model) {
    return { _id: "Model", name: this.name, mean: this.mean }
  }
}

const positive = (option: string, value: number): number => {
  if (value > 0 && Number.isFinite(value)) return value
  throw new RangeError(`${option} must be a positive finite number, got ${value}`)
}

const nonNegative = (option: string, value: number): number => {
  if (value >= 0 && Number.isFinite(value)) return value
  throw new RangeError(`${option} must be a non-negative finite number, got ${value}`)
}

const distinct = (values: ReadonlyArray<number>): ReadonlyArray<number> =>
  [...new Set(values)].toSorted((a, b) => a - b)
