// Runs the long-running operations of the public test server of Azure's clients, with ours and with @azure/core-lro,
// and counts those that end as its table says.
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { complaint, ours, scenarios, server } from "../../http/test/LongRunningAzure.ts"
import { installPeers } from "../peers.ts"
import { coreLro } from "./coreLro.ts"

/** A row that did not end as the table says. */
export interface Miss {
  readonly poller: "ours" | "core-lro"
  readonly row: string
  readonly complaint: string
}

export interface Score {
  readonly rows: number
  readonly ours: number
  /** Undefined if the peer could not be installed. */
  readonly coreLro: number | undefined
  readonly misses: ReadonlyArray<Miss>
}

/** Runs all rows with ours and with the peer; undefined if the table is missing. */
export const measure = async (): Promise<Score | undefined> => {
  const rows = scenarios()
  if (rows === undefined) return undefined
  const problem = await installPeers()
  if (problem !== undefined) console.error(problem)
  const misses = await Effect.runPromise(
    Effect.gen(function* () {
      const base = yield* server
      return yield* Effect.forEach(rows, (row) =>
        Effect.gen(function* () {
          const mine = complaint(row, yield* ours(base, row))
          const theirs =
            problem === undefined ? complaint(row, yield* Effect.promise(() => coreLro(base, row))) : undefined
          return [
            ...(mine === undefined ? [] : [{ poller: "ours", row: row.name, complaint: mine } as const]),
            ...(theirs === undefined ? [] : [{ poller: "core-lro", row: row.name, complaint: theirs } as const])
          ]
        })
      )
    }).pipe(
      Effect.scoped,
      Effect.provide(NodeHttpClient.layerUndici),
      Effect.provideService(References.MinimumLogLevel, "None")
    )
  )
  const missed = (poller: Miss["poller"]): number => misses.flat().filter((miss) => miss.poller === poller).length
  return {
    rows: rows.length,
    ours: rows.length - missed("ours"),
    coreLro: problem === undefined ? rows.length - missed("core-lro") : undefined,
    misses: misses.flat()
  }
}

export const print = ({ coreLro, misses, ours, rows }: Score): void => {
  console.log("long-running operations of Azure's test server that end as its table says\n")
  console.log(`ours       ${ours} of ${rows}`)
  if (coreLro !== undefined) console.log(`core-lro   ${coreLro} of ${rows}`)
  for (const miss of misses) console.log(`\n${miss.poller}, ${miss.row}:\n  ${miss.complaint}`)
}

/** Runs the command `protocols` and returns what `--json` prints. */
export const run = async (): Promise<unknown> => {
  const score = await measure()
  if (score === undefined) {
    console.error("scoreboard: the table ../shared/data/azure-lro-scenarios.json is missing")
    process.exitCode = 1
    return undefined
  }
  print(score)
  const { coreLro, ours, rows } = score
  return { table: "azure", rows, ours, coreLro: coreLro ?? null }
}
