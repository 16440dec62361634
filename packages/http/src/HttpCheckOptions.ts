/**
 * The options of checks, lists and other requests. `HttpCheck` exports all of these as well.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { Headers } from "effect/http/Headers"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Schema from "effect/Schema"
import type { CheckContext } from "effect-poll/CheckContext"
import type * as CheckResult from "effect-poll/CheckResult"
import type { StatusSchema } from "effect-poll/StatusSchema"
import type * as Conditional from "./Conditional.ts"
import type * as HintReader from "./HintReader.ts"
import type { AnswerHead, BodyForm, HttpAnswer } from "./HttpAnswer.ts"
import type { Interpret } from "./Interpretation.ts"
import type { RequestOptions } from "./RequestOptions.ts"

/**
 * The options that all requests share: what is read from their answers besides the body.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnswerOptions extends RequestOptions {
  /**
   * Reads the delay that the server requests from an answer. Where it yields `undefined`, or something that cannot be
   * read, the headers count that `HintReader` lists. One that throws is a permanent `HttpCheckError` with the reason
   * `Reader`. Default: the headers only.
   */
  readonly hint?: HintReader.HintReader | undefined
  /**
   * Whether the server's own words become the `detail` of a refusal in an `HttpCheckError`, and the reason of a
   * canceled or expired job that has none; or a function that reads them. `true` takes the first of these texts that a
   * JSON body has: `detail` and `title` (RFC 9457), `error.message`, `error_description`, `message`, `error`,
   * `errors[0].message`, `errors[0].detail` and their like. At most 1,000 characters are kept, and control characters
   * are escaped. Words of a server may hold personal data and end up in logs. Default: `false`.
   */
  readonly reason?: boolean | ((answer: HttpAnswer) => string | undefined) | undefined
}

/**
 * The options of a check.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out A = never, out F = never, out E = never, out R = never> extends AnswerOptions {
  /** Says what an answer means, before the table of `HttpCheck`; see `Interpretation`. Default: the table decides. */
  readonly interpret?: Interpret<A, F, E, R> | undefined
  /**
   * The Schema of the result where a 303 leads to it: the body at the new URL is decoded by it and is the success.
   * Default: that body is read as a status.
   */
  readonly result?: Schema.Codec<A, unknown, R> | undefined
  /**
   * What the Schema decodes of a 2xx: the parsed JSON, the body as text, its bytes, or a stream of them; or a function
   * that chooses by status code and headers. A 202, a 204 and refusals are always read as JSON.
   *
   * With another form than `"json"` every other 2xx that is not empty is given to the Schema, be it a page of a proxy:
   * let `interpret` look at the media type where that may happen. Default: `"json"`.
   */
  readonly as?: BodyForm | ((head: AnswerHead) => BodyForm) | undefined
  /**
   * Reads which run of the job an answer is about, where one key is used for several runs (see the option `since` of a
   * wait). Default: the answer does not say.
   */
  readonly run?: ((body: unknown) => CheckResult.Run | undefined) | undefined
  /** Asks only for what has changed; see `Conditional`. Default: asks for all. */
  readonly conditional?: Conditional.Conditional | undefined
  /** The context of the check, for `interpret` and the other functions; `HttpCheck.check` passes it on. Default: none. */
  readonly context?: CheckContext | undefined
}

/**
 * The options of a request that is no check.
 *
 * @category models
 * @since 0.1.0
 */
export interface SendOptions<out E = never, out R = never> extends AnswerOptions {
  /** Sent as JSON. Default: the body that the request has. */
  readonly body?: unknown
  /**
   * Says what an answer means: `Interpretation.decode` reads a refusal by the Schema, `throttled`, `transient` and
   * `permanent` make it an `HttpCheckError` of that kind, and an Effect that fails makes a typed error of any answer. A
   * status is a Reader error: this request is no check. Default: a 2xx is decoded, any other answer is an
   * `HttpCheckError`.
   */
  readonly interpret?: Interpret<never, never, E, R> | undefined
  /** What the Schema decodes of a 2xx; see `Options.as`. Default: `"json"`. */
  readonly as?: BodyForm | ((head: AnswerHead) => BodyForm) | undefined
}

/**
 * What a request that is no check yields.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sent<out A> {
  /** The decoded body. */
  readonly value: A
  /**
   * The delay that the server requested, or `"unreadable"` if it sent one that cannot be parsed; `undefined` if there
   * is none. Of a submit, it is the `hint` of the receipt.
   */
  readonly hint: CheckResult.Hint | undefined
  /** The headers of the answer. Their names are in lower case. */
  readonly headers: Headers
}

/**
 * The options of a list.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListOptions<in K, A, F, RD, A2 = never, F2 = never, E2 = never, R2 = never> extends AnswerOptions {
  /**
   * Where the items are: the path to an array in the body, its names separated by dots (`"data.tasks"`), or a function
   * that yields them. `undefined` from it, and a path that leads to no array, is a permanent `HttpCheckError`: an
   * answer of another form says nothing of any job. `null` is an empty list. Default: the body is the array.
   */
  readonly items?: string | ((body: unknown) => Iterable<unknown> | null | undefined) | undefined
  /**
   * The id of an item: the path to it, its names separated by dots, or a function that reads it. A number and a bigint
   * are taken as text. An item without an id, or for which it throws, is left out.
   */
  readonly key: string | ((item: unknown) => string | number | bigint | undefined)
  /** The Schema that decodes an item to a status. */
  readonly status: StatusSchema<A, F, RD>
  /**
   * Says what the whole answer means; see `Interpretation`. A result holds for every key; `decode` reads the items
   * whatever the status code. Default: a 2xx has items, any other answer is an `HttpCheckError`.
   */
  readonly interpret?: Interpret<A2, F2, E2, R2> | undefined
  /** Reads which run of the job an item is about. Default: it does not say. */
  readonly run?: ((item: unknown) => CheckResult.Run | undefined) | undefined
  /**
   * Whether an item tells as much as a check of its job alone would. One that does not is left out, so that its job is
   * checked alone. Default: it does.
   */
  readonly isComplete?: ((item: unknown, key: K, result: CheckResult.CheckResult<A, F>) => boolean) | undefined
}

/**
 * How the keys of a job relate to the ids of a list.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListKeys<in K> {
  /** Encodes a key as the `KeyCodec` of the job does. */
  readonly encode: (key: K) => string
  /** The id of a job in the list. Default: its encoded key. */
  readonly idOf?: ((key: K) => string) | undefined
}

/**
 * What makes the request of a check or of a list.
 *
 * @category models
 * @since 0.1.0
 */
export type Request<E = never, R = never> =
  | HttpClientRequest.HttpClientRequest
  | Effect.Effect<HttpClientRequest.HttpClientRequest, E, R>

/**
 * What makes the request of a list: a request, an Effect that makes one, or a function from the keys and their contexts
 * to these or to a URL, which is asked by GET.
 *
 * @category models
 * @since 0.1.0
 */
export type ListRequest<K, E = never, R = never> =
  | Request<E, R>
  | ((keys: ReadonlyArray<K>, contexts: ReadonlyMap<string, CheckContext>) => string | Request<E, R>)
