import * as ByteSize from "effect/ByteSize"
import * as Option from "effect/Option"
import type { RequestOptions } from "../../RequestOptions.ts"
import * as origins from "./origins.ts"
import * as validate from "../validate.ts"

// The options of a request after they were checked, once for all of its checks.

/** What holds for all requests of a check, a job or a list. */
export interface RequestPolicy {
  readonly origins: origins.OriginRule
  /** After decompression; may be infinite. */
  readonly maxBytes: number
  readonly parse: ((text: string) => unknown) | undefined
  readonly shownUrl: string | undefined
}

const defaultMaxBytes = 8 * 1024 * 1024

/** The policy of a request without options. */
export const standard: RequestPolicy = {
  origins: /*#__PURE__*/ origins.make("RequestOptions"),
  maxBytes: defaultMaxBytes,
  parse: undefined,
  shownUrl: undefined
}

/** Checks the options. `name` is that of the function which has them; a RangeError names it and the option. */
export const make = (name: string, options: RequestOptions | undefined): RequestPolicy =>
  options === undefined
    ? standard
    : {
        origins: origins.make(name, options),
        maxBytes: maxBytes(name, options.maxBody),
        parse: options.parse,
        shownUrl: options.shownUrl
      }

// ---- internal ----

const maxBytes = (name: string, maxBody: RequestOptions["maxBody"]): number => {
  if (maxBody === undefined) return defaultMaxBytes
  if (maxBody === "unbounded") return Number.POSITIVE_INFINITY
  const size = ByteSize.fromInput(maxBody)
  if (Option.isNone(size) || ByteSize.isZero(size.value)) {
    throw new RangeError(
      `${name}: maxBody must be a size of at least 1 byte such as "8 MiB", or "unbounded", got ${validate.show(maxBody)}`
    )
  }
  return Number(size.value)
}
