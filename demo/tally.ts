import type { ProviderName } from "@effect-poll/testing/Truth"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import { type EndingKind, endings, providers } from "./plan.ts"

/** Counts requests. */
export interface Requests {
  sent: number
  open: number
  /** Given up by us before the answer; the server may or may not have seen them. */
  cut: number
}

/** What is known of a provider's jobs while the demo runs. */
export interface Row {
  readonly requests: Requests
  readonly ended: Record<EndingKind, number>
  jobs: number
}

/** The live counts of a demo, by provider. */
export type Tally = Readonly<Record<ProviderName, Row>>

export const make = (): Tally => {
  const rows = providers.map((name) => [name, { requests: requests(), ended: zeroes(), jobs: 0 }] as const)
  return Object.fromEntries(rows) as Record<ProviderName, Row>
}

export const requests = (): Requests => ({ sent: 0, open: 0, cut: 0 })

export const zeroes = (): Record<EndingKind, number> =>
  Object.fromEntries(endings.map((kind) => [kind, 0])) as Record<EndingKind, number>

export const endedOf = (row: Row): number => endings.reduce((sum, kind) => sum + row.ended[kind], 0)

/** Counts the requests of an effect: all of them, or only the checks, which are what is sent by GET. */
export const counted =
  (counts: Requests, which: "all" | "checks" = "all") =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | HttpClient.HttpClient> =>
    Effect.updateService(effect, HttpClient.HttpClient, (client) =>
      HttpClient.transform(client, (response, { method }) =>
        Effect.suspend(() => {
          if (which === "checks" && method !== "GET") return response
          counts.sent++
          counts.open++
          return Effect.onExit(response, (exit) =>
            Effect.sync(() => {
              counts.open--
              if (Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)) counts.cut++
            })
          )
        })
      )
    )
