import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import type { Change, Settled } from "../model.ts"
import { fromText } from "./text.ts"

/** A client that receives notifications of other sessions. */
export interface Listening {
  readonly listen: (
    channel: string
  ) => Effect.Effect<Queue.Dequeue<{ readonly payload: string }, SqlError>, SqlError, Scope.Scope>
}

/**
 * The part of a client of @effect/sql-pg that listens, if there is one and if it leaves a connection for everything else.
 * The package is optional, so that its client has to be recognized by what it is.
 */
export const listening = (client: SqlClient): Listening | undefined =>
  isPgClient(client) && client.config.maxConnections !== 1 ? client : undefined

const isPgClient = (
  client: unknown
): client is Listening & { readonly config: { readonly maxConnections?: number | undefined } } =>
  hasProperty(client, "~@effect/sql-pg/PgClient") && hasProperty(client, "listen") && hasProperty(client, "config")

/** The changes of this process, and from the first reader on those of others. They are marked with their origin. */
export const changesWith = (
  pubsub: PubSub.PubSub<Change>,
  listener: Listening | undefined,
  channel: string,
  origin: string
): Effect.Effect<Stream.Stream<Change>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const changes = Stream.fromPubSub(pubsub)
    if (listener === undefined) return changes
    const scope = yield* Effect.scope
    const receive = Effect.gen(function* () {
      const queue = yield* listener.listen(channel)
      // What was said before is unknown.
      yield* PubSub.publishAll<Change>(pubsub, ["submitted", "ended"])
      while (true) {
        const { payload } = yield* Queue.take(queue)
        const change = payload.startsWith(`${origin}:`) ? undefined : changeOf(payload)
        if (change !== undefined) yield* PubSub.publish(pubsub, change)
      }
    })
    const listen = Effect.scoped(receive).pipe(
      Effect.catchCause((cause) => Effect.logDebug("the listener of durable waits is lost", cause)),
      Effect.andThen(Effect.sleep("1 second")),
      Effect.forever
    )
    const start = yield* Effect.cached(Effect.forkIn(listen, scope))
    return Stream.unwrap(Effect.as(start, changes))
  })

/** What a notification tells; `undefined` for one that is not of a store. */
export const changeOf = (payload: string): Change | undefined => {
  const [, change, list] = /^[^:]*:(submitted|ended|settled)(?::(.*))?$/s.exec(payload) ?? []
  if (change === "submitted" || change === "ended") return change
  const settled = settledOf(list)
  return settled && { settled }
}

const settledOf = (list: string | undefined): Settled["settled"] | undefined => {
  try {
    const pairs: unknown = JSON.parse(list ?? "")
    if (!Array.isArray(pairs)) return undefined
    return pairs.map(([id, round]) => ({ id: fromText(String(id)), round: Number(round) }))
  } catch {
    return undefined
  }
}
