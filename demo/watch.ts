import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as EventPlatformBadges from "@effect-poll/providers/EventPlatformBadges"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Stream from "effect/Stream"
import * as Poll from "effect-poll/Poll"
import * as Ending from "./ending.ts"
import type { Lanes } from "./lanes.ts"
import type { Plan } from "./plan.ts"
import * as Tally from "./tally.ts"

/** What one wait saw of its job. */
export interface Seen {
  readonly plan: Plan
  readonly id: string
  readonly ending: Ending.Ending
  /** Milliseconds since the epoch. */
  readonly knownAt: number
  /** Checks that the wait says it made, and how many of them failed. */
  readonly checks: number
  readonly failedChecks: number
  /** What was sent to check it. */
  readonly requests: Tally.Requests
  /** How much of that had been sent when the wait ended. */
  readonly sentByEnd: number
  /** What went wrong with a kill or a signal. */
  readonly trouble: string | undefined
}

/** Submits and watches one job to its end. */
export const job: (
  lanes: Lanes,
  plan: Plan,
  row: Tally.Row
) => Effect.Effect<Seen, HttpCheckError, HttpClient.HttpClient> = Effect.fnUntraced(function* (lanes, plan, row) {
  const requests = Tally.requests()
  let checks = 0
  let failedChecks = 0
  let ending: Ending.Ending | undefined
  let knownAt = 0
  let sentByEnd = 0

  row.jobs++
  const { events, id, meanwhile } = yield* lanes.start(plan, requests)
  const watching = Stream.runForEach(events, (event) => {
    switch (event._tag) {
      case "CheckFailed":
        if (event.consecutive > 0) failedChecks++
        checks = event.attempt
        break
      case "Changed":
      case "Unchanged":
        checks = event.attempt
        break
      case "Ended":
        ending = Ending.fromExit(event.exit)
        checks = ending.checks ?? checks
        sentByEnd = requests.sent
        row.ended[ending.kind]++
        return Effect.map(Clock.currentTimeMillis, (now) => {
          knownAt = now
        })
    }
    return Effect.void
  })
  const [, trouble] = yield* Effect.all([Tally.counted(requests, "checks")(watching), meanwhile], {
    concurrency: "unbounded"
  })
  if (ending === undefined) return yield* Effect.die(new Error(`${plan.name} has no end`))
  return { plan, id, ending, knownAt, checks, failedChecks, requests, sentByEnd, trouble }
}, Effect.scoped)

/** Watches the badges of the event platform until it is interrupted: they have no end. */
export const badges = (
  options: { readonly baseUrl: string; readonly speed: number },
  counts: { readonly notifications: Tally.Requests; readonly messages: Tally.Requests }
): Effect.Effect<void, never, HttpClient.HttpClient> => {
  const own = EventPlatformBadges.make({ baseUrl: options.baseUrl, timeScale: 1 / options.speed })
  const watch = (name: "notifications" | "messages") =>
    Poll.events(own[name].check, { strategy: own[name].strategy, deadline: "unbounded" }).pipe(
      Stream.runDrain,
      Tally.counted(counts[name])
    )
  return Effect.all([watch("notifications"), watch("messages")], { concurrency: "unbounded", discard: true })
}
