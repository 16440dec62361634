import * as Utf8 from "./utf8.ts"

/** Which bytes are signed: a text with the places `{id}`, `{timestamp}` and `{body}`. */
export interface Template {
  readonly has: (place: Place) => boolean
  readonly bytes: (values: { readonly id: string; readonly timestamp: string; readonly body: Uint8Array }) => Uint8Array
}

type Place = "id" | "timestamp" | "body"

/** Reads a template. The body occurs once. */
export const template = (option: string, text: string): Template => {
  const parts = text.split(/(\{(?:id|timestamp|body)\})/)
  const places = parts.filter((_, index) => index % 2 === 1).map((part) => part.slice(1, -1) as Place)
  const rest = parts.filter((_, index) => index % 2 === 0).join("")
  if (places.filter((place) => place === "body").length !== 1 || /[{}]/.test(rest)) {
    throw new RangeError(
      `${option} must contain {body} once, and no other braces than {id} and {timestamp}, got ${JSON.stringify(text)}`
    )
  }
  const cut = parts.indexOf("{body}")
  const write = (side: ReadonlyArray<string>, id: string, timestamp: string): Uint8Array =>
    Utf8.encode(side.map((part) => (part === "{id}" ? id : part === "{timestamp}" ? timestamp : part)).join(""))
  return {
    has: (place) => places.includes(place),
    bytes: ({ body, id, timestamp }) => {
      if (text === "{body}") return body
      const before = write(parts.slice(0, cut), id, timestamp)
      const after = write(parts.slice(cut + 1), id, timestamp)
      const content = new Uint8Array(before.length + body.length + after.length)
      content.set(before)
      content.set(body, before.length)
      content.set(after, before.length + body.length)
      return content
    }
  }
}
