import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import type * as CheckResult from "../../CheckResult.ts"
import type { Notification } from "../../Observer.ts"
import type * as PollError from "../../PollError.ts"
import type { WaitReason } from "../../PollEvent.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import type { Status, Terminal } from "../../Status.ts"
import { Context } from "../concealed.ts"
import { type Policy, shownKey, type Stepper } from "../options/policy.ts"
import * as history from "./history.ts"

/** What a wait runs by. A host with many waits shares one among those that are alike. */
export interface Setting {
  readonly policy: Policy
  readonly time: Timeline
  readonly random: () => number
  readonly emit: (wait: Wait, event: Notification["event"]) => void
  /** Whether anything receives every check and every sleep of this wait, not only changes and failures. */
  readonly isObserved: (wait: Wait) => boolean
  /** Whether a check may begin at once. Otherwise the machine says "gate", and the host answers when there is room. */
  readonly hasRoom: (wait: Wait) => boolean
  /**
   * When the newest check of the key began that another wait made; `never` if there is none, and `"joins"` if this wait
   * would join it. Asked only if there is a `minInterval`.
   */
  readonly checkedAt: (wait: Wait) => number | "joins"
  /** When the last check of a wait begins, so that it gets room: at `latest`, or sooner. It is reserved. */
  readonly lastCheckAt: (wait: Wait, latest: number) => number
  /** The last check that was reserved for `at` is not made then, or has begun. */
  readonly forgoLastCheck: (wait: Wait, at: number) => void
  /** A floor that the server set for a wait, or a later one if others would come back at the same time. */
  readonly spread: (wait: Wait, floorAt: number) => number
}

/**
 * The time of a host. It never runs backwards, and a wall clock that is set does not move it: `base` moves instead, so that
 * deadlines, floors and intervals keep their length.
 */
export interface Timeline {
  /** The wall-clock time that the other times count from. */
  base: number
  /** The time of the newest event. */
  now: number
  /** Reads the wall clock. */
  readonly clock: () => number
  /** Reads the monotonic clock, in milliseconds. */
  readonly monotonic: () => number
  /** What both clocks showed when they were compared last. */
  wallAt: number
  monotonicAt: number
  /** Whether the monotonic clock measures what sleeps last: one that is not simulated along with them does not. */
  isMeasured: boolean
  /** When the host last woke up much too late; undefined if it does not know. A host that was on time was not suspended. */
  lateAt?: number
}

/** What the delay of a schedule is for. */
export type Decided = NonNullable<ResumeToken["deciding"]>

/** What a wait is doing: one of a few values that all waits share. The states are drawn in the README of this folder. */
export interface Stage {
  readonly phase: "waiting" | "gating" | "checking" | "stepping" | "canceling" | "ended"
  /** What a waiting wait sleeps for. */
  readonly reason: WaitReason | undefined
}

/** The stage of a sleep, made when it is first needed. */
export const waiting = (reason: WaitReason): Stage => (sleeping[reason] ??= { phase: "waiting", reason })

const sleeping: { [Reason in WaitReason]?: Stage } = {}

const busy = (phase: Exclude<Stage["phase"], "waiting">): Stage => ({ phase, reason: undefined })

export const gating = /*#__PURE__*/ busy("gating")
export const checking = /*#__PURE__*/ busy("checking")
export const stepping = /*#__PURE__*/ busy("stepping")
export const canceling = /*#__PURE__*/ busy("canceling")
export const ended = /*#__PURE__*/ busy("ended")

/**
 * The state of one wait, which the machine reads and writes. Times are milliseconds since the `base` of its timeline:
 * small integers, which need no memory of their own. State that most waits never need is kept apart in `cold`: waits
 * are many, and this record is most of the memory of each.
 *
 * A host reads `alarmAt` after the command "sleep", `nextAt` after "gate", "check", "step" and "cancel", and asks
 * `sourceOf`, `homeOf`, `contextOf`, `checksAlone`, `cursorOf`, `hasTimedOut`, `hasEnd`, `isForced` and `fitsBefore`. It
 * writes nothing but `inFlight`.
 */
export interface Wait {
  readonly setting: Setting
  stage: Stage
  /** When the check is due that the wait sleeps for, when what is in flight times out, or when the wait ended. */
  nextAt: number
  /** Private to the machine. */
  cold: Cold
  /** Written by the host: what is in flight for this wait. */
  inFlight: unknown
  /** Given by the host: what receives the events and the end of this wait. */
  readonly sink: unknown
  /** The sooner of the bound of the whole wait and the limit of its state. */
  deadlineAt: number
  /** The server does not allow a check before. */
  floorAt: number
  /** When the newest check began; `never` before the first. */
  checkStarted: number
  /** When the newest check began that found the job pending; `never` before the first. */
  pendingAt: number
  /** The durations of the newest three checks, ten bits each, the newest last; see `cold` once one takes a second or more. */
  durations: number
  attempts: number
  /** How long the newest sleep was planned to take. */
  sleepMillis: number
  /** The encoded key: the identity of the job. */
  readonly key: string
  readonly rawKey: unknown
  startedAt: number
  changedAt: number
  /** When the state word of the status was first found. */
  stateSince: number
  strategySteps: number
  strategyStarted: number
  status: Status<unknown, unknown> | undefined
  /** Not there, and so without memory, if it was not asked for. */
  readonly history?: history.History
}

/** State that a wait without trouble never needs. */
export interface Cold {
  /** Whether the bound of the whole wait is its deadline or that of its strategy, if not as in the policy. */
  boundedBy: "deadline" | "strategy" | undefined
  /** The bound of the whole wait, while the limit of a state comes before it: that is then `deadlineAt`. */
  wholeDeadlineAt: number | undefined
  /** The gate does not allow a check before, and why. */
  gatedUntil: number
  gatedBy: string | undefined
  /** A check was requested while none could begin: it begins as soon as one can. */
  wakeRequest: "normal" | "forced" | undefined
  paused: boolean
  /** The check that the wait was told to make, and what follows from its answer; undefined if there is none to come. */
  woken: { readonly attempt: number; readonly answered: (changed: boolean) => void } | undefined
  /** The timeout that ends the wait if canceling the job brings no other end. */
  heldTimeout: HeldTimeout | undefined
  /** What ended the wait, while its job is canceled: the end is reported after that. */
  leftBy: "interrupt" | "close" | undefined
  /** An end that is not confirmed yet. */
  hold: Hold | undefined
  /** The kind of the newest status, if that is an end that is not confirmed, held or not. */
  unconfirmed: Terminal<unknown, unknown>["_tag"] | undefined
  /** What told the wait of the end that its status is, by a report or a reason to check; undefined if nothing did. */
  endNoticedBy: "signal" | "push" | undefined
  /** Whether the wait was told its end, which then is no answer to other waits for the job. */
  isEndTold: boolean
  /** Whether an end without its result was found since the status, so that the job is not in its state any more. */
  isStateOver: boolean
  /** A hash of the detail of the last status, if that is known from a token alone. */
  detailHash: string | undefined
  /** What `locate` of the fallback returned for the last status, if that is known from a token alone. */
  located: string | undefined
  /** The id of the action that the newest status asks for. */
  action: string | undefined
  /** Whether its handler runs. */
  isHandling: boolean
  /** Whether the end of a handler has requested a check, and none has been made in its own time since. */
  hasRechecked: boolean
  /** The check in flight, or the next one, is the last. */
  lastCheck: boolean
  /** When the host expects the last check; undefined if it does not. */
  reservedAt: number | undefined
  /**
   * By how many milliseconds the deadline may be exceeded, because the host came to a check late that was due in time: from
   * the deadline on, or from the start of the gate or the check if that comes after it.
   */
  lateBy: number
  /** The key at the fallback, once the job's own record is gone. */
  fallbackKey: string | undefined
  /** Where the next check is to continue. Confidential. */
  cursor: string | undefined
  /** The request for many did not answer for this key: the attempt is completed by a check of its own. */
  alone: boolean
  /** The request for many has failed: the attempt is completed by a smaller one. */
  divided: boolean
  /** Retries within the check in flight, and when the first occurred. */
  retries: number
  retriesStarted: number
  totalErrors: number
  checkError: unknown
  /** The longest delay of a throttled check. */
  throttledDelay: number
  /** What has happened several times in a row; undefined after a status. */
  rows: Rows | undefined
  /** The foreign schedule to step. */
  stepping: Stepping | undefined
  stallReported: boolean
  /** Unknown states, and how often each was seen. */
  unknownStates: Map<string, number> | undefined
  /** How many hints were not taken as they were; undefined if none. */
  hints: { clamped: number; unreadable: number } | undefined
  /** When the job started and ended by the clock of its server, in milliseconds since the `base` of the timeline. */
  jobStartedAt: number | undefined
  jobEndedAt: number | undefined
  /** The durations of the newest three checks, the oldest first, once one took a second or more. */
  durations: readonly [number, number, number] | undefined
}

/**
 * How often something happened in a row, and when it first did. A status ends all rows. Any other answer ends all but
 * its own (one without a job also leaves that of unknown states). A failed check says nothing about the job and ends
 * none.
 */
export interface Rows {
  /** Transient errors. */
  readonly errors: Row
  readonly throttled: Row
  /** Permanent errors that were tolerated. */
  readonly rejected: Row
  readonly missing: Row
  readonly unknown: Row
  readonly resultMissing: Row
  /** The newest end without its result. */
  end: CheckResult.ResultMissing | undefined
}

/** A step of a foreign schedule. */
export interface Stepping {
  readonly stepper: Stepper
  /** The number of the step: the first starts the schedule anew. */
  readonly count: number
  /** What its delay is for. */
  readonly reason: Decided
}

/** A timeout that is held back while the canceled job is watched for its end. */
export interface HeldTimeout {
  readonly reason: PollError.PollTimeout["reason"]
  readonly state: string | undefined
  /** In milliseconds. */
  readonly limit: number | undefined
  /** Undefined while the server is asked. */
  cancel: PollError.CancelOutcome | undefined
}

/** An end that is not confirmed yet. */
export interface Hold {
  readonly end: Terminal<unknown, unknown>["_tag"]
  sightings: number
  /** When the first answer found it. */
  readonly since: number
  /** Whether the next check, or the one in flight, asks the other source of `confirm`. */
  elsewhere: boolean
}

export interface Row {
  count: number
  /** When the first of them occurred. */
  since: number
}

/** The state of a wait that has not started. */
export const make = (setting: Setting, key: string, rawKey: unknown, sink: unknown): Wait => {
  const self = blank(setting, key, rawKey, sink)
  return setting.policy.history ? Object.assign(self, { history: history.make() }) : self
}

/** Written out: a spread would cost the object its fast shape. What each check needs comes first. */
const blank = (setting: Setting, key: string, rawKey: unknown, sink: unknown): Wait => ({
  setting,
  stage: waiting("firstWait"),
  nextAt: notYet,
  cold: noCold,
  inFlight: undefined,
  sink,
  deadlineAt: notYet,
  floorAt: 0,
  checkStarted: never,
  pendingAt: never,
  durations: 0,
  attempts: 0,
  sleepMillis: 0,
  key,
  rawKey,
  startedAt: 0,
  changedAt: 0,
  stateSince: 0,
  strategySteps: 0,
  strategyStarted: 0,
  status: undefined
})

/**
 * A number as a small integer, where it is one. V8 keeps those in place, but boxes the result of a calculation with
 * fractions or wall-clock times even if it is whole, which would double the memory of a wait.
 */
export const whole = (value: number): number => ((value | 0) === value ? value | 0 : value)

/** The cold state of a wait, to write to. */
export const cold = (self: Wait): Cold => (self.cold === noCold ? (self.cold = makeCold()) : self.cold)

/** The rows of a wait, to write to. */
export const rows = (self: Wait): Rows => (cold(self).rows ??= makeRows())

/** Counts one more of a row. */
export const count = (self: Wait, row: Row): Row => {
  if (row.count++ === 0) row.since = self.setting.time.now
  return row
}

/** Ends all rows but those that are kept. */
export const endRows = (self: Wait, kept?: Partial<Rows>): void => {
  self.cold.rows = kept === undefined ? undefined : { ...makeRows(), ...kept }
}

/** A timeline that begins now. */
export const timeline = (clock: Clock.Clock): Timeline => {
  const wall = (): number => clock.currentTimeMillisUnsafe()
  const monotonic = (): number => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const base = wall()
  return { base, now: 0, clock: wall, monotonic, wallAt: base, monotonicAt: monotonic(), isMeasured: true }
}

/** Moves a timeline to the wall-clock time. */
export const advance = (time: Timeline, wall: number): void => {
  if (wall !== time.wallAt) compareClocks(time, wall)
  const now = nearlyWhole(wall - time.base)
  if (now < time.now) time.base = wall - time.now
  else time.now = whole(now)
}

/** How long a host sleeps until a time, in milliseconds. It ends at a whole millisecond: what is due then has come. */
export const timeUntil = ({ now }: Timeline, at: number): number => (at <= now ? 0 : Math.ceil(at) - now)

/** Notes that a sleep of this length is over that began at a monotonic time. */
export const slept = (time: Timeline, millis: number, since: number): void => {
  if (time.monotonic() - since < millis / 2) time.isMeasured = false
}

/**
 * How long a host sleeps at most without looking at the clocks, in milliseconds: so much later at the latest it notices
 * that the machine was suspended, or that the clock was set.
 */
export const longestLeg = 60_000

/** The start of the newest check of a wait without checks: a small integer, long before any other time. */
export const never = -0x4000_0000

/** When the host has to come back: a paused wait sleeps until its deadline. */
export const alarmAt = (self: Wait): number =>
  self.stage.phase === "waiting" && self.cold.paused ? self.deadlineAt : self.nextAt

// -- what hosts ask --

/** What a check asks: the job itself (undefined), its fallback by a key, or the other source of `confirm`. */
export type Source = string | typeof otherSource | undefined

/** The other source of `confirm`, which has no key of its own. */
export const otherSource: unique symbol = /*#__PURE__*/ Symbol("other source")

/** The source that the next check, or the one in flight, asks. */
export const sourceOf = ({ cold }: Wait): Source => (cold.hold?.elsewhere === true ? otherSource : cold.fallbackKey)

/** The source that the wait asks whenever it does not confirm an end: the key at the fallback, or undefined for the job. */
export const homeOf = ({ cold }: Wait): string | undefined => cold.fallbackKey

/** Whether the next check, or the one in flight, is not part of a request for many. */
export const checksAlone = (self: Wait): boolean => self.cold.alone || sourceOf(self) !== undefined

/** Whether the next check, or the one in flight, completes the attempt of a request for many. */
export const isCompleting = ({ cold }: Wait): boolean => cold.alone || cold.divided

/** How many checks in a row have failed with a transient error, retries included. */
export const errorsInRow = ({ cold }: Wait): number => (cold.rows?.errors.count ?? 0) + cold.retries

/** Where the next check at the source of `homeOf` is to continue. */
export const cursorOf = ({ cold }: Wait): string | undefined => cold.cursor

/** What the check in flight is given besides its key. */
export const contextOf = (self: Wait): Context => {
  const { attempts, checkStarted, cold, startedAt, status } = self
  const cursor = sourceOf(self) === otherSource ? undefined : cold.cursor
  return new Context(cursor, attempts, checkStarted - startedAt, status)
}

/** Whether the wait has timed out, and only watches a canceled job for its true end. */
export const hasTimedOut = ({ cold }: Wait): boolean => cold.heldTimeout !== undefined

/** Whether the status is an end that the server of the job reported, and that needs no confirmation any more. */
export const hasEnd = ({ cold, status }: Wait): boolean =>
  status !== undefined && status._tag !== "Pending" && cold.unconfirmed === undefined && !cold.isEndTold
/** Whether the wait has ended, but reports that only once its job was canceled. */
export const isLeaving = ({ cold }: Wait): boolean => cold.leftBy !== undefined

/** Whether the next check was forced, so that neither floor nor gate holds it back. */
export const isForced = ({ cold }: Wait): boolean => cold.wakeRequest === "forced"

/**
 * Whether a check that may begin at `from` can wait for others until `at`: it does not use up more than half of the time
 * that is to spare before the deadline.
 */
export const fitsBefore = (self: Wait, from: number, at: number): boolean => {
  const estimate = longestCheck(self)
  return at + (estimate === 0 ? 0 : at - from) + estimate <= self.deadlineAt
}

/** The foreign schedule to step after the command "step", and whether it starts anew. */
export const foreignStep = ({ cold }: Wait): { readonly stepper: Stepper; readonly isFirst: boolean } => ({
  stepper: cold.stepping!.stepper,
  isFirst: cold.stepping!.count === 1
})

// -- what checks tell --

/** How long a check takes: the longest of the newest three, in milliseconds; 0 before the first. */
export const longestCheck = ({ cold, durations }: Wait): number =>
  cold.durations === undefined
    ? Math.max(durations >> 20, (durations >> 10) & 1_023, durations & 1_023)
    : Math.max(...cold.durations)

/** How long the newest checks took, the oldest first; undefined before the first. */
export const checkMillis = ({ cold, durations }: Wait): ReadonlyArray<number> | undefined => {
  if (cold.durations !== undefined) return cold.durations
  return durations === 0 ? undefined : [durations >> 20, (durations >> 10) & 1_023, durations & 1_023]
}

/** Records how long a check took. */
export const recordDuration = (self: Wait, millis: number): void => {
  const { durations } = self
  const three = self.cold.durations
  if (three !== undefined) self.cold.durations = [three[1], three[2], millis]
  else if (millis >>> 0 === millis && millis < 1_024) self.durations = ((durations << 10) | millis) & 0x3f_ff_ff_ff
  else cold(self).durations = [(durations >> 10) & 1_023, durations & 1_023, millis]
}

/** Records what a check found. */
export const recordHistory = (self: Wait, result: string): void => {
  if (self.history !== undefined) history.add(self.history, result, elapsed(self))
}

/** Milliseconds since the wait started. */
export const elapsed = (self: Wait): number => self.setting.time.now - self.startedAt

/** Milliseconds since the job started, as far as is known: at least since the wait started. */
export const age = (self: Wait): number =>
  self.setting.time.now - Math.min(self.startedAt, self.cold.jobStartedAt ?? self.startedAt)

/** When the job started and ended by the clock of its server, in wall-clock milliseconds; undefined if it has not told. */
export const timesOf = ({ cold: { jobEndedAt, jobStartedAt }, setting }: Wait): CheckResult.Times | undefined => {
  if (jobStartedAt === undefined && jobEndedAt === undefined) return undefined
  const { base } = setting.time
  return {
    startedAt: jobStartedAt === undefined ? undefined : base + jobStartedAt,
    endedAt: jobEndedAt === undefined ? undefined : base + jobEndedAt
  }
}

/** Records what the server told of the times of the job. An end counts with the answer that has it. */
export const recordTimes = (self: Wait, { endedAt, startedAt }: CheckResult.Times): void => {
  const { base } = self.setting.time
  const own = cold(self)
  if (startedAt !== undefined) own.jobStartedAt = startedAt - base
  own.jobEndedAt = endedAt === undefined ? undefined : endedAt - base
}

/** The bound of the whole wait, whether or not the limit of a state comes before it. */
export const wholeDeadlineOf = ({ cold, deadlineAt }: Wait): number => cold.wholeDeadlineAt ?? deadlineAt

/** Whether the bound of the whole wait is its deadline or that of its strategy. */
export const boundedBy = (self: Wait): "deadline" | "strategy" => self.cold.boundedBy ?? self.setting.policy.boundedBy

/** The key as errors, logs and observers show it. */
export const shown = ({ key, rawKey, setting }: Wait): string => shownKey(setting.policy, key, rawKey)

/** What an error of this wait carries. */
export const seen = (self: Wait): PollError.Details => ({
  job: self.setting.policy.job,
  key: shown(self),
  attempts: self.attempts,
  elapsed: Duration.millis(elapsed(self)),
  lastStatus: self.status,
  lastCheckError: self.cold.checkError,
  unknownStates: self.cold.unknownStates === undefined ? {} : Object.fromEntries(self.cold.unknownStates),
  hints: { clamped: self.cold.hints?.clamped ?? 0, unreadable: self.cold.hints?.unreadable ?? 0 },
  history: self.history === undefined ? [] : history.entries(self.history)
})

// ---- internal ----

/**
 * A simulated clock may count fractions, and a sum of those is a little off: what is less than a microsecond from a whole
 * millisecond is that. The rest of such an error would be slept again and again, in no time.
 */
const nearlyWhole = (millis: number): number => {
  if (Number.isInteger(millis)) return millis
  const nearest = Math.round(millis)
  return Math.abs(millis - nearest) < 0.001 ? nearest : millis
}

/** If the two clocks differ by less, in milliseconds, the wall clock was adjusted, not set. */
const leastJump = 1_000

/**
 * Moves `base` with a wall clock that was set. A process that was late, or a suspension that the monotonic clock counts,
 * moves both clocks alike.
 */
const compareClocks = (time: Timeline, wall: number): void => {
  const monotonic = time.monotonic()
  const jump = Math.round(wall - time.wallAt - (monotonic - time.monotonicAt))
  if (time.isMeasured && monotonic >= time.monotonicAt && Math.abs(jump) >= leastJump) time.base += jump
  time.wallAt = wall
  time.monotonicAt = monotonic
}

/**
 * The value of times that may become `Infinity`, before a wait starts. It is cast, since it is no number: a field that
 * has held nothing but numbers is boxed in every record from the first `Infinity` on, 32 bytes for each wait.
 */
const notYet = undefined as never

const makeCold = (): Cold => ({
  boundedBy: undefined,
  wholeDeadlineAt: undefined,
  gatedUntil: 0,
  gatedBy: undefined,
  wakeRequest: undefined,
  paused: false,
  woken: undefined,
  heldTimeout: undefined,
  leftBy: undefined,
  hold: undefined,
  unconfirmed: undefined,
  endNoticedBy: undefined,
  isEndTold: false,
  isStateOver: false,
  detailHash: undefined,
  located: undefined,
  action: undefined,
  isHandling: false,
  hasRechecked: false,
  lastCheck: false,
  reservedAt: undefined,
  lateBy: 0,
  fallbackKey: undefined,
  cursor: undefined,
  alone: false,
  divided: false,
  retries: 0,
  retriesStarted: 0,
  totalErrors: 0,
  checkError: undefined,
  throttledDelay: 0,
  rows: undefined,
  stepping: undefined,
  stallReported: false,
  unknownStates: undefined,
  hints: undefined,
  jobStartedAt: undefined,
  jobEndedAt: undefined,
  durations: undefined
})

const makeRow = (): Row => ({ count: 0, since: 0 })

const makeRows = (): Rows => ({
  errors: makeRow(),
  throttled: makeRow(),
  rejected: makeRow(),
  missing: makeRow(),
  unknown: makeRow(),
  resultMissing: makeRow(),
  end: undefined
})

/** Shared by all waits without trouble, and never written to. */
const noCold: Cold = makeCold()
