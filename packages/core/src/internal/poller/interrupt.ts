import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Event, LeftBy } from "../machine/event.ts"
import type { Wait } from "../machine/wait.ts"
import * as remoteCancel from "../single/remoteCancel.ts"
import type { InFlight } from "./inFlight.ts"
import { groupOf } from "./registry.ts"
import { targetOf } from "./target.ts"

/** A wait that was interrupted, its call in flight, and what cancels its job. */
export interface Interrupted {
  readonly wait: Wait
  readonly call: InFlight | undefined
  cancelsBy: LeftBy | undefined
}

/** What the host provides to cancel jobs. */
export interface Canceling {
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly tell: (wait: Wait, happened: Event) => void
  /** How many jobs are canceled at the same time. */
  readonly concurrency: number
}

/**
 * Waits for the calls that were in flight for these waits alone, and cancels the jobs that no other wait wants: each
 * job once, after its check is over, and even if the returned effect is interrupted meanwhile. With `atMost` it waits
 * no longer than that for the calls.
 */
export const interrupt = (
  interrupted: ReadonlyArray<Interrupted>,
  canceling: Canceling,
  atMost?: number
): Effect.Effect<void> => {
  const fibers = new Set<Fiber.Fiber<unknown, unknown>>()
  const jobs = new Map<unknown, Map<string, Job>>()
  for (const { call, cancelsBy, wait } of interrupted) {
    const fiber = abandonedBy(call)
    if (fiber !== undefined) fibers.add(fiber)
    if (cancelsBy === undefined) continue
    const target = targetOf(wait)
    const ofTarget = jobs.get(target) ?? new Map<string, Job>()
    jobs.set(target, ofTarget)
    const known = ofTarget.get(wait.key)
    if (known !== undefined) known.waits.push(wait)
    else ofTarget.set(wait.key, { waits: [wait], by: cancelsBy, fiber })
  }
  const all = Effect.asVoid(Fiber.awaitAll([...fibers]))
  const over =
    atMost === undefined || fibers.size === 0 ? all : Effect.asVoid(Effect.timeoutOption(all, Duration.millis(atMost)))
  if (jobs.size === 0) return over
  const cancels = cancelAll(
    [...jobs.values()].flatMap((ofTarget) => Array.from(ofTarget.values())),
    canceling
  )
  const begin = (): Fiber.Fiber<void> => canceling.fork(cancels)
  // At once if nothing has to come first: a check that interrupts its own wait does not get to run the effect.
  const begun = atMost === undefined ? begin() : undefined
  return Effect.suspend(() => {
    const canceled = Fiber.await(begun ?? begin())
    return Effect.all([canceled, over], { concurrency: "unbounded", discard: true })
  })
}

// ---- internal ----

/** A job to be canceled, for its waits, and the check that was in flight for them. */
interface Job {
  readonly waits: [Wait, ...Array<Wait>]
  readonly by: LeftBy
  readonly fiber: Fiber.Fiber<unknown, unknown> | undefined
}

/** The fiber of a call that no wait is in any more; a check that interrupts its own wait does not wait for itself. */
const abandonedBy = (call: InFlight | undefined): Fiber.Fiber<unknown, unknown> | undefined =>
  call?.isEmpty === true && call.fiber !== Fiber.getCurrent() ? call.fiber : undefined

const cancelAll = (jobs: ReadonlyArray<Job>, canceling: Canceling): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const cancels = jobs.filter(({ fiber }) => fiber === undefined)
    // These wait for a check first, which may take long: they hold back no others.
    const later = jobs.filter(({ fiber }) => fiber !== undefined)
    const cancel = (job: Job) => cancelOne(job, canceling, now)
    const both = [
      Effect.forEach(cancels, cancel, { concurrency: canceling.concurrency, discard: true }),
      Effect.forEach(later, cancel, { concurrency: "unbounded", discard: true })
    ]
    return Effect.all(both, { concurrency: "unbounded", discard: true })
  })

const cancelOne = ({ by, fiber, waits }: Job, { tell }: Canceling, since: number): Effect.Effect<void> => {
  const group = groupOf(waits[0])
  return remoteCancel.afterCheck(
    {
      waits,
      by,
      over: fiber === undefined ? undefined : Fiber.await(fiber),
      fork: (effect) => group.fork(effect),
      tell,
      // Another wait may want the job again by then.
      isWanted: () => group.target.isWanted(waits[0].key)
    },
    since
  )
}
