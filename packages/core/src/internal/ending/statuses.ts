import * as Status from "../../Status.ts"
import { decodeValue, type Described, encodeValue, type Json, optional } from "./values.ts"

// Statuses as plain data. Details and partial results have no Schema: those that are not plain data are left out.

export const encodeStatus = (job: Described, status: Status.Status<unknown, unknown>): Json => {
  const { _tag, state } = status
  switch (status._tag) {
    case "Pending": {
      const { action, progress } = status
      const asked = action && { id: action.id, kind: action.kind, detail: optional(action.detail) }
      return { _tag, state, progress, detail: optional(status.detail), action: asked }
    }
    case "Succeeded":
      return { _tag, state, value: encodeValue(job, "success", status.value) }
    case "Failed":
      return { _tag, state, failure: encodeValue(job, "failure", status.failure) }
    default:
      return { _tag, state, reason: status.reason, partial: optional(status.partial) }
  }
}

export const decodeStatus = <A, F>(job: Described, encoded: unknown): Status.Status<A, F> => {
  const status = encoded as Json
  switch (status["_tag"]) {
    case "Pending":
      return Status.pending(status)
    case "Succeeded":
      return Status.succeeded(decodeValue(job, "success", status["value"]), status)
    case "Failed":
      return Status.failed(decodeValue(job, "failure", status["failure"]), status)
    case "Canceled":
      return Status.canceled(status)
    case "Expired":
      return Status.expired(status)
    default:
      throw new Error("it is no status")
  }
}
