import type { Sent } from "@effect-poll/http/HttpCheck"
import * as Effect from "effect/Effect"
import type { Receipt } from "effect-poll/Job"

/** Makes the receipt of a submit, with the delay that the server requested before the first check. */
export const from =
  <A, T extends Receipt<unknown, unknown, unknown>>(receiptOf: (value: A) => T) =>
  <E, R>(sent: Effect.Effect<Sent<A>, E, R>): Effect.Effect<T, E, R> =>
    Effect.map(sent, ({ attached, hint, value }) => {
      const receipt = receiptOf(value)
      return { ...receipt, ...(hint === undefined ? {} : { hint }), ...(attached ? { attached } : {}) }
    })
