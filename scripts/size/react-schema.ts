export { PollProvider, usePoll } from "@effect-poll/react"
export { make } from "effect-poll/Job"
export { fromField } from "effect-poll/StatusSchema"
