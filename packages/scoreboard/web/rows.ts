// The rows of the table: libraries for React, each of them a page of the folder `pages`.
import type { Aim } from "../fleet/row.ts"

export interface Row {
  readonly name: string
  /** Whether its package is in the folder `peers`. */
  readonly isPeer: boolean
  /** What a user imports, as a module that is bundled alone to measure its size. */
  readonly imports?: string
}

/** What the figures of ours have to be. */
export const aims: Readonly<Record<string, Aim>> = {
  afterUnmount: { atMost: 0 },
  loopsStrictMode: { atMost: 1 },
  tabsRatio: { atMost: 1.2 },
  preflights: { atMost: 0 },
  afterEnd: { atMost: 0 },
  usePolls1000: { atMost: 0.5 }
}

/** The row that the aims are about. */
export const ours = "effect-poll"

/** The row whose cost of many jobs is 1. */
export const baseline = "tanstack"

export const rows: ReadonlyArray<Row> = [
  { name: "naive", isPeer: false },
  { name: "swr", isPeer: true, imports: `export { default } from "swr"` },
  {
    name: "tanstack",
    isPeer: true,
    imports: `export { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query"`
  },
  {
    name: ours,
    isPeer: false,
    imports: `export { PollProvider, usePoll } from "@effect-poll/react"
export { make, provide } from "effect-poll/Job"
export { pending, succeeded } from "effect-poll/Status"
export { spaced } from "effect-poll/Strategy"`
  }
]
