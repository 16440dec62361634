/** A record of the waits of this page, written by an `Observer` for the panel. The polls do not need it. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { hasProperty } from "effect/Predicate"
import * as Observer from "effect-poll/Observer"
import type { WaitReason } from "effect-poll/PollEvent"
import * as Status from "effect-poll/Status"
import { useSyncExternalStore } from "react"

/** The kind of a step, which decides its color. */
export type Kind = "start" | "check" | "trouble" | "told" | "good" | "bad" | "left"

/** One answer of the server, or the end of the wait, and the time until the next check. */
export interface Step {
  readonly id: number
  readonly at: number
  readonly kind: Kind
  /** The number of the check; 0 if it was none. */
  readonly attempt: number
  readonly text: string
  /** The delay that follows, and its reason. */
  readonly wait: { readonly millis: number; readonly reason: WaitReason } | undefined
}

/** The trace of one job. */
export interface Trace {
  readonly job: string
  readonly key: string
  /** The name that the page gave it. */
  readonly name: string
  /** Requests for its status, and for a stream of its events. */
  readonly requests: number
  readonly steps: ReadonlyArray<Step>
  /** When the next check is due. */
  readonly nextAt: number | undefined
}

/** Gives a job the name that the page shows for it. */
export const name = (key: string, name: string): void => {
  names.set(key, name)
  const trace = traces.get(key)
  if (trace !== undefined) put({ ...trace, name })
}

/** Records each step of each wait. */
export const observer: Observer.Observer = Observer.make((notification) =>
  Effect.sync(() => {
    if (!forgotten.has(notification.key)) put(next(traceOf(notification.key, notification.job), notification))
  })
)

/** Counts a request, if its path contains the key of a job. */
export const countRequest = (url: string): void => {
  const path = `${new URL(url).pathname}/`
  requests.set(path, (requests.get(path) ?? 0) + 1)
  for (const trace of traces.values()) {
    if (path.includes(`/${trace.key}/`)) put({ ...trace, requests: trace.requests + 1 })
  }
}

/** Removes the traces of waits that have ended. */
export const clear = (): void => {
  for (const { key, nextAt } of traces.values()) if (nextAt === undefined) traces.delete(key)
  notify()
}

/** Removes a job that the page no longer shows. */
export const forget = (key: string): void => {
  forgotten.add(key)
  traces.delete(key)
  notify()
}

/** All traces, the newest job last. */
export const useTraces = (): ReadonlyArray<Trace> => useSyncExternalStore(subscribe, () => list)

/** The trace of one job. */
export const useTrace = (key: string | undefined): Trace | undefined =>
  useSyncExternalStore(subscribe, () => (key === undefined ? undefined : traces.get(key)))

// ---- internal ----

const names = new Map<string, string>()
const forgotten = new Set<string>()
const traces = new Map<string, Trace>()
/** Requests by path. */
const requests = new Map<string, number>()
let list: ReadonlyArray<Trace> = []
let steps = 0
let isNotifying = false
const listeners = new Set<() => void>()

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}

const traceOf = (key: string, job: string): Trace =>
  traces.get(key) ?? {
    job,
    key,
    name: names.get(key) ?? key,
    // The first request of a wait is counted before its first event.
    requests: [...requests].reduce((sum, [path, count]) => sum + (path.includes(`/${key}/`) ? count : 0), 0),
    steps: [],
    nextAt: undefined
  }

const put = (trace: Trace): void => {
  traces.set(trace.key, trace)
  notify()
}

/** Calls the listeners once for all changes of this turn. */
const notify = (): void => {
  if (isNotifying) return
  isNotifying = true
  queueMicrotask(() => {
    isNotifying = false
    list = [...traces.values()]
    for (const listener of listeners) listener()
  })
}

/** The longest list of steps of one job. */
const longest = 200

const next = (trace: Trace, { at, attempts, event }: Observer.Notification): Trace => {
  const step = (kind: Kind, text: string, attempt = attempts): Trace => ({
    ...trace,
    steps: [...trace.steps, { id: steps++, at, kind, attempt, text, wait: undefined }].slice(-longest),
    nextAt: undefined
  })
  switch (event._tag) {
    case "Started":
      return step("start", trace.steps.length === 0 ? "the wait begins" : "the wait continues", 0)
    case "Changed":
      return step(event.by === undefined ? "check" : "told", Status.describe(event.status))
    case "Unchanged":
      return step("check", "no change")
    case "CheckFailed":
      return step("trouble", textOf(event.error))
    case "Told":
      return event.kind === "Wake" ? step("told", "event: a reason to check", 0) : trace
    case "SourceBroke":
      return step("trouble", "the event stream broke", 0)
    case "CancelRequested":
      return step("told", "cancel requested", 0)
    case "Waiting": {
      if (event.reason === "paused") return { ...trace, nextAt: undefined }
      const millis = Duration.toMillis(event.delay)
      const wait = { millis, reason: event.reason }
      return { ...changeLast(trace, { wait }), nextAt: at + millis }
    }
    case "Ended":
      return ended(trace, step, event.exit)
    default:
      return trace
  }
}

const changeLast = (trace: Trace, change: Partial<Step>): Trace => {
  const last = trace.steps.at(-1)
  return last === undefined ? trace : { ...trace, steps: [...trace.steps.slice(0, -1), { ...last, ...change }] }
}

/** The end of a wait: a step of its own, unless the last answer was the end. */
const ended = (
  trace: Trace,
  step: (kind: Kind, text: string, attempt?: number) => Trace,
  exit: Exit.Exit<unknown, unknown>
): Trace => {
  if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return step("left", "the wait is parked", 0)
  const kind = Exit.isSuccess(exit) ? "good" : "bad"
  const last = trace.steps.at(-1)
  if (last !== undefined && /^(Succeeded|Failed|Canceled|Expired)/.test(last.text)) {
    const text = last.kind === "told" ? `event: ${last.text}` : last.text
    return { ...changeLast(trace, { kind, text }), nextAt: undefined }
  }
  const error = Exit.isSuccess(exit) ? undefined : Cause.squash(exit.cause)
  return step(kind, hasProperty(error, "_tag") ? String(error._tag) : kind)
}

const textOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const { message } = error
  return message.length > 80 ? `${message.slice(0, 79)}…` : message
}
