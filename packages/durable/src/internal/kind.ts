import type { Effect } from "effect/Effect"
import type { Exit } from "effect/Exit"
import type { Handle } from "effect-poll/Handle"
import type { PollError } from "effect-poll/PollError"
import type * as Poller from "effect-poll/Poller"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type { DurableRow } from "../DurableRow.ts"
import type { Finish } from "../DurableStore.ts"

/** An encoded ending, with its outcome. */
export type Encoded = Pick<Finish, "outcome" | "ending">

/** The result of a submit: the token of the receipt, by the clock of this process, or an ending. */
export type Submitted =
  | { readonly _tag: "Accepted"; readonly key: string; readonly token: ResumeToken }
  | { readonly _tag: "Ended"; readonly key: string | undefined; readonly encoded: Encoded }

/** A kind of job as a runner knows it. The services of the job are provided. */
export interface Kind {
  /** The name of the `Job`. */
  readonly name: string
  /**
   * Continues a wait from a token with times by the clock of this process. Never fails: a key that cannot be decoded yields an
   * ending. Run all waits in the same context object, with `Effect.updateContext(resume, () => context)`, because a Poller
   * keeps state for each context that it is given.
   */
  readonly begin: (
    poller: Poller.Service,
    row: DurableRow,
    token: ResumeToken
  ) => Effect<Handle<unknown, unknown, unknown> | Encoded>
  /**
   * The encoded ending of a wait; `undefined` if it was interrupted. Never throws. The row is as it was when the wait
   * began, without its token, input and tags.
   */
  readonly encode: (row: DurableRow, exit: Exit<unknown, PollError<unknown, unknown>>) => Encoded | undefined
  /** Submits the input of a row of the outbox, with its idempotency key. Never fails. */
  readonly submit: ((row: DurableRow) => Effect<Submitted>) | undefined
  /** The ending of a row that was `"submitting"` when its runner died; `undefined`: submit it again. */
  readonly submitUnknown: ((row: DurableRow) => Encoded) | undefined
  /** The ending of a row whose deadline passed before it was submitted; `undefined`: submit it all the same. */
  readonly submitLate?: ((row: DurableRow) => Encoded) | undefined
  /** Runs after an end, at least once, until it succeeds. `undefined` if the kind has no `onEnded`. */
  readonly onEnded: ((row: DurableRow) => Effect<void, unknown>) | undefined
  /** Whether its waits stay in memory, however far away their next check is, because they listen to a stream. */
  readonly staysInMemory?: boolean | undefined
  /** How long ended rows are kept, in milliseconds; `undefined`: for ever. */
  readonly retentionMillis: number | undefined
}

/** The text of the hook for `onEnded`. */
export const onEndedHook = "onEnded"
