import * as Environment from "@effect-poll/web/Environment"
import * as PollStore from "@effect-poll/web/PollStore"
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"

/** A job whose checks are counted by key: pending until `end` is called for the key, or `fail`. */
export const counted = (options: { readonly takes?: number; readonly strategy?: Strategy.Strategy } = {}) => {
  const checks: Array<string> = []
  const counts = new Map<string, number>()
  const ends = new Map<string, Status.Status<string, string>>()
  let aborted = 0
  const job = Job.make("render", {
    strategy: options.strategy ?? Strategy.spaced("2 seconds"),
    check: (key: string): Effect.Effect<Status.Status<string, string>> =>
      Effect.suspend(() => {
        checks.push(key)
        const of = (counts.get(key) ?? 0) + 1
        counts.set(key, of)
        const found = Effect.sync(() => ends.get(key) ?? Status.pending({ progress: Math.min(1, of / 100) }))
        return options.takes === undefined
          ? found
          : Effect.andThen(Effect.sleep(options.takes), found).pipe(
              Effect.onInterrupt(() => Effect.sync(() => void aborted++))
            )
      }),
    cancel: (key) => Effect.sync(() => void ends.set(key, Status.canceled()))
  })
  return {
    job,
    checks,
    aborted: () => aborted,
    end: (key: string) => void ends.set(key, Status.succeeded(`${key}.png`)),
    fail: (key: string) => void ends.set(key, Status.failed("no paper"))
  }
}

export const deadline = { deadline: "1 hour" } as const

export const page = (options: PollStore.Options = {}) => PollStore.make({ environment: Environment.test(), ...options })
