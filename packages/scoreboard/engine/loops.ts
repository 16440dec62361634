// The loops that are measured. Each waits for jobs that are done after `checks` trivial asynchronous checks.
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"

type Check = () => Promise<Status.Status<number>>

const delay = 1

const strategy = Strategy.spaced(delay)

/** A wait for one job, by the name of its loop. */
export const loops: Record<string, (check: Check) => Effect.Effect<unknown, unknown>> = {
  "hand-loop": (check) =>
    Effect.gen(function* () {
      const asked = Effect.promise(check)
      while (true) {
        const status = yield* asked
        switch (status._tag) {
          case "Pending":
            yield* Effect.sleep(delay)
            break
          case "Succeeded":
            return status.value
          default:
            return yield* Effect.die(status)
        }
      }
    }),
  "effect-repeat": (check) =>
    Effect.repeat(Effect.promise(check), {
      schedule: Schedule.spaced(delay),
      until: (status) => status._tag !== "Pending"
    }),
  poll: (check) => Poll.until(Effect.promise(check), { strategy, deadline: "1 hour" })
}

/** A job that is done on its nth check. */
export const job = (checks: number): Check => {
  let seen = 0
  // oxlint-disable-next-line typescript/require-await -- an asynchronous check is what is measured
  return async () => (++seen < checks ? Status.pending() : Status.succeeded(seen))
}
