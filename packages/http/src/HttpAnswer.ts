/**
 * What a server answered to one request: what `interpret`, hints, runs and protocols read.
 *
 * @since 0.1.0
 */
import type { Headers } from "effect/http/Headers"
import type { CheckContext } from "effect-poll/CheckContext"

/**
 * An answer that was received completely.
 *
 * @category models
 * @since 0.1.0
 */
export interface HttpAnswer {
  /** The status code of the answer, after redirects. */
  readonly status: number
  /** The headers of the answer, after redirects. Their names are in lower case. */
  readonly headers: Headers
  /** The whole URL that answered, after redirects; the URL of the request if the client reports none. */
  readonly url: string
  /** The body as text; empty if the request reads it as bytes or as a stream. */
  readonly text: string
  /**
   * The parsed body, whatever the media type says; `undefined` if it cannot be parsed. If the request reads the body as
   * text or bytes, only a body whose media type is JSON is parsed; a stream is not.
   */
  readonly body: unknown
  /** What the check was given besides its key; `undefined` for a request that belongs to no check of a `Job`. */
  readonly context: CheckContext | undefined
}

/**
 * The beginning of an answer, before its body is read.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnswerHead {
  /** The status code of the answer, after redirects. */
  readonly status: number
  /** The headers of the answer, after redirects. Their names are in lower case. */
  readonly headers: Headers
}

/**
 * What a Schema decodes of a 2xx: the parsed body, the body as text, its bytes (a `Uint8Array`), or a `Stream` of them
 * that is read after the check.
 *
 * @category models
 * @since 0.1.0
 */
export type BodyForm = "json" | "text" | "bytes" | "stream"
