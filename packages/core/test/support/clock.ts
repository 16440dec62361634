import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Poller from "effect-poll/Poller"
import { plain } from "./options.ts"

/**
 * A clock whose time is set and whose timers are fired by hand: TestClock cannot simulate a machine that was suspended,
 * nor a wall clock that is set. Times are milliseconds since its start. `isMeasured: false` is a monotonic clock that stands
 * still, as where only timers and `Date` are simulated.
 */
export const manualClock = ({ isMeasured = true } = {}) => {
  const start = 1_000_000
  let now = start
  /** By how much the wall clock has been set forward. */
  let ahead = 0
  const wall = () => now + ahead
  const wallNanos = () => BigInt(wall()) * 1_000_000n
  const monotonicNanos = () => (isMeasured ? BigInt(now) * 1_000_000n : 0n)
  const timers = new Set<{ readonly millis: number; readonly due: number; readonly fire: () => void }>()
  const clock = {
    currentTimeMillisUnsafe: wall,
    currentTimeMillis: Effect.sync(wall),
    currentTimeNanosUnsafe: wallNanos,
    currentTimeNanos: Effect.sync(wallNanos),
    monotonicTimeNanosUnsafe: monotonicNanos,
    monotonicTimeNanos: Effect.sync(monotonicNanos),
    sleep: (duration: Duration.Duration) =>
      Effect.callback<void>((resume) => {
        const millis = Duration.toMillis(duration)
        const timer = { millis, due: now + millis, fire: () => resume(Effect.void) }
        timers.add(timer)
        return Effect.sync(() => timers.delete(timer))
      })
  } satisfies Clock.Clock
  /** Sets the time and fires the shortest timer, or all. */
  const fireAt = (at: number, which: "shortest" | "all" = "shortest"): void => {
    now = start + at
    const due = [...timers].toSorted((a, b) => a.millis - b.millis).slice(0, which === "all" ? timers.size : 1)
    for (const timer of due) {
      timers.delete(timer)
      timer.fire()
    }
  }
  /** Sets the time and fires no timer. */
  const setTo = (at: number): void => {
    now = start + at
  }
  /** Sets the wall clock forward by some milliseconds, or back by a negative number. */
  const setWallBy = (millis: number): void => {
    ahead += millis
  }
  /** Fires each timer when it is due, in order, until this time. */
  const passUntil = (at: number): void => {
    const next = () => [...timers].toSorted((a, b) => a.due - b.due)[0]
    for (let timer = next(); timer !== undefined && timer.due <= start + at; timer = next()) {
      now = timer.due
      timers.delete(timer)
      timer.fire()
    }
    now = start + at
  }
  return {
    clock,
    fireAt,
    /** The time that has passed. */
    passed: () => now - start,
    passUntil,
    setTo,
    setWallBy,
    /** The delays of the timers that are set, the shortest first. */
    timers: () => [...timers].map((timer) => timer.millis).toSorted((a, b) => a - b),
    /** Runs an effect on this clock. */
    run: <A, E>(effect: Effect.Effect<A, E>) => Effect.runFork(Effect.provideService(effect, Clock.Clock, clock)),
    /** Runs an effect on this clock that ends at once. */
    sync: <A, E>(effect: Effect.Effect<A, E>) => Effect.runSync(Effect.provideService(effect, Clock.Clock, clock))
  }
}

/** A Poller on a manual clock. */
export const manualPoller = (options: Poller.Options = {}) => {
  const clock = manualClock()
  const scope = Scope.makeUnsafe()
  const poller = clock.sync(Poller.make({ ...plain, ...options }).pipe(Scope.provide(scope)))
  return { ...clock, poller, scope }
}

/** Waits until everything that is scheduled has run. */
export const macrotask = () => new Promise((resolve) => setTimeout(resolve, 1))
