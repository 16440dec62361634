import { scaleLog } from "d3-scale"
import { line, symbol, symbolDiamond, symbols } from "d3-shape"
import type { Cost } from "../Simulation.ts"
import { amount, duration } from "./words.ts"

// A plot of requests against lag.

/** Public as `Comparison.Comparison`, as far as it is drawn. */
interface Drawn {
  readonly model: string
  readonly optimum: ReadonlyArray<Cost>
  readonly families: ReadonlyArray<{
    readonly name: string
    readonly isYours: boolean
    readonly points: ReadonlyArray<Cost>
  }>
}

interface Size {
  readonly title: string
  readonly width: number
  readonly height: number
  readonly id: string
}

/** Draws a comparison as SVG. */
export const plot = (self: Drawn, { height, id, title, width }: Size): string => {
  const family = (name: string, points: ReadonlyArray<Cost>, isYours: boolean, isBest: boolean) => ({
    name,
    points: points.filter(isShown),
    isYours,
    isBest
  })
  const families = [
    family("best possible", self.optimum, false, true),
    ...self.families.map(({ isYours, name, points }) => family(name, points, isYours, false))
  ]
  const shown = families.filter(({ points }) => points.length > 0)
  const given = shown.filter(({ isBest }) => !isBest).flatMap(({ points }) => points)
  const all = given.length > 0 ? given : shown.flatMap(({ points }) => points)
  const lags = extent(all.map(({ lag }) => lag))
  const best = shown.find(({ isBest }) => isBest)?.points.filter(({ lag }) => lag >= lags[0] && lag <= lags[1]) ?? []
  const counts = extent([...all, ...best].map(({ requests }) => requests))
  const x = scaleLog([lags[0] / 1.2, lags[1] * 1.2], [margin.left, width - margin.right])
  const y = scaleLog([Math.max(0.9, counts[0] / 1.2), counts[1] * 1.2], [height - margin.bottom, margin.top])
  const path = line<Cost>(
    ({ lag }) => round(x(lag)),
    ({ requests }) => round(y(requests))
  )
  const labels = shown.map(({ isBest, isYours, name, points: known }, index) => {
    const points = isBest ? best : known
    const last = points.reduce((far, point) => (point.lag > far.lag ? point : far), points[0] ?? known[0]!)
    const colour = isBest ? 0 : isYours ? 1 : 2 + ((index - 1) % (colours.length - 2))
    return { name, isBest, isYours, points, index, colour, x: x(last.lag), y: y(last.requests) }
  })
  const texts = spread(
    labels.map((label) => label.y),
    margin.top + 8,
    height - margin.bottom
  )
  const marks = labels.map(({ colour, index, isBest, isYours, points }) => {
    const style = `s${colour}`
    if (points.length > 1 && !isYours) {
      const dash = isBest ? "" : ` stroke-dasharray="${dashes[index % dashes.length]}"`
      return `<path class="${style}" fill="none" stroke-width="${isBest ? 3 : 2}"${dash} d="${path(points) ?? ""}"/>`
    }
    const shape = symbol(isYours ? symbolDiamond : symbols[index % symbols.length], isYours ? 160 : 70)() ?? ""
    const joined =
      points.length > 1 ? `<path class="${style}" fill="none" stroke-width="3" d="${path(points) ?? ""}"/>` : ""
    const each = points.map(
      ({ lag, requests }) =>
        `<path class="${style} mark" transform="translate(${round(x(lag))},${round(y(requests))})" d="${short(shape)}"/>`
    )
    return joined + each.join("")
  })
  const right = width - margin.right + 12
  const words = labels.map(
    ({ colour, index, isYours, name, x: fromX, y: fromY }) =>
      `<path class="leader" d="M${round(fromX + 5)},${round(fromY)}L${right - 3},${round(texts[index]!)}"/>` +
      `<text class="t${colour}${isYours ? " yours" : ""}" x="${right}" y="${round(texts[index]! + 4)}">${escape(name)}</text>`
  )
  const grid = [
    ...apart(timeTicks(x.domain()), x).map((tick) => {
      const at = round(x(tick))
      return `<path class="grid" d="M${at},${margin.top}V${height - margin.bottom}"/><text text-anchor="middle" x="${at}" y="${height - margin.bottom + 18}">${duration(tick)}</text>`
    }),
    ...ticks(y.domain()).map((tick) => {
      const at = round(y(tick))
      return `<path class="grid" d="M${margin.left},${at}H${width - margin.right}"/><text text-anchor="end" x="${margin.left - 8}" y="${at + 4}">${amount(tick)}</text>`
    })
  ]
  const middle = (margin.left + width - margin.right) / 2
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="${escape(id)}-title ${escape(id)}-desc" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title id="${escape(id)}-title">${escape(title)}</title>`,
    `<desc id="${escape(id)}-desc">${escape(described(self, lags))}</desc>`,
    `<style>${styles}</style>`,
    `<g class="plot" aria-hidden="true">`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="${margin.left}" y="22">${escape(title)}</text>`,
    ...grid,
    `<text text-anchor="middle" x="${middle}" y="${height - 10}">mean lag of a wait (less is better)</text>`,
    `<text text-anchor="middle" transform="translate(16,${round((margin.top + height - margin.bottom) / 2)}) rotate(-90)">mean requests of a wait (less is better)</text>`,
    ...words,
    ...marks,
    "</g>",
    "</svg>",
    ""
  ].join("\n")
}

// ---- internal ----

const margin = { top: 38, right: 190, bottom: 52, left: 64 }

// The colours of Okabe and Ito, which people who are colour-blind can tell apart, in a darker and a lighter shade each.
const colours: ReadonlyArray<readonly [light: string, dark: string]> = [
  // The best possible.
  ["#1a1a1a", "#f2f2f2"],
  // Yours.
  ["#c4003c", "#ff7b93"],
  ["#0064a6", "#56b4e9"],
  ["#b34a00", "#ff9a4d"],
  ["#00795a", "#2fd0a4"],
  ["#a8437e", "#e39ac6"],
  ["#7a6000", "#f0d13c"],
  ["#5b4fb3", "#a9a1f2"]
]

const dashes = ["none", "none", "8 4", "2 4", "10 4 2 4", "5 3", "1 3"]

const styles = (() => {
  const colour = (index: 0 | 1) =>
    colours.map((pair, at) => `.s${at}{stroke:${pair[index]}}.s${at}.mark,.t${at}{fill:${pair[index]}}`).join("")
  const light = `.plot text{fill:#333}${colour(0).replaceAll(".t", ".plot .t")}.plot .title{fill:#111}.paper{fill:#fff}.grid{stroke:#ddd}.leader{stroke:#aaa}`
  const dark = `.plot text{fill:#ccc}${colour(1).replaceAll(".t", ".plot .t")}.plot .title{fill:#eee}.paper{fill:#15181d}.grid{stroke:#343a42}.leader{stroke:#666}`
  return `.plot text{font:13px system-ui,sans-serif}.plot .title{font-size:15px;font-weight:600}.plot .yours{font-weight:700}.leader{stroke-width:.75}${light}@media (prefers-color-scheme:dark){${dark}}`
})()

/** A lag of 0 and jobs that are missed have no place on the scales. */
const isShown = ({ lag, missed }: Cost): boolean => lag > 0 && missed < 1e-9

const extent = (values: ReadonlyArray<number>): readonly [number, number] => [Math.min(...values), Math.max(...values)]

/** 1, 2, 5, 10 and so on, as many as fit. */
const ticks = ([from, to]: ReadonlyArray<number>): ReadonlyArray<number> => {
  const low = from ?? 1
  const high = to ?? 1
  const decades = Math.log10(high / low)
  const steps = decades > 4 ? [1] : decades > 2.5 ? [1, 3] : [1, 2, 5]
  const out: Array<number> = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) {
      const tick = power < 0 ? step / 10 ** -power : step * 10 ** power
      if (tick >= low && tick <= high) out.push(tick)
    }
  }
  return out
}

/** The same for times: above a minute in minutes, hours and days. */
const timeTicks = ([from, to]: ReadonlyArray<number>): ReadonlyArray<number> => {
  const low = from ?? 1
  const high = to ?? 1
  const some = high / low > 300 ? longTimes.filter((_, index) => index % 2 === 0) : longTimes
  return [...ticks([low, Math.min(high, 50)]), ...some.filter((time) => time >= low && time <= high)]
}

/** Leaves out ticks whose labels would touch. */
const apart = (ticks: ReadonlyArray<number>, scale: (tick: number) => number): ReadonlyArray<number> => {
  let last = Number.NEGATIVE_INFINITY
  return ticks.filter((tick) => {
    const at = scale(tick)
    if (at - last < 40) return false
    last = at
    return true
  })
}

const longTimes = [60, 120, 300, 600, 1_800, 3_600, 7_200, 18_000, 36_000, 86_400, 172_800, 432_000, 864_000]

/** Moves labels apart: where the text of each is. */
const spread = (at: ReadonlyArray<number>, top: number, bottom: number): ReadonlyArray<number> => {
  const gap = 17
  const order = at.map((_, index) => index).toSorted((a, b) => at[a]! - at[b]!)
  const out = [...at]
  let free = top
  for (const index of order) {
    out[index] = Math.max(free, out[index]!)
    free = out[index] + gap
  }
  let limit = bottom
  for (const index of order.toReversed()) {
    out[index] = Math.min(limit, out[index]!)
    limit = out[index] - gap
  }
  return out
}

/** The plot in words: what each family costs at a lag in the middle. */
const described = ({ families, model, optimum }: Drawn, [least, most]: readonly [number, number]): string => {
  const middle = Math.sqrt(least * most)
  const words = [{ name: "the best possible schedule", points: optimum }, ...families].map(({ name, points }) => {
    const shown = points.filter(isShown)
    if (shown.length === 0) return `${name}: not shown, because it misses jobs or has no lag`
    const near = shown.reduce((best, point) =>
      Math.abs(Math.log(point.lag / middle)) < Math.abs(Math.log(best.lag / middle)) ? point : best
    )
    return `${name}: ${amount(near.requests)} requests at a lag of ${duration(near.lag)}`
  })
  return `Mean requests against mean lag for ${model}, both on logarithmic scales. ${words.join("; ")}.`
}

const round = (value: number): number => Math.round(value * 10) / 10

/** A path with fewer digits. */
const short = (path: string): string => path.replaceAll(/-?\d+\.\d+/g, (digits) => String(round(Number(digits))))

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
