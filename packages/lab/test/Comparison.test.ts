import * as Comparison from "@effect-poll/lab/Comparison"
import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Strategy from "effect-poll/Strategy"

// Computing takes a while where other tests run beside.
vi.setConfig({ testTimeout: 60_000 })

const model = Model.truncated(Model.lognormal({ median: 45, sigma: 0.5 }))

const families = [
  { name: "fixed <interval>", strategies: [2, 5, 10].map((seconds) => Strategy.spaced(`${seconds} seconds`)) },
  { name: "ends", strategies: [Strategy.maxAttempts(Strategy.spaced("2 seconds"), 3)] },
  {
    name: "yours",
    strategies: [Strategy.jittered(Strategy.spaced("5 seconds"), { atLeast: "4 seconds" })],
    isYours: true
  }
]

const comparison = Lab.compare(model, families, { w: 2 })

describe("Comparison", () => {
  it.effect("compare - adds the best possible schedules, which are below all others", () =>
    Effect.gen(function* () {
      const { best, optimum, families: all } = yield* comparison
      assert.strictEqual(best, Lab.optimum(model, 2).cost)
      for (const { name, points } of all) {
        for (const { cost, lag, missed, requests } of points) {
          if (missed > 0) continue
          assert.isTrue(cost > best, name)
          // Some schedule among the best has less of both.
          assert.isTrue(
            optimum.some((one) => one.lag < lag && one.requests < requests),
            `${name} ${lag} ${requests}`
          )
        }
      }
    })
  )

  it.effect("toText - has the best strategy of each family", () =>
    Effect.gen(function* () {
      const lines = Comparison.toText(yield* comparison).split("\n")
      assert.strictEqual(lines.length, 5)
      assert.match(lines[0]!, /^lognormal s=0.5, w = 2 s +requests +lag +cost +of the best +missed$/)
      assert.match(lines[1]!, /^best possible .* 1\.00x$/)
      assert.match(lines[2]!, /^fixed <interval> .* 1\.4\dx$/)
      assert.match(lines[3]!, /^ends .* 100\.0 %$/)
    })
  )

  it.effect("toJson - has all points", () =>
    Effect.gen(function* () {
      const one = yield* comparison
      assert.deepStrictEqual(JSON.parse(Comparison.toJson(one)), one)
    })
  )

  it.effect("toSvg - is well-formed, and says what it shows to those who do not see it", () =>
    Effect.gen(function* () {
      const one = yield* comparison
      const svg = Comparison.toSvg(one, { id: "p1", title: "Fixed & others" })
      assert.isTrue(
        svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="p1-title p1-desc"')
      )
      assert.include(svg, '<title id="p1-title">Fixed &amp; others</title>')
      assert.match(
        svg,
        /<desc id="p1-desc">Mean requests against mean lag for lognormal s=0\.5, .* fixed &lt;interval&gt;: [\d.]+ requests at a lag of [\d.]+ s; ends: not shown/
      )
      assert.include(svg, "prefers-color-scheme:dark")
      assert.match(svg, /class="t1 yours"[^>]*>yours<\/text>/)
      assert.notInclude(svg, "NaN")
      // Each element is closed.
      const open: Array<string> = []
      for (const [, close, name, self] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
        if (close === "/") assert.strictEqual(open.pop(), name)
        else if (self === "") open.push(name!)
      }
      assert.deepStrictEqual(open, [])
      assert.strictEqual(Comparison.toSvg(yield* comparison), Comparison.toSvg(one))
    })
  )

  it.effect("toSvg - draws a single family with one point", () =>
    Effect.gen(function* () {
      const svg = Comparison.toSvg(yield* Lab.compare(model, [{ name: "one", strategies: [Strategy.spaced(5_000)] }]))
      assert.notInclude(svg, "NaN")
      assert.notInclude(svg, "Infinity")
    })
  )

  it.effect("invalid options - throw a RangeError that names them", () =>
    Effect.gen(function* () {
      const one = yield* comparison
      assert.throws(() => Comparison.toSvg(one, { width: 10 }), RangeError, "Comparison.toSvg: width")
      assert.throws(() => Comparison.toSvg(one, { height: 10 }), RangeError, "Comparison.toSvg: height")
      assert.throws(() => Lab.compare(model, [], { w: 0 }), RangeError, "Lab.compare: w")
      assert.throws(() => Lab.compare(model, [], { paths: 0.5 }), RangeError, "Lab.compare: paths")
    })
  )
})
