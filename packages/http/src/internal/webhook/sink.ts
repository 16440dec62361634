import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { CheckResult } from "effect-poll/CheckResult"

/**
 * Where pushes go: to the waits for a key.
 *
 * This file is the only one that knows how waits are found.
 */
export interface PushSink {
  /**
   * Asks the waits for a key to check, or all waits for the job if `key` is undefined. `verified` says whether the push
   * was signed: what is kept for later is kept apart.
   */
  readonly wake: (job: string, key: string | undefined, options: { readonly verified: boolean }) => Effect.Effect<void>
  /** Hands the waits for a key a result, which counts as the answer of a check. */
  readonly report: (job: string, key: string, result: CheckResult<unknown, unknown>) => Effect.Effect<void>
}

/** The sink in use. By default nobody waits. */
export const PushSink: Context.Reference<PushSink> = /*#__PURE__*/ Context.Reference<PushSink>(
  "@effect-poll/http/internal/webhook/PushSink",
  {
    defaultValue: () => ({ wake: () => Effect.void, report: () => Effect.void })
  }
)
