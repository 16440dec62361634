import type { Status } from "../Status.ts"

// A cursor may carry a credential, so nothing that prints the object around it shows it.

/** The fields of an object, with its cursor as `<redacted>`, for JSON and for consoles. */
export const concealed = <T extends { readonly cursor: string | undefined }>(self: T): T => ({
  ...self,
  cursor: self.cursor === undefined ? undefined : "<redacted>"
})

/** Whether a text is at most 8 KiB in a token: as JSON in UTF-8, where a UTF-16 unit takes at most six bytes. */
export const fitsInCursor = (text: string): boolean =>
  text.length * 6 <= longestCursor ||
  (text.length <= longestCursor && encoder.encode(JSON.stringify(text)).length - 2 <= longestCursor)

/** The most bytes of a cursor as JSON, without its quotes. */
const longestCursor = 8_192

const encoder = /*#__PURE__*/ new TextEncoder()

/** The symbol under which Node finds how to print an object. */
export const inspect: unique symbol = /*#__PURE__*/ Symbol.for("nodejs.util.inspect.custom") as never

/** What a check is given besides its key; public as `CheckContext`. */
export class Context {
  readonly cursor: string | undefined
  readonly attempt: number
  readonly elapsedMillis: number
  readonly last: Status<unknown, unknown> | undefined

  constructor(
    cursor: string | undefined,
    attempt: number,
    elapsedMillis: number,
    last: Status<unknown, unknown> | undefined
  ) {
    this.cursor = cursor
    this.attempt = attempt
    this.elapsedMillis = elapsedMillis
    this.last = last
  }

  toJSON(): unknown {
    return concealed(this)
  }

  [inspect](): unknown {
    return concealed(this)
  }
}
