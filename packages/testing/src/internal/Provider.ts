/**
 * One wire of a server: its routes, and the way to a job without them.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { JobScript } from "../JobScript.ts"
import type { ProviderName } from "../Truth.ts"
import type { Job } from "./JobStore.ts"
import type * as Wire from "./wire.ts"

/** What a submission says beside its kind. */
export interface Input {
  readonly script: JobScript | undefined
  readonly params: Readonly<Record<string, string>>
  readonly body: unknown
}

/** One wire of a server. */
export interface Provider {
  readonly name: ProviderName
  readonly prefix: `/${string}`
  readonly routes: ReadonlyArray<Wire.Route>
  /** The kinds of job of this wire; a wire without a list takes any word. */
  readonly kinds: ReadonlyArray<string> | undefined
  readonly create: (kind: string, input: Input) => Effect.Effect<Job>
}
