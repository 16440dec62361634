import type { Notification } from "../Observer.ts"
import type { PollEvent } from "../PollEvent.ts"
import type { Rank } from "./boundedQueue.ts"

/** How important an event is to a reader who cannot follow: that nothing has changed is the least. */
export const rankOf = ({ _tag }: Notification["event"] | PollEvent<unknown, unknown, unknown>): Rank => {
  switch (_tag) {
    case "Waiting":
    case "Unchanged":
    case "WokenInVain":
      return 0
    case "CheckFailed":
    case "Confirming":
    case "Told":
    case "SourceBroke":
      return 1
    case "Started":
    case "Ended":
      return 3
    default:
      return 2
  }
}
