import * as Effect from "effect/Effect"
import type { CheckResult } from "effect-poll/CheckResult"
import type { Watchable } from "effect-poll/Job"
import * as Told from "effect-poll/Told"
import * as Wakes from "effect-poll/Wakes"

/** What a route needs to know of a job. */
export interface RoutedJob<in K> {
  readonly name: string
  readonly key: { readonly encode: (key: K) => string }
}

type Named = RoutedJob<never>

/** Asks the waits for a key to check. `verified` says whether the push was signed: what is kept for later is kept apart. */
export const wake = (job: Named, key: unknown, verified: boolean): Effect.Effect<number> =>
  Wakes.wake(watchable(job), key, { trust: verified ? "verified" : "unverified" })

/** Asks the waits for a job to check: all of them, or those whose key `isAbout` accepts. */
export const wakeAll = (job: Named, isAbout: ((key: unknown) => boolean) | undefined): Effect.Effect<number> =>
  Wakes.wakeAll(watchable(job), isAbout)

/** Hands the waits for a key a result, which counts as the answer of a check. */
export const report = (job: Named, key: unknown, result: CheckResult<unknown, unknown>): Effect.Effect<number> =>
  Wakes.tell(watchable(job), key, Told.report(result))

/** Whether a route that has jobs can find their waits. */
export const finds: Effect.Effect<boolean> = /*#__PURE__*/ Effect.map(Wakes.Wakes, (wakes) => wakes !== undefined)

// ---- internal ----

/** Waits are found by the name and the key codec of their job; the route has made sure of the type of its keys. */
const watchable = (job: Named) => job as unknown as Watchable<unknown, unknown, unknown, unknown, unknown>
