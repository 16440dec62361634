/**
 * The API of one provider: its routes, and a way to create a job without them.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { JobScript } from "../JobScript.ts"
import type { ProviderName } from "../Truth.ts"
import type { Job } from "./job.ts"
import type * as Wire from "./wire.ts"

/** What a submission contains besides its kind. */
export interface Input {
  readonly script: JobScript | undefined
  readonly params: Readonly<Record<string, string>>
  readonly body: unknown
}

/** The API of one provider. */
export interface Provider {
  readonly name: ProviderName
  readonly prefix: `/${string}`
  readonly routes: ReadonlyArray<Wire.Route>
  /** The kinds of job of this provider; undefined if any kind is valid. */
  readonly kinds: ReadonlyArray<string> | undefined
  readonly create: (kind: string, input: Input) => Effect.Effect<Job>
}
