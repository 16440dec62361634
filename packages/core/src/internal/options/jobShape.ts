import type { Rule } from "../validate.ts"
import { ofWait } from "./shape.ts"

/** The options of a job, see `ofWait`. */
export const ofJob: Readonly<Record<string, Rule>> = {
  ...ofWait,
  strategy: "a Schedule or a function",
  check: "a function",
  checkMany: "{ check(), max }",
  submit: "a function",
  cancel: "a function",
  key: "{ encode(), decode() }",
  "key.show": "a function",
  "confirm.check": "a function",
  missing: "an object",
  "missing.gone": "a function",
  "missing.fallback": "{ locate(), check() }"
}
