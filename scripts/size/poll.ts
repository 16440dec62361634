export * as Poll from "effect-poll/Poll"
export * as Status from "effect-poll/Status"
export * as Strategy from "effect-poll/Strategy"
