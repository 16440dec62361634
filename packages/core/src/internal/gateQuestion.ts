import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"

// What `Gate.make` adds to the function of a gate: a time limit, and answers that hold for a partition. The types are
// those of `Gate`, which imports this module.

interface Subject {
  readonly job: string
  readonly key: string
}

type Answer =
  | { readonly _tag: "Open" }
  | {
      readonly _tag: "Postponed"
      readonly delay: Duration.Duration
      readonly reason: string
      readonly spread?: Duration.Duration | undefined
    }

type Ask<R> = (subject: Subject) => Effect.Effect<Answer, never, R>

/** The answer that is known without asking; `now` is the wall-clock time. */
type Known = (subject: Subject, now: number, random: () => number) => Answer | undefined

/**
 * Limits how long a question takes, in milliseconds. A question that does not answer in time is interrupted and not
 * awaited; while many of those still run, no other is asked.
 */
export const bounded = <R>(ask: Ask<R>, timeoutMillis: number): Ask<R> => {
  if (timeoutMillis === Number.POSITIVE_INFINITY) return ask
  let unfinished = 0
  const timeUp = Effect.as(Effect.sleep(Duration.millis(timeoutMillis)), undefined)
  return (subject) =>
    Effect.suspend(() => {
      if (unfinished >= mostUnfinished) return Effect.succeed(timedOut)
      const question = ask(subject)
      // Nothing to wait for.
      if (Exit.isExit(question)) return question
      return Effect.flatMap(Effect.forkDetach(question, { startImmediately: true }), (fiber) => {
        const exit = fiber.pollUnsafe()
        if (exit !== undefined) return exit
        const stop = (): void => {
          unfinished++
          fiber.addObserver(() => void unfinished--)
          fiber.interruptUnsafe()
        }
        const answer = Effect.map(Effect.raceFirst(Fiber.join(fiber), timeUp), (found) => {
          if (found === undefined) stop()
          return found ?? timedOut
        })
        // Not awaited: it may be the question itself that ends its wait.
        return Effect.onInterrupt(answer, () => Effect.sync(stop))
      })
    })
}

/**
 * Makes a postponed answer hold for all checks of a partition. Once its delay has passed, one check asks, and the others
 * are postponed again until that is answered.
 */
export const partitioned = <R>(ask: Ask<R>, partition: (subject: Subject) => string): Ask<R> => {
  const closings = new Closings()
  const known: Known = (subject, now, random) => closings.known(partition(subject), now, random)
  const shared: Ask<R> = (subject) =>
    Effect.flatMap(Effect.all([Clock.currentTimeMillis, Random.Random]), ([now, random]) => {
      const name = partition(subject)
      const answer = closings.known(name, now, () => random.nextDoubleUnsafe())
      if (answer !== undefined) return Effect.succeed(answer)
      const asked = closings.ask(name)
      return Effect.onExit(
        Effect.suspend(() => ask(subject)),
        (exit) => Effect.map(Clock.currentTimeMillis, (then) => closings.answered(name, asked, exit, then))
      )
    })
  return knows(shared, known)
}

/** Notes what is known of the answers of a gate without asking it. */
export const knows = <R>(ask: Ask<R>, known: Known): Ask<R> => {
  knownBy.set(ask, known)
  return ask
}

/** The answer of a gate, if it is known without asking. `now` is the wall-clock time. */
export const knownAnswer = (
  { ask }: { readonly ask: unknown },
  subject: Subject,
  now: number,
  random: () => number
): Answer | undefined => {
  try {
    return knownBy.get(ask as object)?.(subject, now, random)
  } catch {
    // The name of a partition is user code: when the gate is asked, the wait ends with the defect.
    return undefined
  }
}

/** How long a check is postponed whose gate has not answered in time. */
export const timedOut: Answer = {
  _tag: "Postponed",
  delay: /*#__PURE__*/ Duration.seconds(1),
  reason: "gate timeout"
}

// ---- internal ----

const knownBy = new WeakMap<object, Known>()

/** How many questions of a gate may run on after their time limit. */
const mostUnfinished = 100

/** The longest time over which checks come back after a delay, unless the answer names another one. */
const longestSpread = 30_000

const leastSweep = 256

/** A partition that postpones checks. */
interface Closing {
  readonly from: number
  readonly until: number
  /** Over how many milliseconds after `until` the other checks come back. */
  readonly spread: number
  readonly reason: string
  /** Whether a check asks now. */
  isAsked: boolean
}

/** The partitions of a gate that postpone checks; all times are wall-clock times. */
class Closings {
  private readonly all = new Map<string, Closing>()
  private sweepAt = leastSweep

  known(name: string, now: number, random: () => number): Answer | undefined {
    const closing = this.all.get(name)
    // The clock may have been set back.
    if (closing === undefined || now < closing.from) return undefined
    const { from, isAsked, reason, spread, until } = closing
    if (now >= until && !isAsked) return undefined
    const rest = now < until ? until - now : until - from
    return { _tag: "Postponed", delay: Duration.millis(rest + random() * spread), reason }
  }

  /** Notes that a check asks. */
  ask(name: string): Closing | undefined {
    const closing = this.all.get(name)
    if (closing !== undefined) closing.isAsked = true
    return closing
  }

  answered(name: string, asked: Closing | undefined, exit: Exit.Exit<Answer>, now: number): void {
    if (asked !== undefined) asked.isAsked = false
    if (Exit.isFailure(exit)) return
    const { value } = exit
    if (value._tag === "Postponed") {
      const millis = Duration.toMillis(value.delay)
      const spread = value.spread === undefined ? Math.min(millis, longestSpread) : Duration.toMillis(value.spread)
      this.all.set(name, { from: now, until: now + millis, spread, reason: value.reason, isAsked: false })
      if (this.all.size > this.sweepAt) this.sweep(now)
    } else if (this.all.get(name) === asked) this.all.delete(name)
  }

  private sweep(now: number): void {
    for (const [name, { isAsked, until }] of this.all) if (now >= until && !isAsked) this.all.delete(name)
    this.sweepAt = Math.max(leastSweep, 2 * this.all.size)
  }
}
