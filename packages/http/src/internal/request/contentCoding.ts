import * as Effect from "effect/Effect"

// Content codings that the client left: those of undici and of node:http remove none, `fetch` removes what it knows.

/** What is to be removed of a body, the outermost first. */
export type Codings = ReadonlyArray<string>

/** The codings of a Content-Encoding. */
export const codingsOf = (header: string | undefined): Codings =>
  header === undefined
    ? none
    : header
        .toLowerCase()
        .split(",")
        .map((each) => each.trim())
        .filter((each) => each !== "" && !absent.has(each))
        .toReversed()

/** Tests bytes for those of gzip. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 0x08

/**
 * The format of the platform that removes a coding; undefined if it has none, and `"removed"` if the bytes are not in that
 * coding: some clients remove it and leave the header.
 */
export const formatOf = (coding: string, bytes: Uint8Array): string | undefined => {
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return isGzip(bytes) ? supported("gzip") : "removed"
    case "deflate":
      // Meant is the format of zlib; some servers leave its header out.
      return supported(isZlib(bytes) ? "deflate" : "deflate-raw")
    case "br":
      return supported("brotli") ?? supported("br")
    case "zstd":
      return isZstd(bytes) ? supported("zstd") : "removed"
    default:
      return undefined
  }
}

/** Decompresses bytes into a sink, until it has enough. Fails with what the platform says of bytes that are broken. */
export const decompress = (
  format: string,
  bytes: Uint8Array,
  take: (chunk: Uint8Array) => boolean
): Effect.Effect<void, unknown> =>
  Effect.flatMap(Effect.try({ try: () => readerOf(format, bytes), catch: broken }), (reader) => {
    const read = Effect.tryPromise({ try: () => reader.read(), catch: broken })
    const cancel = Effect.sync(() => {
      reader.cancel().catch(ignore)
    })
    const rest: Effect.Effect<void, unknown> = Effect.flatMap(read, ({ done, value }) => {
      if (done || value === undefined) return Effect.void
      return take(value) ? rest : cancel
    })
    return Effect.onInterrupt(rest, () => cancel)
  })

// ---- internal ----

const none: Codings = []

const ignore = (): void => {}

const broken = (cause: unknown): { readonly cause: unknown } => ({ cause })

const readerOf = (format: string, bytes: Uint8Array): ReturnType<Decompression["readable"]["getReader"]> => {
  const stream = new DecompressionStream(format)
  const writer = stream.writable.getWriter()
  // What is wrong with the bytes is an error of the reader too.
  writer.write(bytes).catch(ignore)
  writer.close().catch(ignore)
  return stream.readable.getReader()
}

/** Names of no coding. S3 keeps the one that a client uploaded with. */
const absent: ReadonlySet<string> = new Set(["identity", "none", "utf-8", "aws-chunked"])

const isZlib = ([a = 0, b = 0]: Uint8Array): boolean => (a & 15) === 8 && ((a << 8) | b) % 31 === 0

const isZstd = ([a, b, c, d]: Uint8Array): boolean => a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd

interface Decompression {
  readonly writable: {
    readonly getWriter: () => {
      readonly write: (bytes: Uint8Array) => Promise<void>
      readonly close: () => Promise<void>
    }
  }
  readonly readable: {
    readonly locked: boolean
    readonly getReader: () => {
      readonly read: () => Promise<{ readonly done: boolean; readonly value?: Uint8Array }>
      readonly cancel: () => Promise<void>
    }
  }
}

const { DecompressionStream } = globalThis as unknown as {
  readonly DecompressionStream: new (format: string) => Decompression
}

const supported = (format: string): string | undefined => {
  try {
    return new DecompressionStream(format).readable.locked ? undefined : format
  } catch {
    return undefined
  }
}
