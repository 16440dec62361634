export * as promise from "effect-poll/promise"
export * as Status from "effect-poll/Status"
export * as Strategy from "effect-poll/Strategy"
