export * as Poller from "effect-poll/Poller"
export * as Status from "effect-poll/Status"
export * as Strategy from "effect-poll/Strategy"
