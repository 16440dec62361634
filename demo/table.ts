import { styleText } from "node:util"
import { providers } from "./plan.ts"
import { endedOf, type Row, type Tally } from "./tally.ts"

/** The terminal that the table is drawn on. */
export interface Canvas {
  readonly columns: number
  readonly colors: boolean
}

/** The live table: a row per provider and one for all. No line is longer than the terminal is wide. */
export const render = (
  tally: Tally,
  header: { readonly speed: number; readonly seconds: number; readonly name?: string | undefined },
  canvas: Canvas
): ReadonlyArray<string> => {
  const rows = providers.map((name) => rowOf(name, tally[name]))
  const all = rows.reduce(add, rowOf("all", undefined))
  return [
    clip(`${header.name ?? "effect-poll"}, ${header.seconds.toFixed(1)} s at speed ${header.speed}`, canvas),
    clip(titles, canvas),
    ...rows.map((row) => line(row, canvas)),
    line(all, canvas)
  ]
}

/** The counts as one line, for an output that is not a terminal. */
export const summary = (tally: Tally, seconds: number, name?: string): string => {
  const { ended, jobs, requests } = providers.map((provider) => rowOf(provider, tally[provider])).reduce(add)
  return `${name === undefined ? "" : `${name}, `}${seconds.toFixed(0)} s: ${ended} of ${jobs} jobs have ended, ${requests} requests sent`
}

// ---- internal ----

interface Counts {
  readonly name: string
  readonly jobs: number
  readonly waiting: number
  readonly checking: number
  readonly ended: number
  readonly succeeded: number
  readonly failed: number
  readonly canceled: number
  readonly expired: number
  readonly other: number
  readonly requests: number
}

const titles =
  "provider".padEnd(14) +
  ["wait", "check", "done", "ok", "fail", "canc", "exp", "other"].map((name) => name.padStart(5)).join("") +
  "requests".padStart(9)

const rowOf = (name: string, row: Row | undefined): Counts => {
  const jobs = row?.jobs ?? 0
  const ended = row === undefined ? 0 : endedOf(row)
  const { canceled = 0, expired = 0, failed = 0, succeeded = 0 } = row?.ended ?? {}
  const checking = Math.min(row?.requests.open ?? 0, jobs - ended)
  return {
    name,
    jobs,
    waiting: jobs - ended - checking,
    checking,
    ended,
    succeeded,
    failed,
    canceled,
    expired,
    other: ended - succeeded - failed - canceled - expired,
    requests: row?.requests.sent ?? 0
  }
}

const add = (a: Counts, b: Counts): Counts => ({
  name: a.name,
  jobs: a.jobs + b.jobs,
  waiting: a.waiting + b.waiting,
  checking: a.checking + b.checking,
  ended: a.ended + b.ended,
  succeeded: a.succeeded + b.succeeded,
  failed: a.failed + b.failed,
  canceled: a.canceled + b.canceled,
  expired: a.expired + b.expired,
  other: a.other + b.other,
  requests: a.requests + b.requests
})

const line = (row: Counts, canvas: Canvas): string => {
  const counts = [row.waiting, row.checking, row.ended, row.succeeded, row.failed, row.canceled, row.expired, row.other]
  const text =
    row.name.padEnd(14) + counts.map((count) => String(count).padStart(5)).join("") + String(row.requests).padStart(9)
  const width = Math.min(30, canvas.columns - text.length - 2)
  if (width < 5) return clip(text, canvas)
  const done = row.jobs === 0 ? 0 : Math.floor((width * row.ended) / row.jobs)
  return `${text}  ${paint(canvas, "green", "█".repeat(done))}${paint(canvas, "dim", "░".repeat(width - done))}`
}

const clip = (text: string, { columns }: Canvas): string => text.slice(0, columns)

const paint = (canvas: Canvas, format: "green" | "dim", text: string): string =>
  canvas.colors && text !== "" ? styleText(format, text, { validateStream: false }) : text
