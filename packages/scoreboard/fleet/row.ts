// What a row of the table is: some figures, and the aims that they are judged by.

/** What a row measures, by name. Shares are between 0 and 1. */
export type Figures = Readonly<Record<string, number | boolean>>

/** What a figure has to be. */
export type Aim = { readonly atLeast: number } | { readonly atMost: number } | { readonly is: boolean }

export interface Row {
  /** Its key in the last line. */
  readonly name: string
  /** What is measured, in a sentence. */
  readonly what: string
  /** Whether it is printed under `costs`. */
  readonly isCost?: boolean
  /** The aims of figures. A figure without one is for information. */
  readonly aims: Readonly<Record<string, Aim>>
  /** What to measure, each part in a process of its own. */
  readonly parts: Readonly<Record<string, () => Promise<Figures>>>
  /** The figures of the row, from those of its parts. Default: all of them. */
  readonly combine?: (parts: Readonly<Record<string, Figures>>) => Figures
}

export type Verdict = "pass" | "miss" | "none"

/** Whether a figure meets its aim. One that is missing or not a number does not. */
export const judge = (value: number | boolean | undefined, aim: Aim | undefined): Verdict => {
  if (aim === undefined) return "none"
  if ("is" in aim) return value === aim.is ? "pass" : "miss"
  if (typeof value !== "number") return "miss"
  // False for NaN in both cases.
  return ("atLeast" in aim ? value >= aim.atLeast : value <= aim.atMost) ? "pass" : "miss"
}

export const describe = (aim: Aim | undefined): string => {
  if (aim === undefined) return "-"
  if ("is" in aim) return String(aim.is)
  return "atLeast" in aim ? `>= ${aim.atLeast}` : `<= ${aim.atMost}`
}

/** Rounds figures for print: three digits behind the point. */
export const rounded = (figures: Figures): Figures =>
  Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [
      name,
      typeof value === "number" ? Math.round(value * 1_000) / 1_000 : value
    ])
  )
