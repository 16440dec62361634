// The format of sealed (encrypted) texts in a store.

const prefix = "sealed.1."

/** How a sealed text begins. No JSON text begins like this. */
export const write = (keyId: string, bytes: Uint8Array): string => `${prefix}${keyId}.${toBase64(bytes)}`

/** The parts of a sealed text; `undefined` for a text that is not sealed. */
export const read = (text: string): { readonly keyId: string; readonly bytes: Uint8Array | undefined } | undefined => {
  if (!text.startsWith(prefix)) return undefined
  const [keyId = "", body = ""] = text.slice(prefix.length).split(".")
  return { keyId, bytes: fromBase64(body) }
}

export const isSealed = (text: string | null): boolean => text?.startsWith(prefix) === true

// ---- internal ----

const toBase64 = (bytes: Uint8Array): string => {
  let text = ""
  for (let at = 0; at < bytes.length; at += slice) text += String.fromCharCode(...bytes.subarray(at, at + slice))
  return btoa(text)
}

const fromBase64 = (text: string): Uint8Array | undefined => {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** How many bytes are converted at a time: the number of arguments of a call is limited. */
const slice = 8_192
