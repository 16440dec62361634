/**
 * A real HTTP server on loopback that records what is posted to it.
 *
 * **When to use**
 *
 * Use as the receiver of a push: an AsyncQueue `targetUrl` or `onCompleteUrl`, a GenerationApi `callback_url`.
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
 * One post that came in.
 *
 * **Details**
 *
 * `path` holds the query as well. `body` is the JSON that was sent, or the text if it was none. `at` is in milliseconds
 * since the epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface Post {
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: unknown
  readonly at: number
}

/**
 * A running inbox.
 *
 * **Gotchas**
 *
 * `take` and `stream` share one queue: a post goes to one of them. `received` keeps all.
 *
 * @category models
 * @since 0.1.0
 */
export interface WebhookInbox {
  /** The URL of the inbox, without a slash at its end; every path below it takes posts. */
  readonly url: string
  readonly received: Effect.Effect<ReadonlyArray<Post>>
  /** Waits for the next post. */
  readonly take: Effect.Effect<Post>
  readonly stream: Stream.Stream<Post>
}

/**
 * Options of an inbox.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The status that every post is answered with. Default: 200. */
  readonly status?: number | undefined
}

/**
 * Starts an inbox that ends with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): Effect.Effect<WebhookInbox, ServeError, Scope.Scope> => {
  const status = Validate.integer("WebhookInbox.make: status", options.status ?? 200, 200, 599)
  return Effect.gen(function* () {
    const received: Array<Post> = []
    const queue = yield* Effect.acquireRelease(Queue.unbounded<Post>(), Queue.shutdown)
    const app = Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      if (request.method !== "POST") return HttpServerResponse.jsonUnsafe({ error: "only POST" }, { status: 405 })
      const text = yield* request.text
      const post: Post = {
        path: request.url,
        headers: request.headers,
        body: Option.getOrElse(parse(text), () => text),
        at: yield* Clock.currentTimeMillis
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
