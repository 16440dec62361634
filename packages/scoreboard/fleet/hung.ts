// A job that hangs beside a healthy one, in one Poller: how much later the ends of the healthy one are known.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import type { PollOptions } from "effect-poll/PollOptions"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Subject } from "./subject.ts"
import { randomOf, virtually, waitFor } from "./virtual.ts"

export interface Size {
  readonly concurrency: number
  /** Waits of the job that hangs. */
  readonly hung: number
  /** Waits of the healthy job at a time, and how many follow each other in each place. */
  readonly healthy: number
  readonly rounds: number
}

export const full: Size = { concurrency: 100, hung: 2_000, healthy: 20, rounds: 6 }

/** How a neighbour hangs. */
export interface Neighbour {
  readonly check: Effect.Effect<Status.Status<string>>
  readonly options?: Partial<PollOptions>
}

const hangs: Effect.Effect<never> = Effect.never

export const neighbours = {
  /** Its checks never answer, and end with their timeout. */
  hangs: { check: hangs },
  /** The same, and they cannot be interrupted. */
  uninterruptible: { check: Effect.uninterruptible(hangs) },
  /** Its gate never answers. */
  gateHangs: { check: Effect.succeed(Status.pending()), options: { gate: Gate.make(() => hangs) } },
  /** The same, and the question cannot be interrupted. */
  gateUninterruptible: {
    check: Effect.succeed(Status.pending()),
    options: { gate: Gate.make(() => Effect.uninterruptible(hangs)) }
  },
  /** Its checks answer after 5 seconds. */
  slow: { check: Effect.as(Effect.sleep("5 seconds"), Status.pending()) }
} satisfies Record<string, Neighbour>

/** The mean time from the end of a healthy job until it is known, in milliseconds. */
const meanLag = (subject: Subject, size: Size, neighbour: Neighbour | undefined) =>
  Effect.gen(function* () {
    const poller = yield* subject.make({ concurrency: size.concurrency })
    const random = randomOf(3)
    if (neighbour !== undefined) {
      const hung = Job.make("hung", { check: () => neighbour.check })
      yield* Effect.forEach(
        Array.from({ length: size.hung }, (_, index) => String(index)),
        (key) =>
          poller.add(hung, key, {
            deadline: "1 day",
            strategy: Strategy.spaced("1 second"),
            checkTimeout: "30 seconds",
            checkErrors: "unbounded",
            ...neighbour.options
          }),
        { discard: true }
      )
    }
    yield* Effect.sleep("1 minute")
    const endsAt = new Map<string, number>()
    const healthy = Job.make("healthy", {
      check: (key: string) =>
        Effect.flatMap(Effect.sleep("20 millis"), () =>
          Effect.map(Clock.currentTimeMillis, (now) =>
            now >= endsAt.get(key)! ? Status.succeeded("done") : Status.pending()
          )
        )
    })
    const one = Effect.fnUntraced(function* (key: string) {
      const end = (yield* Clock.currentTimeMillis) + 1_000 + Math.floor(random() * 20_000)
      endsAt.set(key, end)
      // A wait that times out has learned of the end no sooner than that.
      yield* Effect.exit(poller.until(healthy, key, { deadline: "3 minutes", strategy: Strategy.spaced("1 second") }))
      return (yield* Clock.currentTimeMillis) - end
    })
    const places = Array.from({ length: size.healthy }, (_, place) => place)
    const lags = yield* Effect.forEach(
      places,
      (place) => Effect.forEach(Array.from({ length: size.rounds }), (_, round) => one(`${place}/${round}`)),
      { concurrency: "unbounded" }
    )
    const all = lags.flat()
    return all.reduce((sum, lag) => sum + lag, 0) / all.length
  })

/** The mean lag of the healthy job in milliseconds, beside a neighbour that hangs or alone. */
export const lagOf = async (subject: Subject, size: Size, neighbour?: Neighbour): Promise<number> => {
  let lag: number | undefined
  const measured = Effect.map(meanLag(subject, size, neighbour), (mean) => void (lag = mean))
  // On its own: nothing here waits until the Poller is closed, which checks that cannot be interrupted hold back.
  return virtually(
    Effect.andThen(
      Effect.forkDetach(Effect.scoped(measured)),
      waitFor(() => lag)
    ),
    { atMostMillis: 3_600_000 }
  )
}
