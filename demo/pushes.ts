import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import { hasProperty } from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Plan } from "./plan.ts"

/** The webhooks of the simulation. A push is a reason to check, and never ends a wait by itself. */
export interface Pushes {
  /** The URL that webhooks are sent to. */
  readonly url: string
  /** Runs an effect on every webhook that names the job. */
  readonly onPush: (id: string, effect: Effect.Effect<void>) => Effect.Effect<void>
  /** How many webhooks arrived at each path. */
  readonly counts: Effect.Effect<Readonly<Record<string, number>>>
}

/** Starts an inbox for webhooks that runs until the scope closes. */
export const make: Effect.Effect<Pushes, ServeError, Scope.Scope> = Effect.gen(function* () {
  const inbox = yield* WebhookInbox.make()
  const listeners = new Map<unknown, Effect.Effect<void>>()
  yield* Effect.forkScoped(Stream.runForEach(inbox.stream, ({ body }) => listeners.get(jobIn(body)) ?? Effect.void))
  return {
    url: inbox.url,
    onPush: (id, effect) => Effect.sync(() => listeners.set(id, effect)),
    counts: Effect.map(inbox.received, (posts) => {
      const counts: Record<string, number> = {}
      for (const { path } of posts) counts[path] = (counts[path] ?? 0) + 1
      return counts
    })
  }
})

/** How many webhooks the jobs of these plans cause at each path. */
export const expected = (plans: ReadonlyArray<Plan>): Readonly<Record<string, number>> => {
  const counts = { "/target": 0, "/complete": 0, "/callback": 0 }
  for (const { work } of plans) {
    if (work.type === "queue" || work.type === "signal") counts["/target"]++
    if (work.type === "queue" && work.onComplete === true) counts["/complete"]++
    if (work.type === "generation" && work.callback === true) counts["/callback"]++
  }
  return counts
}

// ---- internal ----

const jobIn = (body: unknown): unknown => {
  if (hasProperty(body, "id")) return body.id
  return hasProperty(body, "data") && hasProperty(body.data, "taskId") ? body.data.taskId : undefined
}
