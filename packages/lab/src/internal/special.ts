// Special functions of statistics, in double precision.

/** The distribution function of the standard normal distribution (Hart's approximation, as given by West, 2005). */
export const normalCdf = (x: number): number => {
  const tail = upperTail(Math.abs(x))
  return x > 0 ? 1 - tail : tail
}

/** 1 - `normalCdf(x)`, exact for large `x` too. */
export const normalSurvival = (x: number): number => normalCdf(-x)

/** The quantile function of the standard normal distribution (Acklam's approximation, with one step of Halley's method). */
export const normalQuantile = (p: number): number => {
  if (!(p > 0)) return Number.NEGATIVE_INFINITY
  if (!(p < 1)) return Number.POSITIVE_INFINITY
  // In the upper half, 1 - p is exact.
  if (p > 0.5) return -normalQuantile(1 - p)
  const x = acklam(p)
  const error = (normalCdf(x) - p) * Math.sqrt(2 * Math.PI) * Math.exp((x * x) / 2)
  return x - error / (1 + (x * error) / 2)
}

/** The regularized lower incomplete gamma function. */
export const gammaP = (a: number, x: number): number => {
  if (!(x > 0)) return 0
  if (x === Number.POSITIVE_INFINITY) return 1
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a))
  return x < a + 1 ? scale * series(a, x) : 1 - scale * fraction(a, x)
}

/** The logarithm of the gamma function, for positive numbers (Lanczos). */
export const logGamma = (x: number): number => {
  let sum = 0.99999999999980993
  for (let i = 0; i < lanczos.length; i++) sum += lanczos[i]! / (x + i)
  const t = x + lanczos.length - 1.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

// ---- internal ----

const upperTail = (x: number): number => {
  if (x > 37) return 0
  const e = Math.exp((-x * x) / 2)
  if (x >= 7.07106781186547) return e / (x + 1 / (x + 2 / (x + 3 / (x + 4 / (x + 0.65))))) / 2.506628274631
  let top = 0.0352624965998911 * x + 0.700383064443688
  top = top * x + 6.37396220353165
  top = top * x + 33.912866078383
  top = top * x + 112.079291497871
  top = top * x + 221.213596169931
  top = top * x + 220.206867912376
  let bottom = 0.0883883476483184 * x + 1.75566716318264
  bottom = bottom * x + 16.064177579207
  bottom = bottom * x + 86.7807322029461
  bottom = bottom * x + 296.564248779674
  bottom = bottom * x + 637.333633378831
  bottom = bottom * x + 793.826512519948
  bottom = bottom * x + 440.413735824752
  return (e * top) / bottom
}

const acklam = (p: number): number => {
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p))
    return (
      (((((-7.784894002430293e-3 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) * q +
        4.374664141464968) *
        q +
        2.938163982698783) /
      ((((7.784695709041462e-3 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1)
    )
  }
  const q = p - 0.5
  const r = q * q
  return (
    ((((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r -
      30.66479806614716) *
      r +
      2.506628277459239) *
      q) /
    (((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r -
      13.28068155288572) *
      r +
      1)
  )
}

const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7
]

const series = (a: number, x: number): number => {
  let term = 1 / a
  let sum = term
  for (let n = a + 1; term > sum * 1e-16; n++) {
    term *= x / n
    sum += term
  }
  return sum
}

/** Lentz's method. */
const fraction = (a: number, x: number): number => {
  let b = x + 1 - a
  let c = 1e300
  let d = 1 / b
  let h = d
  for (let i = 1; i < 10_000; i++) {
    const an = -i * (i - a)
    b += 2
    d = 1 / (an * d + b)
    c = b + an / c
    const delta = c * d
    h *= delta
    if (Math.abs(delta - 1) < 1e-15) break
  }
  return h
}
