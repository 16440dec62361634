// The durations of real CI runs, in the order in which they happened.
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Figures } from "./figures.ts"
import { live } from "./learning.ts"
import type { Subject } from "./subject.ts"

/** Durations in seconds by the kind of job. */
export type Durations = Readonly<Record<string, ReadonlyArray<number>>>

const beside = new URL("../../../../shared/data/ci-durations-seconds.json", import.meta.url)

/** The durations in a file, or undefined if it is not there. */
export const read = (file: string | undefined): Durations | undefined => {
  const path = file ?? fileURLToPath(beside)
  if (!existsSync(path)) {
    console.error(
      `scoreboard: ci is SKIPPED, because ${file ?? "shared/data/ci-durations-seconds.json beside the repository"} is not there (--ci FILE)`
    )
    return undefined
  }
  return parse(JSON.parse(readFileSync(path, "utf8")), path)
}

/** Checks the shape: an object of arrays of non-negative numbers. */
export const parse = (json: unknown, name: string): Durations => {
  const wrong = (what: string): never => {
    throw new TypeError(`${name}: ${what}`)
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return wrong("must be an object")
  const out: Record<string, ReadonlyArray<number>> = {}
  for (const [kind, values] of Object.entries(json)) {
    if (!Array.isArray(values) || values.length === 0) return wrong(`${kind} must be an array of durations`)
    out[kind] = values.map((value) =>
      typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : wrong(`${kind} has ${value}`)
    )
  }
  return Object.keys(out).length === 0 ? wrong("must have a kind of job") : out
}

/** Mean requests and mean lag of all jobs. */
interface Point {
  readonly requests: number
  readonly lag: number
}

/**
 * The requests of the subject from cold, divided by those of fixed intervals and of an exponential backoff at the same
 * mean lag. Each kind of job has a learner of its own, which learns from its own checks.
 */
export const ci = (subject: Subject, durations: Durations, repeats = 3): Effect.Effect<Pick<Figures, "ci">> =>
  Effect.gen(function* () {
    const kinds: Array<ReadonlyArray<number>> = []
    for (let repeat = 0; repeat < repeats; repeat++) kinds.push(...(yield* exactly(durations)))
    // The lag of a fixed interval depends on the fractions of a second, so many are drawn.
    const many: Array<number> = []
    for (let draw = 0; draw < 50; draw++) many.push(...(yield* exactly(durations)).flat())
    const all = kinds.flat()
    const fixed = (interval: number) =>
      pointOf(
        many,
        (t) => Math.ceil(t / interval),
        (k) => k * interval
      )
    const exponential = pointOf(
      many,
      (t) => backoff.findIndex((at) => at >= t),
      (k) => backoff[k]!
    )
    const others = [1, 2, 3, 5, 10].map((interval) => [String(interval), fixed(interval)] as const)
    const needed = [...others.map(([, { lag }]) => lag), exponential.lag]
    const played = (w: number): Effect.Effect<Point> =>
      Effect.gen(function* () {
        let requests = 0
        let lag = 0
        for (const kind of kinds) {
          const learner = yield* subject.make(w)
          for (const seconds of kind) {
            const lived = yield* live(learner, seconds, w)
            requests += lived.requests
            lag += lived.lag
          }
        }
        return { requests: requests / all.length, lag: lag / all.length }
      })
    // Prices from low to high, until the lags of all others lie between them.
    let w = Math.min(...needed) / 10
    const curve = [yield* played(w)]
    while (curve[0]!.lag > Math.min(...needed) && w > 1e-6) curve.unshift(yield* played((w /= 3)))
    w = Math.max(w, Math.min(...needed) / 10)
    while (curve.at(-1)!.lag < Math.max(...needed) && w < 1e6) curve.push(yield* played((w *= 1.3)))
    const vsFixed: Record<string, number> = {}
    for (const [name, point] of others) vsFixed[name] = requestsAt(curve, point.lag) / point.requests
    return { ci: { vsFixed, vsExponential: requestsAt(curve, exponential.lag) / exponential.requests } }
  }).pipe(Random.withSeed("ci"))

// ---- internal ----

/** The data are whole seconds: the jobs have ended somewhere around them. */
const exactly = (durations: Durations): Effect.Effect<ReadonlyArray<ReadonlyArray<number>>> =>
  Effect.forEach(Object.values(durations), (values) =>
    Effect.forEach(values, (value) => Effect.map(Random.next, (u) => Math.max(0.05, value + u - 0.5)))
  )

/** The checks of 1 s x1.5, cap 30. */
const backoff: ReadonlyArray<number> = (() => {
  const times = [0]
  for (let delay = 1, at = 0; at < 1e6; delay = Math.min(30, 1.5 * delay)) times.push((at += delay))
  return times
})()

/** The check with the number `found`, from 0, finds the end. */
const pointOf = (
  all: ReadonlyArray<number>,
  found: (seconds: number) => number,
  at: (check: number) => number
): Point => {
  let requests = 0
  let lag = 0
  for (const seconds of all) {
    const check = found(seconds)
    requests += check + 1
    lag += at(check) - seconds
  }
  return { requests: requests / all.length, lag: lag / all.length }
}

/** The requests at a lag, on a line between logarithms. */
const requestsAt = (curve: ReadonlyArray<Point>, lag: number): number => {
  const sorted = curve.toSorted((a, b) => a.lag - b.lag)
  const above = sorted.findIndex((point) => point.lag >= lag)
  if (above <= 0) return Number.NaN
  const [a, b] = [sorted[above - 1]!, sorted[above]!]
  const share = Math.log(lag / a.lag) / Math.log(b.lag / a.lag)
  return a.requests * (b.requests / a.requests) ** share
}
