import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as CheckResult from "../../CheckResult.ts"
import * as event from "../machine/event.ts"
import type * as Strategy from "../../Strategy.ts"
import type { Wait } from "../machine/wait.ts"
import { type Errand, errandOf } from "./inFlight.ts"
import { groupOf } from "./group.ts"

type AnyCheckResult = CheckResult.CheckResult<unknown, unknown>
type Answer = Result.Result<AnyCheckResult, unknown>
type Answers = ReadonlyMap<string, Answer>

type CheckExit = Exit.Exit<AnyCheckResult, unknown>
type ManyExit = Exit.Exit<Found>

/** The check one key. */
export const one = (wait: Wait): Effect.Effect<AnyCheckResult, unknown, unknown> => {
  const { check, missing } = wait.setting.policy
  const { fallbackKey } = wait.rare
  try {
    return fallbackKey === undefined ? check(wait.rawKey) : missing.checkFallback!(fallbackKey)
  } catch (defect) {
    return Effect.die(defect)
  }
}

/** What checks found, wait by wait; and the slowest wish of the server among them. */
export interface Found {
  readonly of: (wait: Wait) => event.Event | undefined
  readonly slowest: CheckResult.Hint | undefined
}

/**
 * The check many keys in one request.
 *
 * - A key that the answer lacks is checked alone.
 * - A transient error is one for all. A permanent one may be the fault of some key: the request is split in halves to find
 *   it, and where both halves fail too, their keys are checked one by one.
 * - The slowest wish of the server for one of the keys holds for all of them: it was one request.
 */
export const many = (errand: Errand): Effect.Effect<Found, never, unknown> => {
  const waits = errand.site.isShared ? errand.onePerKey : errand.waits.slice()
  // A key whose waits have all left meanwhile is not asked for again; who comes for it anew checks by itself.
  const isWanted: IsWanted = (wait) => {
    if (errandOf(wait) === errand || errand.waits.some(({ key }) => key === wait.key)) return true
    errand.site.forgetKey(wait.key, errand)
    return false
  }
  return Effect.flatMap(Effect.exit(ask(waits)), (exit) => {
    if (Exit.isFailure(exit) && isDoubtful(waits, exit)) {
      return waits.length === 1 ? alone(waits, isWanted) : split(waits, isWanted)
    }
    return follow(waits, exit, isWanted)
  })
}

/** What the exit of a check is to the machine. */
const eventOf = (exit: CheckExit): event.Event =>
  Exit.isSuccess(exit) ? event.checked(exit.value) : event.checkErrored(exit.cause)

/** What was found for one of many waits, with the wish of the server that holds for all. */
const eventFor = (exit: ManyExit, wait: Wait): event.Event => {
  if (Exit.isFailure(exit)) return event.checkErrored(exit.cause)
  const { of, slowest } = exit.value
  const told = of(wait)
  if (told === undefined) return event.checkErrored(Cause.die(new Error(`no check the key ${wait.key} was made`)))
  if (slowest === undefined) return told
  if (told._tag === "CheckErrored") return { ...told, hint: slowest }
  return told._tag === "Checked" ? event.checked(CheckResult.withHint(told.check, slowest)) : told
}

/** What came of an errand, for one of its waits. */
export const happened = (errand: Errand, wait: Wait, exit: Exit.Exit<unknown, unknown>): event.Event => {
  switch (errand.kind) {
    case "check":
      return eventOf(exit as CheckExit)
    case "many":
      return eventFor(exit as ManyExit, wait)
    default:
      return wait.stage.phase === "stepping"
        ? { _tag: "Stepped", exit: exit as Exit.Exit<Strategy.Decision> }
        : event.cancelAsked
  }
}

// ---- internal ----

type IsWanted = (wait: Wait) => boolean

const ask = (waits: ReadonlyArray<Wait>): Effect.Effect<Answers, unknown, unknown> =>
  Effect.suspend(() => groupOf(waits[0]!).site.job.checkMany!.check(waits.map((wait) => wait.rawKey)))

/** Whether a failure of the request may be the fault of one of its keys: the error is typed, and permanent. */
const isDoubtful = (waits: ReadonlyArray<Wait>, exit: Exit.Failure<unknown, unknown>): boolean =>
  exit.cause.reasons.every(Cause.isFailReason) &&
  waits[0]!.setting.policy.errors.kindOf(Cause.squash(exit.cause))._tag === "Permanent"

const follow = (
  waits: ReadonlyArray<Wait>,
  exit: Exit.Exit<Answers, unknown>,
  isWanted: IsWanted
): Effect.Effect<Found, never, unknown> => {
  if (Exit.isFailure(exit)) {
    const failed = event.checkErrored(exit.cause)
    return Effect.succeed({ of: () => failed, slowest: undefined })
  }
  const answers = exit.value
  const found = waits.map(({ key }) => answers.get(key))
  const unanswered = waits.filter((_, at) => found[at] === undefined)
  // Most are told in the order in which they asked: no need to find their keys again.
  let next = 0
  const rest: Found = {
    of: (wait) => eventOfResult(waits[next] === wait ? found[next++] : answers.get(wait.key)),
    slowest: slowestOf(found)
  }
  return unanswered.length === 0
    ? Effect.succeed(rest)
    : Effect.map(alone(unanswered, isWanted), (others) => together([rest, others]))
}

const split = (waits: ReadonlyArray<Wait>, isWanted: IsWanted): Effect.Effect<Found, never, unknown> => {
  const half = Math.ceil(waits.length / 2)
  const halves = [waits.slice(0, half), waits.slice(half)]
  return Effect.flatMap(
    Effect.forEach(halves, (part) =>
      Effect.suspend(() => {
        const wanted = part.filter(isWanted)
        return wanted.length === 0 ? Effect.succeed(Exit.succeed<Answers>(new Map())) : Effect.exit(ask(wanted))
      })
    ),
    (exits) => {
      const doubtful = exits.map((exit, at) => Exit.isFailure(exit) && isDoubtful(halves[at]!, exit))
      if (doubtful.every(Boolean)) return alone(waits, isWanted)
      const found = Effect.forEach(halves, (part, at) => {
        if (doubtful[at] !== true) return follow(part, exits[at]!, isWanted)
        return part.length === 1 ? alone(part, isWanted) : split(part, isWanted)
      })
      return Effect.map(found, together)
    }
  )
}

/** Checks each key by itself, one after the other: together they have the place of one check. */
const alone = (waits: ReadonlyArray<Wait>, isWanted: IsWanted): Effect.Effect<Found, never, unknown> =>
  Effect.map(
    Effect.forEach(waits, (wait) => {
      const check = Effect.suspend(() => (isWanted(wait) ? one(wait) : Effect.interrupt))
      return Effect.map(Effect.exit(check), (exit) => [wait.key, exit] as const)
    }),
    (entries) => {
      const exits = new Map(entries)
      return {
        of: ({ key }) => {
          const exit = exits.get(key)
          return exit === undefined ? undefined : eventOf(exit)
        },
        slowest: undefined
      }
    }
  )

const together = (parts: ReadonlyArray<Found>): Found => ({
  of: (wait) => {
    for (const part of parts) {
      const found = part.of(wait)
      if (found !== undefined) return found
    }
    return undefined
  },
  slowest: parts.reduce<CheckResult.Hint | undefined>((slowest, part) => slower(slowest, part.slowest), undefined)
})

const eventOfResult = (answer: Answer | undefined): event.Event | undefined =>
  answer === undefined
    ? undefined
    : Result.isSuccess(answer)
      ? event.checked(answer.success)
      : event.checkErrored(Cause.fail(answer.failure))

const slowestOf = (answers: ReadonlyArray<Answer | undefined>): CheckResult.Hint | undefined => {
  let slowest: CheckResult.Hint | undefined
  for (const answer of answers) {
    if (answer === undefined || Result.isFailure(answer) || answer.success._tag !== "Annotated") continue
    slowest = slower(slowest, answer.success.hint)
  }
  return slowest
}

const slower = (a: CheckResult.Hint | undefined, b: CheckResult.Hint | undefined): CheckResult.Hint | undefined => {
  if (b === undefined || b === "unreadable") return a
  return a === undefined || a === "unreadable" || Duration.isGreaterThan(b, a) ? b : a
}
