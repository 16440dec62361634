import * as Hash from "effect/Hash"
import type { ResultMissing } from "../../CheckResult.ts"
import type { Status } from "../../Status.ts"
import { markedLike } from "../clamped.ts"
import { cut, longestWord } from "../text.ts"

// A server can send words of any length, so a wait keeps only their beginnings.

/** The most characters of a reason or of an issue that are kept. */
const longestReason = 1_000

/** The same result with its words cut; itself if they are short. */
export const bounded = <T extends Status<unknown, unknown> | ResultMissing>(self: T): T => {
  let kept = self
  if (isLong(self.state, longestWord)) kept = { ...kept, state: cut(self.state) }
  if ("reason" in self && isLong(self.reason, longestReason))
    kept = { ...kept, reason: cut(self.reason, longestReason) }
  if ("issue" in self && isLong(self.issue, longestReason)) kept = { ...kept, issue: cut(self.issue, longestReason) }
  return kept === self ? self : markedLike(kept, self)
}

/** The stored form of an action id: of a long one, the beginning and a hash. */
export const storedId = (id: string): string =>
  id.length <= longestWord ? id : `${cut(id, longestWord / 2)}#${Hash.string(id)}`

// ---- internal ----

const isLong = (text: string | undefined, max: number): text is string => text !== undefined && text.length > max
