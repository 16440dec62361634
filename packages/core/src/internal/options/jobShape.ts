import * as validate from "../validate.ts"
import { ofBoth } from "./shape.ts"

/** Holds the options of a job to their shape. */
export const checkOptions = (name: string, options: object | null | undefined): void => {
  const { key, ...rest } = { check: null, ...options } as Options
  validate.fields(name, { ...rest, check: rest.check ?? null, key }, ofJob)
  // A codec may have more fields.
  validate.option(`${name}: key.show`, key?.show, "a function")
}

// ---- internal ----

interface Options {
  readonly check: unknown
  readonly key?: { readonly show?: unknown } | undefined
}

/** The options of a job. A job is one itself, so that an option can be its name too. */
const ofJob: validate.Shape = {
  ...ofBoth,
  name: "a string",
  strategy: "a Schedule or a function",
  check: "a function",
  checkMany: [
    "{ check(), max }",
    { check: "a function", max: "an integer >= 1", slack: "a non-negative finite duration" }
  ],
  push: "a function",
  submit: "a function",
  cancel: "a function",
  key: "{ encode(), decode() }",
  codecs: "{ success }",
  confirm: [ofBoth.confirm[0], { ...ofBoth.confirm[1], check: "a function" }],
  missing: [
    "an object",
    {
      grace: "a non-negative finite duration",
      times: "an integer >= 1",
      gone: "a function",
      fallback: ["{ locate(), check() }", { locate: "a function", check: "a function" }]
    }
  ]
}
