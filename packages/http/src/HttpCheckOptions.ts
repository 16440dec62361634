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
   * Reads the delay that the server requests from an answer. If it yields `undefined` or an unreadable value, the
   * headers that `HintReader` lists count. If it throws, the request fails with a permanent `HttpCheckError` with the
   * reason `Reader`. Default: only the headers.
   */
  readonly hint?: HintReader.HintReader | undefined
  /**
   * Whether the server's own words become the `detail` of an `HttpCheckError` with the reason `Status`, and the reason
   * of a canceled or expired job that has none; or a function that reads them. `true` takes the first of these texts in
   * a JSON body: `detail` and `title` (RFC 9457), `error.message`, `error_description`, `message`, `error`,
   * `errors[0].message`, `errors[0].detail`, `errors.<field>[0]` and similar fields, or the `Message` of an XML
   * body. At most 1,000 characters are kept, and control characters are escaped. The words may contain personal data, and they end up in logs. Default: `false`.
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
  /**
   * Decides what an answer means, before the table of `HttpCheck`; see `Interpretation`. Default: the table decides.
   */
  readonly interpret?: Interpret<A, F, E, R> | undefined
  /**
   * The Schema of the result at the URL that a 303 names: the body there is the result of the job.
   * Default: that body is read as a status.
   */
  readonly result?: Schema.Codec<A, unknown, R> | undefined
  /**
   * What the Schema decodes of a 2xx: the parsed JSON, the body as text, its bytes, or a stream of them; or a function
   * that chooses by status code and headers. A 202, a 204 and answers outside of 200..299 are always read as JSON.
   *
   * With another form than `"json"`, every other 2xx goes to the Schema, including an empty one and the HTML page of a
   * proxy. If that can happen, let `interpret` check the media type. An HTML page behind a redirect (a login) is a
   * transient error, unless the request accepts `text/html` by name. Default: `"json"`.
   */
  readonly as?: BodyForm | ((head: AnswerHead) => BodyForm) | undefined
  /**
   * Reads the run of the job from the parsed body, if one key is used for several runs (see the option `since` of a
   * wait). Default: none.
   */
  readonly run?: ((body: unknown) => CheckResult.Run | undefined) | undefined
  /** Makes the requests of the check conditional; see `Conditional`. Default: they are unconditional. */
  readonly conditional?: Conditional.Conditional | undefined
  /**
   * The context of the check, for `interpret` and the other functions; `HttpCheck.check` passes it on. Default: none.
   */
  readonly context?: CheckContext | undefined
}

/**
 * The options of `HttpCheck.send`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SendOptions<out E = never, out R = never> extends AnswerOptions {
  /** The body, sent as JSON. Default: the body of the request. */
  readonly body?: unknown
  /**
   * Decides what an answer means. `Interpretation.decode` decodes the body whatever the status code. `throttled`,
   * `transient` and `permanent` are an `HttpCheckError` of that kind. An Effect may fail with a typed error of its own.
   * A status is not allowed: it is an `HttpCheckError` with the reason `Reader`. Default: a 2xx is decoded, any other
   * answer is an `HttpCheckError`.
   */
  readonly interpret?: Interpret<never, never, E, R> | undefined
  /** What the Schema decodes of a 2xx; see `Options.as`. Default: `"json"`. */
  readonly as?: BodyForm | ((head: AnswerHead) => BodyForm) | undefined
}

/**
 * The option of `HttpCheck.send` for a submit that the server may refuse because the job is already running.
 *
 * @category models
 * @since 0.1.0
 */
export interface AttachOption<out A> {
  /**
   * Finds the job that is already running in an answer that refuses the submit, such as a 409. What it returns is the
   * `value`, and `attached` is `true`. If it returns `undefined`, the answer is an error, as without this option. It is
   * not called for an answer with a 2xx, or for one that `interpret` decodes. An exception is an `HttpCheckError` with the
   * reason `Reader`. Default: none.
   */
  readonly attach?: ((answer: HttpAnswer) => A | undefined) | undefined
}

/**
 * The result of `HttpCheck.send`.
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
  /**
   * Whether `attach` found the job in an answer that refused to start another one. A submit passes it on as the
   * `attached` of its receipt.
   */
  readonly attached: boolean
}

/**
 * The options of `HttpCheck.list`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListOptions<in K, A, F, RD, A2 = never, F2 = never, E2 = never, R2 = never> extends AnswerOptions {
  /**
   * The path of the array of items in the body, its names separated by dots (`"data.tasks"`), or a function that
   * returns the items. If the path leads to no array, or the function returns `undefined`, the request fails with a
   * permanent `HttpCheckError`. `null` is an empty list. Default: the body is the array.
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
   * Decides what the whole answer means; see `Interpretation`. A result applies to every key; `decode` reads the items
   * whatever the status code. Default: a 2xx has items, any other answer is an `HttpCheckError`.
   */
  readonly interpret?: Interpret<A2, F2, E2, R2> | undefined
  /** Reads the run of the job from an item. Default: none. */
  readonly run?: ((item: unknown) => CheckResult.Run | undefined) | undefined
  /**
   * Whether an item says as much as an individual check of its job. An incomplete item is left out, so that its job is
   * checked alone. Default: every item is complete.
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
  /** Returns the id of a job in the list. Default: the encoded key. */
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
