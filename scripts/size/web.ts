export { make as store } from "@effect-poll/web/PollStore"
export { make } from "effect-poll/Job"
export { failed, pending, succeeded } from "effect-poll/Status"
