/**
 * Sends webhooks.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"

/** Posts JSON to a URL. Ignores failures, invalid URLs included. */
export const post = (client: HttpClient, url: string, body: unknown): Effect.Effect<void> =>
  Effect.suspend(() => client.execute(HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(url), body))).pipe(
    Effect.flatMap((response) => response.text),
    Effect.catchDefect(() => Effect.void),
    Effect.ignore
  )
