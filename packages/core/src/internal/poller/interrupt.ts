import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { bounded } from "../single/bounded.ts"
import type { Wait } from "../machine/wait.ts"
import type { Errand } from "./inFlight.ts"
import { groupOf } from "./group.ts"
import type { Site } from "./target.ts"

/** A wait that was stopped, what was under way for it, and whether its server is to be asked to stop the job. */
export interface Stopped {
  readonly wait: Wait
  readonly errand: Errand | undefined
  readonly asks: boolean
}

/**
 * Waits for what was under way for stopped waits alone, and asks servers to stop jobs that nobody wants any more: each once,
 * when its check is over, also if who waits here is interrupted meanwhile.
 */
export const windUp = (
  stopped: ReadonlyArray<Stopped>,
  fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
): Effect.Effect<void> => {
  const fibers = new Set<Fiber.Fiber<unknown, unknown>>()
  const asks: Array<Effect.Effect<void>> = []
  // These wait for a check first, which may take long: they hold back no others.
  const lateAsks: Array<Effect.Effect<void>> = []
  const asked = new Map<Site, Set<string>>()
  for (const one of stopped) {
    const fiber = desertedBy(one)
    if (fiber !== undefined) fibers.add(fiber)
    if (!one.asks) continue
    const { site } = groupOf(one.wait)
    const keys = asked.get(site) ?? new Set<string>()
    asked.set(site, keys)
    if (keys.has(one.wait.key) || site.isWanted(one.wait.key)) continue
    keys.add(one.wait.key)
    if (fiber === undefined) asks.push(ask(one.wait))
    else lateAsks.push(Effect.andThen(Fiber.await(fiber), ask(one.wait)))
  }
  const over = Effect.asVoid(Fiber.awaitAll([...fibers]))
  if (asks.length + lateAsks.length === 0) return over
  const both = [all(64, asks), all("unbounded", lateAsks)]
  const asking = fork(all("unbounded", both))
  return Effect.andThen(Fiber.await(asking), over)
}

// ---- internal ----

/** The fiber of a check that nobody waits for any more; one that stops its own wait does not wait for itself. */
const desertedBy = ({ errand }: Stopped): Fiber.Fiber<unknown, unknown> | undefined =>
  errand?.isEmpty === true && errand.fiber !== Fiber.getCurrent() ? errand.fiber : undefined

/** Somebody may want the job again by then. */
const ask = (wait: Wait): Effect.Effect<void> => {
  const group = groupOf(wait)
  const { policy, site } = group
  const cancel = Effect.suspend(() => (site.isWanted(wait.key) ? Effect.void : policy.cancel!(wait.rawKey)))
  return bounded((effect) => group.fork(effect), cancel, policy.cancelTimeout)
}

const all = (concurrency: number | "unbounded", effects: ReadonlyArray<Effect.Effect<void>>): Effect.Effect<void> =>
  Effect.forEach(effects, (effect) => effect, { concurrency, discard: true })
