import type * as Duration from "effect/Duration"
import type { DurableRow } from "../../DurableRow.ts"
import type { Filter } from "../../DurableStore.ts"
import * as validate from "../validate.ts"
import { delayMillis, only, refuse } from "./options.ts"

/** Which jobs to list. */
export interface ListOptions {
  /** Only this state; `"open"` is every state but `"ended"`. */
  readonly state?: DurableRow["state"] | "open" | undefined
  /** Only this outcome: `"Succeeded"`, or the tag of an error, such as `"JobFailed"`. */
  readonly outcome?: string | undefined
  /** Only those that have this tag. */
  readonly tag?: string | undefined
  /** Only those submitted, or last started again by `retry`, at least this long ago; a non-negative finite duration. */
  readonly olderThan?: Duration.Input | undefined
  /** For the next page: the last job of the page before. Default: the first page. */
  readonly after?: { readonly createdAt: number; readonly ref: { readonly id: string } } | undefined
  /** The largest number of jobs to yield; an integer from 1 to 10,000, default 100. */
  readonly limit?: number | undefined
}

/** Reads the options of `list`. */
export const filterOf = (kind: string, options: ListOptions): Filter => {
  const { after, limit, olderThan, outcome, state, tag, ...others } = options
  only(name, "", others, [])
  if (state !== undefined && !states.includes(state)) {
    refuse(`${name}: state`, states.map((each) => JSON.stringify(each)).join(" or "), state)
  }
  return {
    kind,
    state,
    outcome,
    tag,
    olderThanMillis: olderThan === undefined ? undefined : delayMillis(`${name}: olderThan`, olderThan),
    after: after && { createdAt: after.createdAt, id: after.ref.id },
    limit: validate.count(`${name}: limit`, limit ?? 100, 1, 10_000)
  }
}

// ---- internal ----

const name = "DurablePoll.list"

const states: ReadonlyArray<string> = ["outbox", "submitting", "pending", "ended", "open"]
