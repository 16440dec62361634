import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Event, LeftBy } from "../../machine/event.ts"
import type { Wait } from "../../machine/wait.ts"
import * as remoteCancel from "../../single/remoteCancel.ts"
import type { InFlight, Running } from "../inFlight.ts"
import { groupOf } from "../registry.ts"
import { targetOf } from "../target.ts"

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
  /** How many jobs are canceled at the same time, unless that would take too long. */
  readonly concurrency: number
  /** Whether cancels begin before the effect runs, if nothing has to come first. */
  readonly atOnce: boolean
}

/**
 * Waits for the calls that were in flight for these waits alone, and cancels the jobs that no other wait wants: each
 * job once, after its check is over, and even if the returned effect is interrupted meanwhile. All of that takes about
 * the longest `cancelTimeout` of the waits at most.
 */
export const interrupt = (interrupted: ReadonlyArray<Interrupted>, canceling: Canceling): Effect.Effect<void> => {
  const running = new Set<Running>()
  const jobs = new Map<unknown, Map<string, Job>>()
  let atMost = 0
  for (const { call, cancelsBy, wait } of interrupted) {
    const { cancelTimeout } = wait.setting.policy
    if (cancelTimeout > atMost) atMost = cancelTimeout
    const check = abandonedBy(call)
    if (check !== undefined) running.add(check)
    if (cancelsBy === undefined) continue
    const target = targetOf(wait)
    const ofTarget = jobs.get(target) ?? new Map<string, Job>()
    jobs.set(target, ofTarget)
    const known = ofTarget.get(wait.key)
    if (known !== undefined) known.waits.push(wait)
    else ofTarget.set(wait.key, { waits: [wait], by: cancelsBy, check })
  }
  const over = running.size === 0 ? Effect.void : bounded(Effect.forEach(running, ended, { discard: true }), atMost)
  if (jobs.size === 0) return over
  const cancels = cancelAll(
    [...jobs.values()].flatMap((ofTarget) => Array.from(ofTarget.values())),
    canceling,
    atMost
  )
  const begin = (): Fiber.Fiber<void> => canceling.fork(cancels)
  // A check that interrupts its own wait does not get to run the effect.
  const begun = canceling.atOnce ? begin() : undefined
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
  readonly check: Running | undefined
}

/** What runs for a call that no wait is in any more; a check that interrupts its own wait does not wait for itself. */
const abandonedBy = (call: InFlight | undefined): Running | undefined =>
  call?.isEmpty === true && call.running !== Fiber.getCurrent() ? call.running : undefined

/** Waits until a check has ended. */
const ended = (check: Running): Effect.Effect<void> =>
  Effect.callback<void>((resume) => void check.addObserver(() => resume(Effect.void)))

/** Waits for an effect that can be given up, even where nothing can be interrupted. */
const bounded = (effect: Effect.Effect<unknown>, atMost: number): Effect.Effect<void> =>
  Effect.asVoid(Effect.timeoutOption(Effect.interruptible(effect), Duration.millis(atMost)))

/** Cancels jobs. All have been asked for after half of `atMost`, however many they are and however long each takes. */
const cancelAll = (jobs: ReadonlyArray<Job>, canceling: Canceling, atMost: number): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const cancels = jobs.filter(({ check }) => check === undefined)
    // These wait for a check first, which may take long: they hold back no others.
    const later = jobs.filter(({ check }) => check !== undefined)
    const cancel = (job: Job) => cancelOne(job, canceling, now)
    const both = [
      forEachPaced(cancels, cancel, canceling, atMost / 2),
      Effect.forEach(later, cancel, { concurrency: "unbounded", discard: true })
    ]
    return Effect.all(both, { concurrency: "unbounded", discard: true })
  })

/**
 * Runs an effect for each item, `concurrency` of them at the same time; more if they would not all have begun `within`
 * that many milliseconds.
 */
const forEachPaced = <A>(
  items: ReadonlyArray<A>,
  run: (item: A) => Effect.Effect<void>,
  { concurrency, fork }: Canceling,
  within: number
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const over = Deferred.makeUnsafe<void>()
    let begun = 0
    let left = items.length
    const work: Effect.Effect<void> = Effect.suspend(() => {
      if (begun === items.length) return Effect.void
      const ended = () => --left === 0 && Deferred.doneUnsafe(over, Exit.void)
      return Effect.andThen(Effect.ensuring(run(items[begun++]!), Effect.sync(ended)), work)
    })
    const begin = (until: number): void => {
      for (let workers = begun; workers < until; workers++) fork(work)
    }
    const pace = (step: number): Effect.Effect<void> =>
      Effect.suspend(() => {
        begin(Math.ceil((items.length * step) / paceSteps))
        if (begun === items.length) return Effect.void
        return Effect.andThen(Effect.sleep(Duration.millis(within / paceSteps)), pace(step + 1))
      })
    begin(Math.min(concurrency, items.length))
    return left === 0 ? Effect.void : Effect.andThen(pace(0), Deferred.await(over))
  })

const paceSteps = 100

const cancelOne = ({ by, check, waits }: Job, { tell }: Canceling, since: number): Effect.Effect<void> => {
  const group = groupOf(waits[0])
  return remoteCancel.afterCheck(
    {
      waits,
      by,
      over: check === undefined ? undefined : ended(check),
      fork: (effect) => group.fork(effect),
      tell,
      // Another wait may want the job again by then.
      isWanted: () => group.target.isWanted(waits[0].key)
    },
    since
  )
}
