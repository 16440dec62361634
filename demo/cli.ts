import { parseArgs } from "node:util"

/** A parsed command line. */
export type Command = { readonly _tag: "Help" } | Simulation | OwnServer

/** Jobs on a server of the demo. */
export interface Simulation {
  readonly _tag: "Simulation"
  readonly jobs: number
  readonly speed: number
  /** Whether the jobs are also waited for with learned strategies, to compare them with the published ones. */
  readonly strategy: StrategyName
  readonly json: boolean
}

/** Which strategies the waits of the simulation use. */
export type StrategyName = (typeof strategyNames)[number]

/** Jobs on a server of the user's, and how to read its responses. */
export interface OwnServer {
  readonly _tag: "OwnServer"
  readonly url: URL
  /** The path of the field that contains the state, outermost name first. */
  readonly field: ReadonlyArray<string>
  readonly succeeded: ReadonlyArray<string>
  readonly failed: ReadonlyArray<string>
  /** If empty, every state that is not listed is pending. */
  readonly pending: ReadonlyArray<string>
  readonly intervalMillis: number | undefined
  readonly deadlineMillis: number
  readonly ids: ReadonlyArray<string>
  readonly json: boolean
}

/** An invalid command line; the message is one line. */
export class UsageError extends Error {}

/** Parses the arguments, or throws a `UsageError`. */
export const parse = (args: ReadonlyArray<string>): Command => {
  // Some package managers pass on the -- before the arguments.
  const { positionals, values } = tokens(args[0] === "--" ? args.slice(1) : args)
  if (values.help === true) return { _tag: "Help" }
  const json = values.json === true
  if (values.url === undefined) {
    const stray = ownServerOptions.find((name) => values[name] !== undefined)
    if (stray !== undefined) throw new UsageError(`--${stray} requires --url`)
    if (positionals.length > 0) throw new UsageError(`job ids require --url, got ${quote(positionals[0])}`)
    return {
      _tag: "Simulation",
      jobs: number("jobs", values.jobs, { absent: 300, minimum: 1, maximum: 1000, integer: true }),
      speed: number("speed", values.speed, { absent: 30, minimum: 1, maximum: 60, integer: false }),
      strategy: strategyIn(values.strategy),
      json
    }
  }
  const stray = (["jobs", "speed", "strategy"] as const).find((name) => values[name] !== undefined)
  if (stray !== undefined) throw new UsageError(`--${stray} cannot be used with --url`)
  const [succeeded, failed, pending] = [states(values.succeeded), states(values.failed), states(values.pending)]
  if (succeeded.length === 0) throw new UsageError("--url requires --succeeded, a state of a job that succeeded")
  if (failed.length === 0) throw new UsageError("--url requires --failed, a state of a job that failed")
  const all = [...succeeded, ...failed, ...pending]
  const duplicate = all.find((state, index) => all.indexOf(state) !== index)
  if (duplicate !== undefined) throw new UsageError(`the state ${quote(duplicate)} is given twice`)
  const ids = [...new Set(positionals)]
  if (ids.length === 0) throw new UsageError("--url requires at least one job id")
  if (ids.some((id) => id.trim() === "")) throw new UsageError("a job id must not be empty")
  return {
    _tag: "OwnServer",
    url: address(values.url),
    field: path(values.field),
    succeeded,
    failed,
    pending,
    intervalMillis: values.interval === undefined ? undefined : millis("interval", values.interval),
    deadlineMillis: millis("deadline", values.deadline ?? "10m"),
    ids,
    json
  }
}

// ---- internal ----

const ownServerOptions = ["field", "succeeded", "failed", "pending", "interval", "deadline"] as const

const strategyNames = ["published", "learned"] as const

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
        strategy: { type: "string" },
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
    const ambiguous = /^Option '(--\w+)' argument is ambiguous/.exec(message)?.[1]
    throw new UsageError(
      ambiguous === undefined
        ? message.split(/[.\n]/)[0]!
        : `${ambiguous} requires a value that does not begin with a dash`
    )
  }
}

const number = (
  name: string,
  value: string | undefined,
  range: { readonly absent: number; readonly minimum: number; readonly maximum: number; readonly integer: boolean }
): number => {
  if (value === undefined) return range.absent
  const parsed = value.trim() === "" ? Number.NaN : Number(value)
  if (parsed >= range.minimum && parsed <= range.maximum && (!range.integer || Number.isInteger(parsed))) return parsed
  const kind = range.integer ? "an integer" : "a number"
  throw new UsageError(`--${name} must be ${kind} from ${range.minimum} to ${range.maximum}, got ${quote(value)}`)
}

const strategyIn = (value: string | undefined): StrategyName => {
  const name = value === undefined ? "published" : strategyNames.find((known) => known === value)
  if (name !== undefined) return name
  throw new UsageError(`--strategy must be ${strategyNames.join(" or ")}, got ${quote(value)}`)
}

const millis = (name: string, value: string): number => {
  const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value.trim()) ?? []
  const parsed = Math.round(Number(amount) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit]!)
  if (parsed >= 1) return parsed
  throw new UsageError(`--${name} must be a time such as 500ms, 5s or 2m, got ${quote(value)}`)
}

const states = (values: ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  (values ?? [])
    .flatMap((value) => value.split(","))
    .map((state) => state.trim())
    .filter((state) => state !== "")

const path = (value: string | undefined): ReadonlyArray<string> => {
  if (value === undefined) throw new UsageError("--url requires --field, the name of the field that contains the state")
  const names = value.split(".")
  if (names.some((name) => name.trim() === "")) {
    throw new UsageError(`--field must be names joined by dots, such as data.state, got ${quote(value)}`)
  }
  return names
}

const address = (value: string): URL => {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === "http:" || url?.protocol === "https:") return url
  throw new UsageError(`--url must be an http or https URL, got ${quote(value)}`)
}

const quote = (value: string | undefined): string => JSON.stringify(value)
