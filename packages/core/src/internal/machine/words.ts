import type { ResultMissing } from "../../CheckResult.ts"
import type { Status } from "../../Status.ts"
import { cut, longestWord } from "../text.ts"

// A server can send words of any length, so a wait keeps only their beginnings.

/** The most characters of a reason or of an issue that are kept. */
const longestReason = 1_000

/** The same result with its words cut; itself if they are short. */
export const bounded = <T extends Status<unknown, unknown> | ResultMissing>(self: T): T => {
  let kept = self
  if (isLong(self.state, longestWord)) kept = { ...kept, state: cut(self.state) }
  if ("action" in self && isLong(self.action?.id, longestWord)) {
    kept = { ...kept, action: { ...self.action, id: cut(self.action.id) } }
  }
  if ("reason" in self && isLong(self.reason, longestReason))
    kept = { ...kept, reason: cut(self.reason, longestReason) }
  if ("issue" in self && isLong(self.issue, longestReason)) kept = { ...kept, issue: cut(self.issue, longestReason) }
  return kept
}

const isLong = (text: string | undefined, max: number): text is string => text !== undefined && text.length > max
