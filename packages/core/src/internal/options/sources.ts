import type { Stream } from "effect/Stream"
import type { Any } from "../../Job.ts"
import type { PollOptions } from "../../PollOptions.ts"
import * as validate from "../validate.ts"
import { behind as builtin } from "./defaults.ts"
import type { Policy } from "./policy.ts"
import type { ofToldByKey } from "./shape.ts"
import { ofTold } from "./shape.ts"

/** A stream that tells a wait something; it may depend on the key. */
export interface Source {
  readonly by: "signal" | "push"
  readonly stream: AnyStream | ((key: unknown) => AnyStream)
}

/** The options of a wait with those of `ToldOptions` taken out. */
export interface Split {
  readonly options: AnyOptions
  readonly strategy: AnyOptions["strategy"]
  readonly expects: Policy["expects"]
  /** Undefined if only checks tell the wait something. */
  readonly sources: ReadonlyArray<Source> | undefined
}

/**
 * Takes what tells a wait something out of its options, so that waits with streams of their own share a policy. `ownStrategy`
 * returns the strategy of the job. Throws a RangeError.
 */
export const split = (
  name: string,
  job: Any | undefined,
  given: AnyOptions,
  ownStrategy: () => AnyOptions["strategy"],
  shape: typeof ofToldByKey = ofTold
): Split => {
  const { behind, push, signal, ...options } = given as AnyOptions & Told
  const isTold = signal !== undefined || push !== undefined
  if (!isTold && job?.push === undefined) {
    if (behind !== undefined) throw new RangeError(`${name}: behind needs the option signal or push`)
    return { options: given, strategy: given.strategy ?? ownStrategy(), expects: undefined, sources: undefined }
  }
  validate.fields(name, { signal, push, behind }, shape)
  return {
    options,
    strategy: behind ?? options.strategy ?? (isTold ? undefined : ownStrategy()) ?? builtin,
    expects: signal === undefined ? "push" : "signal",
    sources: [
      ...(signal === undefined ? [] : [{ by: "signal", stream: signal } as const]),
      ...[push, job?.push].flatMap((stream) => (stream === undefined ? [] : [{ by: "push", stream } as const]))
    ]
  }
}

// ---- internal ----

type AnyOptions = PollOptions<never, unknown>
type AnyStream = Stream<unknown, unknown, unknown>

interface Told {
  readonly signal?: Source["stream"] | undefined
  readonly push?: Source["stream"] | undefined
  readonly behind?: AnyOptions["strategy"]
}
