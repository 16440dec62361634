import * as Url from "effect/http/Url"
import * as Result from "effect/Result"
import type { OperationAnswer, Reading } from "../LongRunningReading.ts"

// What all protocols read from an answer in the same way.

/** The whole URL that a reference in an answer stands for; undefined if it is none that can be asked. */
export const resolve = (reference: unknown, base: string): string | undefined => {
  if (typeof reference !== "string" || reference.trim() === "") return undefined
  const resolved = Url.fromString(reference.trim(), base)
  return Result.isSuccess(resolved) && /^https?:$/.test(resolved.success.protocol) ? resolved.success.href : undefined
}

/** The URL in a header of an answer. */
export const urlIn = (answer: OperationAnswer, header: string): string | undefined =>
  resolve(answer.headers[header], answer.url)

/** The body of an answer as the result. */
export const resultOf = ({ body, content }: OperationAnswer): Reading =>
  content.kind === "other" ? { _tag: "NotJson" } : { _tag: "Succeeded", result: body }

/** An operation that was accepted, but could never be found again. */
export const noCheckUrl = (...headers: ReadonlyArray<string>): Reading => ({
  _tag: "Malformed",
  issue: `an accepted operation must say where it is checked: ${headers.join(", ")}`
})
