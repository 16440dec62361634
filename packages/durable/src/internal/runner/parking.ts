import * as Effect from "effect/Effect"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type { Saves } from "./saves.ts"
import type { Settings } from "./settings.ts"
import type { State, Watch } from "./state.ts"
import type { Step } from "./steps.ts"
import type { Waits } from "./waits.ts"

/** What the sweep needs. */
export interface Around {
  readonly state: State
  readonly waits: Waits
  readonly saves: Saves
  readonly settings: Settings
  readonly now: () => number
  readonly wallClock: () => number
}

/**
 * Goes through all waits in rounds, a part of them at a time. Waits whose next check is far away are removed from memory. With
 * the option `checkpoint`, the tokens of waits that were checked are stored.
 */
export class Parking {
  private readonly around: Around
  private next = Number.POSITIVE_INFINITY
  private round: Iterator<Watch> | undefined
  /** The number of waits that should have been looked at by now. */
  private owing = 0

  constructor(around: Around) {
    this.around = around
  }

  /** Called when there may be waits. */
  begin(): void {
    if (this.next === Number.POSITIVE_INFINITY) this.next = this.around.now() + this.around.settings.scanInterval
  }

  readonly step: Step = {
    readyAt: () => this.next,
    run: Effect.gen({ self: this }, function* () {
      const { now, settings, state } = this.around
      const { checkpoint, horizon, scanInterval } = settings
      // One round takes at most a quarter of the horizon.
      const period = Math.max(scanInterval, Math.min(horizon / 4, checkpoint ?? horizon))
      // Waits that leave memory in the same step are stored with one call.
      const interval = Math.max(scanInterval, Math.min(longest, period / 4))
      this.next = now() + interval
      this.owing += Math.min(state.waits, (state.waits * interval) / period)
      let looked = 0
      while (this.owing >= 1) {
        this.owing--
        this.round ??= state.all()
        const { done, value } = this.round.next()
        if (done === true) {
          this.round = undefined
          break
        }
        if (value.phase === "running") yield* this.look(value)
        if (++looked % slice === 0) yield* Effect.yieldNow
      }
    })
  }

  private look(watch: Watch): Effect.Effect<void> {
    const { handle } = watch
    if (handle === undefined) return Effect.void
    const { settings, wallClock } = this.around
    return Effect.flatMap(handle.token, (token) => {
      // More than the horizon: otherwise the row would be loaded again soon, and the write would be wasted.
      const isFar = token.dueAt - wallClock() > 1.25 * settings.horizon + 2 * settings.scanInterval
      const mayLeave = watch.entry.kind.staysInMemory !== true && !watch.entry.isPaused
      if (isFar && mayLeave && watch.phase === "running") return this.park(watch)
      if (settings.checkpoint !== undefined) this.save(watch, token)
      return Effect.void
    })
  }

  private park(watch: Watch): Effect.Effect<void> {
    const { handle } = watch
    watch.phase = "saving"
    watch.handle = undefined
    return Effect.map(handle!.leave, (token) => {
      watch.token = token
      const isWanted = (): boolean => watch.phase === "saving" && watch.token === token
      const then = (): Effect.Effect<void> => {
        if (!isWanted()) return Effect.void
        // A scan yields it once it is due within the horizon.
        return Effect.sync(() => this.around.waits.over(watch))
      }
      this.around.saves.add({ watch, token, key: undefined, isWanted, then })
    })
  }

  private save(watch: Watch, token: ResumeToken): void {
    if (token.attempts <= watch.savedAttempts) return
    const before = watch.savedAttempts
    watch.savedAttempts = token.attempts
    this.around.saves.add({
      watch,
      token,
      key: undefined,
      isWanted: () => watch.phase === "running" && watch.savedAttempts === token.attempts,
      then: (isStored) =>
        Effect.sync(() => {
          if (!isStored) watch.savedAttempts = Math.min(watch.savedAttempts, before)
        })
    })
  }
}

// ---- internal ----

/** The number of waits that are looked at in one turn of the event loop. */
const slice = 500

/** The longest time between two steps, in milliseconds. */
const longest = 5_000
