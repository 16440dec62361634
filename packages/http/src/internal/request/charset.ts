// The text of a body: its charset is that of a byte order mark, or UTF-8 if the bytes are that,
// or that of the Content-Type.

/** Bytes as text. `invalidIn` is the charset in which they are not valid; the text has replacement characters then. */
export interface Decoded {
  readonly text: string
  readonly invalidIn: string | undefined
}

/** Decodes a body. */
export const decode = (bytes: Uint8Array, contentType: string | undefined): Decoded => {
  const label = charsetOf(contentType)
  const charset = markedCharset(bytes) ?? (label === undefined ? "utf-8" : known(label, bytes))
  // Many servers name another charset and send UTF-8. Text in the charsets below may look like it.
  const text = (/^(?:utf-16|iso-2022|hz)/.test(charset) ? undefined : valid("utf-8", bytes)) ?? valid(charset, bytes)
  return text === undefined
    ? { text: new TextDecoder(charset).decode(bytes), invalidIn: charset }
    : { text, invalidIn: undefined }
}

// ---- internal ----

const valid = (charset: string, bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

interface Decoder {
  readonly encoding: string
  readonly decode: (bytes: Uint8Array) => string
}

const { TextDecoder } = globalThis as unknown as {
  readonly TextDecoder: new (label?: string, options?: { readonly fatal: boolean }) => Decoder
}

/** The charset of a Content-Type, in lower case. */
const charsetOf = (contentType: string | undefined): string | undefined =>
  contentType === undefined
    ? undefined
    : /;\s{0,20}charset\s{0,20}=\s{0,20}["']?([\w.:+-]{1,40})/i.exec(contentType.slice(0, 1024))?.[1]?.toLowerCase()

/** The charset that a byte order mark says, whatever the header says: as with the encoding standard. */
const markedCharset = ([a, b, c]: Uint8Array): string | undefined => {
  if (a === 0xef && b === 0xbb && c === 0xbf) return "utf-8"
  if (a === 0xfe && b === 0xff) return "utf-16be"
  return a === 0xff && b === 0xfe ? "utf-16le" : undefined
}

/** A charset that the platform knows; any other is taken for UTF-8. */
const known = (label: string, bytes: Uint8Array): string => {
  // Without a mark it may be either: the texts of servers begin with an ASCII character.
  if (label === "utf-16" && bytes[0] === 0) return "utf-16be"
  try {
    return new TextDecoder(label).encoding
  } catch {
    return "utf-8"
  }
}
