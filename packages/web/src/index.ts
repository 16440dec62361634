/**
 * Polls in web pages: one loop for each job and key, bound to the views that show it.
 *
 * @since 0.1.0
 */
export * as CrossTab from "./CrossTab.ts"
export * as Environment from "./Environment.ts"
export * as PageHttp from "./PageHttp.ts"
export * as PollStore from "./PollStore.ts"
export * as Seed from "./Seed.ts"
export * as Snapshot from "./Snapshot.ts"
