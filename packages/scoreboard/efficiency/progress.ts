// Jobs that report progress: true progress saves, and progress that is noise must not cost.
import * as Grid from "@effect-poll/lab/Grid"
import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Figures } from "./figures.ts"
import { geometricMean } from "./grid.ts"
import type { Subject } from "./subject.ts"

type Progress = (elapsed: number, seconds: number, random: () => number, mean: number) => number | undefined

/** The kinds of progress that servers report. */
export const kinds: Readonly<Record<string, Progress>> = {
  none: () => undefined,
  even: (t, seconds) => t / seconds,
  "slow end": (t, seconds) => (t < seconds / 2 ? (1.98 * t) / seconds : 0.99),
  "fast end": (t, seconds) => (t / seconds) ** 3,
  "in tenths": (t, seconds) => Math.floor((10 * t) / seconds) / 10,
  rough: (t, seconds, random) => Math.min(1, (t / seconds) * (0.7 + 0.6 * random())),
  "by the clock": (t, _seconds, _random, mean) => 1 - Math.exp(-t / mean),
  "stuck at a half": (t) => (t > 0 ? 0.5 : 0),
  noise: (_t, _seconds, random) => random()
}

/** `progressWorst`, and the ratio for each kind of progress. */
export const progress = (
  subject: Subject,
  jobs: { readonly learned: number; readonly judged: number },
  medians: ReadonlyArray<number> = [45, 300]
): Effect.Effect<Pick<Figures, "byProgress" | "progressWorst">> =>
  Effect.gen(function* () {
    const cells = Grid.cells({ medians, weights: [2] }).map(({ model, w }) => ({
      model,
      w,
      best: Lab.optimum(model, w)
    }))
    const byKind: Record<string, number> = {}
    for (const [name, report] of Object.entries(kinds)) {
      const ratios: Array<number> = []
      for (const { best, model, w } of cells) {
        const learner = yield* subject.make(w)
        let cost = 0
        let least = 0
        for (let job = 1; job <= jobs.learned + jobs.judged; job++) {
          const seconds = model.quantile(yield* Random.next)
          const seen: Array<readonly [elapsed: number, progress: number]> = []
          const lived = yield* Lab.simulate(yield* learner.strategy, () => Model.deterministic(seconds), {
            w,
            jobs: 1,
            progress: (elapsed, _, random) => {
              const at = report(elapsed, seconds, random, model.mean)
              if (at !== undefined) seen.push([elapsed, at])
              return at
            },
            onEnd: () => learner.observe({ after: seconds, until: seconds, progress: seen })
          })
          if (job <= jobs.learned) continue
          cost += lived.cost
          // The best schedule meets the same jobs, so that luck counts for both.
          const found = best.checks.findIndex((t) => t >= seconds)
          least += found + 1 + (best.checks[found]! - seconds) / w
        }
        ratios.push(cost / least)
      }
      byKind[name] = geometricMean(ratios)
    }
    return { progressWorst: Math.max(...Object.values(byKind)), byProgress: byKind }
  }).pipe(Random.withSeed("progress"))
