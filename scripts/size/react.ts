export { PollProvider, usePoll } from "@effect-poll/react"
export { make } from "effect-poll/Job"
export { failed, pending, succeeded } from "effect-poll/Status"
