// What the cases of long-running operations share.
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as LongRunning from "@effect-poll/http/LongRunning"
import type { Reply } from "../server.ts"
import { base, eachSecond } from "./kit.ts"

export const start = HttpClientRequest.post(`${base}/exports`)

export const Report = Schema.Struct({ pages: Schema.Int })

/** The same operation, for the peers. */
export const peer = { operation: `${base}/exports` } as const

export const report: Reply = { json: { pages: 3 } }

export const job = { ...eachSecond, result: Report }

export const plain = LongRunning.run(start, eachSecond)

export const acceptedAt = (location: string, more: Record<string, string> = {}): Reply => ({
  status: 202,
  headers: { location, ...more }
})
