import type { Notification } from "../Observer.ts"
import type { PollEvent } from "../PollEvent.ts"

/** For how many an event counts that is kept for a slow reader: one, and one more for each 256 bytes that it holds. */
export const weightOf = (event: Notification["event"] | PollEvent<unknown, unknown, unknown>): number => {
  switch (event._tag) {
    case "Changed":
    case "Confirming":
      return weigh(event.status)
    case "ActionRequired":
      return weigh(event.action)
    case "CheckFailed":
    case "CancelAnswered":
      return weigh(event.error)
    case "Ended":
      return event.exit._tag === "Success" ? weigh(event.exit.value) : 1
    default:
      return 1
  }
}

// ---- internal ----

const weigh = (value: unknown): number => {
  try {
    return 1 + Math.floor(bytesOf(value, { values: mostRead }) / bytesPerWeight)
  } catch {
    // A value of the user, such as a Proxy.
    return 1
  }
}

/** About how many bytes a value holds. A few values are read: the others of a list are taken to be like its first. */
const bytesOf = (value: unknown, left: { values: number }): number => {
  if (typeof value === "string") return value.length
  if (typeof value !== "object" || value === null || left.values-- <= 0) return 0
  if (ArrayBuffer.isView(value)) return value.byteLength
  if (Array.isArray(value)) return bytesOfAll(value, value.length, left)
  if (value instanceof Map || value instanceof Set) return bytesOfAll(value, value.size, left)
  const names = Object.keys(value)
  return bytesOfAll(propertiesOf(value, names), names.length, left)
}

const bytesOfAll = (items: Iterable<unknown>, size: number, left: { values: number }): number => {
  let bytes = 0
  let read = 0
  for (const item of items) {
    bytes += bytesPerProperty + bytesOf(item, left)
    if (++read === mostRead || left.values <= 0) break
  }
  return read === 0 ? 0 : (bytes * size) / read
}

const propertiesOf = function* (value: object, names: ReadonlyArray<string>): Generator<unknown> {
  // Not through a getter, which would be user code.
  for (const name of names) yield Object.getOwnPropertyDescriptor(value, name)?.value
}

/** How many values are read of an event. */
const mostRead = 32

const bytesPerWeight = 256
const bytesPerProperty = 8
