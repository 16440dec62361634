import * as Result from "effect/Result"
import { at } from "../json.ts"

// What AWS clients, and our own, say of themselves in values and errors.

/** `NotFound`, of `com.example#NotFound:details`. */
export const bareCode = (code: string): string => code.replace(/^.*#/, "").replace(/:.*$/s, "")

export const errorCodes = (error: unknown): ReadonlyArray<string> => {
  const codes = new Set<string>()
  for (const each of withCauses(error)) {
    for (const code of [
      at(each, "name"),
      at(each, "Code"),
      at(each, "code"),
      at(each, "__type"),
      at(each, "_tag"),
      at(each, "Error", "Code")
    ]) {
      if (typeof code === "string" && code !== "") codes.add(bareCode(code))
    }
  }
  return [...codes]
}

export const httpStatus = (outcome: Result.Result<unknown, unknown>): number | undefined => {
  if (Result.isSuccess(outcome)) return numberOr(at(outcome.success, "$metadata", "httpStatusCode"))
  for (const error of withCauses(outcome.failure)) {
    const status =
      numberOr(at(error, "$metadata", "httpStatusCode")) ??
      numberOr(at(error, "reason", "status")) ??
      numberOr(at(error, "reason", "response", "status"))
    if (status !== undefined) return status
  }
  return undefined
}

/** Whether the client itself would try again. */
export const isRetryable = (error: unknown): boolean =>
  withCauses(error).some((each) => {
    const retryable = at(each, "$retryable")
    return retryable !== undefined && retryable !== null && retryable !== false
  })

/** Codes of throttling, which some services send with the status 400 (those of the AWS SDKs). */
export const throttlingCodes: ReadonlySet<string> = /*#__PURE__*/ new Set([
  "BandwidthLimitExceeded",
  "EC2ThrottledException",
  "LimitExceededException",
  "PriorRequestNotComplete",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "SlowDown",
  "ThrottledException",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
  "TransactionInProgressException"
])

/** Codes of timeouts, which some services send with the status 400. */
export const transientCodes: ReadonlySet<string> = /*#__PURE__*/ new Set([
  "RequestTimeout",
  "RequestTimeoutException",
  "TimeoutError"
])

/** Whether the client marks an error as throttling. */
export const isThrottling = (error: unknown): boolean =>
  withCauses(error).some((each) => at(each, "$retryable", "throttling") === true)

// ---- internal ----

const numberOr = (u: unknown): number | undefined => (typeof u === "number" ? u : undefined)

const withCauses = (error: unknown): ReadonlyArray<unknown> => {
  const found: Array<unknown> = []
  for (let next = error; next !== undefined && next !== null && found.length < 5; next = at(next, "cause"))
    found.push(next)
  return found
}
