/**
 * How a server reports a long-running operation: where to check, and what an answer means.
 *
 * **Details**
 *
 * Pass a protocol to `LongRunning.job`, or several, of which the first answer selects one.
 *
 * | protocol | operations |
 * |---|---|
 * | `google` | AIP-151, checked by name |
 * | `azure` | Azure, all modes |
 * | `compute` | Compute Engine and similar APIs, checked at `selfLink` |
 * | `accepted` | all others: a 202 with a URL, or a body that shows a running operation |
 * | `fields` | states, URLs and results in fields of the body, at paths that you name |
 *
 * A protocol of your own has two functions: one for the first answer, one for later answers. If one throws, the request
 * fails with a permanent `HttpCheckError` with the reason `Reader`.
 *
 * @since 0.1.0
 */
import { acceptedProtocol } from "./internal/operation/acceptedProtocol.ts"
import { azureProtocol } from "./internal/operation/azureProtocol.ts"
import { computeProtocol } from "./internal/operation/computeProtocol.ts"
import { fieldsProtocol } from "./internal/operation/fieldsProtocol.ts"
import { googleProtocol } from "./internal/operation/googleProtocol.ts"
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
  /** The name of the protocol, which stored operations contain. */
  readonly name: string
  /**
   * Whether a first answer belongs to this protocol; used to choose among several. Default: every answer does.
   */
  readonly recognizes?: ((first: OperationAnswer) => boolean) | undefined
  /** Reads the answer to the first request. A `Pending` must have a `url`. */
  readonly start: (first: OperationAnswer) => Reading
  /** Reads the answer to a check. */
  readonly read: (answer: OperationAnswer, operation: LongRunningOperation) => Reading
}

/**
 * `202 Accepted` with a URL to check, and all answers that no other protocol recognizes.
 *
 * **Details**
 *
 * | answer | first answer | check |
 * |---|---|---|
 * | 202 | pending, checked at the URL | pending; a new `Location` moves the URL |
 * | 303 | pending, checked at `Location` | followed to the result |
 * | 2xx that shows a running operation | pending, checked at the URL | pending |
 * | 2xx with a word for failed, canceled or expired | that end | that end |
 * | 2xx with an unknown state word | checked at the URL, or `unknownState` | `unknownState` |
 * | 201 or 200, empty, with `Location` | checked there | the end, without a result |
 * | 2xx with an error at the top or beside a success | failed | failed |
 * | 204 | the end, without a result | the same; pending if `result` does not take `undefined`, but for a DELETE |
 * | any other 2xx | the end; the body is the result | the end; the body is the result |
 *
 * The URL is in `Operation-Location`, `Location`, a field of the body that only operations have (`statusUrl`,
 * `statement_status_url`, `operation_url`, `links.status`, a `selfLink` with `/operations/`), `Link` with the relation
 * `monitor` or `status`, `Refresh`, `Content-Location`, or a link of the body to itself (`selfLink`, `links.self`,
 * `_links.self.href`, `urls.get`, `jobUrl`), in this order. Without any of these a GET, PUT or
 * PATCH is checked at its own URL. In a 202 a word such as `success` means that the request was accepted.
 *
 * @category protocols
 * @since 0.1.0
 */
export const accepted: Protocol = acceptedProtocol

/**
 * The place of the result of an Azure operation.
 *
 * **Details**
 *
 * - `"azure-async-operation"`, `"operation-location"`: in the last answer about the operation. For a PUT or PATCH it is
 *   the resource nevertheless.
 * - `"location"`: at the `Location` of the first answer, or of a later answer that moved it.
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
   * The place of the result (`final-state-via` in the API's description). Default: for a PUT or PATCH the resource;
   * otherwise the first of these: the `resourceLocation` of the last answer, the `Location`, the last answer itself.
   */
  readonly finalState?: FinalState | undefined
  /** The path of the result within the last answer about the operation. Default: the whole answer. */
  readonly resultPath?: ReadonlyArray<string> | undefined
  /** The meaning of further state words, in upper or lower case. Default: none. */
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
 * | `Location` only | that URL | the status code: 202 is pending; the resource of a PUT or PATCH may say otherwise |
 * | neither, and the method is PUT or PATCH | the resource | `properties.provisioningState`; if absent, it succeeded |
 *
 * - Succeeded, Failed, Canceled and Cancelled are ends, in upper or lower case. NotStarted, Accepted, Running,
 *   InProgress and similar words are pending, and so are words that begin with a participle (Creating,
 *   PreparingVMDisk). Any other word is an unknown state: otherwise a wait could spend its whole time on `Expired`.
 *   Give such a word a meaning with `words`, or follow Azure's rule with `unknownState: "continue"`.
 * - A first answer of 204, or of 200 or 201 without these headers, is the end. So is the 200 of a PATCH whose resource
 *   has ended. For a status monitor without a state word the status code counts, unless the body shows in another way
 *   that the operation runs or failed.
 * - Each answer may move the URL to check.
 * - After success the result is fetched (see `finalState`), except after a DELETE. If the resource of a PATCH is not
 *   found, the `Location` is tried.
 *
 * The `finalState` is part of stored operations. Sources: the asynchronous API reference of the Azure Resource Provider
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
   * The URL to which the name of an operation is appended, such as `https://api.example.com/v1`. Default: the origin of
   * the first request and the version at the start of its path.
   */
  readonly baseUrl?: string | undefined
  /**
   * Returns the path relative to `baseUrl`, or the whole URL, at which an operation with this name is checked. Default:
   * the name, or `operations/<name>` for a name without a slash.
   */
  readonly path?: ((name: string) => string) | undefined
  /** Reads a progress from 0 to 1 from the metadata, or `undefined`. Default: none. */
  readonly progress?: ((metadata: unknown) => number | undefined) | undefined
}

/**
 * The operations of AIP-151: `{ name, done, error, response, metadata }`, checked under their name.
 *
 * **Details**
 *
 * - With `done: true`, an `error` is the failure (code 1: canceled). Otherwise `response` is the result, which may be
 *   absent.
 * - A first answer is recognized by a `name` such as `operations/1` or `projects/p/operations/1`, or by a `name` of any
 *   form beside a boolean `done`. The name is kept in `operation.notes.name`, for the option `check`.
 * - A name that leads outside of `baseUrl` (`..`, a whole URL, a query) is a permanent error. An empty `baseUrl` is a
 *   RangeError.
 *
 * @category protocols
 * @since 0.1.0
 */
export const google = (options: GoogleOptions = {}): Protocol => {
  const { baseUrl } = options
  if (baseUrl !== undefined) validate.nonEmpty("LongRunningProtocol.google: baseUrl", baseUrl)
  return googleProtocol(options)
}

/**
 * The options of `compute`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ComputeOptions {
  /**
   * The result: the `"operation"` itself, or its `"target"`, the resource that the operation names, which is fetched. A
   * deleted target cannot be fetched. Default: `"operation"`.
   */
  readonly result?: "operation" | "target" | undefined
}

/**
 * The operations of Google's Compute Engine, GKE and Cloud SQL: `{ kind, name, status, selfLink, error }`, checked at
 * their `selfLink`.
 *
 * **Details**
 *
 * `PENDING`, `RUNNING`, `WAITING` and `ABORTING` are pending, `DONE` is the end: a failure, with the texts of
 * `error.errors`, if there is an `error` or an `httpErrorStatusCode` of at least 400. Other usual state words count
 * too; any other status is an unknown state. A first answer is recognized by a `kind` that ends in `#operation`, or by
 * a `selfLink` with `/operations/`. Source: the reference of the resource `Operation` of the Compute Engine API.
 *
 * @category protocols
 * @since 0.1.0
 */
export const compute = (options: ComputeOptions = {}): Protocol => computeProtocol(options)

/**
 * The options of `fields`. A path lists the names of fields from the top of the body.
 *
 * @category models
 * @since 0.1.0
 */
export interface FieldsOptions {
  /** The path to the state: a word, a boolean or a number. */
  readonly state: ReadonlyArray<string>
  /**
   * The meaning of states, in upper or lower case, in addition to the usual words; a boolean or number by its text,
   * such as `"true"`. Default: the usual words (queued, running, succeeded, failed, canceled, ...).
   */
  readonly words?: Readonly<Record<string, Meaning>> | undefined
  /** The path to the URL to check, in the first answer. Default: headers and the usual fields. */
  readonly url?: ReadonlyArray<string> | undefined
  /** The path to the result. Default: the whole body. */
  readonly result?: ReadonlyArray<string> | undefined
  /** The path of the URL from which the result is fetched. Default: the result is in the last answer. */
  readonly resultUrl?: ReadonlyArray<string> | undefined
  /** The path to the error of an operation that failed. Default: see `LongRunningFailure.fromBody`. */
  readonly error?: ReadonlyArray<string> | undefined
}

/**
 * Operations that a server reports in fields of a JSON body, under paths that you name.
 *
 * **Details**
 *
 * A first answer is recognized by a state at the path. An answer without one is a permanent error, except for 202 and
 * 204 without JSON, which are pending. An empty path is a RangeError.
 *
 * **Example** (A predictions API)
 *
 * ```ts
 * import * as LongRunningProtocol from "@effect-poll/http/LongRunningProtocol"
 *
 * const predictions = LongRunningProtocol.fields({
 *   state: ["status"],
 *   words: { starting: "pending" },
 *   url: ["urls", "get"],
 *   result: ["output"]
 * })
 * predictions.name // => "fields"
 * ```
 *
 * @category protocols
 * @since 0.1.0
 */
export const fields = (options: FieldsOptions): Protocol => {
  for (const name of ["state", "url", "result", "resultUrl", "error"] as const) {
    const path = options[name]
    if (path !== undefined && path.length === 0) {
      throw new RangeError(`LongRunningProtocol.fields: ${name} must name at least one field, got none`)
    }
  }
  return fieldsProtocol(options)
}
