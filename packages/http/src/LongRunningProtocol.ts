/**
 * How a server reports a long-running operation: where to check, and what an answer means.
 *
 * A protocol is a value, given to `LongRunning.make` or recognized by the first answer. Ready are `accepted` (202 and
 * `Location`), `azure` and `google`; a protocol of your own is two functions.
 *
 * @since 0.1.0
 */
import { acceptedProtocol } from "./internal/acceptedProtocol.ts"
import { azureProtocol } from "./internal/azureProtocol.ts"
import { googleProtocol } from "./internal/googleProtocol.ts"
import * as validate from "./internal/validate.ts"
import type { LongRunningOperation } from "./LongRunningOperation.ts"
import type { Meaning, OperationAnswer, Reading } from "./LongRunningReading.ts"

export type {
  /**
   * What a state word means.
   *
   * @category models
   * @since 0.1.0
   */
  Meaning,
  /**
   * An answer about an operation: to its first request, or to a check.
   *
   * @category models
   * @since 0.1.0
   */
  OperationAnswer,
  /**
   * What an answer says of an operation; see the module `LongRunningReading`.
   *
   * @category models
   * @since 0.1.0
   */
  Reading
} from "./LongRunningReading.ts"

/**
 * The rules of one kind of long-running operation.
 *
 * @category models
 * @since 0.1.0
 */
export interface Protocol {
  /** Part of stored operations. */
  readonly name: string
  /**
   * Whether the answer to a first request bears the marks of this protocol; only asked of several. Default: any does.
   */
  readonly recognizes?: ((first: OperationAnswer) => boolean) | undefined
  /** Reads the answer to the first request. A `Pending` must say where to check. */
  readonly start: (first: OperationAnswer) => Reading
  /** Reads the answer to a check. */
  readonly read: (answer: OperationAnswer, operation: LongRunningOperation) => Reading
}

/**
 * `202 Accepted` with a `Location` to check.
 *
 * **Details**
 *
 * A check that is answered by 202 is pending, and may name a new Location. Any other answer of 200..299 is the end: the
 * result is its JSON, or undefined if it is empty. A first answer other than 202 (or 303) is that end already; one of
 * 201 without a body has its result at its Location. Redirects are followed by a check, so that a server may end by
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
 * The options of `azure`.
 *
 * @category models
 * @since 0.1.0
 */
export interface AzureOptions {
  /**
   * Where the result is (`final-state-via` in the API's description). Default: of a PUT or PATCH the resource;
   * otherwise the `resourceLocation` of the last answer, the Location, or that answer itself, whichever is there first.
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
 * | the first answer has | URL to check | source of the ending |
 * |---|---|---|
 * | `Operation-Location` or `Azure-AsyncOperation` | that URL | `status`, otherwise `properties.provisioningState` |
 * | `Location` only | that URL | the HTTP status: 202 is pending; a PUT's or PATCH's resource may say otherwise |
 * | neither, and the method is PUT or PATCH | the resource | `properties.provisioningState`; none is succeeded |
 *
 * - The words Succeeded, Failed, Canceled and Cancelled count in any case. Pending are NotStarted, Accepted, Running,
 *   InProgress and the like, and words that begin with a participle (Creating, PreparingVMDisk). Any other word is
 *   unknown, and meets the policy `unknownState`: a service may use words of its own, but a wait should not sit on
 *   `Expired` until its deadline. Give `words`, or `unknownState: "continue"`, which is what Azure's rules say.
 * - A first answer of 204, or of 200 or 201 without these headers, has ended. So has a PATCH with 200 whose resource
 *   says so. Of a status monitor that says no word, the HTTP status counts.
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
export const azure = (options: AzureOptions = {}): Protocol => azureProtocol(options)

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
export const google = (options: GoogleOptions = {}): Protocol => {
  const { baseUrl, progress } = options
  if (baseUrl !== undefined) validate.nonEmpty("LongRunningProtocol.google: baseUrl", baseUrl)
  return googleProtocol(baseUrl, progress)
}
