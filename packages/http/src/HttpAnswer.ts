/**
 * What a server answered to one request: what classifications, hints and protocols are read from.
 *
 * @since 0.1.0
 */
import type { Headers } from "effect/http/Headers"

/**
 * An answer that was read to its end.
 *
 * **Details**
 *
 * The names of `headers` are in lower case. `body` is the parsed JSON, whatever the media type says; it is undefined if
 * there is none. `text` is the body as it came.
 *
 * @category models
 * @since 0.1.0
 */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
  readonly text: string
}
