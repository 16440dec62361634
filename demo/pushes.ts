import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import { hasProperty } from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Plan } from "./plan.ts"

/** Where the servers post to, and who wants to know. A push is a reason to check, and never an end. */
export interface Pushes {
  readonly url: string
  /** Runs an effect when something is posted that names the job. */
  readonly wake: (id: string, effect: Effect.Effect<void>) => Effect.Effect<void>
  /** How many posts came to each path. */
  readonly counts: Effect.Effect<Readonly<Record<string, number>>>
}

export const make: Effect.Effect<Pushes, ServeError, Scope.Scope> = Effect.gen(function* () {
  const inbox = yield* WebhookInbox.make()
  const wakers = new Map<unknown, Effect.Effect<void>>()
  yield* Effect.forkScoped(Stream.runForEach(inbox.stream, ({ body }) => wakers.get(jobIn(body)) ?? Effect.void))
  return {
    url: inbox.url,
    wake: (id, effect) => Effect.sync(() => wakers.set(id, effect)),
    counts: Effect.map(inbox.received, (posts) => {
      const counts: Record<string, number> = {}
      for (const { path } of posts) counts[path] = (counts[path] ?? 0) + 1
      return counts
    })
  }
})

/** How many posts the jobs of these plans must bring to each path. */
export const expected = (plans: ReadonlyArray<Plan>): Readonly<Record<string, number>> => {
  const counts = { "/target": 0, "/complete": 0, "/callback": 0 }
  for (const { work } of plans) {
    if (work.lane === "queue" || work.lane === "signal") counts["/target"]++
    if (work.lane === "queue" && work.onComplete === true) counts["/complete"]++
    if (work.lane === "generation" && work.callback === true) counts["/callback"]++
  }
  return counts
}

// ---- internal ----

const jobIn = (body: unknown): unknown => {
  if (hasProperty(body, "id")) return body.id
  return hasProperty(body, "data") && hasProperty(body.data, "taskId") ? body.data.taskId : undefined
}
