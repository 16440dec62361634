import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { bounded } from "../awaitAtMost.ts"
import type { Wait } from "../machine/wait.ts"
import * as userCalls from "../single/userCalls.ts"
import type { InFlight } from "./inFlight.ts"
import { groupOf } from "./registry.ts"
import { type Target, targetOf } from "./target.ts"

/** A wait that was interrupted, what was in flight for it, and whether its job is to be canceled. */
export interface Interrupted {
  readonly wait: Wait
  readonly call: InFlight | undefined
  readonly cancels: boolean
}

/**
 * Waits for the calls that were in flight for these waits alone, and cancels the jobs that no other wait wants: each
 * job once, after its check is over, and even if the returned effect is interrupted meanwhile.
 */
export const interrupt = (
  interrupted: ReadonlyArray<Interrupted>,
  fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
): Effect.Effect<void> => {
  const fibers = new Set<Fiber.Fiber<unknown, unknown>>()
  const cancels: Array<Effect.Effect<void>> = []
  // These wait for a check first, which may take long: they hold back no others.
  const laterCancels: Array<Effect.Effect<void>> = []
  const canceled = new Map<Target, Set<string>>()
  for (const one of interrupted) {
    const fiber = abandonedBy(one)
    if (fiber !== undefined) fibers.add(fiber)
    if (!one.cancels) continue
    const { wait } = one
    const target = targetOf(wait)
    const keys = canceled.get(target) ?? new Set<string>()
    canceled.set(target, keys)
    if (keys.has(wait.key) || target.isWanted(wait.key)) continue
    keys.add(wait.key)
    if (fiber === undefined) cancels.push(cancel(wait))
    else laterCancels.push(Effect.andThen(Fiber.await(fiber), cancel(wait)))
  }
  const over = Effect.asVoid(Fiber.awaitAll([...fibers]))
  if (cancels.length + laterCancels.length === 0) return over
  const both = [all(64, cancels), all("unbounded", laterCancels)]
  const canceling = fork(all("unbounded", both))
  return Effect.andThen(Fiber.await(canceling), over)
}

// ---- internal ----

/** The fiber of a call that no wait is in any more; a check that interrupts its own wait does not wait for itself. */
const abandonedBy = ({ call }: Interrupted): Fiber.Fiber<unknown, unknown> | undefined =>
  call?.isEmpty === true && call.fiber !== Fiber.getCurrent() ? call.fiber : undefined

const cancel = (wait: Wait): Effect.Effect<void> => {
  const group = groupOf(wait)
  const { policy, target } = group
  // Another wait may want the job again by then.
  const unlessWanted = Effect.suspend(() => (target.isWanted(wait.key) ? Effect.void : userCalls.cancelRemote(wait)))
  return bounded((effect) => group.fork(effect), unlessWanted, policy.cancelTimeout)
}

const all = (concurrency: number | "unbounded", effects: ReadonlyArray<Effect.Effect<void>>): Effect.Effect<void> =>
  Effect.forEach(effects, (effect) => effect, { concurrency, discard: true })
