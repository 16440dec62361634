import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"
import type { SignalStoreError } from "../../SignalError.ts"
import type { SignalRow } from "../../SignalRow.ts"
import type { Service } from "../../SignalStore.ts"

/** Yields the row of a signal: with others that are asked for at the same time, if the store can read many at once. */
export const get = (store: Service, hash: string): Effect.Effect<SignalRow | undefined, SignalStoreError> =>
  store.getMany === undefined ? store.get(hash) : Effect.request(Row({ hash }), resolverOf(store, store.getMany))

/**
 * The time of the next question at `at` or a little later, so that waits of one store ask at the same time. Where the store
 * reads one at a time, that would only make a burst.
 */
export const meeting = (store: Service, at: number, everyMillis: number): number => {
  if (store.getMany === undefined) return at
  const width = Math.max(1, Math.min(longestWidth, Math.floor(everyMillis / 20)))
  return Math.ceil(at / width) * width
}

// ---- internal ----

/** How far apart the times are at which waits meet, in milliseconds. */
const longestWidth = 100

/** How long the first of those who ask waits for the others. */
const gathering = "10 millis"

/** How many rows are read by one query. */
const mostRows = 500

interface Row extends Request.Request<SignalRow | undefined, SignalStoreError> {
  readonly _tag: "Row"
  readonly hash: string
}

const Row = /*#__PURE__*/ Request.tagged<Row>("Row")

const resolvers = new WeakMap<Service, RequestResolver.RequestResolver<Row>>()

const resolverOf = (store: Service, getMany: NonNullable<Service["getMany"]>): RequestResolver.RequestResolver<Row> => {
  const known = resolvers.get(store)
  if (known !== undefined) return known
  const resolver = RequestResolver.make<Row>((entries) =>
    Effect.map(getMany([...new Set(entries.map(({ request }) => request.hash))]), (found) => {
      const rows = new Map(found.map((row) => [row.hash, row]))
      for (const entry of entries) entry.completeUnsafe(Exit.succeed(rows.get(entry.request.hash)))
    })
  ).pipe(RequestResolver.setDelay(gathering), RequestResolver.batchN(mostRows))
  resolvers.set(store, resolver)
  return resolver
}
