// Checks many worlds in child processes, and adds up the results.
import { execFile } from "node:child_process"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { Cuts, Difference } from "./court.ts"

/** A slice of the worlds of a seed. */
export interface Slice {
  readonly seed: number
  readonly from: number
  readonly to: number
}

export interface Counts {
  readonly worlds: number
  readonly comparisons: number
  readonly differences: number
  readonly resumes: number
  readonly cut: Readonly<Cuts>
}

export interface Board extends Counts {
  /** The first of the differences, as small as they could be made. */
  readonly shown: ReadonlyArray<Difference>
}

/** How many differences of a slice are shrunk and shown. */
export const mostShown = 5

/** How often waits must be cut in each state, for a number of worlds. */
export const leastCuts = { of: 20_000, each: 500 }

/** The line that `--json` prints. */
export const summary = ({ comparisons, cut, differences, resumes, worlds }: Board): Counts => ({
  worlds,
  comparisons,
  differences,
  resumes,
  cut
})

/** Whether nothing differs, and each state was cut often enough. */
export const holds = ({ cut, differences, worlds }: Board): boolean =>
  differences === 0 &&
  Object.values(cut).every(
    (count) => count >= Math.floor((leastCuts.each * Math.min(worlds, leastCuts.of)) / leastCuts.of)
  )

/** Judges the first worlds of a seed, or only the one of an index. */
export const run = async (options: {
  readonly seed: number
  readonly worlds: number
  readonly only?: number | undefined
}): Promise<Board> => {
  const { only, seed, worlds } = options
  if (only !== undefined) return await child({ seed, from: only, to: only + 1 })
  const size = Math.max(1, Math.min(2_500, Math.ceil(worlds / 4)))
  const count = Math.ceil(worlds / size)
  const slices = Array.from({ length: count }, (_, at): Slice => ({
    seed,
    from: at * size,
    to: Math.min(worlds, (at + 1) * size)
  }))
  return sum(await all(slices))
}

export const print = (board: Board): void => {
  for (const { actual, expected, what, where, world } of board.shown) {
    console.log(`\nworld ${world.index} of seed ${world.seed}, ${where}: ${what}`)
    console.log(`  again: pnpm scoreboard laws --seed ${world.seed} --only ${world.index}`)
    console.log(`  the smallest world that was found: ${JSON.stringify(world)}`)
    console.log(`  expected:\n${indented(expected)}\n  got:\n${indented(actual)}`)
  }
  const { comparisons, cut, differences, resumes, worlds } = board
  const states = Object.entries(cut).map(([state, count]) => `${state} ${count}`)
  console.log(`\n${worlds} worlds, ${comparisons} comparisons, ${differences} differences`)
  console.log(`${resumes} waits were cut and resumed: ${states.join(", ")}`)
}

// ---- internal ----

const execute = promisify(execFile)

const indented = (lines: ReadonlyArray<string>): string => lines.map((line) => `    ${line}`).join("\n")

const child = async (slice: Slice): Promise<Board> => {
  const path = fileURLToPath(new URL("child.ts", import.meta.url))
  const { stdout } = await execute(process.execPath, [path, JSON.stringify(slice)], { maxBuffer: 2 ** 27 })
  return JSON.parse(stdout) as Board
}

const all = async (slices: ReadonlyArray<Slice>): Promise<ReadonlyArray<Board>> => {
  const boards: Array<Board> = []
  const left = [...slices]
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) boards.push(await child(next))
  }
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work))
  return boards
}

const sum = (boards: ReadonlyArray<Board>): Board => {
  const total = (of: (board: Board) => number): number => boards.reduce((all, board) => all + of(board), 0)
  return {
    worlds: total(({ worlds }) => worlds),
    comparisons: total(({ comparisons }) => comparisons),
    differences: total(({ differences }) => differences),
    resumes: total(({ resumes }) => resumes),
    cut: {
      inRow: total(({ cut }) => cut.inRow),
      inHold: total(({ cut }) => cut.inHold),
      atLimit: total(({ cut }) => cut.atLimit),
      throttled: total(({ cut }) => cut.throttled),
      inCancel: total(({ cut }) => cut.inCancel)
    },
    shown: boards.flatMap(({ shown }) => shown).toSorted((a, b) => a.world.index - b.world.index)
  }
}
