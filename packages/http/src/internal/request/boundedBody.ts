import * as Sse from "effect/encoding/Sse"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Headers } from "effect/http/Headers"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

// Reading the body of an answer, as far as it may go. What is not read is aborted, never drained.

/** A body that was read. */
export interface Body {
  readonly text: string
  readonly bytes: Uint8Array | undefined
  /** Whether there was more than the limit. */
  readonly cut: boolean
}

/** Picks the event of an event stream that is the answer, by its data. */
export type PickEvent = (data: string) => boolean

/** Reads a body as text, or as bytes. Fails with what the client said. */
export const read = (
  response: HttpClientResponse.HttpClientResponse,
  headers: Headers,
  maxBytes: number,
  as: "text" | "bytes"
): Effect.Effect<Body, unknown> => {
  const label = as === "text" ? charset(headers) : undefined
  if (label !== undefined) {
    return Effect.map(read(response, headers, maxBytes, "bytes"), ({ bytes, cut }) => ({
      text: decodeAs(bytes!, label),
      bytes: undefined,
      cut
    }))
  }
  const length = wholeLength(headers)
  if (length !== undefined && length <= maxBytes) {
    return as === "text" ? Effect.map(response.text, whole) : Effect.map(response.arrayBuffer, wholeBytes)
  }
  const sink = new Chunks(maxBytes)
  return Effect.map(pour(response, sink), () => sink.body(as))
}

/** Reads an event stream up to the event that is picked. Its data is the text; without one it is empty. */
export const readEvent = (
  response: HttpClientResponse.HttpClientResponse,
  maxBytes: number,
  pick: PickEvent
): Effect.Effect<Body, unknown> => {
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

/** Bytes as text. */
export const decodeText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

// ---- internal ----

const smallBytes = 16_384

/** The charset that the media type names, if it is another one than UTF-8. */
const charset = (headers: Headers): string | undefined => {
  const label = /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(headers["content-type"] ?? "")?.[1]
  return label === undefined || /^(?:utf-?8|us-ascii)$/i.test(label) ? undefined : label
}

/** Bytes as text in a charset. Many servers name one and send UTF-8; a charset that is not known is taken for that. */
const decodeAs = (bytes: Uint8Array, label: string): string => {
  try {
    return new TextDecoder(/^utf-?16/i.test(label) ? label : "utf-8", { fatal: true }).decode(bytes)
  } catch {
    // Not UTF-8: as the media type says.
  }
  try {
    return new TextDecoder(label).decode(bytes)
  } catch {
    return decodeText(bytes)
  }
}

const ignore = (): void => {}

const whole = (text: string): Body => ({ text, bytes: undefined, cut: false })

const wholeBytes = (buffer: ArrayBuffer): Body => ({ text: "", bytes: new Uint8Array(buffer), cut: false })

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
  readonly TextDecoder: new (
    label?: string,
    options?: { readonly fatal: boolean }
  ) => {
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

  body(as: "text" | "bytes"): Body {
    const { chunks, cut } = this
    if (as === "bytes") return { text: "", bytes: this.bytes(), cut }
    const decoder = new TextDecoder()
    const text =
      chunks.length === 1
        ? decoder.decode(chunks[0])
        : chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode()
    return { text, bytes: undefined, cut }
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

  body(): Body {
    return { text: this.found ?? "", bytes: undefined, cut: this.cut }
  }
}
