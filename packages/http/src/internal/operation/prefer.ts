import * as Duration from "effect/Duration"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { show, toMillis } from "../validate.ts"

// The Prefer header of RFC 7240, and the checkTimeout that its `wait` needs.

/** Whole seconds, rounded up, from 1; otherwise a RangeError that names the option. */
export const seconds = (option: string, wait: Duration.Input): number => {
  const millis = toMillis(wait)
  if (millis === undefined || !Number.isFinite(millis) || millis < 1000) {
    throw new RangeError(`${option} must be a finite duration of at least 1 second, got ${show(wait)}`)
  }
  return Math.ceil(millis / 1000)
}

/** How long a check may take that the server may hold back for `wait`. */
export const checkTimeout = (
  name: string,
  wait: Duration.Input | undefined,
  given: Duration.Input | "unbounded" | undefined
): Duration.Input | "unbounded" | undefined => {
  if (wait === undefined || given === "unbounded") return given
  const held = seconds(`${name}: wait`, wait)
  if (given === undefined) return Duration.seconds(held + 30)
  const limit = toMillis(given)
  if (limit === undefined || limit <= held * 1000) {
    throw new RangeError(`${name}: checkTimeout must be longer than wait, got ${show(given)} with a wait of ${held}s`)
  }
  return given
}

/** Adds preferences to those that a request has. */
export const add = (
  request: HttpClientRequest.HttpClientRequest,
  ...preferences: ReadonlyArray<string>
): HttpClientRequest.HttpClientRequest => {
  const before = request.headers["prefer"]
  const all = before === undefined || before.trim() === "" ? preferences : [before, ...preferences]
  return HttpClientRequest.setHeader(request, "prefer", all.join(", "))
}
