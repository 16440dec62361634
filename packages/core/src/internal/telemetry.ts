import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as LogLevel from "effect/LogLevel"
import type { Severity } from "effect/LogLevel"
import * as References from "effect/References"
import type { Span } from "effect/Tracer"
import type { Notification, Observer } from "../Observer.ts"
import * as Status from "../Status.ts"
import { awaitAtMost } from "./awaitAtMost.ts"
import { elapsed, never, shown, timesOf, type Wait } from "./machine/wait.ts"
import { BoundedQueue, type Limits, Pool } from "./boundedQueue.ts"
import { isClamped } from "./clamped.ts"
import type { Defaults } from "./options/defaults.ts"
import { rankOf } from "./eventRank.ts"
import { subject, summary } from "./summary.ts"
import { codeOf, escape } from "./text.ts"
import { weightOf } from "./weight.ts"

type Fork = <A>(effect: Effect.Effect<A, never, unknown>) => Fiber.Fiber<A>

/** Writes a log, after the step that reports it: a logger may re-enter. */
type Write = (log: Effect.Effect<void>) => void

/** Whether a log of a level is written at all: most are not, and making one costs more than a check. */
type IsLogged = (level: Severity) => boolean

/** Reports what happens in a wait to its span, to the log and to observers. */
export interface Telemetry {
  readonly report: (wait: Wait, event: Notification["event"]) => void
  /** Waits until the observers have been notified, for at most `atMost`; undefined if they have been. */
  readonly flush: (atMost: Duration.Input) => Effect.Effect<void> | undefined
  /** Whether a fiber is the one that notifies the observers. */
  readonly runs: (fiber: Fiber.Fiber<unknown, unknown>) => boolean
  /** How many notifications the observers have not received, or not finished with. */
  readonly undelivered: () => number
}

export const make = (
  options: Pick<Defaults, "logs"> & {
    readonly span: Span | undefined
    readonly observers: ReadonlyArray<Observer<unknown>>
    /** What bounds the notifications of several waits together. */
    readonly pool?: Pool
  },
  fork: Fork,
  write: Write,
  isLogged: IsLogged
): Telemetry => {
  const queue = options.observers.length === 0 ? noQueue : makeQueue(options.observers, fork, options.pool)
  const toSpan = options.span === undefined ? undefined : spanWriter(options.span)
  return {
    flush: queue.flush,
    runs: queue.runs,
    undelivered: queue.undelivered,
    report: (wait, event) => {
      toSpan?.(wait, event)
      if (options.logs !== false) toLog(wait, event, options.logs, write, isLogged)
      queue.offer(wait, event)
    }
  }
}

/** Whether logs of a level are written in a context. */
export const isLoggedIn =
  (context: Context.Context<unknown>): IsLogged =>
  (level) =>
    LogLevel.isGreaterThanOrEqualTo(level, Context.get(context, References.MinimumLogLevel))

// ---- internal ----

const spanWriter = (span: Span) => {
  let count = 0
  return (wait: Wait, event: Notification["event"]): void => {
    const add = (name: string, attributes: Record<string, unknown>): void => {
      if (++count > mostInSpan) return
      span.event(name, BigInt(Math.floor(wait.setting.time.base + wait.setting.time.now)) * 1_000_000n, attributes)
    }
    toSpan(span, wait, event, add)
    if (event._tag === "Ended" && count > mostInSpan) span.attribute("poll.events.dropped", count - mostInSpan)
  }
}

const toSpan = (
  span: Span,
  wait: Wait,
  event: Notification["event"],
  add: (name: string, attributes: Record<string, unknown>) => void
): void => {
  if (event._tag === "Changed") {
    add("poll.status", { "poll.status": Status.describe(event.status), "poll.attempt": event.attempt })
  }
  if (event._tag === "Confirming") {
    add("poll.confirming", {
      "poll.status": event.status._tag,
      "poll.sightings": event.sightings,
      "poll.attempt": event.attempt
    })
  }
  if (event._tag === "ActionRequired") add("poll.action", { "poll.attempt": event.attempt })
  if (event._tag === "CancelAnswered") {
    span.attribute("poll.cancel.by", event.by)
    span.attribute("poll.cancel.outcome", event.outcome)
  }
  if (event._tag === "Ended") {
    span.attribute("poll.attempts", wait.attempts)
    span.attribute("poll.ending", endingOf(event.exit))
  }
}

/** How a wait ended, in one word. */
export const endingOf = (exit: Exit.Exit<unknown, { readonly _tag: string }>): string => {
  if (Exit.isSuccess(exit)) return "Succeeded"
  const error = Exit.findErrorOption(exit)
  if (error._tag === "Some") return error.value._tag
  return Exit.hasInterrupts(exit) ? "Interrupted" : "Defect"
}

const toLog = (
  wait: Wait,
  event: Notification["event"],
  logs: Exclude<Defaults["logs"], false>,
  write: Write,
  isLogged: IsLogged
): void => {
  const log = logOf(wait, event, logs === true ? "Debug" : logs, isLogged)
  if (log === undefined) return
  const { job } = wait.setting.policy
  write(Effect.annotateLogs(log, { job: escape(job), key: escape(shown(wait)), attempts: wait.attempts }))
}

/** What happened, by its tags and codes: what a server or an error says may be secret, and of any length. */
const logOf = (
  wait: Wait,
  event: Notification["event"],
  level: Severity,
  isLogged: IsLogged
): Effect.Effect<void> | undefined => {
  if (event._tag === "CheckFailed") {
    const isThrottled = event.kind === "Throttled"
    if (!isLogged(event.consecutive === 3 && !isThrottled ? "Warn" : "Debug")) return undefined
    const message = `a check of ${nameOf(wait)} ${isThrottled ? "was throttled" : "failed"}`
    // Three in a row are more than a hiccup. One warning is enough.
    return event.consecutive === 3 && !isThrottled
      ? Effect.logWarning(`${message} for the third time in a row: ${codeOf(event.error)}`)
      : Effect.logDebug(`${message}: ${codeOf(event.error)}`)
  }
  if (event._tag === "SourceBroke") {
    return isLogged("Debug")
      ? Effect.logDebug(`the ${event.by} stream of ${nameOf(wait)} broke: ${codeOf(event.error)}`)
      : undefined
  }
  if (event._tag === "ActionRequired") return Effect.logInfo(`${nameOf(wait)} needs an action`)
  if (event._tag === "CancelAnswered" && event.outcome !== "accepted") {
    const outcome = event.outcome === "refused" ? `was refused: ${codeOf(event.error)}` : "did not end in time"
    return Effect.logWarning(`the remote cancel of ${nameOf(wait)} ${outcome}`)
  }
  if (event._tag === "Changed") return clampedLog(wait, event.status)
  if (event._tag !== "Ended" || Exit.isSuccess(event.exit) || !isLogged(level)) return undefined
  const error = Exit.findErrorOption(event.exit)
  if (error._tag === "None") return undefined
  const { value } = error
  return Effect.suspend(() => {
    const checkError = value.lastCheckError === undefined ? undefined : codeOf(value.lastCheckError)
    return Effect.logWithLevel(level)(`${subject(value)} ended: ${value._tag} ${summary(value, checkError)}`)
  })
}

/** Names the job without its key, which the log is annotated with. */
const nameOf = ({ key, setting: { policy } }: Wait): string =>
  policy.job === key ? subject({ job: key, key }) : escape(policy.job)

/** The checks whose progress was out of range and has been logged: one warning is enough. */
const warned = new WeakSet<object>()

const clampedLog = (wait: Wait, status: Status.Status<unknown, unknown>): Effect.Effect<void> | undefined => {
  const { rawKey, setting } = wait
  // Waits without a job have one function for all of their checks, and the check as their key.
  const check = rawKey instanceof Object ? rawKey : setting.policy.check
  if (!isClamped(status) || warned.has(check)) return undefined
  warned.add(check)
  return Effect.logWarning(
    `the progress of ${nameOf(wait)} is out of range and was clamped: it is a fraction from 0 to 1, or a percent`
  )
}

interface Queue {
  readonly offer: (wait: Wait, event: Notification["event"]) => void
  readonly flush: Telemetry["flush"]
  readonly runs: Telemetry["runs"]
  readonly undelivered: Telemetry["undelivered"]
}

const noQueue: Queue = { offer: () => {}, flush: () => undefined, runs: () => false, undelivered: () => 0 }

const makeQueue = (observers: ReadonlyArray<Observer<unknown>>, fork: Fork, pool: Pool | undefined): Queue => {
  const queue = new BoundedQueue<Notification>(
    ({ event }) => rankOf(event),
    ({ event }) => weightOf(event),
    kept,
    pool
  )
  let notifying: Fiber.Fiber<void> | undefined
  const notifyAll: Effect.Effect<void, never, unknown> = Effect.suspend(() => {
    for (;;) {
      const next = queue.take()
      if (next === undefined) {
        notifying = undefined
        return Effect.void
      }
      const missed = queue.takeMissed()
      const observed = observe(observers, missed === 0 ? next : { ...next, missed })
      if (observed !== undefined) return Effect.andThen(observed, notifyAll)
    }
  })
  return {
    offer: (wait, event) => {
      queue.offer({
        job: wait.setting.policy.job,
        key: shown(wait),
        at: wait.setting.time.base + wait.setting.time.now,
        elapsedMillis: elapsed(wait),
        attempts: wait.attempts,
        lastPendingMillis: wait.pendingAt === never ? undefined : Math.max(0, wait.pendingAt - wait.startedAt),
        times: timesOf(wait),
        missed: 0,
        event
      })
      if (notifying !== undefined) return
      // Not within the step: an observer may have a handle to this wait.
      notifying = fork(Effect.andThen(Effect.yieldNow, notifyAll))
    },
    flush: (atMost) => {
      const fiber = notifying
      // An observer that ends its own wait cannot wait for itself.
      if (fiber === undefined || fiber === Fiber.getCurrent()) return undefined
      return Effect.asVoid(awaitAtMost(fiber, atMost))
    },
    runs: (fiber) => fiber === notifying,
    undelivered: () => (notifying === undefined ? 0 : queue.size + 1)
  }
}

/** Notifies observers one after the other, whatever their defects; undefined if all of them are done. */
const observe = (
  observers: ReadonlyArray<Observer<unknown>>,
  notification: Notification
): Effect.Effect<unknown, never, unknown> | undefined => {
  const [first] = observers
  if (observers.length > 1) {
    return Effect.forEach(observers, (observer) => Effect.exit(Effect.suspend(() => observer.observe(notification))), {
      discard: true
    })
  }
  try {
    const observed: Effect.Effect<void, never, unknown> = first!.observe(notification)
    return Exit.isExit(observed) ? undefined : Effect.exit(observed)
  } catch {
    return undefined
  }
}

/** How many notifications are kept for a slow observer: those that report no start and no end, and those that do. */
const kept: Limits = { least: 4_096, changes: 4_096, most: 131_072 }

/** How many notifications are kept for the slow observers of all waits of a Poller; one group may hold most of that. */
export const makePool = (): Pool => new Pool({ changes: 16_384, most: 147_456 })

/** How many events a span gets: as many as the SDKs of OpenTelemetry keep. */
const mostInSpan = 128
