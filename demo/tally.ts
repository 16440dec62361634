import type { ProviderName } from "@effect-poll/testing/Truth"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import { type EndingKind, endings, providers } from "./plan.ts"

/** Counts of requests. */
export interface Requests {
  sent: number
  /** Sent, without a response so far. */
  open: number
  /** Aborted by us before the response; they may or may not have reached the server. */
  aborted: number
}

/** Counts of one provider. */
export interface Row {
  readonly requests: Requests
  readonly ended: Record<EndingKind, number>
  jobs: number
}

/** Live counts by provider. */
export type Tally = Readonly<Record<ProviderName, Row>>

/** Creates a tally with all counts at zero. */
export const make = (): Tally => {
  const rows = providers.map((name) => [name, { requests: requests(), ended: zeroes(), jobs: 0 }] as const)
  return Object.fromEntries(rows) as Record<ProviderName, Row>
}

/** Creates counts of requests at zero. */
export const requests = (): Requests => ({ sent: 0, open: 0, aborted: 0 })

/** Creates counts of endings at zero. */
export const zeroes = (): Record<EndingKind, number> =>
  Object.fromEntries(endings.map((kind) => [kind, 0])) as Record<EndingKind, number>

/** How many jobs of a provider have ended. */
export const endedOf = (row: Row): number => endings.reduce((sum, kind) => sum + row.ended[kind], 0)

/** Counts the requests that an effect sends: all of them, or only the checks, which are the GET requests. */
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
              if (Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)) counts.aborted++
            })
          )
        })
      )
    )
