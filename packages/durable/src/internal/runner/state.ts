import type { Handle } from "effect-poll/Handle"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type { DurableRow } from "../../DurableRow.ts"
import type { Claim } from "../../DurableStore.ts"
import type { Kind } from "../kind.ts"

export type AnyHandle = Handle<unknown, unknown, unknown>

/** A kind that is registered. */
export interface Entry {
  readonly kind: Kind
  /** Whether no check of it begins. */
  isPaused: boolean
  /** Whether a scan has told if it is paused. */
  isScanned: boolean
}

/** A job in memory. There are many, so it is small. */
export class Watch {
  /** Without its token, input and tags, unless it is to be submitted. */
  row: DurableRow
  readonly entry: Entry
  readonly owned: Owned
  /**
   * `"outbox"`: to be submitted, or being submitted. `"beginning"`, `"running"`: in the Poller. `"saving"`: not in the
   * Poller until its token is stored. `"ending"`: its end is to be stored. `"left"`: no longer of this runner.
   */
  phase: "outbox" | "beginning" | "running" | "saving" | "ending" | "left"
  /** The number of nudges seen so far. */
  nudges: number
  handle: AnyHandle | undefined
  /** Where it is, by the clock of this process; only while it is being saved. */
  token: ResumeToken | undefined
  /** The number of checks that the stored token knows of. */
  savedAttempts: number

  constructor(row: DurableRow, entry: Entry, owned: Owned) {
    this.row = row
    this.entry = entry
    this.owned = owned
    this.phase = "beginning"
    this.nudges = row.nudges
    this.handle = undefined
    this.token = undefined
    this.savedAttempts = 0
  }
}

/** A bucket that this process has claimed, for as long as the claim holds. */
export class Owned {
  readonly claim: Claim
  readonly waits = new Map<string, Watch>()
  /** Whether the claim was lost or is being given up: nothing begins any more. */
  isOver = false

  constructor(claim: Claim) {
    this.claim = claim
  }
}

/** What a runner knows. */
export class State {
  readonly kinds = new Map<string, Entry>()
  readonly buckets = new Map<number, Owned>()

  get waits(): number {
    let count = 0
    for (const { waits } of this.buckets.values()) count += waits.size
    return count
  }

  *all(): Generator<Watch> {
    for (const { waits } of this.buckets.values()) yield* waits.values()
  }
}

/** What is kept of a row, as long as its job is in memory. */
export const slim = (row: DurableRow): DurableRow => ({
  id: row.id,
  kind: row.kind,
  key: row.key,
  bucket: row.bucket,
  state: row.state,
  since: row.since,
  round: row.round,
  createdAt: row.createdAt,
  deadlineAt: row.deadlineAt,
  deadlineMillis: row.deadlineMillis,
  dueAt: row.dueAt,
  nudges: row.nudges,
  token: null,
  input: null,
  idempotencyKey: row.idempotencyKey,
  tags: none,
  ended: null
})

// ---- internal ----

const none: ReadonlyArray<string> = []
