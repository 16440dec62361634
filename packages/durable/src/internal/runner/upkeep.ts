import * as Effect from "effect/Effect"
import type { Service } from "../../DurableStore.ts"
import { type Calls, failed } from "./calls.ts"
import type { Settings } from "./settings.ts"
import type { State } from "./state.ts"

/** What the upkeep needs. */
export interface Around {
  readonly runner: string
  readonly store: Service
  readonly calls: Calls
  readonly state: State
  readonly settings: Settings
}

/** The periodic tasks of a runner: writes its sign of life, counts buckets without a live owner, and removes old rows. */
export class Upkeep {
  /** The number of buckets without a live owner at the last look. */
  orphans = 0
  private readonly around: Around

  constructor(around: Around) {
    this.around = around
  }

  readonly beats: Effect.Effect<never> = Effect.suspend(() => {
    const { calls, runner, settings, store } = this.around
    return Effect.forever(Effect.andThen(calls.run("beat", store.beat(runner)), Effect.sleep(settings.healthInterval)))
  })

  /** Looks for buckets without a live owner, and logs a warning if two looks in a row find some. */
  readonly watchdog: Effect.Effect<never> = Effect.suspend(() => {
    const { calls, settings, store } = this.around
    const look = Effect.gen({ self: this }, function* () {
      const found = yield* calls.run("runners", store.runners(settings.orphanAfter, settings.buckets))
      if (found === failed) return
      const before = this.orphans
      this.orphans = found.orphans
      if (found.orphans > 0 && before > 0) {
        yield* Effect.logWarning(
          `${found.orphans} of ${settings.buckets} buckets of durable waits have no live owner: their jobs are not checked`
        )
      }
    })
    return Effect.forever(Effect.andThen(Effect.sleep(settings.orphanAfter), look))
  })

  /** Removes ended rows in batches. Only the owner of the first bucket does it, since one process is enough. */
  readonly retention: Effect.Effect<never> = Effect.suspend(() => {
    const { settings, state } = this.around
    const prune = Effect.gen({ self: this }, function* () {
      for (const { kind } of Array.from(state.kinds.values())) {
        if (kind.retentionMillis !== undefined) yield* this.prune(kind.name, kind.retentionMillis)
      }
    })
    const once = Effect.suspend(() => (state.buckets.has(0) ? prune : Effect.void))
    return Effect.forever(Effect.andThen(Effect.sleep(settings.pruneInterval), once))
  })

  private prune(kind: string, olderThanMillis: number): Effect.Effect<void> {
    const { calls, state, store } = this.around
    return Effect.gen({ self: this }, function* () {
      while (state.buckets.has(0)) {
        const removed = yield* calls.run("prune", store.prune(kind, olderThanMillis, page))
        if (removed === failed || removed < page) return
        // Leave the database to others for a moment.
        yield* Effect.sleep(pause)
      }
    })
  }
}

// ---- internal ----

/** The number of rows in a batch, and the pause after each in milliseconds. */
const page = 1_000
const pause = 200
