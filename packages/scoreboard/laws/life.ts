// The record of a simulated wait, and functions that read it. Part of the reference: see reference.ts.
import type { Seen } from "./delays.ts"
import { fieldsOf, statusLine } from "./trace.ts"
import type { Answer, ErrorPolicy, Plan, Source, Terminal, World } from "./world.ts"

/** How a wait is run: by itself, or in a Poller that asks for many keys in one request. */
export type Mode = "single" | "many"

/** A status as it was found. */
export interface Known {
  readonly tag: "Pending" | "Succeeded" | "Failed" | "Canceled" | "Expired"
  readonly state: string | undefined
  readonly progress: number | undefined
  readonly action: string | undefined
}

/** Something that happened several times in a row. */
export interface Row {
  count: number
  since: number
}

/** An end that is not confirmed yet. */
export interface Hold {
  readonly tag: Known["tag"]
  readonly since: number
  sightings: number
  /** Whether the confirming source is asked next. */
  asksOther: boolean
  /** When it has held for long enough, if it has to hold for a time. */
  until: number | undefined
}

/** What ends the wait in time: its deadline, its strategy, or the limit of a state. */
export interface Bound {
  readonly at: number
  readonly reason: "deadline" | "strategy" | "state"
  readonly state?: string | undefined
  readonly limit?: number | undefined
}

export type RowName = "errors" | "throttled" | "rejected" | "missing" | "unknown" | "lacking"

export interface Life {
  readonly world: World
  readonly mode: Mode
  readonly wrong: ReadonlySet<string>
  now: number
  attempts: number
  steps: number
  firstStepAt: number
  status: Known | undefined
  changedAt: number
  stateSince: number
  /** An end without its result was found since. */
  stateOver: boolean
  stallReported: boolean
  source: "own" | "fallback"
  fallbackKey: string | undefined
  cursor: string | undefined
  rows: Record<RowName, Row>
  /** The last answer was an end without its result. */
  lackingEnd: boolean
  totalErrors: number
  lastError: string | undefined
  longestThrottled: number
  retries: number
  retriesSince: number
  /** The request for many lacked the key: a check alone completes the attempt. */
  alone: boolean
  lastThree: Array<number>
  floorAt: number
  lastStart: number | undefined
  /** The time of the bound that the check in flight, or the next one, is the last for. */
  lastFor: number | undefined
  requested: "no" | "yes" | "forced"
  paused: boolean
  hold: Hold | undefined
  /** The timeout that is held back while the canceled job is watched, and until when. */
  grace: { readonly bound: Bound; readonly until: number; readonly outcome: string } | undefined
  canceledAt: number | undefined
  /** The action that the newest status asks for. */
  asked: string | undefined
  /** Whether the end of a handler has requested a check, and none has been made in its own time since. */
  rechecked: boolean
  /** The handler that runs, and when it ends. */
  handler: { readonly id: string; readonly endsAt: number } | undefined
  unknownWords: Map<string, number>
  clamped: number
  unreadable: number
  /** Whether two events happened at the same instant, in an order that no rule defines. */
  tie: boolean
  readonly checks: Array<string>
  readonly cancels: Array<string>
  readonly events: Array<string>
  readonly spans: Array<Span>
}

/** A period in which nothing happens, and the state of the wait in it. */
export interface Span {
  readonly from: number
  readonly to: number
  readonly does: "sleeps" | "checks" | "cancels"
  readonly paused: boolean
  readonly inRow: boolean
  readonly inHold: boolean
  readonly atLimit: boolean
  readonly throttled: boolean
  readonly inCancel: boolean
  /** Whether a handler runs beside it. */
  readonly handling: boolean
}

const row = (): Row => ({ count: 0, since: 0 })

export const begin = (world: World, mode: Mode, wrong: ReadonlySet<string>): Life => ({
  world,
  mode,
  wrong,
  now: 0,
  attempts: 0,
  steps: 0,
  firstStepAt: 0,
  status: undefined,
  changedAt: 0,
  stateSince: 0,
  stateOver: false,
  stallReported: false,
  source: "own",
  fallbackKey: undefined,
  cursor: undefined,
  rows: { errors: row(), throttled: row(), rejected: row(), missing: row(), unknown: row(), lacking: row() },
  lackingEnd: false,
  totalErrors: 0,
  lastError: undefined,
  longestThrottled: 0,
  retries: 0,
  retriesSince: 0,
  alone: false,
  lastThree: [],
  floorAt: 0,
  lastStart: undefined,
  lastFor: undefined,
  requested: "no",
  paused: false,
  hold: undefined,
  grace: undefined,
  canceledAt: undefined,
  asked: undefined,
  rechecked: false,
  handler: undefined,
  unknownWords: new Map(),
  clamped: 0,
  unreadable: 0,
  tie: false,
  checks: [],
  cancels: [],
  events: [],
  spans: []
})

export const emit = (life: Life, text: string): void => void life.events.push(`${life.now} ${text}`)

// -- rows --

export const countIn = (life: Life, name: RowName): Row => {
  const row = life.rows[name]
  if (row.count++ === 0) row.since = life.now
  return row
}

/** An answer ends all rows but those named. */
export const endRows = (life: Life, ...kept: ReadonlyArray<RowName>): void => {
  for (const name of Object.keys(life.rows) as Array<RowName>) if (!kept.includes(name)) life.rows[name].count = 0
  if (!kept.includes("lacking")) life.lackingEnd = false
}

// -- bounds --

export const boundOf = (life: Life): Bound => {
  const { deadline, stateLimits, strategy } = life.world.options
  if (life.grace !== undefined) return { ...life.grace.bound, at: life.grace.until }
  const own = deadline === "unbounded" ? Number.POSITIVE_INFINITY : deadline
  const limit = strategy.maxDuration ?? Number.POSITIVE_INFINITY
  const bound: Bound =
    limit < own ? { at: Math.ceil(limit), reason: "strategy" } : { at: Math.ceil(own), reason: "deadline" }
  const { status } = life
  if (
    status?.tag !== "Pending" ||
    status.state === undefined ||
    life.stateOver ||
    life.wrong.has("limits are not kept")
  )
    return bound
  const most = stateLimits?.[status.state]
  if (most === undefined || life.stateSince + most >= bound.at) return bound
  return { at: life.stateSince + most, reason: "state", state: status.state, limit: most }
}

export const estimate = (life: Life): number => Math.max(0, ...life.lastThree)

export const isInGrace = (life: Life): boolean =>
  life.status === undefined && life.now < (life.world.options.missing?.grace ?? 0)

export const errorPolicy = ({ world: { options } }: Life): ErrorPolicy =>
  options.errors === "unbounded"
    ? {
        schedule: undefined,
        retry: undefined,
        maxConsecutive: "unbounded",
        maxTotal: "unbounded",
        maxOutage: "unbounded",
        maxThrottled: undefined,
        rejectAfter: undefined,
        skip: false
      }
    : options.errors

const plainPlan: Omit<Plan, "kind" | "initial" | "growth" | "cap"> = {
  firstWait: 0,
  maxAttempts: undefined,
  maxRecurrences: undefined,
  maxDuration: undefined,
  jitter: undefined,
  skipNearDeadline: undefined
}

/** The delays after failed checks by default: 1 second, doubling up to 30 seconds. */
export const defaultDelays: Plan = { ...plainPlan, kind: "exponential", initial: 1_000, growth: 2, cap: 30_000 }

/** What a strategy sees now. */
export const seenBy = (life: Life, step: number, sinceFirst: number): Seen => ({
  step,
  sinceFirst,
  key: life.world.key,
  attempt: life.attempts,
  elapsed: life.now,
  remaining: boundOf(life).at - life.now,
  sinceChange: life.now - life.changedAt,
  inState: life.status?.tag === "Pending" && !life.stateOver ? life.now - life.stateSince : 0,
  progress: life.status?.tag === "Pending" ? life.status.progress : undefined
})

// -- words --

export const lineOf = ({ action, progress, state, tag }: Known): string => statusLine(tag, state, progress, action)

/** What all errors carry. */
export const details = (life: Life, more: Readonly<Record<string, unknown>> = {}): string =>
  fieldsOf({
    elapsed: life.now,
    lastStatus: life.status && lineOf(life.status),
    lastCheckError: life.lastError,
    unknownStates: [...life.unknownWords].map(([word, count]) => `${word}:${count}`).join(" ") || undefined,
    clamped: life.clamped || undefined,
    unreadable: life.unreadable || undefined,
    ...more
  })

export const tagOf: Readonly<Record<Terminal | "pending", Known["tag"]>> = {
  pending: "Pending",
  succeeded: "Succeeded",
  failed: "Failed",
  canceled: "Canceled",
  expired: "Expired"
}

export type { Answer, Source }
