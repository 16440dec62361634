/**
 * How a server tells of a long-running operation: where to check, and what an answer means.
 *
 * A protocol is a value. `LongRunning.make` finds out which one a server speaks from its first answer, or is told. Ready
 * are `accepted` (202 and Location), `azure` and `google`; a server with habits of its own is two functions.
 *
 * @since 0.1.0
 */
import type { HttpAnswer } from "./HttpAnswer.ts"
import type { BodyKind } from "./HttpCheckError.ts"
import { azureProtocol } from "./internal/azureProtocol.ts"
import { acceptedProtocol } from "./internal/acceptedProtocol.ts"
import { googleProtocol } from "./internal/googleProtocol.ts"
import type { LongRunningFailure } from "./LongRunningFailure.ts"
import type { LongRunningOperation, Notes } from "./LongRunningOperation.ts"

/**
 * The rules of one kind of long-running operation.
 *
 * @category models
 * @since 0.1.0
 */
export interface Protocol {
  /** Part of stored operations. */
  readonly name: string
  /** Whether the answer to a first request bears the marks of this protocol; only asked of several. Default: any does. */
  readonly recognizes?: ((first: Answer) => boolean) | undefined
  /** Reads the answer to the first request. A `Pending` must say where to check. */
  readonly start: (first: Answer) => Reading
  /** Reads the answer to a check. */
  readonly read: (answer: Answer, operation: LongRunningOperation) => Reading
}

/**
 * An answer: to a first request with a status of 200..299 or 303, or to a check with one of 200..299.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer extends HttpAnswer {
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
 * `202 Accepted` with a `Location` to check.
 *
 * **Details**
 *
 * A check that is answered by 202 is pending, and may name a new Location. Any other answer of 200..299 is the end: the
 * result is its JSON, or undefined if it is empty. A first answer other than 202 (or 303) is that end already; one of 201
 * without a body has its result at its Location. Redirects are followed by a check, so that a server may end by
 * redirecting to the result.
 *
 * @category protocols
 * @since 0.1.0
 */
export const accepted: Protocol = acceptedProtocol

/**
 * Where an operation of Azure that succeeded keeps its result.
 *
 * **Details**
 *
 * - `"azure-async-operation"`, `"operation-location"`: in the last answer about the operation. Of a PUT or PATCH it is
 *   the resource all the same.
 * - `"location"`: at the Location that the first answer gave, or where that was moved to.
 * - `"original-uri"`: at the URL of the first request.
 *
 * @category models
 * @since 0.1.0
 */
export type FinalState = "azure-async-operation" | "operation-location" | "location" | "original-uri"

/**
 * What a state word means.
 *
 * @category models
 * @since 0.1.0
 */
export type Meaning = "pending" | "succeeded" | "failed" | "canceled" | "expired"

/**
 * The options of `azure`.
 *
 * @category models
 * @since 0.1.0
 */
export interface AzureOptions {
  /**
   * Where the result is (`final-state-via` in the API's description). Default: of a PUT or PATCH the resource; otherwise
   * the `resourceLocation` of the last answer, the Location, or that answer itself, whichever is there first.
   */
  readonly finalState?: FinalState | undefined
  /** The path to the result within the last answer about the operation, if it is there; default: all of it. */
  readonly resultPath?: ReadonlyArray<string> | undefined
  /** What further words mean; in any case. */
  readonly words?: Readonly<Record<string, Meaning>> | undefined
}

/**
 * The long-running operations of Azure, in all their modes.
 *
 * **Details**
 *
 * | the first answer has | checked is | the end is told by |
 * |---|---|---|
 * | `Operation-Location` or `Azure-AsyncOperation` | that URL | `status`, otherwise `properties.provisioningState` |
 * | `Location` only | that URL | the HTTP status: 202 is pending; a PUT's or PATCH's resource may say otherwise |
 * | neither, and the method is PUT or PATCH | the resource | `properties.provisioningState`; none is succeeded |
 *
 * - The words Succeeded, Failed, Canceled and Cancelled count in any case. Pending are NotStarted, Accepted, Running,
 *   InProgress and the like, and words that begin with a participle (Creating, PreparingVMDisk). Any other word is
 *   unknown, and meets the policy `unknownState`: a service may use words of its own, but a wait should not sit on
 *   `Expired` until its deadline. Give `words`, or `unknownState: "continue"`, which is what Azure's rules say.
 * - A first answer of 204, or of 200 or 201 without these headers, has ended. So has a PATCH with 200 whose resource says
 *   so. Of a status monitor that says no word, the HTTP status counts.
 * - Each answer may name a new URL to check.
 * - After success the result is fetched, see `finalState`; not after a DELETE. If the resource of a PATCH is not
 *   found there, the Location is tried.
 *
 * A `finalState` is kept in the operation. Sources: the asynchronous API reference of the Azure Resource Provider
 * Contract, the Azure REST API Guidelines (long-running operations), and the behaviour of Azure's own clients.
 *
 * @category protocols
 * @since 0.1.0
 */
export const azure: (options?: AzureOptions) => Protocol = azureProtocol

/**
 * The options of `google`.
 *
 * @category models
 * @since 0.1.0
 */
export interface GoogleOptions {
  /**
   * What the name of an operation is appended to, as `https://api.example.com/v1`. Default: the origin of the first
   * request and the version that its path begins with.
   */
  readonly baseUrl?: string | undefined
  /** Reads a progress of 0..1 from the metadata, where there is any, or says undefined. */
  readonly progress?: ((metadata: unknown) => number | undefined) | undefined
}

/**
 * The operations of AIP-151: `{ name, done, error, response, metadata }`, checked under their name.
 *
 * **Details**
 *
 * With `done`, an `error` is the failure (code 1 is canceled), otherwise `response` is the result, which may be absent.
 * An empty `baseUrl` is a RangeError.
 *
 * @category protocols
 * @since 0.1.0
 */
export const google: (options?: GoogleOptions) => Protocol = googleProtocol
