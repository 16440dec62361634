// Runs the parts of the board in processes of their own, and puts together what came of them.
import { execFile } from "node:child_process"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { cases } from "./cases/all.ts"
import type { Counts, Fuzzed } from "./fuzz.ts"
import { lacking } from "./ids.ts"
import type { Verdicts } from "./judge.ts"
import type { Part } from "./part.ts"

export interface Board {
  /** The complaint of each case by its id; null if it is right. */
  readonly verdicts: Verdicts
  /** The same of the peers, for the cases that apply to them. */
  readonly peers: Readonly<Record<string, Verdicts>>
  readonly fuzz: Fuzzed
  /** Rows that have fewer cases than they must have. */
  readonly lacking: ReadonlyArray<string>
}

/** The line that `--json` prints. */
export interface Summary {
  readonly cases: number
  readonly right: number
  readonly fuzz: Counts
}

export const summary = ({ fuzz, verdicts }: Board): Summary => ({
  cases: Object.keys(verdicts).length,
  right: Object.values(verdicts).filter((verdict) => verdict === null).length,
  fuzz: fuzz.counts
})

/** Whether everything is right. */
export const holds = (board: Board): boolean => {
  const { cases, fuzz, right } = summary(board)
  const { answers: _, ...faults } = fuzz
  return right === cases && board.lacking.length === 0 && Object.values(faults).every((count) => count === 0)
}

/** Runs cases whose id begins with `only`, a fuzz of so many answers, and the peers that are installed. */
export const run = async (options: {
  readonly seed: number
  readonly answers: number
  readonly only?: string
  readonly peers?: ReadonlyArray<string>
}): Promise<Board> => {
  const { answers, only = "", peers = [], seed } = options
  const step = Math.max(1, Math.ceil(answers / 4))
  const slices = Array.from({ length: Math.ceil(answers / step) }, (_, index) => index * step)
  const fuzzed = slices.map((from): Part => ({ kind: "fuzz", seed, from, to: Math.min(answers, from + step) }))
  const places = (["types", "sockets", "clock"] as const).map((kind): Part => ({ kind, only }))
  const others = peers.map((peer): Part => ({ kind: "peer", peer }))
  // The longest first.
  const results = await all([...places, ...fuzzed, ...others])
  const at = (index: number) => results[index] as Verdicts
  const judged = { ...at(0), ...at(1), ...at(2) }
  return {
    verdicts: Object.fromEntries(cases.filter(({ id }) => id in judged).map(({ id }) => [id, judged[id]!])),
    peers: Object.fromEntries(peers.map((peer, index) => [peer, at(3 + fuzzed.length + index)])),
    fuzz: sum(seed, results.slice(3, 3 + fuzzed.length) as ReadonlyArray<Fuzzed>),
    lacking: only === "" ? lacking(cases.map(({ id }) => id)) : []
  }
}

export const print = (board: Board): void => {
  const { fuzz } = board
  for (const [id, complaint] of Object.entries(board.verdicts))
    if (complaint !== null) console.log(`${id}: ${complaint}`)
  for (const row of board.lacking) console.log(`${row}: too few cases`)
  for (const { fault, seen } of fuzz.wrong.slice(0, 40)) console.log(`fuzz, ${fault}: ${seen}`)
  const { cases, right } = summary(board)
  console.log(`\n${right} of ${cases} cases are right`)
  for (const [peer, verdicts] of Object.entries(board.peers)) {
    const all = Object.values(verdicts)
    console.log(`${peer}: ${all.filter((verdict) => verdict === null).length} of ${all.length} that apply to it`)
  }
  const kinds = Object.entries(fuzz.readings).map(([kind, count]) => `${kind} ${count}`)
  console.log(`${fuzz.counts.answers} random answers of seed ${fuzz.seed}: ${kinds.join(", ")}`)
}

// ---- internal ----

const execute = promisify(execFile)

const child = async (part: Part): Promise<unknown> => {
  const path = fileURLToPath(new URL("child.ts", import.meta.url))
  const { stdout } = await execute(process.execPath, [path, JSON.stringify(part)], {
    timeout: 300_000,
    maxBuffer: 2 ** 27
  })
  return JSON.parse(stdout) as unknown
}

const all = async (parts: ReadonlyArray<Part>): Promise<ReadonlyArray<unknown>> => {
  const results: Array<unknown> = []
  const left = parts.map((part, index) => [index, part] as const)
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) results[next[0]] = await child(next[1])
  }
  await Promise.all(Array.from({ length: Math.max(2, Math.min(4, availableParallelism())) }, work))
  return results
}

const sum = (seed: number, parts: ReadonlyArray<Fuzzed>): Fuzzed => {
  const add = (of: (part: Fuzzed) => Readonly<Record<string, number>>): Record<string, number> => {
    const total: Record<string, number> = {}
    for (const part of parts)
      for (const [name, count] of Object.entries(of(part))) total[name] = (total[name] ?? 0) + count
    return total
  }
  return {
    seed,
    counts: add(({ counts }) => ({ ...counts })) as unknown as Counts,
    readings: add(({ readings }) => readings),
    wrong: parts.flatMap(({ wrong }) => wrong)
  }
}
