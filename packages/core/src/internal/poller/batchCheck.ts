import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as CheckResult from "../../CheckResult.ts"
import type { CheckManyAnswer } from "../../Job.ts"
import type * as Strategy from "../../Strategy.ts"
import * as event from "../machine/event.ts"
import { shown, type Wait } from "../machine/wait.ts"
import { Contexts } from "./contexts.ts"
import { kindOf } from "../text.ts"
import * as userCalls from "../single/userCalls.ts"
import { inFlightOf } from "./inFlight.ts"
import { type Call, targetOf } from "./target.ts"

/** The results of a batch, wait by wait, and the longest hint among them. */
export interface Results {
  readonly of: (wait: Wait) => event.Event | undefined
  readonly hint: CheckResult.Hint | undefined
}

/**
 * Checks many keys in one request.
 *
 * - A key that the answer lacks is checked alone: at once, or once the delay has passed that the server requested.
 * - A transient error counts for all keys. A permanent one may be about one of them: the request is split in halves to
 *   find it, and when both halves fail too, their keys are checked one by one.
 * - A key that a wait with a `minInterval` asks for is not asked for again at once: it is checked alone after that.
 * - The hint of the answer, and the longest one for any of the keys, hold for all of them, since it was one request.
 */
export const run = (call: Call): Effect.Effect<Results, never, unknown> => {
  const waits = call.target.isShared ? call.onePerKey : call.waits.slice()
  // A key whose waits have all left is not asked for again; a wait that comes for it now checks by itself.
  const isWanted: IsWanted = (wait) => {
    if (inFlightOf(wait) === call || call.waits.some(({ key }) => key === wait.key)) return true
    call.target.forget(wait.key, call)
    return false
  }
  return Effect.flatMap(Effect.exit(send(waits)), (exit) => {
    if (Exit.isSuccess(exit) || !mayBeAboutOneKey(waits, exit)) return follow(call, waits, exit, isWanted)
    const { later, now } = bySpacing(call, waits)
    const others = Effect.suspend(() => {
      if (now.length < 2) return alone(now, isWanted)
      return split(call, now, isWanted)
    })
    return later.length === 0 ? others : Effect.map(others, (rest) => together([unanswered(later), rest]))
  })
}

/** What the exit of a call means to one of its waits. */
export const eventFor = (call: Call, wait: Wait, exit: Exit.Exit<unknown, unknown>): event.Event => {
  switch (call.kind) {
    case "check":
      return eventOf(exit as CheckExit)
    case "batch":
      return eventOfBatch(exit as Exit.Exit<Results>, wait)
    default:
      return wait.stage.phase === "stepping"
        ? { _tag: "Decided", exit: exit as Exit.Exit<Strategy.Decision> }
        : event.cancelDone("timeout", exit)
  }
}

// ---- internal ----

type AnyCheckResult = CheckResult.CheckResult<unknown, unknown>
type CheckExit = Exit.Exit<AnyCheckResult, unknown>
type KeyResult = Result.Result<AnyCheckResult, unknown>
type KeyResults = CheckManyAnswer<unknown, unknown, unknown>

type IsWanted = (wait: Wait) => boolean

const eventOf = (exit: CheckExit): event.Event =>
  Exit.isSuccess(exit) ? event.checked(exit.value) : event.checkErrored(exit.cause)

const eventOfBatch = (exit: Exit.Exit<Results>, wait: Wait): event.Event => {
  if (Exit.isFailure(exit)) return event.checkErrored(exit.cause)
  const { hint, of } = exit.value
  const own = of(wait)
  if (own === undefined) return event.checkErrored(Cause.die(new Error(`the key ${shown(wait)} was not checked`)))
  if (hint === undefined) return own
  if (own._tag === "CheckErrored" || own._tag === "Unanswered") return { ...own, hint }
  // What is no result ends its wait as it is.
  if (own._tag !== "Checked" || !CheckResult.isCheckResult(own.result)) return own
  return event.checked(CheckResult.withHint(own.result, hint))
}

const send = (waits: ReadonlyArray<Wait>): Effect.Effect<KeyResults, unknown, unknown> =>
  Effect.suspend(() =>
    targetOf(waits[0]!).job.checkMany!.check(
      waits.map((wait) => wait.rawKey),
      new Contexts(waits)
    )
  )

/** Whether a failure of the request may be about one of its keys: the error is typed, and permanent. */
const mayBeAboutOneKey = (waits: ReadonlyArray<Wait>, exit: Exit.Failure<unknown, unknown>): boolean =>
  exit.cause.reasons.every(Cause.isFailReason) &&
  waits[0]!.setting.policy.errors.kindOf(Cause.squash(exit.cause))._tag === "Permanent"

/** Waits whose keys may be asked for again at once, and waits for whose keys a `minInterval` holds. */
const bySpacing = (
  call: Call,
  waits: ReadonlyArray<Wait>
): { readonly now: ReadonlyArray<Wait>; readonly later: ReadonlyArray<Wait> } => {
  if (!call.target.isSpaced) return { now: waits, later: [] }
  const spaced = new Set(call.waits.filter(({ setting }) => setting.policy.minInterval > 0).map(({ key }) => key))
  return { now: waits.filter(({ key }) => !spaced.has(key)), later: waits.filter(({ key }) => spaced.has(key)) }
}

/** The keys of these waits have to be checked alone, later. */
const unanswered = (waits: ReadonlyArray<Wait>, hint?: CheckResult.Hint): Results => {
  const later: event.Event = { _tag: "Unanswered", hint }
  const keys = new Set(waits.map(({ key }) => key))
  return { of: ({ key }) => (keys.has(key) ? later : undefined), hint: undefined }
}

/** Runs a further request for these waits, whose start counts where there is a `minInterval`. */
const noted = <A, E>(
  waits: ReadonlyArray<Wait>,
  request: Effect.Effect<A, E, unknown>
): Effect.Effect<A, E, unknown> => {
  const [first] = waits
  if (first === undefined || !targetOf(first).isSpaced) return request
  return Effect.flatMap(Clock.currentTimeMillis, (at) => {
    targetOf(first).noteStarts(waits, at - first.setting.time.base)
    return request
  })
}

const follow = (
  call: Call,
  waits: ReadonlyArray<Wait>,
  exit: Exit.Exit<KeyResults, unknown>,
  isWanted: IsWanted
): Effect.Effect<Results, never, unknown> => {
  if (Exit.isFailure(exit)) {
    const failed = event.checkErrored(exit.cause)
    return Effect.succeed({ of: () => failed, hint: undefined })
  }
  const answer = exit.value?.results
  if (typeof answer?.get !== "function") {
    const failed = event.checkErrored(Cause.die(noAnswer(exit.value)))
    return Effect.succeed({ of: () => failed, hint: undefined })
  }
  const found = waits.map(({ key }) => answer.get(key))
  const lacking = waits.filter((_, at) => found[at] === undefined)
  // Most waits get their result in the order in which they asked, so that their keys need not be found again.
  let next = 0
  const results: Results = {
    of: (wait) => eventOfKey(waits[next] === wait ? found[next++] : answer.get(wait.key)),
    hint: longer(longestHint(found), exit.value.hint)
  }
  if (lacking.length === 0) return Effect.succeed(results)
  const { hint } = exit.value
  if (isDelay(hint)) return Effect.succeed(together([results, unanswered(lacking, hint)]))
  const { later, now } = bySpacing(call, lacking)
  const known = later.length === 0 ? results : together([results, unanswered(later)])
  return now.length === 0
    ? Effect.succeed(known)
    : Effect.map(alone(now, isWanted), (others) => together([known, others]))
}

const split = (call: Call, waits: ReadonlyArray<Wait>, isWanted: IsWanted): Effect.Effect<Results, never, unknown> => {
  const half = Math.ceil(waits.length / 2)
  const halves = [waits.slice(0, half), waits.slice(half)]
  return Effect.flatMap(
    Effect.forEach(halves, (part) =>
      Effect.suspend(() => {
        const wanted = part.filter(isWanted)
        return wanted.length === 0
          ? Effect.succeed(Exit.succeed<KeyResults>({ results: new Map() }))
          : Effect.exit(noted(wanted, send(wanted)))
      })
    ),
    (exits) => {
      const failed = exits.map((exit, at) => Exit.isFailure(exit) && mayBeAboutOneKey(halves[at]!, exit))
      if (failed.every(Boolean)) return alone(waits, isWanted)
      const results = Effect.forEach(halves, (part, at) => {
        if (failed[at] !== true) return follow(call, part, exits[at]!, isWanted)
        return part.length === 1 ? alone(part, isWanted) : split(call, part, isWanted)
      })
      return Effect.map(results, together)
    }
  )
}

/** Checks each key by itself, one after the other: together they have the place of one request. */
const alone = (waits: ReadonlyArray<Wait>, isWanted: IsWanted): Effect.Effect<Results, never, unknown> =>
  Effect.map(
    Effect.forEach(waits, (wait) => {
      const check = Effect.suspend(() => (isWanted(wait) ? noted([wait], userCalls.check(wait)) : Effect.interrupt))
      return Effect.map(Effect.exit(check), (exit) => [wait.key, exit] as const)
    }),
    (entries) => {
      const exits = new Map(entries)
      return {
        of: ({ key }) => {
          const exit = exits.get(key)
          return exit === undefined ? undefined : eventOf(exit)
        },
        hint: undefined
      }
    }
  )

const together = (parts: ReadonlyArray<Results>): Results => ({
  of: (wait) => {
    for (const part of parts) {
      const found = part.of(wait)
      if (found !== undefined) return found
    }
    return undefined
  },
  hint: parts.reduce<CheckResult.Hint | undefined>((longest, part) => longer(longest, part.hint), undefined)
})

const isDelay = (hint: CheckResult.Hint | undefined): hint is Duration.Duration =>
  hint !== undefined && hint !== "unreadable" && Duration.toMillis(hint) > 0

const eventOfKey = (result: KeyResult | undefined): event.Event | undefined =>
  result === undefined
    ? undefined
    : !Result.isResult(result)
      ? event.checkErrored(Cause.die(noEntry(result)))
      : Result.isSuccess(result)
        ? event.checked(result.success)
        : event.checkErrored(Cause.fail(result.failure))

const noAnswer = (got: unknown): TypeError =>
  new TypeError(`checkMany must return { results }, a Map of Results by key, got ${shownKind(got)}`)

const noEntry = (got: unknown): TypeError =>
  new TypeError(`an entry of the results of checkMany must be a Result, got ${shownKind(got)}`)

const shownKind = (got: unknown): string => (typeof got === "object" && got !== null ? "an object" : kindOf(got))

const longestHint = (results: ReadonlyArray<KeyResult | undefined>): CheckResult.Hint | undefined => {
  let longest: CheckResult.Hint | undefined
  for (const result of results) {
    if (!Result.isResult(result) || Result.isFailure(result)) continue
    if (!CheckResult.isCheckResult(result.success) || result.success._tag !== "Annotated") continue
    const { hint } = result.success
    // One that is unreadable is about its own key only.
    if (hint !== "unreadable") longest = longer(longest, hint)
  }
  return longest
}

const longer = (a: CheckResult.Hint | undefined, b: CheckResult.Hint | undefined): CheckResult.Hint | undefined => {
  if (b === undefined || b === "unreadable") return a ?? b
  return a === undefined || a === "unreadable" || Duration.isGreaterThan(b, a) ? b : a
}
