import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Poller from "effect-poll/Poller"

/**
 * A clock whose time is set by hand and whose timers fire when told: TestClock cannot show a machine that slept through
 * its timers, nor a wall clock that is set back.
 */
export const stubClock = () => {
  let now = 1_000_000
  const timers = new Set<{ readonly millis: number; readonly fire: () => void }>()
  const clock = {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanosUnsafe: () => BigInt(now) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => BigInt(now) * 1_000_000n,
    monotonicTimeNanos: Effect.sync(() => BigInt(now) * 1_000_000n),
    sleep: (duration: Duration.Duration) =>
      Effect.callback<void>((resume) => {
        const timer = { millis: Duration.toMillis(duration), fire: () => resume(Effect.void) }
        timers.add(timer)
        return Effect.sync(() => timers.delete(timer))
      })
  } satisfies Clock.Clock
  /** Moves the time to so many ms after the start and fires the shortest timer, or all. */
  const fireAt = (at: number, which: "shortest" | "all" = "shortest"): void => {
    now = 1_000_000 + at
    const due = [...timers].toSorted((a, b) => a.millis - b.millis).slice(0, which === "all" ? timers.size : 1)
    for (const timer of due) {
      timers.delete(timer)
      timer.fire()
    }
  }
  const setTo = (at: number): void => {
    now = 1_000_000 + at
  }
  return { clock, fireAt, setTo, asleep: () => [...timers].map((timer) => timer.millis).toSorted((a, b) => a - b) }
}

/** A Poller on such a clock, and what runs effects there. */
export const stubbedPoller = (options: Poller.Options) => {
  const stub = stubClock()
  const there = <A, E>(effect: Effect.Effect<A, E>) => Effect.provideService(effect, Clock.Clock, stub.clock)
  const make = Poller.make({ stagger: false, linger: 0, ...options }).pipe(Scope.provide(Scope.makeUnsafe()))
  return {
    ...stub,
    poller: Effect.runSync(there(make)),
    run: <A, E>(effect: Effect.Effect<A, E>) => Effect.runFork(there(effect)),
    sync: <A, E>(effect: Effect.Effect<A, E>) => Effect.runSync(there(effect))
  }
}

/** Lets everything else have its turn. */
export const turn = () => new Promise((resolve) => setTimeout(resolve, 1))
