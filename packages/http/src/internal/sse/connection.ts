import type * as Sse from "effect/encoding/Sse"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Stream from "effect/Stream"
import * as HintReader from "../../HintReader.ts"
import type { HttpCheckError } from "../../HttpCheckError.ts"
import { type Reason, SseError } from "../../SseError.ts"
import * as boundedBody from "../request/boundedBody.ts"
import * as httpRequest from "../request/httpRequest.ts"
import type { Arrival } from "../request/redirects.ts"
import type { RequestPolicy } from "../request/requestPolicy.ts"
import { transportReason } from "../request/transportError.ts"
import { safeUrl, urlOf } from "../request/urls.ts"
import { Reader } from "./reader.ts"
import * as Slot from "./slot.ts"

/** What holds for all connections of a stream. */
export interface Settings {
  readonly policy: RequestPolicy
  /** In milliseconds; may be infinite. */
  readonly idleTimeout: number
  readonly maxEventSize: number
}

/** The events of one connection, each array those of one chunk; undefined if the server has nothing more to say. */
export type Connection = Stream.Stream<ReadonlyArray<Sse.Event>, HttpCheckError | SseError> | undefined

/**
 * Opens a connection, no earlier than the server allows. Its events are read at most once. What the next connection needs is
 * kept in the slot.
 */
export const open = (
  { idleTimeout, maxEventSize, policy }: Settings,
  request: HttpClientRequest.HttpClientRequest,
  slot: Slot.Slot
) =>
  Effect.gen(function* () {
    const fail = httpRequest.failFor(request, policy.shownUrl)
    const broken = (reason: Reason): SseError => new SseError({ url: policy.shownUrl ?? safeUrl(request.url), reason })
    const isIdle = () => broken({ _tag: "Idle", millis: idleTimeout })

    const now = yield* Clock.currentTimeMillis
    if (slot.notBefore > now) yield* Effect.sleep(slot.notBefore - now)
    const url = urlOf(request)?.href
    if (slot.url !== url) Object.assign(slot, { url, lastEventId: undefined })

    let isRead = false
    const arrival = yield* Effect.uninterruptibleMask((restore) =>
      Effect.tap(
        restore(within(httpRequest.open(withHeaders(request, slot), fail, policy), idleTimeout, isIdle)),
        ({ response }) =>
          Effect.addFinalizer(() => Effect.suspend(() => (isRead ? Effect.void : boundedBody.abort(response))))
      )
    )
    const { headers, response } = arrival
    if (response.status === 204) return undefined
    if (response.status !== 200) return yield* Effect.flip(refused(arrival, slot, fail))
    const found = httpRequest.mediaType(headers["content-type"])
    if (found !== "text/event-stream") return yield* Effect.fail(broken({ _tag: "ContentType", found }))
    const left = boundedBody.codingsLeft(response, headers)
    if (left.length > 0) {
      return yield* Effect.fail(fail({ _tag: "Undecodable", status: 200, encoding: left.toReversed().join(", ") }))
    }

    const bytes = Stream.suspend(() => {
      isRead = true
      return Stream.mapError(response.stream, (cause) => fail(transportReason(cause, response.request)))
    })
    return Stream.suspend(() => {
      const reader = new Reader(maxEventSize)
      const alive = Number.isFinite(idleTimeout)
        ? Stream.timeoutOrElse(bytes, { duration: idleTimeout, orElse: () => Stream.fail(isIdle()) })
        : bytes
      const events = Stream.map(alive, (chunk) => {
        const ended = reader.take(chunk)
        if (reader.retry !== undefined) slot.retry = reader.retry
        return ended
      })
      // The events before one that is too large count.
      return Stream.takeUntil(events, () => reader.isTooLarge).pipe(
        Stream.concat(
          Stream.suspend(() =>
            reader.isTooLarge ? Stream.fail(broken({ _tag: "TooLarge", maxEventSize })) : Stream.empty
          )
        ),
        Stream.ensuring(Effect.map(Clock.currentTimeMillis, (closed) => Slot.delay(slot, closed, slot.retry)))
      )
    })
  })

// ---- internal ----

const within = <A, E, R, E2>(self: Effect.Effect<A, E, R>, millis: number, late: () => E2) =>
  Number.isFinite(millis) ? Effect.timeoutOrElse(self, { duration: millis, orElse: () => Effect.fail(late()) }) : self

const refused = (
  { headers, response }: Arrival,
  slot: Slot.Slot,
  fail: httpRequest.Fail
): Effect.Effect<HttpCheckError> =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const { status } = response
    const hint = HintReader.fromAnswer(status, headers, now)
    if (Duration.isDuration(hint)) Slot.delay(slot, now, Duration.toMillis(hint))
    const content = { kind: "other", type: httpRequest.mediaType(headers["content-type"]) } as const
    return fail(httpRequest.statusReason({ status, content, hint, detail: undefined }))
  })

const withHeaders = (
  request: HttpClientRequest.HttpClientRequest,
  { lastEventId }: Slot.Slot
): HttpClientRequest.HttpClientRequest => {
  const accepting =
    request.headers["accept"] === undefined ? HttpClientRequest.accept(request, "text/event-stream") : request
  const id = lastEventId === undefined ? undefined : headerOf(lastEventId)
  return id === undefined ? accepting : HttpClientRequest.setHeader(accepting, "last-event-id", id)
}

/** The bytes of an id in UTF-8, one character each, as a header carries them; undefined for an id that it cannot carry. */
const headerOf = (id: string): string | undefined => {
  if (id === "" || id.length > mostOfId || hasControls(id)) return undefined
  return String.fromCharCode(...encoder.encode(id))
}

const mostOfId = 1_024

// oxlint-disable-next-line no-control-regex -- a header must not hold them
const hasControls = (id: string): boolean => /[\u0000-\u0008\u000a-\u001f\u007f]/.test(id)

const { TextEncoder } = globalThis as unknown as {
  readonly TextEncoder: new () => { readonly encode: (text: string) => Uint8Array }
}

const encoder = /*#__PURE__*/ new TextEncoder()
