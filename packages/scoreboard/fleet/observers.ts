// An observer that never returns, and a reader of events that never pulls: what is kept for them.
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { bytesInUse } from "./heap.ts"
import type { Row } from "./row.ts"
import { ours, type Subject } from "./subject.ts"
import { virtually, waitFor } from "./virtual.ts"

/** Which host, and who does not take what it is given. */
export interface Deaf {
  readonly host: "Poller" | "Poll.start"
  readonly who: "observer" | "reader" | "none"
}

export interface Kept {
  /** The bytes kept after the checks, beyond those after the first thousand. */
  readonly bytes: number
  /** Real time per check. */
  readonly microsPerCheck: number
}

/** Measures that many checks, or as many as there is time for: then the bytes are those of all, if they grow alike. */
export const kept = (subject: Subject, checks: number, { host, who }: Deaf): Promise<Kept> => {
  const warmUp = 1_000
  let made = 0
  let [before, began] = [0, 0]
  let result: Kept | undefined
  // Each status differs from the last, so each check is an event.
  const check = Effect.sync(() => {
    made++
    if (made === warmUp) {
      before = bytesInUse()
      began = performance.now()
    }
    const [count, passed] = [made - warmUp, performance.now() - began]
    if (result === undefined && count > 0 && (count === checks || passed > mostMillis)) {
      result = { bytes: ((bytesInUse() - before) * checks) / count, microsPerCheck: (passed * 1_000) / count }
    }
    return Status.pending({ state: made % 2 === 0 ? "even" : "odd" })
  })
  const options = {
    deadline: "100 days",
    strategy: Strategy.spaced("1 second"),
    observers: who === "observer" ? [Observer.make(() => Effect.never)] : []
  } as const
  const run = Effect.gen(function* () {
    const add =
      host === "Poller"
        ? Effect.flatMap(subject.make(), (poller) =>
            poller.add(Job.make("job", { check: () => check }), "key", options)
          )
        : subject.start(check, { ...options, history: false })
    const handle = yield* add
    if (who === "reader") yield* Effect.forkScoped(Stream.runForEach(handle.events, () => Effect.never))
    const measured = yield* waitFor(() => result)
    yield* handle.leave
    return measured
  })
  return virtually(run, { atMostMillis: (checks + warmUp) * 2_000, stepMillis: 60_000 })
}

const mostMillis = 15_000

const checks = 100_000

const part = (deaf: Deaf) => async () => ({ ...(await kept(ours, checks, deaf)) })

export const row: Row = {
  name: "observers",
  what:
    "The bytes of heap kept over 100,000 checks, each with a new status: bytesKept is the most of an observer that never " +
    "returns and a reader of handle.events that never pulls, in a Poller and in Poll.start; each is cut off after 15 s, and then scaled. noneBytes is without either. " +
    "microsPerCheck is the longest time that such a check takes, noneMicrosPerCheck that without either.",
  aims: { bytesKept: { atMost: 1_000_000 } },
  parts: {
    pollerObserver: part({ host: "Poller", who: "observer" }),
    pollerReader: part({ host: "Poller", who: "reader" }),
    singleObserver: part({ host: "Poll.start", who: "observer" }),
    singleReader: part({ host: "Poll.start", who: "reader" }),
    none: part({ host: "Poller", who: "none" })
  },
  combine: ({ none, ...parts }) => {
    const most = (name: string): number => Math.max(...Object.values(parts).map((figures) => Number(figures[name])))
    const each = Object.entries(parts).map(([name, { bytes }]) => [`${name}Bytes`, Number(bytes)] as const)
    return {
      bytesKept: most("bytes"),
      bytesPerCheck: most("bytes") / checks,
      ...Object.fromEntries(each),
      noneBytes: none!.bytes!,
      microsPerCheck: most("microsPerCheck"),
      noneMicrosPerCheck: none!.microsPerCheck!
    }
  }
}
