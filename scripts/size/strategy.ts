export * from "effect-poll/Strategy"
