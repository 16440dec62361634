import type { Sent } from "@effect-poll/http/HttpCheck"
import * as Effect from "effect/Effect"
import type { Receipt } from "effect-poll/Job"

/** Makes the receipt of a submit, with the delay that the server requested before the first check. */
export const from =
  <A, K>(keyOf: (value: A) => K) =>
  <E, R>(sent: Effect.Effect<Sent<A>, E, R>): Effect.Effect<Receipt<K>, E, R> =>
    Effect.map(sent, ({ hint, value }) => ({ key: keyOf(value), hint }))
