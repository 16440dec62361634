import * as ResumeToken from "effect-poll/ResumeToken"
import type { DurableRow } from "../../DurableRow.ts"

type Token = ResumeToken.ResumeToken

/**
 * The token from which the wait of a row goes on, by the clock of this process. The row says when the next check is due and
 * when the wait ends: both hold whatever has happened to the clocks since the token was written.
 */
export const ofRow = (row: DurableRow, stored: Token | undefined, skewMillis: number): Token => {
  const { writtenAt: _, ...token } = ResumeToken.shift(stored ?? fresh(row), -skewMillis)
  return withDeadline(row, { ...token, dueAt: row.dueAt - skewMillis }, skewMillis)
}

/** A token by the clock of this process, with the deadline of the row. */
export const withDeadline = (row: DurableRow, token: Token, skewMillis: number): Token =>
  // The strategy may have set another bound.
  token.boundedBy === "strategy"
    ? token
    : { ...token, deadlineAt: row.deadlineAt === null ? "unbounded" : row.deadlineAt - skewMillis }

/** A token as it is stored, with times of the database. */
export const stored = (token: Token, skewMillis: number): { readonly token: string; readonly dueAt: number } => {
  const shifted = ResumeToken.shift(token, skewMillis)
  return { token: ResumeToken.toJson(shifted), dueAt: shifted.dueAt }
}

/** The run that a token waits for, as a row holds it. */
export const sinceOf = ({ since }: Token): string | undefined => since && JSON.stringify(since)

// ---- internal ----

/** The run of a row. Only `sinceOf` and `submit` write it. */
const fromJson = (since: string): Token["since"] => {
  try {
    return JSON.parse(since)
  } catch {
    return undefined
  }
}

/** The token of a wait that has not begun, with times of the database. */
const fresh = ({ createdAt, deadlineAt, dueAt, key, kind, since }: DurableRow): Token => ({
  version: 1,
  job: kind,
  key: key ?? "",
  ...(since !== null && { since: fromJson(since) }),
  attempts: 0,
  strategySteps: 0,
  strategyStartedAt: createdAt,
  totalErrors: 0,
  dueAt,
  floorAt: createdAt,
  startedAt: createdAt,
  deadlineAt: deadlineAt ?? "unbounded",
  boundedBy: "deadline"
})
