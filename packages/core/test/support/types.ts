import type * as Effect from "effect/Effect"
import type * as Job from "effect-poll/Job"
import type * as Status from "effect-poll/Status"

/** An error of checks in type tests. */
export interface NetworkError {
  readonly _tag: "NetworkError"
}

/** A service that checks need in type tests. */
export interface Network {
  readonly network: true
}

/** A check with its own result, failure, error and service. */
export declare const check: Effect.Effect<
  Status.Pending | Status.Succeeded<string> | Status.Failed<number>,
  NetworkError,
  Network
>

/** A job with these types, that takes a boolean to submit and may then be "busy". */
export declare const job: Job.Job<string, string, number, NetworkError, Network, boolean, "busy">

export const options = { deadline: "1 minute" } as const

/** Takes a call that must not compile; its argument is never run. */
export const ignore = (_effect: unknown): void => {}
