/**
 * What a protocol of long-running operations reads (an answer), and what it returns (a reading).
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
 * With `Interpretation.decode`, any status can occur.
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
  /** The whole URL to check, by the option `checkUrl`; undefined without the option, or if it finds none. */
  readonly checkUrl?: string | undefined
  /** What further state words mean, by the option `words`; undefined without it. */
  readonly words?: ReadonlyMap<string, Meaning> | undefined
  /** Whether a 303 led here. Default: false; a client that follows redirects by itself, as in a browser, hides it. */
  readonly seeOther?: boolean | undefined
}

/**
 * What an answer says about an operation.
 *
 * **Details**
 *
 * | reading | the operation |
 * |---|---|
 * | `Pending` | is running; `url` is where to check from now on, and `notes` replace those of the operation |
 * | `Succeeded` | succeeded with this result, which is decoded next |
 * | `SucceededAt` | succeeded; its result is at the first of `urls` that is not a 404 |
 * | `Failed`, `Canceled`, `Expired` | ended in another way |
 * | `UnknownState` | is in a state that the protocol does not know |
 * | `Unrecognized` | runs, but a first answer does not say where to check it. A permanent error |
 * | `NotJson` | is in a state that cannot be read: the answer should have been JSON. A transient error |
 * | `Malformed` | is in a state that cannot be read: the answer breaks the protocol. A permanent error |
 *
 * @category models
 * @since 0.1.0
 */
export type Reading =
  | {
      readonly _tag: "Pending"
      readonly state?: string | undefined
      /** From 0 to 1. */
      readonly progress?: number | undefined
      readonly metadata?: unknown
      readonly url?: string | undefined
      readonly notes?: Notes | undefined
      /** What the result is if the Schema of the result lists the word. Default: the operation runs. */
      readonly asResult?: AsResult | undefined
    }
  | {
      readonly _tag: "Succeeded"
      readonly result: unknown
      readonly state?: string | undefined
      /**
       * The state of an operation that still runs if the Schema of the result does not take `undefined`: for an empty
       * answer to a check, which is an end without a result to some servers, and "not yet" to others. A DELETE ends all
       * the same. Default: it ended.
       */
      readonly unlessDue?: string | undefined
    }
  | {
      readonly _tag: "SucceededAt"
      readonly urls: ReadonlyArray<string>
      readonly state?: string | undefined
      /** Whether the answer at the URL may show that the operation still runs, or that it failed. Default: `false`. */
      readonly unconfirmed?: boolean | undefined
    }
  | {
      readonly _tag: "Failed"
      readonly failure: LongRunningFailure
      readonly state?: string | undefined
      /** What the result is if the Schema of the result reads the list of errors at the path. Default: it failed. */
      readonly asResult?: AsResult | undefined
    }
  | {
      readonly _tag: "Canceled" | "Expired"
      readonly state?: string | undefined
      /** The reason, in the server's words. */
      readonly reason?: string | undefined
      /** What the operation had produced. */
      readonly partial?: unknown
    }
  | {
      readonly _tag: "UnknownState"
      readonly state: string
      readonly url?: string | undefined
      readonly notes?: Notes | undefined
      /** The result, for a word that the Schema of the result lists. Default: there is none. */
      readonly asResult?: AsResult | undefined
    }
  | {
      readonly _tag: "Unrecognized"
      /** What shows the operation, for the error. Default: the status code. */
      readonly sign?: string | undefined
      /** What the result is if the Schema of the result lists the word. Default: it is no result. */
      readonly asResult?: AsResult | undefined
    }
  | { readonly _tag: "NotJson" }
  | { readonly _tag: "Malformed"; readonly issue: string }

/**
 * A body with a state word or a list of errors that may be a result. It is one if the Schema of the result accepts it,
 * but no other word in its place. A list of one record is one if the Schema is that of a list.
 *
 * @category models
 * @since 0.1.0
 */
export interface AsResult {
  readonly body: unknown
  /** The path of the word. */
  readonly path: ReadonlyArray<string | number>
}

/**
 * What a state word means.
 *
 * @category models
 * @since 0.1.0
 */
export type Meaning = "pending" | "succeeded" | "failed" | "canceled" | "expired"
