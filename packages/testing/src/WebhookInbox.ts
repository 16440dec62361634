/**
 * A real HTTP server on loopback that records the webhooks it receives.
 *
 * **When to use**
 *
 * Use as the receiver of webhooks: as the `targetUrl` or `onCompleteUrl` of an AsyncQueue task, or as the `callback_url`
 * of a GenerationApi task.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Loopback from "./internal/loopback.ts"
import * as Validate from "./internal/validate.ts"

/**
 * One POST request that the inbox received.
 *
 * @category models
 * @since 0.1.0
 */
export interface Post {
  /** The path with the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The decoded JSON body, or its text if it is not JSON. */
  readonly body: unknown
  /** When the request arrived, in milliseconds since the epoch. */
  readonly receivedAt: number
}

/**
 * A running inbox.
 *
 * **Gotchas**
 *
 * `take` and `stream` share one queue, so each post goes to only one of them. `received` has all posts.
 *
 * @category models
 * @since 0.1.0
 */
export interface WebhookInbox {
  /** The URL of the inbox, without a trailing slash. Every path below it accepts posts. */
  readonly url: string
  /** All posts so far, in the order of arrival. */
  readonly received: Effect.Effect<ReadonlyArray<Post>>
  /** Waits for the next post, and removes it from the queue. */
  readonly take: Effect.Effect<Post>
  /** The posts as they arrive; each is removed from the queue. */
  readonly stream: Stream.Stream<Post>
}

/**
 * Options of an inbox.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The status code of every response to a post; an integer from 200 to 599. Default: 200. */
  readonly status?: number | undefined
}

/**
 * Starts an inbox that runs until the scope closes. An invalid option throws a RangeError.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Effect.Effect<WebhookInbox, ServeError, Scope.Scope> => {
  const status = Validate.count("WebhookInbox.make: status", options.status ?? 200, 200, 599)
  return Effect.gen(function* () {
    const received: Array<Post> = []
    const queue = yield* Effect.acquireRelease(Queue.unbounded<Post>(), Queue.shutdown)
    const app = Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      if (request.method !== "POST")
        return HttpServerResponse.jsonUnsafe({ error: "method not allowed" }, { status: 405 })
      const text = yield* request.text
      const post: Post = {
        path: request.url,
        headers: request.headers,
        body: Option.getOrElse(parse(text), () => text),
        receivedAt: yield* Clock.currentTimeMillis
      }
      received.push(post)
      yield* Queue.offer(queue, post)
      return HttpServerResponse.jsonUnsafe({ received: true }, { status })
    })
    const url = yield* Loopback.serve(app)
    return {
      url,
      received: Effect.sync(() => received.slice()),
      take: Queue.take(queue),
      stream: Stream.fromQueue(queue)
    }
  })
}

// ---- internal ----

const parse = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))
