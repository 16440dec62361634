import type { OperationAnswer, Reading } from "../LongRunningReading.ts"
import { resultOf, noCheckUrl, urlIn } from "./operationAnswer.ts"

export const acceptedProtocol = {
  name: "accepted",
  start: (first: OperationAnswer): Reading => {
    const url = urlIn(first, "location")
    if (first.status === 202 || first.status === 303) {
      return url === undefined ? noCheckUrl("Location") : { _tag: "Pending", url }
    }
    return first.status === 201 && first.content.kind === "empty" && url !== undefined
      ? { _tag: "SucceededAt", urls: [url] }
      : resultOf(first)
  },
  read: (answer: OperationAnswer): Reading =>
    answer.status === 202 ? { _tag: "Pending", url: urlIn(answer, "location") } : resultOf(answer)
}
