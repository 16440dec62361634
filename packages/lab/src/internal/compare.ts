import * as Effect from "effect/Effect"
import type { Comparison, Family } from "../Comparison.ts"
import type { Model } from "../Model.ts"
import { optimumOf } from "./optimum.ts"
import { simulated } from "./simulate.ts"
import type { AnySchedule } from "./walk.ts"

/** Public as `Lab.compare`. */
export const compared = <R>(
  model: Model,
  families: ReadonlyArray<{
    readonly name: string
    readonly strategies: ReadonlyArray<AnySchedule<R>>
    readonly isYours?: boolean | undefined
  }>,
  options: { readonly w: number; readonly jobs: number; readonly seed: string | number }
): Effect.Effect<Comparison, never, R> =>
  Effect.gen(function* () {
    const { w } = options
    const out: Array<Family> = []
    let [least, most] = [w, w]
    for (const { isYours = false, name, strategies } of families) {
      const points = yield* Effect.forEach(strategies, (strategy) =>
        Effect.map(simulated<R, never>(strategy, model, options), ({ cost, lag, missed, requests }) => {
          // The price for which a fixed interval would be chosen: it spans the best schedules that are comparable.
          if (lag > 0 && missed === 0) {
            const price = lag / Math.max(1, requests)
            least = Math.min(least, price)
            most = Math.max(most, price)
          }
          return { cost, lag, missed, requests }
        })
      )
      out.push({ name, isYours, points })
    }
    const steps = 24
    const prices = Array.from({ length: steps + 1 }, (_, i) => (least / 2) * Math.pow((4 * most) / least, i / steps))
    const optimum = [...prices, w]
      .toSorted((a, b) => a - b)
      .map((price) => {
        const { lag, requests } = optimumOf(model, price)
        return { cost: requests + lag / w, lag, missed: 0, requests }
      })
    return { model: model.name, w, best: optimumOf(model, w).cost, optimum, families: out }
  })
