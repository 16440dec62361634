import * as Duration from "effect/Duration"
import type { Notification } from "../../Observer.ts"
import type * as PollError from "../../PollError.ts"
import type { WaitReason } from "../../PollEvent.ts"
import type { Status } from "../../Status.ts"
import * as history from "./history.ts"
import type { Policy, Stepper } from "../options/policy.ts"
import { type Stage, waiting } from "./stage.ts"

/** What a wait runs by. A host that has many waits shares one among those that are alike. */
export interface Setting {
  readonly policy: Policy
  readonly time: Timeline
  readonly random: () => number
  readonly emit: (wait: Wait, event: Notification["event"]) => void
  /** Whether anybody wants to hear of every check and every sleep of this wait, not only of changes and failures. */
  readonly hears: (wait: Wait) => boolean
  /** Whether a check may begin at once; otherwise the machine says "gate", and the host answers when there is room. */
  readonly hasRoom: (wait: Wait) => boolean
}

/** The time of a host. It never runs backwards: a wall clock that is set back moves `base` with it. */
export interface Timeline {
  /** The wall-clock time that the others count from. */
  base: number
  /** The latest time that an event came with. */
  now: number
}

/**
 * The state of one wait: what the machine reads and writes. Times are milliseconds since the `base` of its timeline: small
 * integers, which cost no memory of their own. What most waits never need stands apart, in `rare`: waits are many, and their
 * record is most of the memory of each.
 *
 * A host reads `alarmAt` after the command "sleep", `nextAt` after "gate", "check", "step" and "cancel", and from `rare`
 * `fallbackKey` after "check", `stepping` and `stepCount` after "step". The exit comes with the event `Ended`, before "end". It writes
 * nothing but `errand`.
 */
export interface Wait {
  readonly setting: Setting
  stage: Stage
  /**
   * When the check is due that the wait sleeps for; when what is under way (a check, a gate, a step) is given up; when the
   * wait ended.
   */
  nextAt: number
  rare: Rare
  /** The host's own: what is under way for it, and who is told of it. */
  errand: unknown
  readonly holder: unknown
  deadlineAt: number
  /** The server does not want to be asked before. */
  floorAt: number
  checkStarted: number
  /** How long the newest three checks took, ten bits each, the newest last; until one takes a second or more, then `rare` has it. */
  took: number
  attempts: number
  /** How long the sleep was meant to take. */
  slept: number
  /** The encoded key: the identity of the job. */
  readonly key: string
  readonly rawKey: unknown
  startedAt: number
  changedAt: number
  strategySteps: number
  strategyStarted: number
  status: Status<unknown, unknown> | undefined
  /** None if nobody asked for it. */
  readonly history: history.History | undefined
}

/** The part of the state that a wait without trouble never needs. */
export interface Rare {
  /** Whether the bound of a resumed wait is its deadline or the limit of its strategy. */
  boundedBy: "deadline" | "strategy" | undefined
  /** The gate does not want to be asked before, and why. */
  gatedUntil: number
  gatedBy: string | undefined
  /** Woken while it could not check: it will check again as soon as it can. */
  wokenMeanwhile: "woken" | "forced" | undefined
  paused: boolean
  /** The timeout that the wait ends with, if asking the server to stop the job brings no other end. */
  gaveUp: PollError.PollError<unknown, unknown> | undefined
  /** The check that is under way, or due next, is the last one. */
  lastCheck: boolean
  /** The key at the fallback, once the job itself is gone. */
  fallbackKey: string | undefined
  /** Retries within the check under way. */
  retries: number
  consecutiveErrors: number
  totalErrors: number
  /** When the first of the retries, and of the errors in a row, was met. */
  retriesStarted: number
  errorsStarted: number
  checkError: unknown
  /** The schedule whose step the machine waits for, which step of it that is (the first one starts it anew), and what its delay is for. */
  stepping: Stepper | undefined
  stepCount: number
  stepFor: WaitReason
  stallReported: boolean
  unknownInRow: number
  unknownSince: number
  /** Unknown states, and how often each was seen. */
  unknownStates: Map<string, number> | undefined
  hintsClamped: number
  hintsUnreadable: number
  /** How long the newest three checks took, the oldest first, since one took a second or more. */
  took: readonly [number, number, number] | undefined
}

/** The state of a wait that has not started. */
export const make = (setting: Setting, key: string, rawKey: unknown, holder: unknown): Wait => ({
  // Written out: a spread would cost the object its fast shape. What each check needs comes first.
  setting,
  stage: waiting("firstWait"),
  nextAt: notYet,
  rare: calm,
  errand: undefined,
  holder,
  deadlineAt: notYet,
  floorAt: 0,
  checkStarted: 0,
  took: 0,
  attempts: 0,
  slept: 0,
  key,
  rawKey,
  startedAt: 0,
  changedAt: 0,
  strategySteps: 0,
  strategyStarted: 0,
  status: undefined,
  history: setting.policy.history ? history.make() : undefined
})

/**
 * A number as a small integer, where it is one. The engine of the language keeps those in place, but boxes what came out of
 * a calculation with fractions or with wall-clock times, even if it is whole: that would be twice the memory of a wait.
 */
export const whole = (value: number): number => ((value | 0) === value ? value | 0 : value)

/** The rare part of a wait, to write to. */
export const rare = (self: Wait): Rare => (self.rare === calm ? (self.rare = makeRare()) : self.rare)

/** A timeline that begins now. */
export const timeline = (clock: number): Timeline => ({ base: clock, now: 0 })

/** Takes note of the wall-clock time. */
export const advance = (time: Timeline, clock: number): void => {
  if (clock - time.base < time.now) time.base = clock - time.now
  else time.now = whole(clock - time.base)
}

/** When the host has to come back: a wait that is paused sleeps until its deadline. */
export const alarmAt = (self: Wait): number =>
  self.stage.phase === "waiting" && self.rare.paused ? self.deadlineAt : self.nextAt

/** How long a check takes, as far as the newest three tell. */
export const longestCheck = ({ rare, took }: Wait): number =>
  rare.took === undefined ? Math.max(took >> 20, (took >> 10) & 1_023, took & 1_023) : Math.max(...rare.took)

/** Notes how long a check took. */
export const took = (self: Wait, millis: number): void => {
  const three = self.rare.took
  if (three !== undefined) self.rare.took = [three[1], three[2], millis]
  else if (millis >>> 0 === millis && millis < 1_024) self.took = ((self.took << 10) | millis) & 0x3f_ff_ff_ff
  else rare(self).took = [(self.took >> 10) & 1_023, self.took & 1_023, millis]
}

/** Milliseconds since the wait started. */
export const elapsed = (self: Wait): number => self.setting.time.now - self.startedAt

/** Whether the bound of the wait is its deadline or the limit of its strategy. */
export const boundedBy = (self: Wait): "deadline" | "strategy" => self.rare.boundedBy ?? self.setting.policy.boundedBy

/** Notes what a check found. */
export const remember = (self: Wait, finding: string): void => {
  if (self.history !== undefined) history.add(self.history, finding, elapsed(self))
}

/** What an error of this wait carries. */
export const seen = (self: Wait): PollError.Details => ({
  job: self.setting.policy.job,
  key: self.key,
  attempts: self.attempts,
  elapsed: Duration.millis(elapsed(self)),
  lastStatus: self.status,
  lastCheckError: self.rare.checkError,
  unknownStates: self.rare.unknownStates === undefined ? {} : Object.fromEntries(self.rare.unknownStates),
  hints: { clamped: self.rare.hintsClamped, unreadable: self.rare.hintsUnreadable },
  history: self.history === undefined ? [] : history.entries(self.history)
})

// ---- internal ----

/**
 * What the times are that may be `Infinity`, before a wait starts. A cast, since that is no number: a field that has never
 * held anything but numbers is boxed in every record from the first `Infinity` on, which would be 32 bytes for each wait.
 */
const notYet = undefined as never

const makeRare = (): Rare => ({
  boundedBy: undefined,
  gatedUntil: 0,
  gatedBy: undefined,
  wokenMeanwhile: undefined,
  paused: false,
  gaveUp: undefined,
  lastCheck: false,
  fallbackKey: undefined,
  retries: 0,
  consecutiveErrors: 0,
  totalErrors: 0,
  retriesStarted: 0,
  errorsStarted: 0,
  checkError: undefined,
  stepping: undefined,
  stepCount: 0,
  stepFor: "strategy",
  stallReported: false,
  unknownInRow: 0,
  unknownSince: 0,
  unknownStates: undefined,
  hintsClamped: 0,
  hintsUnreadable: 0,
  took: undefined
})

/** What all waits without trouble share; nobody writes to it. */
const calm: Rare = makeRare()
