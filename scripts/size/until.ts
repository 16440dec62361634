export { until } from "effect-poll/Poll"
export { failed, pending, succeeded } from "effect-poll/Status"
export { spaced } from "effect-poll/Strategy"
