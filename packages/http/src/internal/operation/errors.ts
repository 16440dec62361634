import { isReadonlyObject } from "effect/Predicate"
import { type Json } from "./records.ts"
import { plain } from "./plain.ts"

// Where a record says that something went wrong, and in which words.

/** The name of a field that says that an operation failed; undefined if none does. */
export const errorFieldOf = (record: Json): string | undefined =>
  Object.entries(record).find(([name, value]) => {
    const field = plain(name)
    if (value === true || value === "true") return failedFlags.has(field)
    if (value === false || value === "false") return successFlags.has(field)
    // A number of errors is a count.
    return errorFields.has(field) && !(field === "errors" && typeof value === "number") && saysSomething(value)
  })?.[0]

/** The value of the first of these fields, without case and separators, that `take` takes. */
export const firstIn = <A>(
  u: unknown,
  fields: ReadonlyArray<string>,
  take: (value: unknown) => A | undefined
): A | undefined => {
  if (!isReadonlyObject(u)) return undefined
  const values = new Map(Object.entries(u).map(([name, value]) => [plain(name), value]))
  for (const field of fields) {
    const found = take(values.get(field))
    if (found !== undefined) return found
  }
  return undefined
}

/** Whether the value of an error field is an error: `null`, `""`, `0`, `"none"` and empty records are none. */
export const saysSomething = (value: unknown): boolean => {
  if (typeof value === "string") return !nothings.has(plain(value.trim()))
  if (typeof value === "number") return value !== 0
  if (Array.isArray(value)) return value.some(saysSomething)
  if (!isReadonlyObject(value)) return value === true
  if ("code" in value && typeof value["code"] !== "object" && !saysSomething(value["code"]) && value["code"] !== "") {
    return false
  }
  return Object.values(value).some((each) => saysSomething(each))
}

/** The fields that hold an error or its text, the plainest first. */
export const errorNames =
  "error errorresult failure lasterror errorinfo errordetails errordetail exception fault".split(" ")

/** The fields that hold why an operation is in its state. */
export const reasonNames = (
  "failurereason failuremessage failuredetails failuredetail statusreason statereason statusmessage statemessage " +
  "statusdetails statusdetail statusdescription cancelreason cancellationreason canceledreason cancelledreason " +
  "canceledbecause expirationreason expiryreason terminationreason stopreason stoppedreason reasontext reasonmessage " +
  "statuschangereason statechangereason reason"
).split(" ")

/** The fields that hold the code of an error beside a state word. */
export const codeNames = "errorcode failurecode errortype failuretype statusreasoncode reasoncode".split(" ")

// ---- internal ----

/** A `last_error` is that of an attempt, and stands beside a success too. */
const errorFields = /*#__PURE__*/ new Set(
  (
    "error errors errorresult errorinfo errordetails errordetail errormessage errormsg errmsg errortext errorsummary " +
    "errorcode errorreason errortype failure failurecode failurereason failuremessage failuredetails failuretype " +
    "failureinfo exception fault"
  ).split(" ")
)

const successFlags = /*#__PURE__*/ new Set(
  "success ok succeeded successful issuccess issuccessful issucceeded".split(" ")
)
const failedFlags = /*#__PURE__*/ new Set(
  "error iserror haserror haserrors failed isfailed hasfailed failure".split(" ")
)

const nothings = /*#__PURE__*/ new Set(
  ["", "0", "none", "null", "nil", "undefined", "ok", "success", "noerror", "na", "n/a", "false"].concat([
    "errorcodeunspecified",
    "errorunspecified",
    "unspecified",
    "nofailure"
  ])
)
