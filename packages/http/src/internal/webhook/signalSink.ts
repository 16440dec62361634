import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** How a holder of a token ends a job, in the encoded form of the job's codecs. */
export type EncodedEnding =
  | { readonly _tag: "Succeeded"; readonly value: unknown }
  | { readonly _tag: "Failed"; readonly failure: unknown }
  | { readonly _tag: "Canceled"; readonly reason: string | undefined }

/** What became of an ending. */
export type Settled = "accepted" | "alreadyEnded" | "expired" | "unknown"

/** The store of signals cannot answer. */
export class SignalSinkError extends Data.TaggedError("SignalSinkError")<{ readonly cause: unknown }> {}

/**
 * Where signals go: to the store that knows their tokens.
 *
 * This file is the only one that knows how signals are stored.
 */
export interface SignalSink {
  /** The name of the job of a token, whether its signal is open or not; undefined if the token is unknown. */
  readonly jobOf: (token: string) => Effect.Effect<string | undefined, SignalSinkError>
  readonly settle: (token: string, ending: EncodedEnding) => Effect.Effect<Settled, SignalSinkError>
  readonly heartbeat: (token: string) => Effect.Effect<Settled, SignalSinkError>
}

/** The sink in use. By default every token is unknown. */
export const SignalSink: Context.Reference<SignalSink> = /*#__PURE__*/ Context.Reference<SignalSink>(
  "@effect-poll/http/internal/webhook/SignalSink",
  {
    defaultValue: () => ({
      jobOf: () => Effect.succeed(undefined),
      settle: () => Effect.succeed("unknown"),
      heartbeat: () => Effect.succeed("unknown")
    })
  }
)
