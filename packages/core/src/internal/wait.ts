import * as Duration from "effect/Duration"
import type * as Exit from "effect/Exit"
import type * as PollError from "../PollError.ts"
import type { Notice } from "../Observer.ts"
import type { WaitReason } from "../PollEvent.ts"
import type { Status } from "../Status.ts"
import type { Policy, Stepper } from "./policy.ts"

/**
 * The state of one wait: what the machine reads and writes. Times are milliseconds since `base`: small integers, which
 * cost no memory of their own.
 *
 * A host reads `alarmAt` after the command "sleep", `lookBy` and `fallbackKey` after "look", `stepping` and `stepCount`
 * after "step" and `exit` after "end"; it writes nothing.
 */
export interface Wait {
  readonly policy: Policy
  readonly random: () => number
  readonly emit: (event: Notice["event"]) => void
  /** Whether anybody wants to hear of every look and every sleep, not only of changes and failures. */
  readonly everything: boolean
  phase: "waiting" | "gating" | "looking" | "stepping" | "canceling" | "ended"
  exit: Exit.Exit<unknown, unknown> | undefined

  /** The wall-clock time that the others count from: the start of the wait. */
  base: number
  /** The latest time that an event came with: time never runs backwards in here. */
  now: number
  deadlineAt: number
  /** Whether the bound is the deadline of the wait or the limit of its strategy. */
  boundedBy: "deadline" | "strategy"

  /** Goes on from a token, instead of starting anew. */
  resumed: boolean
  dueAt: number
  /** When the host has to come back: `dueAt`, or the deadline while the wait is paused. */
  alarmAt: number
  /** How long the sleep was meant to take. */
  slept: number
  reason: WaitReason
  /** The server does not want to be asked before. */
  floorAt: number
  /** The gate does not want to be asked before, and why. */
  gatedUntil: number
  gatedBy: string | undefined
  /** Woken while it could not look: it will look again as soon as it can. */
  wokenMeanwhile: "woken" | "forced" | undefined
  paused: boolean
  /** The timeout that the wait ends with, if asking the server to stop the job brings no other end. */
  gaveUp: PollError.PollError<unknown, unknown> | undefined
  /** The look that is under way, or due next, is the last one. */
  lastLook: boolean
  /** When the look, the gate or the cancel under way is given up. */
  lookBy: number
  lookStarted: number
  /** When the first of the retries, and of the errors in a row, was met. */
  retriesStarted: number
  errorsStarted: number
  /** How long the newest three looks took. */
  readonly took: [number, number, number]
  /** The key at the fallback, once the job itself is gone. */
  fallbackKey: string | undefined

  attempts: number
  /** Retries within the look under way. */
  retries: number
  errorsInRow: number
  errorsInAll: number
  strategySteps: number
  strategyStarted: number
  /** The schedule whose step the machine waits for, and which step of it that is; the first one starts it anew. */
  stepping: Stepper | undefined
  stepCount: number

  status: Status<unknown, unknown> | undefined
  /** What the history calls the status. */
  statusText: string
  changedAt: number
  stallReported: boolean
  pollError: unknown
  unlistedInRow: number
  unlistedSince: number
  /** Unlisted words, and how often each was seen. */
  unlisted: Map<string, number> | undefined
  hintsClamped: number
  hintsUnreadable: number
  /** The newest entry of the history; here, since most looks only count it up. */
  finding: string
  findingLooks: number
  findingFirst: number
  findingLast: number
  /** The entries before it. */
  readonly history: Array<PollError.HistoryEntry>
}

/** The state of a wait that has not started. */
export const make = ({
  emit,
  everything,
  policy,
  random
}: Pick<Wait, "policy" | "random" | "emit" | "everything">): Wait => ({
  // Written out: a spread would cost the object its fast shape.
  policy,
  random,
  emit,
  everything,
  phase: "waiting",
  exit: undefined,
  base: 0,
  now: 0,
  deadlineAt: 0,
  boundedBy: "deadline",
  resumed: false,
  dueAt: 0,
  alarmAt: 0,
  slept: 0,
  reason: "firstWait",
  floorAt: 0,
  gatedUntil: 0,
  gatedBy: undefined,
  wokenMeanwhile: undefined,
  paused: false,
  gaveUp: undefined,
  lastLook: false,
  lookBy: Number.POSITIVE_INFINITY,
  lookStarted: 0,
  retriesStarted: 0,
  errorsStarted: 0,
  took: [0, 0, 0],
  fallbackKey: undefined,
  attempts: 0,
  retries: 0,
  errorsInRow: 0,
  errorsInAll: 0,
  strategySteps: 0,
  strategyStarted: 0,
  stepping: undefined,
  stepCount: 0,
  status: undefined,
  statusText: "",
  changedAt: 0,
  stallReported: false,
  pollError: undefined,
  unlistedInRow: 0,
  unlistedSince: 0,
  unlisted: undefined,
  hintsClamped: 0,
  hintsUnreadable: 0,
  finding: "",
  findingLooks: 0,
  findingFirst: 0,
  findingLast: 0,
  history: []
})

/** The longest history that an error carries; older entries are dropped. */
const historyBound = 32

/** Notes what a look found; the same finding again lengthens the newest entry. */
export const remember = (self: Wait, finding: string): void => {
  if (finding !== self.finding) {
    if (self.findingLooks > 0) self.history.push(newest(self))
    if (self.history.length === historyBound) self.history.shift()
    self.finding = finding
    self.findingLooks = 0
    self.findingFirst = self.now
  }
  self.findingLooks++
  self.findingLast = self.now
}

const newest = ({ finding, findingFirst, findingLast, findingLooks }: Wait): PollError.HistoryEntry => ({
  finding,
  looks: findingLooks,
  first: findingFirst,
  last: findingLast
})

/** What an error of this wait carries. */
export const seen = (self: Wait): PollError.Seen => ({
  job: self.policy.job,
  key: self.policy.key,
  attempts: self.attempts,
  elapsed: Duration.millis(self.now),
  lastStatus: self.status,
  lastPollError: self.pollError,
  unlisted: self.unlisted === undefined ? {} : Object.fromEntries(self.unlisted),
  hints: { clamped: self.hintsClamped, unreadable: self.hintsUnreadable },
  history: self.findingLooks === 0 ? [] : [...self.history, newest(self)]
})

/** Takes note of the wall-clock time. A clock that was set back moves `base`, and so all the times of the wait, with it. */
export const advance = (self: Wait, clock: number): void => {
  if (clock - self.base < self.now) self.base = clock - self.now
  else self.now = clock - self.base
}
