import type { Protocol } from "../LongRunningProtocol.ts"
import { resultOf, unplaced, urlIn } from "./answers.ts"

export const acceptedProtocol: Protocol = {
  name: "accepted",
  start: (first) => {
    const url = urlIn(first, "location")
    if (first.status === 202 || first.status === 303) {
      return url === undefined ? unplaced("Location") : { _tag: "Pending", url }
    }
    return first.status === 201 && first.content.kind === "empty" && url !== undefined
      ? { _tag: "SucceededAt", urls: [url] }
      : resultOf(first)
  },
  read: (answer) => (answer.status === 202 ? { _tag: "Pending", url: urlIn(answer, "location") } : resultOf(answer))
}
