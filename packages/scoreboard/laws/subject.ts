// The wait of a world in the library: its Job, which records its calls, and its hosts.
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import type { CheckContext } from "effect-poll/CheckContext"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Status from "effect-poll/Status"
import { optionsOf, terminalOf, type WaitOptions } from "./options.ts"
import { checkLine, type Ending, type Trace } from "./trace.ts"
import { eventLine, fieldsText, type RenderError, statusText, type Trouble } from "./words.ts"
import { type Answer, answerAt, lacksAt, type Source, type Terminal, type World } from "./world.ts"

export type Render = Job.Job<string, string, string, Trouble>

/** A world that runs: its Job and options, and what was seen so far. */
export class Subject implements Trace {
  readonly checks: Array<string> = []
  readonly cancels: Array<string> = []
  readonly events: Array<string> = []
  ending: Ending | undefined
  /** Whether recording is off, for the rest of a wait that was cut. */
  mutes = false
  readonly job: Render
  readonly options: WaitOptions
  #canceledAt: number | undefined
  #lastAttempt = 0
  readonly #world: World

  constructor(world: World, many: boolean, history: boolean) {
    this.#world = world
    const { job, wait } = optionsOf(world)
    const { confirm, missing } = world.options
    this.options = { ...wait, history }
    const own = { success: confirm?.success, failure: confirm?.failure }
    this.job = Job.make<string, string, Trouble>("render", {
      ...job,
      confirm: confirm?.check === true ? { ...own, check: this.#check("confirm", "confirm") } : job.confirm,
      missing: job.missing && {
        ...job.missing,
        fallback: missing?.fallback && {
          locate: (_key: string, last: Status.Status<unknown, unknown> | undefined) => locate(missing.fallback!, last),
          check: (key: string, context: CheckContext) => this.#check("fallback", `fallback ${key}`)(key, context)
        }
      },
      check: this.#check("own", many ? "own alone" : "own"),
      checkMany: many ? { max: 10, slack: 0, check: this.#checkMany } : undefined,
      cancel: () => this.#cancel
    })
  }

  /** The wait's options with an observer that records its events. */
  get observed(): WaitOptions {
    const observer = Observer.make(({ at, event }) => Effect.sync(() => this.record(at, event)))
    return { ...this.options, observers: [observer] }
  }

  record(at: number, event: Observer.Notification["event"]): void {
    const line = eventLine(event)
    if (line !== undefined && !this.mutes) this.events.push(`${at} ${line}`)
  }

  end(at: number, exit: Exit.Exit<string, RenderError>): void {
    if (this.mutes) return
    const error = Exit.findErrorOption(exit)
    if (Exit.isSuccess(exit)) this.ending = { at, tag: "Succeeded", attempts: this.#lastAttempt, fields: "" }
    else if (error._tag === "Some")
      this.ending = { at, tag: error.value._tag, attempts: error.value.attempts, fields: fieldsText(error.value) }
    else this.ending = { at, tag: "Defect", attempts: this.#lastAttempt, fields: String(exit.cause) }
  }

  readonly #check =
    (source: Source, name: string) =>
    (_key: string, context: CheckContext): Effect.Effect<CheckResult.CheckResult<string, string>, Trouble> =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        this.#record(now, name, context)
        return effectOf(answerAt(this.#world.server, source, now, this.#canceledAt))
      })

  readonly #checkMany = (keys: ReadonlyArray<string>, contexts: ReadonlyMap<string, CheckContext>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const { server } = this.#world
      const key = keys[0]!
      this.#record(now, "many", contexts.get(key)!)
      const answer = answerAt(server, "own", now, this.#canceledAt)
      const lacks = lacksAt(server, now)
      const result = Effect.result(effectOf(answer))
      return Effect.flatMap(result, (found): Effect.Effect<Job.CheckManyAnswer<string, string, Trouble>, Trouble> => {
        if (lacks) return Effect.succeed({ results: new Map(), hint: millis(server.many.lackingHint) })
        if (Result.isFailure(found) && server.many.failsWhole) return Effect.fail(found.failure)
        return Effect.succeed({ results: new Map([[key, found]]), hint: millis(server.many.hint) })
      })
    })

  readonly #cancel = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const { accepted, takes } = this.#world.server.cancel
    this.cancels.push(`${now}`)
    if (takes === "hung") return Effect.never
    return Effect.flatMap(Effect.sleep(takes), () => {
      if (!accepted) return Effect.fail("refused")
      this.#canceledAt = now + takes
      return Effect.void
    })
  })

  #record(now: number, source: string, { attempt, cursor, elapsedMillis, last }: CheckContext): void {
    this.#lastAttempt = attempt
    this.checks.push(
      checkLine(now, attempt, source, { elapsed: elapsedMillis, cursor, last: last && statusText(last) })
    )
  }
}

// ---- internal ----

const millis = (value: number | undefined): Duration.Duration | undefined =>
  value === undefined ? undefined : Duration.millis(value)

const locate = (
  fallback: "has" | "byState" | "lacks",
  last: Status.Status<unknown, unknown> | undefined
): string | undefined => {
  if (fallback === "has") return "old"
  return fallback === "byState" && last !== undefined ? `old-${statusText(last)}` : undefined
}

const effectOf = (answer: Answer): Effect.Effect<CheckResult.CheckResult<string, string>, Trouble> => {
  if (answer.is === "hung") return Effect.never
  const now = answerOf(answer)
  return answer.takes > 0 ? Effect.delay(now, answer.takes) : now
}

const answerOf = (answer: Answer): Effect.Effect<CheckResult.CheckResult<string, string>, Trouble> => {
  const trouble = kindOf(answer)
  if (trouble !== undefined) return Effect.fail({ name: answer.is, [CheckError.kind]: trouble })
  let result = resultOf(answer)
  if (answer.hint !== undefined) result = CheckResult.withHint(result, answer.hint)
  if (answer.cursor !== undefined) result = CheckResult.withCursor(result, answer.cursor)
  if ("generation" in answer && answer.generation !== undefined)
    result = CheckResult.withRun(result, { generation: answer.generation })
  return Effect.succeed(result)
}

const kindOf = (answer: Answer): CheckError.Kind | undefined => {
  if (answer.is === "permanent") return CheckError.permanent()
  if (answer.is !== "transient" && answer.is !== "throttled") return undefined
  const { retryAfter } = answer
  const options = { retryAfter: typeof retryAfter === "number" ? Duration.millis(retryAfter) : retryAfter }
  return answer.is === "transient" ? CheckError.transient(options) : CheckError.throttled(options)
}

const resultOf = (answer: Answer): CheckResult.CheckResult<string, string> => {
  switch (answer.is) {
    case "pending": {
      const { action, progress, state } = answer
      return Status.pending({ state, progress, action: action === undefined ? undefined : { id: action } })
    }
    case "missing":
      return CheckResult.missingAfter(answer.times)
    case "unknown":
      return CheckResult.unknownState(answer.word)
    case "lacking":
      return CheckResult.resultMissing("DONE")
    default:
      return terminalOf(answer.is as Terminal)
  }
}
