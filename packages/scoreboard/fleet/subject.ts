// What is measured: ours, or in the tests something that is known to be bad.
import type * as Effect from "effect/Effect"
import type * as CheckResult from "effect-poll/CheckResult"
import type { Handle } from "effect-poll/Handle"
import * as Poll from "effect-poll/Poll"
import type { PollError } from "effect-poll/PollError"
import * as Poller from "effect-poll/Poller"
import type { Scope } from "effect/Scope"

type Check = Effect.Effect<CheckResult.CheckResult<string>>

export interface Subject {
  readonly make: (options?: Poller.Options) => Effect.Effect<Poller.Service, never, Scope>
  readonly until: (check: Check, options: Poll.Options) => Effect.Effect<string, PollError<never, never>>
  readonly start: (check: Check, options: Poll.Options) => Effect.Effect<Handle<string>, never, Scope>
}

export const ours: Subject = {
  make: (options) => Poller.make(options),
  until: (check, options) => Poll.until(check, options),
  start: (check, options) => Poll.start(check, options)
}
