import type { DurableRow } from "../../../DurableRow.ts"
import { fromTags, fromText, fromTextOrNull } from "./text.ts"

type Whole = number | string | bigint

/** A row of the table of jobs, as the columns below. */
export interface Stored {
  readonly id: string
  readonly kind: string
  readonly job_key: string | null
  readonly bucket: Whole
  readonly state: DurableRow["state"]
  readonly since: string | null
  readonly round: Whole
  readonly created_at: Whole
  readonly deadline_at: Whole | null
  readonly deadline_millis: Whole | null
  readonly due_at: Whole
  readonly nudges: Whole
  readonly token: string | null
  readonly input: string | null
  readonly idempotency_key: string | null
  readonly tags: string | null
  readonly outcome: string | null
  readonly ending: string | null
  readonly ended_by: "check" | "settle" | null
  readonly attempts: Whole | null
  readonly ended_at: Whole | null
  readonly position: Whole | null
}

/** The columns of `Stored`. */
export const columns = [
  "id",
  "kind",
  "job_key",
  "bucket",
  "state",
  "since",
  "round",
  "created_at",
  "deadline_at",
  "deadline_millis",
  "due_at",
  "nudges",
  "token",
  "input",
  "idempotency_key",
  "tags",
  "outcome",
  "ending",
  "ended_by",
  "attempts",
  "ended_at",
  "position"
].join(", ")

const toNumber = (stored: Whole | null): number | null => (stored === null ? null : Number(stored))

/** The row that is stored. */
export const rowOf = (stored: Stored): DurableRow => ({
  id: fromText(stored.id),
  kind: fromText(stored.kind),
  key: fromTextOrNull(stored.job_key),
  bucket: Number(stored.bucket),
  state: stored.state,
  since: fromTextOrNull(stored.since),
  round: Number(stored.round),
  createdAt: Number(stored.created_at),
  deadlineAt: toNumber(stored.deadline_at),
  deadlineMillis: toNumber(stored.deadline_millis),
  dueAt: Number(stored.due_at),
  nudges: Number(stored.nudges),
  token: fromTextOrNull(stored.token),
  input: fromTextOrNull(stored.input),
  idempotencyKey: fromTextOrNull(stored.idempotency_key),
  tags: fromTags(stored.tags),
  ended:
    stored.state === "ended"
      ? {
          outcome: fromText(stored.outcome ?? ""),
          ending: fromText(stored.ending ?? ""),
          by: stored.ended_by ?? "check",
          attempts: Number(stored.attempts),
          at: Number(stored.ended_at),
          position: Number(stored.position)
        }
      : null
})
