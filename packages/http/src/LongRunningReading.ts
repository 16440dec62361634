/**
 * What a protocol of long-running operations is given, and what it says: an answer, and a reading of it.
 *
 * `LongRunningProtocol` exports these types as well; a protocol of your own needs no import from here.
 *
 * @since 0.1.0
 */
import type { HttpAnswer } from "./HttpAnswer.ts"
import type { BodyKind } from "./HttpCheckError.ts"
import type { LongRunningFailure } from "./LongRunningFailure.ts"
import type { Notes } from "./LongRunningOperation.ts"

/**
 * An answer: to a first request with a status of 200..299 or 303, or to a check with one of 200..299.
 *
 * @category models
 * @since 0.1.0
 */
export interface OperationAnswer extends HttpAnswer {
  /** The method of the request. */
  readonly method: string
  /** The whole URL that answered, after redirects. */
  readonly url: string
  /** Tells a body that is empty from one that is not JSON. */
  readonly content: BodyKind
}

/**
 * What an answer says of an operation.
 *
 * **Details**
 *
 * - `Pending`: it goes on. `url` is where to check from now on, `notes` replace what was remembered.
 * - `Succeeded`: it ended well and this is its result, to be decoded.
 * - `SucceededAt`: it ended well, and its result is to be had at the first of `urls` that is found.
 * - `Failed`, `Canceled`, `Expired`: the other ends.
 * - `UnknownState`: it says a word that nobody listed.
 * - `NotJson`: the answer should have been JSON. The next one may be.
 * - `Malformed`: the answer is against the rules, and the next one would be too.
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
