import * as Redacted from "effect/Redacted"
import * as validate from "../validate.ts"

type Base = string | URL | ((token: Redacted.Redacted<string>) => string | URL) | undefined

/** Returns the function that makes the URL of a token. */
export const urlWith = (base: Base): ((token: Redacted.Redacted<string>) => Redacted.Redacted<string> | undefined) => {
  if (base === undefined) return () => undefined
  if (typeof base === "function") return (token) => redact(String(base(token)))
  const text = String(base)
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    validate.refuse("Signal.make: baseUrl", "an absolute http or https URL", text)
  }
  return (token) => {
    const url = new URL(text)
    url.pathname = `${url.pathname.replace(/\/$/, "")}/${Redacted.value(token)}`
    return redact(url.href)
  }
}

const redact = (url: string): Redacted.Redacted<string> => Redacted.make(url, { label: "signal url" })
