export { PollProvider, usePoll } from "@effect-poll/react"
export { make } from "effect-poll/Job"
export { make as poller } from "effect-poll/Poller"
export { failed, pending, succeeded } from "effect-poll/Status"
