import * as Sse from "effect/encoding/Sse"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Headers } from "effect/http/Headers"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as contentCoding from "./contentCoding.ts"

// Reading the body of an answer, as far as it may go. What is not read is aborted, never drained.

/** A body that was read. */
export interface Body {
  readonly bytes: Uint8Array
  /** Whether there was more than the limit. */
  readonly cut: boolean
}

/** Picks the event of an event stream that is the answer, by its data. */
export type PickEvent = (data: string) => boolean

/** Reads a body. Fails with what the client said. */
export const read = (
  response: HttpClientResponse.HttpClientResponse,
  headers: Headers,
  maxBytes: number
): Effect.Effect<Body, unknown> => {
  const length = wholeLength(headers)
  if (length !== undefined && length <= maxBytes) return Effect.map(response.arrayBuffer, whole)
  const sink = new Chunks(maxBytes)
  return Effect.map(pour(response, sink), () => sink.body())
}

/**
 * Removes the content codings that the client left, as far as the limit goes; yields the coding that cannot be removed.
 * `fetch` removes codings and leaves their header, so of its bytes only those that are no text are looked at.
 */
export const decompress = (
  response: HttpClientResponse.HttpClientResponse,
  headers: Headers,
  body: Body,
  maxBytes: number,
  isText: boolean
): Effect.Effect<Body | string, unknown> => {
  const codings = contentCoding.codingsOf(headers["content-encoding"])
  if (codings.length === 0 || body.cut || body.bytes.byteLength === 0) return Effect.succeed(body)
  if (Option.isSome(HttpClientResponse.toWeb(response)) && !(isText && contentCoding.isGzip(body.bytes))) {
    return Effect.succeed(body)
  }
  return removeCodings(body, codings, maxBytes)
}

/** The content codings that a body has which is not read as a whole. */
export const codingsLeft = (response: HttpClientResponse.HttpClientResponse, headers: Headers): contentCoding.Codings =>
  Option.isSome(HttpClientResponse.toWeb(response)) ? [] : contentCoding.codingsOf(headers["content-encoding"])

/** Reads an event stream up to the event that is picked: its data, empty without one. */
export const readEvent = (
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number,
  pick: PickEvent
): Effect.Effect<{ readonly text: string; readonly cut: boolean }, unknown> => {
  const sink = new Events(maxBytes, pick)
  return Effect.map(pour(response, sink), () => sink.body())
}

/** A body that is read later, up to the limit, where `tooLarge` is its error. */
export const stream = <E>(
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number,
  broken: (cause: unknown) => E,
  tooLarge: () => E
): Stream.Stream<Uint8Array, E> =>
  Stream.suspend(() => {
    let size = 0
    return Stream.mapEffect(Stream.mapError(response.stream, broken), (chunk) => {
      size += chunk.byteLength
      return size > maxBytes ? Effect.fail(tooLarge()) : Effect.succeed(chunk)
    })
  })

/** Gives up a body. A small one is read, so that its connection is free again; of any other the connection is closed. */
export const discard = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> =>
  Effect.ignore(pour(response, new Chunks(smallBytes)))

/** Closes the connection of an answer without reading its body. */
export const abort = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> => {
  const web = HttpClientResponse.toWeb(response)
  return Option.isSome(web)
    ? Effect.sync(() => {
        void web.value.body?.cancel().catch(ignore)
      })
    : // An interrupted read is how a client is made to abort its request.
      Effect.ignore(
        Effect.flatMap(Effect.forkChild(response.arrayBuffer, { startImmediately: true }), (fiber) =>
          Fiber.interrupt(fiber)
        )
      )
}

// ---- internal ----

const smallBytes = 16_384

const ignore = (): void => {}

const whole = (buffer: ArrayBuffer): Body => ({ bytes: new Uint8Array(buffer), cut: false })

const removeCodings = (
  body: Body,
  codings: contentCoding.Codings,
  maxBytes: number
): Effect.Effect<Body | string, unknown> => {
  const [coding, ...others] = codings
  if (coding === undefined || body.cut) return Effect.succeed(body)
  const format = contentCoding.formatOf(coding, body.bytes)
  if (format === undefined) return Effect.succeed(codings.toReversed().join(", "))
  if (format === "removed") return removeCodings(body, others, maxBytes)
  return Effect.suspend(() => {
    const sink = new Chunks(maxBytes)
    return Effect.flatMap(
      contentCoding.decompress(format, body.bytes, (chunk) => sink.take(chunk)),
      () => removeCodings(sink.body(), others, maxBytes)
    )
  })
}

/** The length of a body that the connection itself bounds; undefined for one that is decompressed or in chunks. */
const wholeLength = (headers: Headers): number | undefined => {
  const length = headers["content-length"]
  if (length === undefined || headers["content-encoding"] !== undefined || headers["transfer-encoding"] !== undefined) {
    return undefined
  }
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined
}

/** Takes chunks until it has enough. */
interface Sink {
  /** Takes a chunk; false if that is enough. */
  take(chunk: Uint8Array): boolean
}

/** Reads a response into a sink. */
const pour = (response: HttpClientResponse.HttpClientResponse, sink: Sink): Effect.Effect<void, unknown> => {
  const web = HttpClientResponse.toWeb(response)
  if (Option.isNone(web)) {
    return Stream.runForEachWhile(response.stream, (chunk) => Effect.sync(() => sink.take(chunk)))
  }
  const body: WebStream | null = web.value.body
  return body === null ? Effect.void : pourWeb(body, sink)
}

/** As much of a `ReadableStream` as is read here. */
interface WebStream {
  readonly getReader: () => {
    readonly read: () => Promise<{ readonly done: boolean; readonly value?: Uint8Array }>
    readonly cancel: () => Promise<void>
  }
}

/** What a stream failed with, which may be anything. */
const broken = (cause: unknown): { readonly cause: unknown } => ({ cause })

/** Without effect's streams, which cost more than all the rest of a check. */
const pourWeb = (body: WebStream, sink: Sink): Effect.Effect<void, unknown> =>
  Effect.flatMap(Effect.try({ try: () => body.getReader(), catch: broken }), (reader) => {
    const read = Effect.tryPromise({ try: () => reader.read(), catch: broken })
    const cancel = Effect.sync(() => {
      reader.cancel().catch(ignore)
    })
    const rest: Effect.Effect<void, unknown> = Effect.flatMap(read, ({ done, value }) =>
      done || value === undefined ? Effect.void : sink.take(value) ? rest : cancel
    )
    return Effect.onInterrupt(rest, () => cancel)
  })

const { TextDecoder } = globalThis as unknown as {
  readonly TextDecoder: new () => {
    readonly decode: (bytes?: Uint8Array, options?: { readonly stream: boolean }) => string
  }
}

/** Keeps chunks up to the limit. */
class Chunks implements Sink {
  private readonly chunks: Array<Uint8Array> = []
  private size = 0
  private cut = false
  private readonly maxBytes: number

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  take(chunk: Uint8Array): boolean {
    const room = this.maxBytes - this.size
    this.cut = chunk.byteLength > room
    const kept = this.cut ? chunk.subarray(0, room) : chunk
    this.chunks.push(kept)
    this.size += kept.byteLength
    return !this.cut
  }

  body(): Body {
    return { bytes: this.bytes(), cut: this.cut }
  }

  private bytes(): Uint8Array {
    if (this.chunks.length === 1) return this.chunks[0]!
    const bytes = new Uint8Array(this.size)
    let at = 0
    for (const chunk of this.chunks) {
      bytes.set(chunk, at)
      at += chunk.byteLength
    }
    return bytes
  }
}

/** Reads events up to the one that is picked. The limit is that of all of them together. */
class Events implements Sink {
  private readonly decoder = new TextDecoder()
  private readonly parser: Sse.Parser
  private readonly maxBytes: number
  private size = 0
  private found: string | undefined
  private cut = false

  constructor(maxBytes: number, pick: PickEvent) {
    this.maxBytes = maxBytes
    this.parser = Sse.makeParser(
      (event) => {
        if (event._tag === "Event" && this.found === undefined && pick(event.data)) this.found = event.data
      },
      { maxEventSize: Number.POSITIVE_INFINITY }
    )
  }

  take(chunk: Uint8Array): boolean {
    this.size += chunk.byteLength
    if (this.size > this.maxBytes) {
      this.cut = true
      return false
    }
    this.parser.feed(this.decoder.decode(chunk, { stream: true }))
    return this.found === undefined
  }

  body(): { readonly text: string; readonly cut: boolean } {
    return { text: this.found ?? "", cut: this.cut }
  }
}
