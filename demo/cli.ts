import { parseArgs } from "node:util"

/** What the command line asks for. */
export type Command =
  | { readonly _tag: "Help" }
  | { readonly _tag: "Show"; readonly jobs: number; readonly speed: number; readonly json: boolean }
  | OwnServer

/** Jobs of a server of the user's, and how its answers are to be read. Times are milliseconds. */
export interface OwnServer {
  readonly _tag: "OwnServer"
  readonly url: URL
  readonly field: ReadonlyArray<string>
  readonly succeeded: ReadonlyArray<string>
  readonly failed: ReadonlyArray<string>
  /** Empty: every word that is not listed. */
  readonly pending: ReadonlyArray<string>
  readonly interval: number | undefined
  readonly deadline: number
  readonly ids: ReadonlyArray<string>
  readonly json: boolean
}

/** A command line that cannot be understood; the message is one line for people. */
export class UsageError extends Error {}

/** Reads the arguments, or throws a `UsageError`. */
export const parse = (args: ReadonlyArray<string>): Command => {
  const { positionals, values } = tokens(args)
  if (values.help === true) return { _tag: "Help" }
  const json = values.json === true
  if (values.url === undefined) {
    const stray = ownServerOptions.find((name) => values[name] !== undefined)
    if (stray !== undefined) throw new UsageError(`--${stray} is only of use with --url`)
    if (positionals.length > 0) throw new UsageError(`ids are only of use with --url, got ${quote(positionals[0])}`)
    return {
      _tag: "Show",
      jobs: number("jobs", values.jobs, { byDefault: 300, least: 1, most: 1000, whole: true }),
      speed: number("speed", values.speed, { byDefault: 30, least: 1, most: 60, whole: false }),
      json
    }
  }
  const stray = (["jobs", "speed"] as const).find((name) => values[name] !== undefined)
  if (stray !== undefined) throw new UsageError(`--${stray} is of no use with --url`)
  const [succeeded, failed, pending] = [words(values.succeeded), words(values.failed), words(values.pending)]
  if (succeeded.length === 0) throw new UsageError("--url needs --succeeded, a word of a job that ended well")
  if (failed.length === 0) throw new UsageError("--url needs --failed, a word of a job that ended badly")
  const all = [...succeeded, ...failed, ...pending]
  const twice = all.find((word, index) => all.indexOf(word) !== index)
  if (twice !== undefined) throw new UsageError(`the word ${quote(twice)} is given twice`)
  const ids = [...new Set(positionals)]
  if (ids.length === 0) throw new UsageError("--url needs at least one job id")
  if (ids.some((id) => id.trim() === "")) throw new UsageError("a job id must not be empty")
  return {
    _tag: "OwnServer",
    url: address(values.url),
    field: path(values.field),
    succeeded,
    failed,
    pending,
    interval: values.interval === undefined ? undefined : time("interval", values.interval),
    deadline: time("deadline", values.deadline ?? "10m"),
    ids,
    json
  }
}

// ---- internal ----

const ownServerOptions = ["field", "succeeded", "failed", "pending", "interval", "deadline"] as const

const tokens = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        json: { type: "boolean" },
        jobs: { type: "string" },
        speed: { type: "string" },
        url: { type: "string" },
        field: { type: "string" },
        succeeded: { type: "string", multiple: true },
        failed: { type: "string", multiple: true },
        pending: { type: "string", multiple: true },
        interval: { type: "string" },
        deadline: { type: "string" }
      }
    })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const dashed = /^Option '(--\w+)' argument is ambiguous/.exec(message)?.[1]
    throw new UsageError(
      dashed === undefined ? message.split(/[.\n]/)[0]! : `${dashed} needs a value, and not one that begins with a dash`
    )
  }
}

const number = (
  name: string,
  value: string | undefined,
  range: { readonly byDefault: number; readonly least: number; readonly most: number; readonly whole: boolean }
): number => {
  if (value === undefined) return range.byDefault
  const parsed = value.trim() === "" ? Number.NaN : Number(value)
  if (parsed >= range.least && parsed <= range.most && (!range.whole || Number.isInteger(parsed))) return parsed
  const kind = range.whole ? "a whole number" : "a number"
  throw new UsageError(`--${name} must be ${kind} from ${range.least} to ${range.most}, got ${quote(value)}`)
}

const time = (name: string, value: string): number => {
  const [, figure, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value.trim()) ?? []
  const millis = Math.round(Number(figure) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit]!)
  if (millis >= 1) return millis
  throw new UsageError(`--${name} must be a time as 500ms, 5s or 2m, got ${quote(value)}`)
}

const words = (values: ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  (values ?? [])
    .flatMap((value) => value.split(","))
    .map((word) => word.trim())
    .filter((word) => word !== "")

const path = (value: string | undefined): ReadonlyArray<string> => {
  if (value === undefined) throw new UsageError("--url needs --field, the name of the field that holds the status")
  const names = value.split(".")
  if (names.some((name) => name.trim() === "")) {
    throw new UsageError(`--field must be names joined by dots, as data.state, got ${quote(value)}`)
  }
  return names
}

const address = (value: string): URL => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === "http:" || url?.protocol === "https:") return url
  throw new UsageError(`--url must be an http or https URL, got ${quote(value)}`)
}

const quote = (value: string | undefined): string => JSON.stringify(value)
