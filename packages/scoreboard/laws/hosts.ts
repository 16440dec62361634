// The hosts that a world runs in: each entry point of a wait, each with its own clock.
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Handle } from "effect-poll/Handle"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as ResumeToken from "effect-poll/ResumeToken"
import { VirtualTime } from "./clock.ts"
import type { Mode } from "./life.ts"
import { Subject } from "./subject.ts"
import type { Trace } from "./trace.ts"
import type { RenderError, Trouble } from "./words.ts"
import type { Act, World } from "./world.ts"

export interface Host {
  readonly name: string
  readonly mode: Mode
  /** Whether the events of the wait are seen. */
  readonly sees: boolean
  /** Whether it has a handle, which outside events need. */
  readonly hasHandle: boolean
  /** Whether a token carries the wait from each check to the next one, so that what no token holds is not compared. */
  readonly hasTokens?: boolean
  /** Whether it runs a world; by default it runs all. */
  readonly runs?: (world: World) => boolean
  readonly run: (world: World, until: number) => Trace
}

/** Settings that turn off what a Poller does beyond the rules of one wait. */
export const alone = { stagger: false, linger: 0 } as const

type RenderHandle = Handle<string, string, Trouble>

/** A host whose waits have no handle. */
const plain = (
  name: string,
  sees: boolean,
  run: (subject: Subject, world: World) => Effect.Effect<unknown, unknown>
): Host => ({
  name,
  mode: "single",
  sees,
  hasHandle: false,
  run: (world, until) => {
    const time = new VirtualTime()
    const subject = new Subject(world, false, name !== "Poller.results")
    time.fork(run(subject, world))
    time.runUntil(until)
    return subject
  }
})

const ends = <A>(subject: Subject, wait: Effect.Effect<A, RenderError>) =>
  Effect.flatMap(Effect.exit(wait), (exit) => ended(subject, exit as Exit.Exit<string, RenderError>))

const ended = (subject: Subject, exit: Exit.Exit<string, RenderError>) =>
  Effect.map(Clock.currentTimeMillis, (at) => subject.end(at, exit))

/** A host whose waits have a handle, which the outside events of the world use. */
const handled = (
  name: string,
  mode: Mode,
  start: (subject: Subject, world: World) => Effect.Effect<RenderHandle, never, Scope>
): Host => ({
  name,
  mode,
  sees: true,
  hasHandle: true,
  run: (world, until) => {
    const time = new VirtualTime()
    const subject = new Subject(world, mode === "many", true)
    let handle: RenderHandle | undefined
    time.fork(
      Effect.scoped(
        Effect.flatMap(start(subject, world), (started) => {
          handle = started
          return ends(subject, started.await)
        })
      )
    )
    time.settle()
    act(time, () => handle, world.acts, until)
    time.runUntil(until)
    return subject
  }
})

/** Calls `Poll.advance` whenever a check is due, with a token that was JSON in between, until the wait has ended. */
const advanced = (subject: Subject, of: string | ResumeToken.ResumeToken): Effect.Effect<unknown, unknown> =>
  Effect.gen(function* () {
    const before = subject.checks.length
    const found = yield* Poll.advance(subject.job, of, subject.options as Poll.AdvanceOptions<Trouble>)
    if (subject.checks.length > before + 1) return yield* Effect.die("a call has made two checks")
    if (found._tag === "Ended") return yield* ended(subject, found.exit)
    yield* Effect.sleep(Math.max(0, found.dueAt - (yield* Clock.currentTimeMillis)))
    return yield* advanced(subject, yield* ResumeToken.fromJson(ResumeToken.toJson(found.token)))
  })

/** A handler runs beside a wait, but within a call: the next check waits for it. */
const handlesAtOnce = ({ options: { onAction } }: World): boolean =>
  typeof onAction !== "object" || onAction.takes === 0

/** Applies the outside events of a world, until a time. */
export const act = (
  time: VirtualTime,
  handle: () => RenderHandle | undefined,
  acts: ReadonlyArray<Act>,
  until: number
): void => {
  for (const { at, does } of acts) {
    if (at > until) break
    time.runUntil(at)
    const self = handle()
    if (self === undefined) continue
    if (does === "pause" || does === "unpause") time.fork(self[does])
    else time.fork(self.checkNow({ force: does === "force" }))
    time.settle()
  }
}

export const hosts: ReadonlyArray<Host> = [
  plain("Poll.until", false, (subject, { key }) => ends(subject, Poll.until(subject.job, key, subject.options))),
  {
    ...plain("Poll.advance", false, (subject, { key }) => advanced(subject, key)),
    hasTokens: true,
    runs: handlesAtOnce
  },
  plain("Poll.events", true, (subject, { key }) =>
    Stream.runForEach(Poll.events(subject.job, key, subject.options), (event) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        if (event._tag !== "Missed") subject.record(at, event)
        return event._tag === "Ended" ? ended(subject, event.exit) : Effect.void
      })
    )
  ),
  handled("Poll.start", "single", (subject, { key }) => Poll.start(subject.job, key, subject.observed)),
  handled("Poller.add", "single", (subject, { key }) =>
    Effect.flatMap(Poller.make(alone), (poller) => poller.add(subject.job, key, subject.observed))
  ),
  plain("Poller.results", false, (subject, { key }) =>
    Effect.scoped(
      Effect.flatMap(Poller.make(alone), (poller) =>
        Stream.runForEach(poller.results(subject.job, [key], subject.options), ({ exit }) => ended(subject, exit))
      )
    )
  ),
  handled("Poller, in requests for many", "many", (subject, { key }) =>
    Effect.flatMap(Poller.make(alone), (poller) => poller.add(subject.job, key, subject.observed))
  )
]
