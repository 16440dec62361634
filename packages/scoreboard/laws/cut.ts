// Cuts a wait at an instant, writes its token as JSON, and resumes it at that instant in the same or in another host.
// The rest must be the same as without the cut.
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

/** An instant at which a wait is cut, and its state at that time. */
export interface Place {
  readonly at: number
  readonly span: Span
}

/** Where a wait is cut, and the hosts that it runs in: one more than there are cuts. */
export interface Cut {
  readonly mode: Mode
  readonly places: ReadonlyArray<Place>
  readonly hosts: ReadonlyArray<"Poll" | "Poller">
}

/** The instants at which a wait can be cut: as something happened, and in the middle of a sleep. */
export const placesOf = (world: World, { spans }: Simulated): ReadonlyArray<Place> =>
  spans.flatMap((span) => {
    // Tokens contain neither a pause nor an answer that is awaited.
    if (span.paused || span.does === "cancels" || span.handling) return []
    const middle = Math.floor((span.from + span.to) / 2)
    if (span.does === "sleeps") return [span.from, ...(middle > span.from ? [middle] : [])].map((at) => ({ at, span }))
    // A check in flight is made again, which a minimum interval would delay.
    return (world.options.minInterval ?? 0) > 0 ? [] : [{ at: span.from, span }]
  })

/** Changes a token before it is read: only in tests of the board. */
export type Tamper = (token: ResumeToken.ResumeToken) => ResumeToken.ResumeToken

export const runCut = (world: World, cut: Cut, until: number, tamper: Tamper = (token) => token): Trace => {
  const time = new VirtualTime()
  const subject = new Subject(world, cut.mode === "many", true)
  let token: string | undefined
  for (const [index, host] of cut.hosts.entries()) {
    const place = cut.places[index]
    const running = begin(time, subject, world, host, token)
    const from = cut.places[index - 1]?.at ?? -1
    const to = place?.at ?? until
    act(
      time,
      () => running.handle,
      world.acts.filter(({ at }) => at > from),
      to
    )
    time.runUntil(to)
    if (place === undefined || running.handle === undefined) break
    token = stop(time, subject, running, tamper)
  }
  return subject
}

/** The expected trace of a cut wait. What a resumed wait cannot know is left out of both traces. */
export const blurred = (trace: Trace, at: number): Trace => ({
  checks: trace.checks.map((line) => (timeOf(line) < at ? line : line.replace(/, last .*, cursor/, ", cursor"))),
  cancels: trace.cancels,
  // A sleep that is cut is reported again, with the rest of its delay.
  events: trace.events.filter((line) => !line.includes(" Waiting ") || timeOf(line) < at),
  ending: trace.ending && blurredEnding(trace.ending)
})

/** The trace of a cut wait without the checks that were cut and then made again. */
export const joined = (trace: Trace, { places }: Cut): Trace => {
  const cutAt = places.filter(({ span }) => span.does === "checks").map(({ at }) => at)
  const interrupted = new Set(
    cutAt.map((time) => trace.checks.flatMap((line, index) => (timeOf(line) === time ? [index] : [])).at(-2))
  )
  return { ...trace, checks: trace.checks.filter((_, index) => !interrupted.has(index)) }
}

// ---- internal ----

type RenderHandle = Handle<string, string, Trouble>

/** A wait that runs, with its handle where its host has one. */
interface Running {
  readonly scope: Scope.Closeable
  handle: RenderHandle | undefined
}

const timeOf = (line: string): number => Number.parseFloat(line)

const begin = (
  time: VirtualTime,
  subject: Subject,
  world: World,
  host: "Poll" | "Poller",
  token: string | undefined
): Running => {
  const running: Running = { scope: Scope.makeUnsafe(), handle: undefined }
  const handled = (start: Effect.Effect<RenderHandle, unknown, Scope.Scope>) =>
    Effect.flatMap(Scope.provide(Effect.orDie(start), running.scope), (handle) => {
      running.handle = handle
      return ends(subject, handle.await)
    })
  time.fork(
    token === undefined
      ? handled(started(subject, world, host))
      : Effect.flatMap(Effect.orDie(ResumeToken.fromJson(token)), (read) => {
          const { deadline: _, since: __, ...options } = subject.observed
          if (host === "Poll") return ends(subject, Poll.resume(subject.job, read, options))
          return handled(Effect.flatMap(Poller.make(alone), (poller) => poller.resume(subject.job, read, options)))
        })
  )
  time.settle()
  return running
}

const started = (subject: Subject, { key }: World, host: "Poll" | "Poller") =>
  host === "Poll"
    ? Poll.start(subject.job, key, subject.observed)
    : Effect.flatMap(Poller.make(alone), (poller) => poller.add(subject.job, key, subject.observed))

/** Writes the token of a wait, and stops it. */
const stop = (time: VirtualTime, subject: Subject, { handle, scope }: Running, tamper: Tamper): string => {
  let token = ""
  subject.mutes = true
  time.fork(Effect.map(handle!.token, (written) => (token = ResumeToken.toJson(tamper(written)))))
  time.settle()
  time.fork(Effect.andThen(handle!.interrupt, Scope.close(scope, Exit.void)))
  time.settle()
  subject.mutes = false
  return token
}

const ends = <E>(subject: Subject, wait: Effect.Effect<string, E>) =>
  Effect.flatMap(Effect.exit(wait), (exit) =>
    Effect.map(Clock.currentTimeMillis, (now) => subject.end(now, exit as Exit.Exit<string, RenderError>))
  )

const blurredEnding = (ending: Ending): Ending => ({
  ...ending,
  // The error of a refused cancel is in no token.
  fields: ending.fields
    .replace(/cancel refused because \w+/, "cancel refused")
    .split(", ")
    .filter((field) => !/^(lastStatus|lastCheckError|unconfirmed|unknownStates|clamped|unreadable) /.test(field))
    .join(", ")
})
