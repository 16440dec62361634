import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as EventPlatformBadges from "@effect-poll/providers/EventPlatformBadges"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Stream from "effect/Stream"
import * as Poll from "effect-poll/Poll"
import * as Ending from "./ending.ts"
import type { Launcher } from "./launcher.ts"
import type { Plan } from "./plan.ts"
import * as Tally from "./tally.ts"

/** What one wait found out about its job. */
export interface WaitOutcome {
  readonly plan: Plan
  readonly id: string
  readonly ending: Ending.Ending
  /** When the wait ended, in milliseconds since the epoch. */
  readonly detectedAt: number
  /** How many checks the wait reported. */
  readonly checks: number
  /** How many of them failed. */
  readonly failedChecks: number
  /** The requests sent to check the job. */
  readonly requests: Tally.Requests
  /** How many of them had been sent when the wait ended. */
  readonly sentAtEnd: number
  /** What went wrong with a kill or a signal; undefined if nothing did. */
  readonly actionError: string | undefined
}

/** Submits one job and waits for its end. */
export const job: (
  launcher: Launcher,
  plan: Plan,
  row: Tally.Row
) => Effect.Effect<WaitOutcome, HttpCheckError, HttpClient.HttpClient> = Effect.fnUntraced(function* (
  launcher,
  plan,
  row
) {
  const requests = Tally.requests()
  let checks = 0
  let failedChecks = 0
  let ending: Ending.Ending | undefined
  let detectedAt = 0
  let sentAtEnd = 0

  row.jobs++
  const { events, id, action } = yield* launcher.launch(plan, requests)
  const wait = Stream.runForEach(events, (event) => {
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
        sentAtEnd = requests.sent
        row.ended[ending.kind]++
        return Effect.map(Clock.currentTimeMillis, (now) => {
          detectedAt = now
        })
    }
    return Effect.void
  })
  const [, actionError] = yield* Effect.all([Tally.counted(requests, "checks")(wait), action], {
    concurrency: "unbounded"
  })
  if (ending === undefined) return yield* Effect.die(new Error(`${plan.name} did not end`))
  return { plan, id, ending, detectedAt, checks, failedChecks, requests, sentAtEnd, actionError }
}, Effect.scoped)

/** Watches the badges of the event platform, which never end, until it is interrupted. */
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
