import { HttpCheckError, safeUrl } from "@effect-poll/http/HttpCheckError"
import * as DateTime from "effect/DateTime"
import { hasProperty } from "effect/Predicate"
import type { CheckResult } from "effect-poll/CheckResult"
import type { ListFilter } from "../Mixpeek.ts"
import type { TaskKey } from "../MixpeekKey.ts"

// What a check of many tasks asks the list for, and what it can learn from a record of it.

/** How long a record lives, in milliseconds: the window for a task of which nobody knows when it was submitted. */
const life = 86_400_000

/** How far the clocks of server and client may be apart, in milliseconds. */
const slack = 300_000

/** The filter that holds all of the tasks, as narrow as what is known of them. */
export const filterOf = (keys: ReadonlyArray<TaskKey>, now: number): ListFilter => {
  const types = new Set<string>()
  let [untyped, undated] = [false, false]
  let [oldest, newest] = [Infinity, -Infinity]
  for (const { fallback, submittedAt } of keys) {
    if (fallback === undefined) untyped = true
    else types.add(fallback.taskType)
    if (submittedAt === undefined) undated = true
    oldest = Math.min(oldest, submittedAt ?? now - life)
    newest = Math.max(newest, submittedAt ?? now)
  }
  return {
    taskTypes: untyped ? undefined : [...types],
    createdAfter: DateTime.makeUnsafe(oldest - slack),
    createdBefore: undated ? undefined : DateTime.makeUnsafe(newest + slack)
  }
}

/**
 * Whether a record of the list tells as much as a check of the task would. It may show less: an end without its result or
 * its reason, or a pending task without the ids that its fallback needs.
 */
export const isTold = (found: CheckResult<unknown, string>, record: unknown, key: TaskKey): boolean => {
  switch (found._tag) {
    case "Succeeded":
      return hasProperty(record, "outputs")
    case "Failed":
      return hasProperty(record, "error_message")
    case "Pending":
      return key.fallback !== undefined || hasProperty(record, "additional_data")
    default:
      return true
  }
}

/** The failure of one record. */
export const unreadable = (url: string, issue: string): HttpCheckError =>
  new HttpCheckError({ method: "POST", url: safeUrl(url), reason: { _tag: "Decode", status: 200, issue } })
