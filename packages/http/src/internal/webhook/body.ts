import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { MaxBodySize } from "effect/http/HttpIncomingMessage"
import type { HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as validate from "../validate.ts"
import { type Answer, problem } from "./answer.ts"

/** How much of a body is read, and for how long. */
export interface BodyLimits {
  readonly maxBytes: number
  readonly timeoutMillis: number
}

/** Options of every route. */
export interface BodyOptions {
  readonly maxBody?: ByteSize.Input | undefined
  readonly bodyTimeout?: Duration.Input | undefined
}

export const limits = (name: string, options: BodyOptions): BodyLimits => ({
  maxBytes: options.maxBody === undefined ? 1024 * 1024 : size(`${name}: maxBody`, options.maxBody),
  timeoutMillis: validate.millis(`${name}: bodyTimeout`, options.bodyTimeout ?? "10 seconds")
})

const size = (option: string, input: ByteSize.Input): number => {
  const bytes = Option.getOrUndefined(Option.flatMap(ByteSize.fromInput(input), ByteSize.toNumber))
  if (bytes === undefined || bytes < 1) {
    throw new RangeError(`${option} must be a size of at least 1 byte such as "1 MiB", got ${validate.show(input)}`)
  }
  return bytes
}

/**
 * The body of a POST, byte for byte, or the answer to a request that has none that can be read.
 *
 * A body that says that it is encoded is rejected: a signature is over the bytes of the sender, and a body that is small
 * before it is decompressed may be huge afterwards.
 */
export const read = (request: HttpServerRequest, limits: BodyLimits): Effect.Effect<Uint8Array, Answer> =>
  Effect.suspend(() => {
    if (request.method !== "POST") return Effect.fail(problem(405, `the method is ${shownMethod(request.method)}`))
    const encoding = request.headers["content-encoding"]
    if (encoding !== undefined && encoding.trim().toLowerCase() !== "identity") {
      return Effect.fail(problem(415, "the body is encoded"))
    }
    const length = request.headers["content-length"]
    if (length !== undefined && !(Number(length) <= limits.maxBytes)) {
      return Effect.fail(problem(413, "the body is too large"))
    }
    return request.arrayBuffer.pipe(
      Effect.provideService(MaxBodySize, ByteSize.fromInputUnsafe(limits.maxBytes)),
      Effect.map((buffer) => new Uint8Array(buffer)),
      Effect.mapError(unreadable),
      bounded(limits.timeoutMillis)
    )
  })

/**
 * Bounds a read in time. A read that is interrupted destroys the connection, so that the sender would not get the answer:
 * it is left alone, and interrupted only if it is still there after the same time again.
 */
const bounded =
  (timeoutMillis: number) =>
  <A>(read: Effect.Effect<A, Answer>): Effect.Effect<A, Answer> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkDetach(read)
        const exit = yield* restore(Effect.timeoutOption(Fiber.await(fiber), timeoutMillis)).pipe(
          Effect.onInterrupt(() => Fiber.interrupt(fiber))
        )
        if (Option.isSome(exit)) return yield* exit.value
        yield* Effect.forkDetach(Effect.delay(Fiber.interrupt(fiber), timeoutMillis))
        return yield* Effect.fail(problem(408, "the body did not arrive in time"))
      })
    )

const unreadable = ({ reason }: HttpServerError): Answer =>
  reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
    ? problem(413, "the body is too large")
    : problem(400, "the body could not be read")

/** Methods are chosen by the sender, so an odd one is not repeated. */
const shownMethod = (method: string): string => (/^[A-Z]{1,10}$/.test(method) ? method : "unknown")
