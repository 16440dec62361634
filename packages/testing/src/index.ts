/**
 * A scripted job server that records what happens to its jobs, for tests of pollers.
 *
 * @since 0.1.0
 */
export * as Assertion from "./Assertion.ts"
export * as EventConnection from "./EventConnection.ts"
export * as Fault from "./Fault.ts"
export * as JobScript from "./JobScript.ts"
export * as JobServer from "./JobServer.ts"
export * as Submission from "./Submission.ts"
export * as Truth from "./Truth.ts"
export * as WebhookInbox from "./WebhookInbox.ts"
export * as WebhookSender from "./WebhookSender.ts"
