// Cuts a wait at an instant, writes its token as JSON, and resumes it at that instant in the same or in the other host.
// The rest must be what it would have been.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Handle } from "effect-poll/Handle"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as ResumeToken from "effect-poll/ResumeToken"
import { VirtualTime } from "./clock.ts"
import { act, alone } from "./hosts.ts"
import type { Mode, Span } from "./life.ts"
import type { Simulated } from "./reference.ts"
import { Subject } from "./subject.ts"
import type { Ending, Trace } from "./trace.ts"
import type { RenderError, Trouble } from "./words.ts"
import type { World } from "./world.ts"

/** Where and when a wait is cut, and where it is resumed. */
export interface Cut {
  readonly at: number
  readonly span: Span
  readonly mode: Mode
  readonly from: "Poll" | "Poller"
  readonly to: "Poll" | "Poller"
}

/** The instants at which a wait can be cut: as something happened, and in the middle of a sleep. */
export const placesOf = (world: World, { spans }: Simulated): ReadonlyArray<readonly [at: number, span: Span]> =>
  spans.flatMap((span) => {
    if (span.paused || span.does === "cancels" || span.handling) return []
    const middle = Math.floor((span.from + span.to) / 2)
    if (span.does === "sleeps") return middle > span.from ? [at(span.from, span), at(middle, span)] : [at(span.from, span)]
    // A check in flight is made again: with a least gap that would come later.
    return (world.options.minInterval ?? 0) > 0 ? [] : [at(span.from, span)]
  })

export const runCut = (world: World, cut: Cut, until: number): Trace => {
  const time = new VirtualTime()
  const subject = new Subject(world, cut.mode === "many", true)
  const scope = Scope.makeUnsafe()
  let handle: RenderHandle | undefined
  let token = ""
  time.fork(
    Effect.map(Scope.provide(started(subject, world, cut), scope), (it) => {
      handle = it
    })
  )
  time.settle()
  act(time, () => handle, world.acts, cut.at)
  time.runUntil(cut.at)
  if (handle === undefined) return subject
  time.fork(Effect.map(handle.token, (it) => (token = ResumeToken.toJson(it))))
  time.settle()
  subject.mutes = true
  time.fork(Effect.andThen(handle.interrupt, Scope.close(scope, Exit.void)))
  time.settle()
  subject.mutes = false
  let next: RenderHandle | undefined
  time.fork(
    Effect.scoped(
      Effect.flatMap(Effect.orDie(ResumeToken.fromJson(token)), (read) => resumed(subject, read, cut, (it) => (next = it)))
    )
  )
  time.settle()
  act(time, () => next, world.acts.filter(({ at }) => at > cut.at), until)
  time.runUntil(until)
  return subject
}

/** What is expected of a cut wait: what cannot be known after it is left out, of both. */
export const blurred = (trace: Trace, at: number): Trace => ({
  checks: trace.checks.map((line) => (timeOf(line) < at ? line : line.replace(/, last .*, cursor/, ", cursor"))),
  cancels: trace.cancels,
  events: blurredEvents(trace.events, at),
  ending: trace.ending && blurredEnding(trace.ending)
})

/** The trace of a cut wait without what the resumed one says again: its sleep, and its check in flight. */
export const joined = (trace: Trace, cut: Cut): Trace => {
  if (cut.span.does === "sleeps") return trace
  const there = trace.checks.flatMap((line, index) => (timeOf(line) === cut.at ? [index] : []))
  const interrupted = there.at(-2)
  return { ...trace, checks: trace.checks.filter((_, index) => index !== interrupted) }
}

// ---- internal ----

type RenderHandle = Handle<string, string, Trouble>

const at = (time: number, span: Span) => [time, span] as const

const timeOf = (line: string): number => Number.parseFloat(line)

const started = (subject: Subject, { key }: World, { from }: Cut) =>
  from === "Poll"
    ? Poll.start(subject.job, key, subject.observed)
    : Effect.flatMap(Poller.make(alone), (poller) => poller.add(subject.job, key, subject.observed))

const resumed = (
  subject: Subject,
  token: ResumeToken.ResumeToken,
  { to }: Cut,
  hand: (handle: RenderHandle) => void
) => {
  const { deadline: _, since: __, ...options } = subject.observed
  if (to === "Poll") return ends(subject, Effect.catchTag(Poll.resume(subject.job, token, options), "ResumeTokenError", Effect.die))
  return Effect.flatMap(Poller.make(alone), (poller) =>
    Effect.flatMap(Effect.orDie(poller.resume(subject.job, token, options)), (handle) => {
      hand(handle)
      return ends(subject, handle.await)
    })
  )
}

const ends = (subject: Subject, wait: Effect.Effect<string, RenderError>) =>
  Effect.flatMap(Effect.exit(wait), (exit) => Effect.map(Clock.currentTimeMillis, (now) => subject.end(now, exit)))

/** Sleeps that begin before the cut or are announced again after it, until the next check, are known by their end alone. */
const blurredEvents = (events: ReadonlyArray<string>, at: number): ReadonlyArray<string> =>
  events.filter((line) => !line.includes(" Waiting ") || timeOf(line) < at)

const blurredEnding = (ending: Ending): Ending => ({
  ...ending,
  fields: ending.fields
    .split(", ")
    .filter((field) => !/^(lastStatus|lastCheckError|unknownStates|clamped|unreadable) /.test(field))
    .join(", ")
})
