/**
 * @since 0.1.0
 */
export * as PollStore from "./PollStore.ts"
