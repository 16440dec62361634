/**
 * What a protocol of long-running operations reads (an answer), and what it makes of it (a reading).
 *
 * `LongRunningProtocol` exports these types too: to write a protocol, import that module.
 *
 * @since 0.1.0
 */
import type { HttpAnswer } from "./HttpAnswer.ts"
import type { BodyKind } from "./HttpCheckError.ts"
import type { LongRunningFailure } from "./LongRunningFailure.ts"
import type { Notes } from "./LongRunningOperation.ts"

/**
 * An answer about an operation: to its first request with a status of 200..299 or 303, or to a check with 200..299.
 *
 * @category models
 * @since 0.1.0
 */
export interface OperationAnswer extends HttpAnswer {
  /** The method of the request. */
  readonly method: string
  /** The whole URL that answered, after redirects. */
  readonly url: string
  /** Whether the body is JSON, empty or something else, and its media type. */
  readonly content: BodyKind
}

/**
 * What an answer says of an operation.
 *
 * **Details**
 *
 * - `Pending`: it is running. `url` is where to check from now on, `notes` replace those of the operation.
 * - `Succeeded`: it succeeded, with this result, which is decoded next.
 * - `SucceededAt`: it succeeded, and its result is at the first of `urls` that is not a 404.
 * - `Failed`, `Canceled`, `Expired`: the other endings.
 * - `UnknownState`: its state is none that the protocol knows.
 * - `NotJson`: the answer should have been JSON. A transient error.
 * - `Malformed`: the answer breaks the rules of the protocol. A permanent error.
 *
 * @category models
 * @since 0.1.0
 */
export type Reading =
  | {
      readonly _tag: "Pending"
      readonly state?: string | undefined
      readonly progress?: number | undefined
      readonly metadata?: unknown
      readonly url?: string | undefined
      readonly notes?: Notes | undefined
    }
  | { readonly _tag: "Succeeded"; readonly result: unknown; readonly state?: string | undefined }
  | { readonly _tag: "SucceededAt"; readonly urls: ReadonlyArray<string>; readonly state?: string | undefined }
  | { readonly _tag: "Failed"; readonly failure: LongRunningFailure; readonly state?: string | undefined }
  | { readonly _tag: "Canceled" | "Expired"; readonly state?: string | undefined }
  | {
      readonly _tag: "UnknownState"
      readonly state: string
      readonly url?: string | undefined
      readonly notes?: Notes | undefined
    }
  | { readonly _tag: "NotJson" }
  | { readonly _tag: "Malformed"; readonly issue: string }

/**
 * What a state word means.
 *
 * @category models
 * @since 0.1.0
 */
export type Meaning = "pending" | "succeeded" | "failed" | "canceled" | "expired"
