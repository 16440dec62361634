import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import { DeliveryLog } from "../../DeliveryLog.ts"
import * as validate from "../validate.ts"
import type { Answer } from "./answer.ts"
import { problem } from "./answer.ts"

export const TypeId = "~@effect-poll/http/Webhook/Route"

/** A route: what is called under a path. */
export interface Route<out R = never> {
  readonly [TypeId]: typeof TypeId
  /** The path, without what is secret. */
  readonly path: string
  /** Whether a secret follows the path. */
  readonly secret: boolean
  readonly handle: Effect.Effect<HttpServerResponse, never, R | HttpServerRequest>
}

/** A path below the root, without parameters, so that it means the same to every server. */
export const checkPath = (option: string, path: string): string => {
  if (!/^(?:\/[A-Za-z0-9._~-]+)+$/.test(path) || path.split("/").some((part) => part === "." || part === "..")) {
    throw new RangeError(
      `${option} must be a path such as "/hooks/stripe", without parameters and a slash at the end, got ${validate.show(path)}`
    )
  }
  return path
}

/** Makes a route that logs what it answers. A defect is a 500, and the sender sends its webhook again. */
export const make = <R>(
  path: string,
  secret: boolean,
  answer: (request: HttpServerRequest, receivedAt: number) => Effect.Effect<Answer, never, R>
): Route<R> => ({
  [TypeId]: TypeId,
  path,
  secret,
  handle: Effect.gen(function* () {
    const request = yield* HttpServerRequest
    const receivedAt = yield* Clock.currentTimeMillis
    const answered = yield* Effect.catchDefect(answer(request, receivedAt), (defect) =>
      Effect.as(Effect.logError("a webhook could not be handled", defect), problem(500, "a defect"))
    )
    const log = yield* Effect.serviceOption(DeliveryLog)
    if (Option.isSome(log)) {
      const { did, id, reason, response, size, verified } = answered
      yield* log.value.record({ receivedAt, route: path, size, id, verified, did, status: response.status, reason })
    }
    return answered.response
  })
})

/** What follows the path of a route in a URL; undefined if anything else stands in between or after it. */
export const below = (path: string, url: string): string | undefined => {
  const end = url.search(/[?#]/)
  const bare = end === -1 ? url : url.slice(0, end)
  return bare.startsWith(`${path}/`) ? bare.slice(path.length + 1) : undefined
}
