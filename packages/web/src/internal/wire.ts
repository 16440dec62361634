import * as Result from "effect/Result"
import * as Ending from "effect-poll/Ending"
import { idle, type Snapshot } from "../Snapshot.ts"
import type { Wire } from "./lead.ts"

// Snapshots as plain data, for another page or from a server. Results and failures are encoded by the Schemas of their
// job; without Schemas they must be plain already. Details and errors of checks have no Schema: those that are not plain
// are left out, but not the error that ended the wait: its snapshot cannot be encoded.

type AnySnapshot = Snapshot<unknown, unknown, unknown>

type AnyJob = Ending.Source<unknown, unknown>

export const wire: Wire = {
  encode: (job, snapshot) => attempt(() => encode(job as AnyJob, snapshot as AnySnapshot)),
  decode: (job, encoded) => attempt(() => decode(job as AnyJob, encoded as Encoded))
}

// ---- internal ----

const version = 2

/** Fields as they are in the snapshot. */
const copied = ["phase", "attempt", "startedAt", "nextAt", "waitReason", "pausedBy", "gateReason"] as const

const phases = /*#__PURE__*/ new Set<unknown>(["idle", "waiting", "checking", "paused", "ended"])

interface Encoded extends Partial<Pick<AnySnapshot, (typeof copied)[number]>> {
  readonly version: number
  readonly status: unknown
  readonly lastCheckError: unknown
  readonly outcome: unknown
}

const attempt = <A>(make: () => A): A | undefined => {
  try {
    return make()
  } catch {
    return undefined
  }
}

const encode = (job: AnyJob, snapshot: AnySnapshot): Encoded => {
  const { lastCheckError, outcome, status } = snapshot
  if (outcome?._tag === "Defect") throw new Error("a defect is not shared")
  return {
    ...pick(snapshot, copied),
    version,
    status: status && Result.getOrThrow(Ending.encodeStatus(job, status)),
    lastCheckError: Ending.isPlain(lastCheckError) ? lastCheckError : undefined,
    outcome: outcome && Result.getOrThrow(Ending.encode(job, outcome, { checkErrors: "refuse" }))
  }
}

const decode = (job: AnyJob, encoded: Encoded): AnySnapshot => {
  if (encoded.version !== version) throw new Error("of another version")
  const { attempt: attempts, lastCheckError, outcome, phase, status } = encoded
  if (!phases.has(phase) || (phase === "ended") !== (outcome !== undefined)) throw new Error("no phase")
  if (!Number.isInteger(attempts)) throw new Error("no number of checks")
  return {
    ...idle,
    ...pick(encoded, copied),
    status: status === undefined ? undefined : Result.getOrThrow(Ending.decodeStatus(job, status)),
    lastCheckError,
    outcome: outcome === undefined ? undefined : Result.getOrThrow(Ending.decode(job, outcome))
  }
}

const pick = <T extends object, K extends keyof T>(from: T, keys: ReadonlyArray<K>): Pick<T, K> =>
  Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>
