/**
 * @since 0.1.0
 */
export * as PageHttp from "./PageHttp.ts"
export * as PollStore from "./PollStore.ts"
